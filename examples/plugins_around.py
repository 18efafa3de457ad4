"""Other pedalboard plugins around HybridMix on a track.

A high-pass and a gate stand before it, so the service hears the cleaned signal; a reverb stands after it.

    python examples/plugins_around.py vocals.wav pad.wav mixed/
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pedalboard import HighpassFilter, NoiseGate, Reverb

from hybridmix.batch import MixSession, MixTrack


def main(vocals: Path, pad: Path, out: Path) -> None:
    """Mix ``vocals`` and ``pad`` into the folder ``out``."""
    tracks = [
        MixTrack(
            vocals,
            "vocals",
            role="live_source",
            before=[HighpassFilter(cutoff_frequency_hz=80.0), NoiseGate(threshold_db=-55.0)],
            after=[Reverb(room_size=0.2, wet_level=0.1)],
        ),
        MixTrack(pad, "pad", role="ai_stem", gain_offset_db=-3.0),
    ]
    with MixSession(tracks) as session:
        report = session.render_to(out)
    print(f"mix: {report.mix.lufs} LUFS, {report.mix.true_peak_dbtp} dBTP, complete: {report.complete}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Other pedalboard plugins around HybridMix on a track.")
    parser.add_argument("vocals", type=Path, help="recording of the vocals")
    parser.add_argument("pad", type=Path, help="recording or stem of the pad")
    parser.add_argument("out", type=Path, help="folder for the mix")
    main(**vars(parser.parse_args()))

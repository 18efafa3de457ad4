"""How the files of the demo session were made.

``python -m hybridmix.demo.recipe --drums FOLDER`` writes them anew: FOLDER holds the seven microphones of
the drum recording (see CREDITS.md) as ``<microphone>_mic.ogg``; without it only the sequenced stems are
written. Coding is Ogg Vorbis, so files differ in their stream numbers from run to run, their audio does not.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyloudnorm
import soundfile

from hybridmix.demo.synth import RATE, STEMS

__all__ = ["STAGING_LU", "main", "staged"]

#: How far each track is from -24 LUFS, in LU: the faders as somebody left them who never looked at a meter.
#: Lowered by at most 11 LU, so that the gain rule (12 dB of boost) can bring every track back.
STAGING_LU: dict[str, float] = {
    "kick": -10.0,
    "snare": -3.0,
    "overhead": -11.0,
    "side": -6.0,
    "front": 2.0,
    "window": -9.0,
    "retro": 6.0,
    "bass": 9.0,
    "pad": 13.0,
    "keys": -11.0,
}
#: Microphone in the recording of each live track.
_MICROPHONES = {
    "kick": "kick_mic",
    "snare": "snare_mic",
    "overhead": "oh_mic",
    "side": "side_mic",
    "front": "front_mic",
    "window": "wndw_mic",
    "retro": "retro_mic",
}
_TARGET_LUFS = -24.0
_LOUDEST_PEAK = 0.97
_COMPRESSION = 0.2

Audio = npt.NDArray[np.float64]


def staged(name: str, audio: Audio) -> Audio:
    """Return ``audio`` (channels, frames) at the wrong level that the table declares for ``name``.

    Raises:
        ValueError: the level would clip.
    """
    loudness = float(pyloudnorm.Meter(RATE).integrated_loudness(audio.T))
    gained: Audio = audio * 10.0 ** ((_TARGET_LUFS + STAGING_LU[name] - loudness) / 20.0)
    peak = float(np.max(np.abs(gained)))
    if peak > _LOUDEST_PEAK:
        raise ValueError(f"{name} would peak at {peak:.2f}; lower its entry in STAGING_LU")
    return gained


def main(arguments: list[str] | None = None) -> int:
    """Write the audio files beside this module, or into ``--out``."""
    parser = argparse.ArgumentParser(
        prog="python -m hybridmix.demo.recipe", description="Write the demo's audio files."
    )
    parser.add_argument("--drums", type=Path, help="folder of the drum recording's microphones")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write into")
    options = parser.parse_args(arguments)
    for name, render in STEMS.items():
        _write(options.out / f"{name}.ogg", staged(name, render()))
    for name, microphone in _MICROPHONES.items() if options.drums else ():
        audio, rate = soundfile.read(options.drums / f"{microphone}.ogg", always_2d=True)
        if rate != RATE:
            parser.error(f"{microphone}.ogg has {rate} Hz; expected {RATE}")
        _write(options.out / f"{name}.ogg", staged(name, audio.T))
    return 0


def _write(path: Path, audio: Audio) -> None:
    soundfile.write(path, audio.T, RATE, format="OGG", subtype="VORBIS", compression_level=_COMPRESSION)


if __name__ == "__main__":
    sys.exit(main())

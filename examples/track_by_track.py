"""Render a session track by track, each in a pedalboard of its own, by a plan and with no service.

A plan is learned from the whole session once. Then every track is rendered alone, in any order, with any plugins
behind HybridMix, and the stems still make the group's mix.

    python examples/track_by_track.py session.toml stems/
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import soundfile
from pedalboard import HighShelfFilter, Pedalboard

from hybridmix.batch import MixSession, frozen_plugin, learning


def main(session: Path, out: Path) -> None:
    """Write a stem per track of ``session`` into the folder ``out``."""
    mixing = MixSession.from_file(session, frozen=False)
    plan = learning.learn(mixing)
    out.mkdir(parents=True, exist_ok=True)
    for track in mixing.tracks:
        assert isinstance(track.audio, Path)
        audio, rate = soundfile.read(track.audio, dtype="float32", always_2d=True)
        audio = np.pad(audio.T, ((0, 0), (round(track.offset_s * rate), 0)))
        board = Pedalboard([frozen_plugin(plan, track.label), HighShelfFilter(8000.0, 1.0)])
        soundfile.write(out / f"{track.label}.wav", board(audio, rate).T, rate, subtype="FLOAT")
        print(f"{track.label}: {board[0].parameters['status'].string_value}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Render a session track by track, by a plan.")
    parser.add_argument("session", type=Path, help="session file")
    parser.add_argument("out", type=Path, help="folder for the stems")
    main(**vars(parser.parse_args()))

"""Excerpts of all mixers at identical settings, for a listening test.

Every mixer gets the same inputs, is heard one frame late, moves its gains by at most 0.5 dB per 50 ms and stands
under the same headroom rule. Nothing is normalised; the manifest has each file's loudness.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from hybridmix_models.data.bleed import Room
from hybridmix_models.data.types import RATE, Condition, Floats, Mixer, Song
from hybridmix_models.evaluation.playback import SLEW_DB, play
from hybridmix_models.evaluation.scenarios import takes
from hybridmix_models.evaluation.sound import loudness_lufs

__all__ = ["write_excerpts"]


def write_excerpts(
    songs: Iterable[Song],
    mixers: Sequence[tuple[Mixer, str]],
    condition: Condition,
    rooms: Sequence[Room],
    seed: int,
    folder: Path,
    progress: Callable[[str], None] = lambda _: None,
) -> Path:
    """Write ``<song>/<mixer>.flac`` and ``<song>/reference.flac`` for each song, and ``manifest.json``.

    Returns the manifest's path. ``progress`` is called with the name of each song done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: list[dict[str, Any]] = []
    for song in songs:
        scene = next(iter(takes(song, (), condition, rooms, seed, ()))).scene
        (folder / song.name).mkdir(parents=True, exist_ok=True)
        for mixer, version in mixers:
            mix = play(scene.inputs, mixer.gains_db(scene)).mix
            files.append(
                {"model": mixer.name, "weights": version} | _write(folder, song.name, mixer.name, mix)
            )
        files.append({"model": "reference"} | _write(folder, song.name, "reference", scene.reference))
        progress(song.name)
    settings = {
        "condition": condition,
        "seed": seed,
        "sample_rate": RATE,
        "slew_limit_db_per_50_ms": SLEW_DB,
        "headroom": "one trim for the group, aim -1 dBFS, heard one frame late",
        "normalised": False,
        "files": files,
    }
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
    return manifest


def _write(folder: Path, song: str, name: str, mix: Floats) -> dict[str, Any]:
    """Write 24-bit FLAC and say what is in it; beyond full scale it clips, as a converter would."""
    file = f"{song}/{name}.flac"
    soundfile.write(folder / file, np.clip(mix, -1.0, 1.0), RATE, subtype="PCM_24")
    return {
        "song": song,
        "file": file,
        "seconds": round(len(mix) / RATE, 3),
        "loudness_lufs": round(loudness_lufs(mix), 2),
        "samples_over_0dbfs": int(np.count_nonzero(np.abs(mix) > 1.0)),
    }

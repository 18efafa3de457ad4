"""What the room network learns from: dry music in drawn rooms, as levels of third octaves with the truth beside them.

Written in parts that each depend on the seed and their number alone, so that an interrupted run goes on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import soxr
import torch
from scipy import signal

from hybridmix.errors import InputError
from hybridmix_models.data import types
from hybridmix_models.data.songs import load_songs
from hybridmix_models.room import responses
from hybridmix_models.room.bands import OVERLAP, RATE, Levels
from hybridmix_models.room.decay import direct_to_reverberant_db, octave_t30, predelay_ms
from hybridmix_models.room.network import OCTAVES_HZ

__all__ = ["DRY_DB", "SECONDS", "Excerpts", "load", "place", "write", "write_rooms"]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Split = Literal["training", "validation"]

#: Length of an excerpt, and of the music before it whose reverberation it may hold, s.
SECONDS, _BEFORE_S = 10, 2
#: What stands for the ratio of a track without any room.
DRY_DB = 30.0
#: Direct-to-reverberant ratios that are drawn, dB.
_RATIO_DB = (-8.0, 22.0)
#: Shares of excerpts in simulated rooms and in none; the rest are shaped noise.
_SIMULATED, _DRY = 0.45, 0.06
#: Excerpts of each stem by split, and songs in a part.
_EACH = {"training": 3, "validation": 4}
_SONGS = 10
#: Rooms of each split, places in each, rooms in a part.
_ROOMS = {"training": 60, "validation": 20}
_PLACES, _ROOMS_PER_PART = 2, 20
#: Noise under the music, below its own level, and the level of the whole, dB.
_NOISE_DB, _LEVEL_DB = (40.0, 80.0), (-45.0, -12.0)
#: An excerpt sounds where its loudest 0.4 s are at least so loud, dBFS.
_SOUNDS_DB = -50.0


@dataclass(frozen=True, slots=True)
class Excerpts:
    """Excerpts with the truth of their rooms."""

    #: (n, 100 * `SECONDS`, bands) dB.
    levels: npt.NDArray[np.float16]
    #: (n, 7) s, NaN where it cannot be told or there is no room.
    t60_s: Floats
    #: (n,) dB and ms; NaN where there is no room.
    drr_db: Floats
    predelay_ms: Floats


def write_rooms(out: Path, split: Split, seed: int) -> Iterator[str]:
    """Simulate the rooms of ``split`` into ``out``, part by part; yields the name of each part."""
    for part in range(_ROOMS[split] // _ROOMS_PER_PART):
        path = out / f"rooms-{split}-{part:03d}.npz"
        if not path.exists():
            rng = np.random.default_rng([seed, 0, split == "validation", part])
            found = [one for _ in range(_ROOMS_PER_PART) for one in responses.simulated(rng, _PLACES)]
            _save(path, {str(index): one.astype(np.float32) for index, one in enumerate(found)})
        yield path.name


def write(songs: Path, out: Path, split: Split, seed: int) -> Iterator[str]:
    """Write the excerpts of ``songs`` into ``out``, part by part; yields the name of each part.

    Raises:
        InputError: there are no songs, or the rooms were not written before.
    """
    rooms = _rooms(out, split)
    levels = Levels()
    every = load_songs(songs, split)
    for part in count():
        group = list(islice(every, _SONGS))
        if not group:
            return
        path = out / f"excerpts-{split}-{part:03d}.npz"
        if not path.exists():
            rng = np.random.default_rng([seed, 1, split == "validation", part])
            stems = [stem.audio for song in group for stem in song.stems]
            made = [one for audio in stems for one in _excerpts(audio, _EACH[split], rooms, levels, rng)]
            _save(
                path,
                {
                    "levels": np.stack([one[0] for one in made]).astype(np.float16),
                    "truth": np.stack([one[1] for one in made]).astype(np.float32),
                },
            )
        yield path.name


def load(folder: Path, split: Split) -> Excerpts:
    """Return what `write` wrote. Raises InputError where there is nothing."""
    paths = sorted(folder.glob(f"excerpts-{split}-*.npz"))
    if not paths:
        raise InputError(
            f"{folder}: holds no excerpts of split {split}; make them with: hybridmix models prepare-room"
        )
    levels, truth = [], []
    for path in paths:
        with np.load(path) as arrays:
            levels.append(arrays["levels"])
            truth.append(arrays["truth"])
    joined = np.concatenate(truth)
    octaves = len(OCTAVES_HZ)
    return Excerpts(np.concatenate(levels), joined[:, :octaves], joined[:, octaves], joined[:, octaves + 1])


def place(audio: Floats, response: Doubles | None, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return ``audio`` (samples,) at 16 kHz in a room, with noise and at a level, and the truth (9,) of the room."""
    truth = np.full(len(OCTAVES_HZ) + 2, np.nan, np.float32)
    truth[-2] = DRY_DB
    wet: Doubles = audio.astype(np.float64)
    if response is not None:
        truth[: len(OCTAVES_HZ)] = octave_t30(response, RATE)
        truth[-2:] = direct_to_reverberant_db(response, RATE), predelay_ms(response, RATE)
        wet = np.asarray(signal.oaconvolve(wet, response)[: len(audio)])
    power = float(np.square(wet).mean()) + 1e-12
    noise = rng.normal(size=len(wet)) * math.sqrt(power) * 10.0 ** (-rng.uniform(*_NOISE_DB) / 20.0)
    gain = 10.0 ** (rng.uniform(*_LEVEL_DB) / 20.0) / math.sqrt(power)
    return (gain * (wet + noise)).astype(np.float32), truth


def _excerpts(
    audio: Floats, number: int, rooms: list[Doubles], levels: Levels, rng: np.random.Generator
) -> Iterator[tuple[Floats, Floats]]:
    """Yield levels and truths of ``number`` excerpts of a stem, none where it hardly sounds."""
    at_16k = np.asarray(soxr.resample(audio, types.RATE, RATE), np.float32)
    length, before = SECONDS * RATE, _BEFORE_S * RATE
    if len(at_16k) < length:
        return
    for _ in range(number):
        begin = int(rng.integers(len(at_16k) - length + 1))
        lead = min(begin, before)
        cut = at_16k[begin - lead : begin + length]
        kind = rng.random()
        response = None
        if kind < _SIMULATED:
            response = rooms[int(rng.integers(len(rooms)))]
        elif kind < 1.0 - _DRY:
            response = responses.shaped(rng)
        if response is not None:
            response = responses.with_ratio(response, rng.uniform(*_RATIO_DB))
        blocks = np.square(cut[: len(cut) // 6400 * 6400]).reshape(-1, 6400).mean(axis=1)
        if 10.0 * math.log10(float(blocks.max()) + 1e-12) < _SOUNDS_DB:
            continue
        heard, truth = place(cut, response, rng)
        padded = np.concatenate([np.zeros(OVERLAP, np.float32), heard[lead:]])
        yield levels(torch.from_numpy(padded)[None])[0].numpy(), truth


def _rooms(folder: Path, split: Split) -> list[Doubles]:
    found: list[Doubles] = []
    for path in sorted(folder.glob(f"rooms-{split}-*.npz")):
        with np.load(path) as arrays:
            found += [arrays[str(index)].astype(np.float64) for index in range(len(arrays.files))]
    if not found:
        raise InputError(f"{folder}: holds no rooms; make them with: hybridmix models prepare-room")
    return found


def _save(path: Path, arrays: dict[str, npt.NDArray[np.generic]]) -> None:
    """Write whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    part.replace(path)

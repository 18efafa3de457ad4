"""What the room network learns from: dry music in drawn rooms, as levels of third octaves with the truth beside them.

Written in parts that each depend on the seed and their number alone, so that an interrupted run goes on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import soxr
import torch
from scipy import signal

from hybridmix.errors import InputError
from hybridmix_models.data import types
from hybridmix_models.data.songs import load_songs
from hybridmix_models.data.types import Song
from hybridmix_models.room import responses
from hybridmix_models.room.bands import OVERLAP, RATE, Levels
from hybridmix_models.room.decay import octave_t30, predelay_ms
from hybridmix_models.room.network import OCTAVES_HZ

__all__ = ["DRY_DB", "SECONDS", "Excerpts", "load", "write", "write_rooms"]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Split = Literal["training", "validation"]

#: Length of an excerpt, and of the music before it whose reverberation it may hold, s.
SECONDS, _BEFORE_S = 10, 2
#: What stands for the ratio of a track without any room.
DRY_DB = 30.0
#: Direct-to-reverberant ratios that are drawn, dB: from a microphone far away in a hall to one at the instrument.
_RATIO_DB = (-16.0, 22.0)
#: Shares of excerpts in simulated rooms and in none; the rest are in shaped noise.
_SIMULATED, _DRY = 0.45, 0.06
#: Excerpts of each stem by split, and songs in a part.
_EACH = {"training": 6, "validation": 8}
_SONGS = 10
#: Parts of rooms by split; simulated rooms in a part, places in each, responses of shaped noise in a part.
_ROOM_PARTS = {"training": 15, "validation": 3}
_ROOMS, _PLACES, _SHAPED = 20, 3, 60
#: Noise under the music, below its own level, and the level of the whole, dB.
_NOISE_DB, _LEVEL_DB = (40.0, 80.0), (-45.0, -12.0)
#: An excerpt sounds where its loudest 0.4 s are at least so loud, dBFS.
_SOUNDS_DB = -50.0


class _Room(NamedTuple):
    """A response and its truth."""

    #: (samples,) at 16 kHz.
    response: Doubles
    #: (7,) s, NaN where it cannot be told; measured before the direct sound is scaled.
    t60_s: Floats
    predelay_ms: float


class _Bank(NamedTuple):
    """The rooms of a split."""

    simulated: list[_Room]
    shaped: list[_Room]


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
    #: (n,): excerpts with the same number are stems of one song in one room.
    room: npt.NDArray[np.int32]


def write_rooms(out: Path, split: Split, seed: int) -> Iterator[str]:
    """Draw the rooms of ``split`` into ``out``, part by part; yields the name of each part."""
    for part in range(_ROOM_PARTS[split]):
        path = out / f"rooms-{split}-{part:03d}.npz"
        if not path.exists():
            rng = np.random.default_rng([seed, 0, split == "validation", part])
            drawn = [one for _ in range(_ROOMS) for one in responses.simulated(rng, _PLACES)]
            drawn += [responses.shaped(rng) for _ in range(_SHAPED)]
            truth = [[*octave_t30(one, RATE), predelay_ms(one, RATE)] for one in drawn]
            arrays = {str(index): one.astype(np.float32) for index, one in enumerate(drawn)}
            _save(path, arrays | {"truth": np.array(truth, np.float32)})
        yield path.name


def write(songs: Path, out: Path, split: Split, seed: int) -> Iterator[str]:
    """Write the excerpts of ``songs`` into ``out``, part by part; yields the name of each part.

    Raises:
        InputError: there are no songs, or the rooms were not written before.
    """
    bank = _bank(out, split)
    levels = Levels()
    every = load_songs(songs, split)
    for part in count():
        group = list(islice(every, _SONGS))
        if not group:
            return
        path = out / f"excerpts-{split}-{part:03d}.npz"
        if not path.exists():
            rng = np.random.default_rng([seed, 1, split == "validation", part])
            made = []
            for number, song in enumerate(group):
                for excerpt in _song(song, split, bank, levels, rng):
                    made.append((*excerpt[:2], (part * _SONGS + number) * _EACH[split] + excerpt[2]))
            _save(
                path,
                {
                    "levels": np.stack([one[0] for one in made]).astype(np.float16),
                    "truth": np.stack([one[1] for one in made]).astype(np.float32),
                    "room": np.array([one[2] for one in made], np.int32),
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
    levels, truth, room = [], [], []
    for path in paths:
        with np.load(path) as arrays:
            levels.append(arrays["levels"])
            truth.append(arrays["truth"])
            room.append(arrays["room"])
    joined = np.concatenate(truth)
    octaves = len(OCTAVES_HZ)
    return Excerpts(
        np.concatenate(levels),
        joined[:, :octaves],
        joined[:, octaves],
        joined[:, octaves + 1],
        np.concatenate(room),
    )


def _song(
    song: Song, split: Split, bank: _Bank, levels: Levels, rng: np.random.Generator
) -> Iterator[tuple[Floats, Floats, int]]:
    """Yield levels, truth (9,) and number of the draw of every excerpt of ``song``, none where a stem hardly sounds.

    In training every excerpt has a room of its own. In validation the stems of a song share one in each draw, so that
    what they say together can be judged.
    """
    length, before = SECONDS * RATE, _BEFORE_S * RATE
    stems = [np.asarray(soxr.resample(stem.audio, types.RATE, RATE), np.float32) for stem in song.stems]
    for draw in range(_EACH[split]):
        shared = _draw(bank, rng)
        for audio in stems:
            room = shared if split == "validation" else _draw(bank, rng)
            if len(audio) < length:
                continue
            begin = int(rng.integers(len(audio) - length + 1))
            lead = min(begin, before)
            cut = audio[begin - lead : begin + length]
            blocks = np.square(cut[: len(cut) // 6400 * 6400]).reshape(-1, 6400).mean(axis=1)
            if 10.0 * math.log10(float(blocks.max()) + 1e-12) < _SOUNDS_DB:
                continue
            heard, truth = _place(cut, room, rng)
            padded = np.concatenate([np.zeros(OVERLAP, np.float32), heard[lead:]])
            yield levels(torch.from_numpy(padded)[None])[0].numpy(), truth, draw


def _draw(bank: _Bank, rng: np.random.Generator) -> _Room | None:
    """Return a room, or none."""
    kind = rng.random()
    if kind >= 1.0 - _DRY:
        return None
    rooms = bank.simulated if kind < _SIMULATED else bank.shaped
    return rooms[int(rng.integers(len(rooms)))]


def _place(audio: Floats, room: _Room | None, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return ``audio`` (samples,) at 16 kHz in a room, with noise and at a level, and the truth (9,)."""
    truth = np.full(len(OCTAVES_HZ) + 2, np.nan, np.float32)
    truth[-2] = DRY_DB
    wet: Doubles = audio.astype(np.float64)
    if room is not None:
        ratio_db = rng.uniform(*_RATIO_DB)
        truth[:] = *room.t60_s, ratio_db, room.predelay_ms
        response = responses.with_ratio(room.response, ratio_db)
        wet = np.asarray(signal.oaconvolve(wet, response)[: len(audio)])
    power = float(np.square(wet).mean()) + 1e-12
    noise = rng.normal(size=len(wet)) * math.sqrt(power) * 10.0 ** (-rng.uniform(*_NOISE_DB) / 20.0)
    gain = 10.0 ** (rng.uniform(*_LEVEL_DB) / 20.0) / math.sqrt(power)
    return (gain * (wet + noise)).astype(np.float32), truth


def _bank(folder: Path, split: Split) -> _Bank:
    bank = _Bank([], [])
    for path in sorted(folder.glob(f"rooms-{split}-*.npz")):
        with np.load(path) as arrays:
            for index, row in enumerate(arrays["truth"]):
                room = _Room(arrays[str(index)].astype(np.float64), row[:-1], float(row[-1]))
                (bank.simulated if index < _ROOMS * _PLACES else bank.shaped).append(room)
    if not bank.simulated:
        raise InputError(f"{folder}: holds no rooms; make them with: hybridmix models prepare-room")
    return bank


def _save(path: Path, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
    """Write whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    part.replace(path)

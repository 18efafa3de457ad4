"""Which scenes are prepared: every song several times, each time in another room at other levels."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from hybridmix_models.data.bleed import Room, load_rooms, make_scene
from hybridmix_models.data.songs import load_songs
from hybridmix_models.data.types import RATE, Condition, Scene, Song
from hybridmix_models.training import cache

__all__ = ["EXCERPT_S", "plan", "write"]

#: Longest part of a song that a scene holds.
EXCERPT_S = 30
#: Half range of the level of each source on stage, dB.
_STAGE_DB = 6.0
#: What the performances of a song are, in turn; more of the heavy ones, which are hard.
_CONDITIONS: tuple[Condition, ...] = ("heavy", "light", "none", "heavy", "heavy", "light")


def plan(
    songs: Path, rooms: Path, split: Literal["training", "validation"], count: int, seed: int
) -> Iterator[tuple[str, Callable[[], Scene]]]:
    """Yield the name of every scene and what makes it: ``count`` of each song in ``songs``/``split``.

    Raises:
        InputError: there are no songs, or no rooms.
    """
    bank = load_rooms(rooms, split)
    for number, song in enumerate(load_songs(songs, split)):
        for index in range(count):
            yield f"{song.name}-{index}", partial(_perform, song, index, bank, [seed, number, index])


def write(folder: Path, make: Callable[[], Scene]) -> None:
    """Write the scene that ``make`` makes to ``folder``, unless it is there."""
    if not folder.exists():
        cache.write(make(), folder)


def _perform(song: Song, index: int, rooms: list[Room], seed: list[int]) -> Scene:
    """Return performance ``index`` of an excerpt of ``song``; its inputs are not staged: training does that."""
    rng = np.random.default_rng(seed)
    length = EXCERPT_S * RATE
    spare = len(song.stems[0].audio) - length
    if spare > 0:
        start = int(rng.integers(spare))
        stems = tuple(
            dataclasses.replace(stem, audio=stem.audio[start : start + length]) for stem in song.stems
        )
        song = dataclasses.replace(song, stems=stems)
    condition = _CONDITIONS[index % len(_CONDITIONS)]
    return make_scene(song, condition, rooms, rng, balance_spread_db=_STAGE_DB, staging_spread_db=0.0)

"""The room bank: stages with 20 places each, drawn from seeded ranges.

A room is geometry and statistics only; `responses` turns it into impulse responses at any rate when a scene
needs them, which takes less time than reading them would.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from hybridmix.errors import InputError

__all__ = ["COUNTS", "PLACES", "RANGES", "Ranges", "Room", "Split", "draw_rooms", "load_rooms", "write_rooms"]

#: Places for a performer in every room.
PLACES = 20
#: Metres between any source and the nearest wall; half of it below the height of the lowest source.
_MARGIN = 0.8
#: Positions tried for every place; the one farthest from the others is taken.
_TRIES = 6
_FILE = "rooms.npz"

Doubles = npt.NDArray[np.float64]
#: ``synthetic-b`` has its own ranges; the other three share theirs and no room.
Split = Literal["training", "validation", "test", "synthetic-b"]
Range = tuple[float, float]

#: Rooms of each split in a bank.
COUNTS: Mapping[Split, int] = {"training": 300, "validation": 60, "test": 60, "synthetic-b": 60}


@dataclass(frozen=True, slots=True)
class Ranges:
    """What a room is drawn from; lengths and distances in m, reverberation time in s."""

    length: Range
    width: Range
    height: Range
    #: Log-uniform.
    rt60: Range
    #: From a source to its own microphone, log-uniform, at most 0.4 of the way to the nearest other source.
    microphone: Range
    #: First-order pattern p + (1 - p) cos: 0.5 cardioid, 1 omnidirectional.
    pattern: Range


_STAGE = Ranges((5.0, 16.0), (4.0, 12.0), (2.5, 6.0), (0.2, 0.9), (0.08, 0.5), (0.5, 1.0))
_HALL = Ranges((8.0, 24.0), (6.0, 18.0), (3.5, 9.0), (0.4, 1.6), (0.12, 0.6), (0.5, 0.8))
RANGES: Mapping[Split, Ranges] = {
    "training": _STAGE,
    "validation": _STAGE,
    "test": _STAGE,
    "synthetic-b": _HALL,
}


@dataclass(frozen=True, slots=True)
class Room:
    """A shoebox with `PLACES` sources, each with its own microphone aimed at it."""

    #: (3,) m.
    size: Doubles
    #: Reverberation time in s.
    rt60: float
    #: (PLACES, 3) m.
    sources: Doubles
    #: (PLACES, 3) m.
    microphones: Doubles
    #: (PLACES,): see `Ranges.pattern`.
    pattern: Doubles
    #: Of the diffuse tails.
    seed: int

    @property
    def volume(self) -> float:
        """Volume in m³."""
        return float(np.prod(self.size))

    @property
    def absorption(self) -> float:
        """Share of the energy that each reflection takes, by Eyring's formula: 0 to 1."""
        x, y, z = self.size
        surface = 2.0 * (x * y + y * z + x * z)
        return 1.0 - math.exp(-0.161 * self.volume / (surface * self.rt60))


def draw_rooms(split: Split, count: int | None = None, seed: int = 0) -> list[Room]:
    """Return the first ``count`` rooms of ``split`` (`COUNTS` when left out): the same for the same seed."""
    number = get_args(Split).index(split)
    total = COUNTS[split] if count is None else count
    return [_draw(RANGES[split], [seed, number, index]) for index in range(total)]


def write_rooms(folder: Path, seed: int = 0) -> Path:
    """Write the bank of all splits into ``folder`` and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    for split in get_args(Split):
        rooms = draw_rooms(split, seed=seed)
        for field in Room.__slots__:
            arrays[f"{split}.{field}"] = np.array([getattr(room, field) for room in rooms])
    path = folder / _FILE
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return path


def load_rooms(folder: Path, split: Split) -> list[Room]:
    """Return the rooms of ``split`` from the bank in ``folder``.

    Raises:
        InputError: there is no bank, or it is not one.
    """
    path = folder / _FILE
    make = f"make the bank with: hybridmix models rooms --out {folder}"
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            columns = [arrays[f"{split}.{field}"] for field in Room.__slots__]
    except FileNotFoundError:
        raise InputError(f"room bank {path} does not exist; {make}") from None
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise InputError(f"room bank {path} cannot be read ({error}); {make}") from None
    return [
        Room(size, float(rt60), sources, microphones, pattern, int(seed))
        for size, rt60, sources, microphones, pattern, seed in zip(*columns, strict=True)
    ]


def _draw(ranges: Ranges, seed: Sequence[int]) -> Room:
    random = np.random.default_rng(seed)
    size = np.array([random.uniform(*limits) for limits in (ranges.length, ranges.width, ranges.height)])
    rt60 = _log_uniform(random, ranges.rt60)
    low = np.array([_MARGIN, _MARGIN, _MARGIN / 2])
    high = np.array([size[0] - _MARGIN, size[1] - _MARGIN, 1.8])
    sources = np.empty((PLACES, 3))
    for place in range(PLACES):
        tries = random.uniform(low, high, (_TRIES, 3))
        sources[place] = tries[np.argmax(_nearest(tries, sources[:place]))]
    apart = np.linalg.norm(sources[:, None] - sources[None], axis=-1) + np.diag([np.inf] * PLACES)
    distance = np.array([_log_uniform(random, ranges.microphone) for _ in range(PLACES)])
    distance = np.minimum(distance, 0.4 * apart.min(axis=1))
    direction = random.normal(size=(PLACES, 3))
    direction[:, 2] = np.abs(direction[:, 2])  # stands hold microphones above rather than below
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    pattern = random.uniform(*ranges.pattern, PLACES)
    return Room(
        size, rt60, sources, sources + distance[:, None] * direction, pattern, int(random.integers(2**32))
    )


def _nearest(points: Doubles, others: Doubles) -> Doubles:
    """Return the distance of each of ``points`` to the nearest of ``others``; 0 where there are none."""
    between = np.linalg.norm(points[:, None] - others[None], axis=-1)
    return np.asarray(between.min(axis=1)) if len(others) else np.zeros(len(points))


def _log_uniform(random: np.random.Generator, limits: Range) -> float:
    return float(np.exp(random.uniform(math.log(limits[0]), math.log(limits[1]))))

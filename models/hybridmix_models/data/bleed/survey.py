"""How much bleed scenes have: a survey over songs and rooms."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Literal

import numpy as np

from hybridmix_models.data.bleed.responses import convolve, responses
from hybridmix_models.data.bleed.rooms import Doubles, Room
from hybridmix_models.data.bleed.scenes import bleed_ratio_db, make_scene
from hybridmix_models.data.types import RATE, Floats, Song, Stem

__all__ = ["Found", "survey", "time_of_scene"]

#: A condition, or sources at their reference balance in rooms as they are.
Found = Literal["unscaled", "light", "heavy"]
_CONDITIONS: tuple[Literal["light", "heavy"], ...] = ("light", "heavy")


def survey(
    songs: Iterable[Song], rooms: Sequence[Room], *, scenes: int = 4, seed: int = 0
) -> dict[Found, Doubles]:
    """Return own direct sound over everything else, in dB, of every track that plays in ``scenes`` per song."""
    ratios: dict[Found, list[Doubles]] = {"unscaled": [], "light": [], "heavy": []}
    for index, (song, number) in enumerate(product(songs, range(scenes))):
        for condition in _CONDITIONS:
            scene = make_scene(song, condition, rooms, np.random.default_rng([seed, index]))
            plays = scene.active.any(axis=1)
            ratios[condition].append(bleed_ratio_db(scene)[plays])
        if number == 0:
            direct = scene.direct * 10.0 ** (scene.target_db[:, :1] / 20.0)
            bleed = convolve(direct, responses(rooms[index % len(rooms)], range(len(direct)), RATE))
            ratios["unscaled"].append(10.0 * np.log10(_energy(direct)[plays] / _energy(bleed)[plays]))
    return {found: np.concatenate(parts) for found, parts in ratios.items()}


def time_of_scene(tracks: int, rooms: Sequence[Room], seconds: float = 20.0) -> float:
    """Return the processor seconds that a heavy scene of noise takes: the median over ten rooms."""
    random = np.random.default_rng(0)
    audio = random.normal(0.0, 0.1, (tracks, round(seconds * RATE))).astype(np.float32)
    song = Song("noise", tuple(Stem(str(k), "other", row, 0.0) for k, row in enumerate(audio)), "noise")
    times = []
    for _ in range(10):
        start = time.process_time()
        make_scene(song, "heavy", rooms, random)
        times.append(time.process_time() - start)
    return float(np.median(times))


def _energy(audio: Floats) -> Doubles:
    return np.asarray(np.sum(np.square(audio, dtype=np.float64), axis=1))

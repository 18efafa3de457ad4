"""Songs in which one role must always be 12 dB lower than the others, on small stages."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hybridmix_models.data.bleed import draw_rooms, make_scene
from hybridmix_models.data.types import RATE, Condition, Scene, Song, Stem
from hybridmix_models.training import cache

#: How much lower the role ``hiss`` stands in every reference mix, dB.
LOWER_DB = 12.0
SECONDS = 6
ROOMS = draw_rooms("training", 4)


def song(number: int) -> Song:
    """A hiss, a low tone and a chord, all of the same level, each with a pulse of its own."""
    rng = np.random.default_rng([number, 5])
    time = np.arange(SECONDS * RATE) / RATE

    def shaped(sound: np.ndarray, pulse_hz: float) -> np.ndarray:
        swell = 0.6 + 0.4 * np.sin(2.0 * np.pi * (pulse_hz * time + rng.random()))
        audio = sound * swell
        return np.asarray(audio * 0.05 / np.sqrt(np.mean(audio**2)), np.float32)

    low, high = rng.uniform(60.0, 120.0), rng.uniform(300.0, 500.0)
    tone = np.sign(np.sin(2.0 * np.pi * low * time))
    chord = sum(np.sin(2.0 * np.pi * high * ratio * time) for ratio in (1.0, 1.25, 1.5, 2.0))
    hiss = np.diff(rng.normal(size=len(time) + 1))
    stems = (
        Stem("hiss", "hiss", shaped(hiss, 1.0), -LOWER_DB),
        Stem("tone", "tone", shaped(tone, 0.7), 0.0),
        Stem("chord", "chord", shaped(np.asarray(chord), 1.3), 0.0),
    )
    return Song(f"song-{number}", stems, f"song-{number}")


def scene(number: int, condition: Condition = "light") -> Scene:
    """One performance of `song`, not staged."""
    rng = np.random.default_rng([number, 6])
    return make_scene(
        song(number),
        condition,
        ROOMS,
        rng,
        balance_spread_db=3.0,
        staging_spread_db=0.0,
    )


def prepared(folder: Path) -> Path:
    """Write training and validation scenes below ``folder`` and return it."""
    conditions: tuple[Condition, ...] = ("light", "none")
    for split, numbers in (("training", range(4)), ("validation", range(6, 8))):
        for number in numbers:
            made = scene(number, conditions[number % 2])
            cache.write(made, folder / split / f"song-{number}")
    return folder

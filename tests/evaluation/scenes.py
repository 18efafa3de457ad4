"""Songs and scenes of noise and tones whose truth is known."""

from __future__ import annotations

import numpy as np

from hybridmix_models.data.types import FRAME, RATE, Floats, Scene, Song, Stem


def tones(count: int, frames: int, seed: int = 0) -> Floats:
    """Steady tones, one per track, (count, frames * FRAME), each at -20 dBFS."""
    time = np.arange(frames * FRAME) / RATE
    pitches = 220.0 * 2.0 ** (np.random.default_rng(seed).permutation(24)[:count] / 6.0)
    return np.asarray(0.1 * np.sqrt(2.0) * np.sin(2.0 * np.pi * pitches[:, None] * time), np.float32)


def song(name: str = "song", count: int = 4, seconds: float = 20.0, seed: int = 0) -> Song:
    """Noise bursts of different loudness and rhythm; balance 0, -1, -2 … dB."""
    random = np.random.default_rng([seed, count])
    samples = round(seconds * RATE)
    time = np.arange(samples) / RATE
    stems = []
    for index in range(count):
        envelope = np.exp(-(time % (0.4 + 0.07 * index)) / 0.2)
        audio = 0.1 * envelope * random.normal(0.0, 1.0, samples)
        stems.append(
            Stem(
                f"stem {index}", ("kick", "bass", "piano")[index % 3], audio.astype(np.float32), -float(index)
            )
        )
    return Song(name, tuple(stems), name)


def scene(inputs: Floats, target_db: Floats, reference: Floats | None = None, name: str = "song") -> Scene:
    """A scene without bleed in which everybody plays all the time."""
    amplitude = np.repeat(10.0 ** (target_db / 20.0), FRAME, axis=1).astype(np.float32)
    mix = (inputs * amplitude).sum(axis=0) if reference is None else reference
    return Scene(
        name,
        name,
        "none",
        tuple(f"role {index}" for index in range(len(inputs))),
        inputs,
        inputs,
        mix,
        target_db,
        np.ones(target_db.shape, np.bool_),
    )

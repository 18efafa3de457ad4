"""Excerpts of prepared scenes with levels, level steps and control delays drawn anew each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from hybridmix.errors import InputError
from hybridmix_models.gain.features import FLOOR_DB, STRIDE
from hybridmix_models.training.cache import COLUMNS, STRIDE_COLUMNS, TRAINING_RATE, Prepared, windows
from hybridmix_models.training.configs import Gain
from hybridmix_models.training.embedded import Embedded

__all__ = ["Batch", "excerpt", "gather", "order"]

_FRAMES_PER_SECOND = 20


@dataclass(frozen=True, slots=True)
class Batch:
    """b excerpts of T frames and S windows, padded to n tracks."""

    #: (b, n, T * frame) and (b, T * frame) at `TRAINING_RATE`.
    audio: Tensor
    reference: Tensor
    level_db: Tensor
    energy: Tensor
    target_db: Tensor
    active: Tensor
    #: (b, n): rows that are tracks and not padding.
    mask: Tensor
    #: (b, n, S, 128) where they are known beforehand, else None.
    embeddings: Tensor | None
    #: (b, n, S, 96, 64) where ``embeddings`` is None.
    patches: Tensor | None
    #: Samples from the end of a frame until its gain begins to move.
    delay: int

    def to(self, device: torch.device) -> Batch:
        """Return the batch on ``device``."""
        moved = {
            name: value.to(device)
            for name in self.__slots__
            if isinstance(value := getattr(self, name), Tensor)
        }
        return Batch(**{name: moved.get(name, getattr(self, name)) for name in self.__slots__})


def order(count: int, size: int, step: int, seed: int) -> list[int]:
    """Return which of ``count`` scenes step ``step`` takes, ``size`` of them: each once before any again."""
    first = step * size
    return [
        int(np.random.default_rng([seed, 1, place // count]).permutation(count)[place % count])
        for place in range(first, first + size)
    ]


def gather(
    scenes: Sequence[Prepared], run: Gain, step: int, seed: int, embedded: Embedded | None, normalised: bool
) -> Batch:
    """Return the excerpts of step ``step``: the same for the same seed, whatever was drawn before.

    ``embedded`` gives the embeddings where they are known beforehand; ``normalised`` says which windows are
    wanted where they are not.
    """
    # Blur draws for itself, so that runs with and without it see the same excerpts.
    rng, blurs = np.random.default_rng([seed, 2, step]), np.random.default_rng([seed, 3, step])
    frames = round(run.crop_s * _FRAMES_PER_SECOND)
    delay = round(float(rng.choice(run.delays_ms)) * TRAINING_RATE / 1000)
    parts = []
    for index in order(len(scenes), run.batch, step, seed):
        scene = scenes[index]
        if scene.frames < frames:
            raise InputError(
                f"prepared scene {scene.folder} is {scene.frames / _FRAMES_PER_SECOND:g} s long; expected at "
                f"least the {run.crop_s:g} s of an excerpt: prepare longer ones"
            )
        starts = (scene.frames - frames) // STRIDE + 1
        first = int(rng.integers(starts)) * STRIDE
        gain_db = _levels(rng, run, len(scene.roles), frames)
        part = excerpt(scene, first, frames, gain_db, delay, embedded, normalised)
        if run.blur and part.embeddings is not None:
            added = blurs.normal(0.0, run.blur, (1, len(scene.roles), 1, part.embeddings.shape[3]))
            part = replace(part, embeddings=part.embeddings + torch.from_numpy(added.astype(np.float32)))
        parts.append(part)
    return _stack(parts)


def _levels(rng: np.random.Generator, run: Gain, tracks: int, frames: int) -> np.ndarray:
    """Return the gain of each input in dB, (n, T): an offset each, and for some a jump."""
    gain_db = np.repeat(rng.uniform(-run.offset_db, run.offset_db, (tracks, 1)), frames, axis=1)
    jumps = rng.random(tracks) < run.step_share
    at = rng.integers(1, frames, tracks)
    change = rng.uniform(-run.step_db, run.step_db, tracks)
    for track in np.flatnonzero(jumps):
        gain_db[track, at[track] :] += change[track]
    return gain_db


def excerpt(
    scene: Prepared,
    first: int,
    frames: int,
    gain_db: np.ndarray,
    delay: int,
    embedded: Embedded | None,
    normalised: bool,
) -> Batch:
    """Return ``frames`` frames of ``scene`` from ``first`` (a multiple of 6) as a batch of one.

    ``gain_db`` (n, T) is the gain of the inputs. A window that a jump cuts has the shape that it would have
    without it: normalised windows hide the level, and others take the gain of their last frame.
    """
    cut = slice(first, first + frames)
    samples = TRAINING_RATE // _FRAMES_PER_SECOND
    audio = torch.from_numpy(
        np.asarray(scene.audio[:, first * samples : (first + frames) * samples], np.float32)
    )
    gain = torch.from_numpy(gain_db.astype(np.float32))
    linear = torch.pow(10.0, gain / 20.0)
    inputs = (audio[:-1].reshape(len(gain), frames, samples) * linear[..., None]).flatten(1)
    windowed = slice(first // STRIDE, (first + frames) // STRIDE)
    embeddings = patches = None
    if embedded is not None:
        embeddings = torch.from_numpy(embedded.of(scene)[:, windowed])[None]
    else:
        last = torch.arange(windowed.stop - windowed.start) * STRIDE + STRIDE - 1
        factor = torch.from_numpy(scene.normalise[:, windowed]) if normalised else linear[:, last]
        patches = windows(_columns(scene, windowed), factor)[None]
    return Batch(
        audio=inputs[None],
        reference=audio[None, -1],
        level_db=(torch.from_numpy(scene.level_db[:, cut]) + gain).clamp(min=FLOOR_DB)[None],
        energy=(torch.from_numpy(scene.energy[:, cut]) * linear.square())[None],
        target_db=(torch.from_numpy(scene.target_db[:, cut]) - gain)[None],
        active=torch.from_numpy(scene.active[:, cut])[None],
        mask=torch.ones(1, len(scene.roles), dtype=torch.bool),
        embeddings=embeddings,
        patches=patches,
        delay=delay,
    )


def _columns(scene: Prepared, windowed: slice) -> Tensor:
    """Return the mel columns of the windows ``windowed``, (n, columns, 64)."""
    last = (windowed.stop - 1) * STRIDE_COLUMNS + COLUMNS
    columns = scene.mel[:, windowed.start * STRIDE_COLUMNS : last]
    return torch.from_numpy(np.asarray(columns, np.float32))


def _stack(parts: Sequence[Batch]) -> Batch:
    """Join batches of one, padded with zeros to the largest number of tracks."""
    tracks = max(part.mask.shape[1] for part in parts)

    def padded(name: str) -> Tensor | None:
        values = [getattr(part, name) for part in parts]
        if values[0] is None:
            return None
        rows = [
            torch.cat([value, value.new_zeros(1, tracks - value.shape[1], *value.shape[2:])], dim=1)
            if value.shape[1] < tracks
            else value
            for value in values
        ]
        return torch.cat(rows)

    fields = ("audio", "level_db", "energy", "target_db", "active", "mask", "embeddings", "patches")
    return Batch(
        **{name: padded(name) for name in fields},  # type: ignore[arg-type]
        reference=torch.cat([part.reference for part in parts]),
        delay=parts[0].delay,
    )

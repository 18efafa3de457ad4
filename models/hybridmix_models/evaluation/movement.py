"""How gains move: jumps, entrances, recovery after level steps, open microphones (docs/metrics.md)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hybridmix_models.data.types import FRAME, RATE, Bools, Floats

__all__ = [
    "FRAMES_PER_SECOND",
    "changes_db",
    "entrances",
    "histogram",
    "percentile_db",
    "recovery_s",
    "rise_db",
]

Doubles = npt.NDArray[np.float64]

FRAMES_PER_SECOND = RATE // FRAME
#: Distance of the bins in which changes are counted, dB, and how many there are.
_BIN_DB, _BINS = 0.01, 10_000
#: A gain has recovered when it stays this close to its target for 1 s.
CLOSE_DB = 3.0


def changes_db(gains_db: Floats) -> Doubles:
    """Return |change| in dB from each frame to the next: (n, T) -> (n, T - 1)."""
    return np.abs(np.diff(gains_db.astype(np.float64), axis=1))


def histogram(changes: Doubles) -> list[int]:
    """Return how many of ``changes`` (any shape, dB) are nearest to 0, 0.01, 0.02 … dB, at most 100 dB."""
    bins = np.minimum(np.rint(changes.ravel() / _BIN_DB).astype(np.int64), _BINS - 1)
    return [int(count) for count in np.bincount(bins)]


def percentile_db(histograms: Sequence[Sequence[int]], percent: float) -> float | None:
    """Return the percentile of all changes counted in ``histograms`` to 0.01 dB; None where there are none."""
    pooled = np.zeros(max((len(counts) for counts in histograms), default=0), np.int64)
    for counts in histograms:
        pooled[: len(counts)] += np.asarray(counts, np.int64)
    if not pooled.any():
        return None
    reached = np.cumsum(pooled)
    return round(float(np.searchsorted(reached, reached[-1] * percent / 100.0)) * _BIN_DB, 2)


def entrances(active: Bools) -> Bools:
    """Return the frames of ``active`` (n, T) within the first second after at least 1 s of inactivity.

    The time before the song counts as inactivity.
    """
    entered = np.zeros_like(active)
    silent = np.full(len(active), FRAMES_PER_SECOND)
    left = np.zeros(len(active), np.int64)
    for frame, playing in enumerate(active.T):
        left = np.where(playing & (silent >= FRAMES_PER_SECOND), FRAMES_PER_SECOND, np.maximum(left - 1, 0))
        entered[:, frame] = left > 0
        silent = np.where(playing, 0, silent + 1)
    return entered


def recovery_s(error_db: Doubles, step: int) -> float:
    """Return the seconds from frame ``step`` until |error| stays within 3 dB for 1 s; infinite if it never does.

    ``error_db`` (T,) is gain - new target - the song's offset of one track, up to where the attempt ends.
    """
    close = np.abs(error_db[step:]) <= CLOSE_DB
    if len(close) < FRAMES_PER_SECOND:
        return math.inf
    stays = np.lib.stride_tricks.sliding_window_view(close, FRAMES_PER_SECOND).all(axis=1)
    return float(stays.argmax()) / FRAMES_PER_SECOND if stays.any() else math.inf


def rise_db(gain_db: Floats, silent_from: int) -> float:
    """Return how far the gain (T,) rises from frame ``silent_from`` on, in dB above its mean of the second before.

    Never below 0.
    """
    before = float(np.mean(gain_db[silent_from - FRAMES_PER_SECOND : silent_from], dtype=np.float64))
    return max(0.0, float(gain_db[silent_from:].max()) - before)

"""Gain error: how far a mixer's gains are from those of the reference balance (docs/metrics.md)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hybridmix_models.data.types import Bools, Floats

__all__ = ["SETTLING", "counted_frames", "offset_db", "song_error_db", "track_errors_db"]

Doubles = npt.NDArray[np.float64]

#: Frames at the beginning of a song that do not count: 2 s.
SETTLING = 40


def counted_frames(active: Bools) -> Bools:
    """Return the frames that count for the gain error: ``active`` (n, T) after the first 2 s."""
    counted = active.copy()
    counted[:, :SETTLING] = False
    return counted


def offset_db(gains_db: Floats, target_db: Floats, counted: Bools) -> float:
    """Return the offset in dB that makes `song_error_db` smallest.

    The error is a mean over tracks of means over frames of |difference - offset|: a weighted median minimises
    it. Gains, targets and counted frames are (n, T); 0 where no frame counts.
    """
    if not counted.any():
        return 0.0
    difference = gains_db.astype(np.float64) - target_db
    weights = counted / np.maximum(counted.sum(axis=1, keepdims=True), 1)
    values, weight = difference[counted], weights[counted]
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2.0)])


def track_errors_db(gains_db: Floats, target_db: Floats, counted: Bools, offset: float) -> Doubles:
    """Return each track's mean |gain - target - offset| in dB over its counted frames, (n,); NaN without any."""
    error = np.abs(gains_db.astype(np.float64) - target_db - offset)
    frames = counted.sum(axis=1)
    return np.where(frames > 0, np.sum(error * counted, axis=1) / np.maximum(frames, 1), np.nan)


def song_error_db(errors_db: Doubles) -> float:
    """Return the mean of the tracks' errors (n,) in dB, those without a counted frame left out; NaN without any."""
    known = errors_db[np.isfinite(errors_db)]
    return float(known.mean()) if known.size else float("nan")

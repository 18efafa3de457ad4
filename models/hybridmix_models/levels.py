"""Histograms of levels, frame by frame: what a causal rule remembers of a track.

A level falls between two bins and counts in both, each by how near it is, so that a level a little higher gives
nearly the same histogram, on whatever runtime.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["binned", "decibels", "percentile", "rise"]

_DB = 10.0 / math.log(10.0)
_FLOOR = 1e-12


def decibels(power: Tensor) -> Tensor:
    """Return ``power`` in dB, at least -120."""
    return _DB * torch.log(power.clamp(min=_FLOOR))


def rise(values: Tensor, low: float, high: float) -> Tensor:
    """Return 0 below ``low``, 1 above ``high``, and a straight line between."""
    return ((values - low) / (high - low)).clamp(0.0, 1.0)


def binned(level_db: Tensor, bins_db: Tensor, step_db: float) -> Tensor:
    """Return the share of ``level_db`` (n,) in each bin, (n, bins); outside, all of it in the nearest."""
    inside = torch.minimum(torch.maximum(level_db, bins_db[0]), bins_db[-1])
    return torch.relu(1.0 - (inside[:, None] - bins_db).abs() / step_db)


def percentile(counts: Tensor, share: float, bins_db: Tensor, step_db: float, before: Tensor) -> Tensor:
    """Return the level in dB below which ``share`` of the counts (n, bins) lies, (n,).

    ``before`` (bins, bins) sums what lies in lower bins; a bin reaches half a step to either side of its level.
    """
    total = counts.sum(dim=1, keepdim=True)
    left = share * total - torch.matmul(counts, before)
    # A bin with next to nothing in it is passed at once, but not within a rounding error.
    passed = (left / torch.maximum(counts, 1e-3 * total + 1e-6)).clamp(0.0, 1.0)
    return bins_db[0] - 0.5 * step_db + step_db * passed.sum(dim=1)

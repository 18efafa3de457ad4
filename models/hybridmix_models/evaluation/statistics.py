"""Means with their uncertainty: a bootstrap that draws whole clusters (docs/metrics.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Interval", "clustered_mean", "clustered_median", "clustered_percentile", "clustered_ratio"]

Doubles = npt.NDArray[np.float64]

_DRAWS = 10_000
#: Medians are slower, and steps rather than a curve.
_MEDIANS = 2000
_SEED = 2026
_PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval is wholly above or below 0."""
        return self.low > 0.0 or self.high < 0.0

    def rounded(self) -> dict[str, float]:
        """Return mean, low and high, rounded to 4 digits."""
        return {name: round(getattr(self, name), 4) for name in ("mean", "low", "high")}


def clustered_mean(values: Sequence[float], clusters: Sequence[str]) -> Interval:
    """Return the mean of ``values``, with whole clusters drawn; ``clusters`` names that of each value.

    Args:
        values: at least one finite number.
        clusters: as long as ``values``.
    """
    return clustered_ratio(values, [1.0] * len(values), clusters)


def clustered_ratio(above: Sequence[float], below: Sequence[float], clusters: Sequence[str]) -> Interval:
    """Return sum(above) / sum(below), with whole clusters drawn; the pairs of a cluster stay together."""
    names, index = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.stack([np.bincount(index, np.asarray(part, np.float64)) for part in (above, below)])
    drawn = np.random.default_rng(_SEED).integers(len(names), size=(_DRAWS, len(names)))
    top, bottom = sums[:, drawn].sum(axis=2)
    low, high = np.percentile(top / bottom, _PERCENTILES)
    return Interval(float(sums[0].sum() / sums[1].sum()), float(low), float(high))


def clustered_median(values: Sequence[float], clusters: Sequence[str]) -> Interval:
    """Return the median of ``values``, at least one, with whole clusters drawn; its ``mean`` is the median."""
    return clustered_percentile(values, clusters, 50.0)


def clustered_percentile(values: Sequence[float], clusters: Sequence[str], share: float) -> Interval:
    """Return the percentile ``share``, 0 to 100, of ``values``, with whole clusters drawn; it is the ``mean``."""
    names, index = np.unique(np.asarray(clusters), return_inverse=True)
    groups = [np.asarray(values, np.float64)[index == number] for number in range(len(names))]
    drawn = np.random.default_rng(_SEED).integers(len(names), size=(_MEDIANS, len(names)))
    found = [float(np.percentile(np.concatenate([groups[one] for one in draw]), share)) for draw in drawn]
    low, high = np.percentile(found, _PERCENTILES)
    return Interval(float(np.percentile(values, share)), float(low), float(high))

"""Quantiles as every measurement prints them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["quantiles"]


def quantiles(values: Sequence[float]) -> dict[str, float | None]:
    """Return p50, p99, p99.9 and the largest of ``values``, rounded to 3 digits; ``None`` without values."""
    if not values:
        return {"p50": None, "p99": None, "p99_9": None, "max": None}
    p50, p99, p99_9 = np.quantile(values, [0.5, 0.99, 0.999])
    return {
        "p50": round(float(p50), 3),
        "p99": round(float(p99), 3),
        "p99_9": round(float(p99_9), 3),
        "max": round(float(max(values)), 3),
    }

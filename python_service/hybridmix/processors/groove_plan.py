"""Groove with the song known: follow what was played in every slot, and not what was foreseen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["follow"]

Doubles = npt.NDArray[np.float64]

#: Slots on either side that the constant is the median of: two bars.
_AROUND = 32


def follow(late_ms: Doubles, *, limit_ms: float, constant_limit_ms: float) -> tuple[Doubles, Doubles]:
    """Return how late an AI stem is to play each slot of a song, and the constant in it, (slots,) each, in ms.

    ``late_ms`` (slots,) is how late the strongest hit of each slot was, NaN where nobody played. The constant is the
    median of the two bars before and after, within plus and minus ``constant_limit_ms``; around it the shift follows
    every slot within ``limit_ms``. Slots that nobody played lie on the line between their neighbours. Zeros where
    nothing was played at all.
    """
    played = np.isfinite(late_ms)
    if not played.any():
        return np.zeros(len(late_ms)), np.zeros(len(late_ms))
    slots = np.arange(len(late_ms))
    line = np.interp(slots, slots[played], late_ms[played])
    near = [late_ms[max(0, slot - _AROUND) : slot + _AROUND + 1] for slot in slots.tolist()]
    middle = [np.median(one[np.isfinite(one)]) if np.isfinite(one).any() else np.nan for one in near]
    constant = np.clip(np.where(np.isfinite(middle), middle, line), -constant_limit_ms, constant_limit_ms)
    around = line - constant
    return constant + np.clip(around, -limit_ms, limit_ms), constant

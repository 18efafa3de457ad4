"""Groove with the song known: every slot is played as late as the drummer played it, and not as it was foreseen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from hybridmix.processors.groove_plan import follow
from hybridmix.processors.slots import TOLERANCE_MS
from hybridmix.wire import parameters

__all__ = ["played", "shifts", "tables"]

Doubles = npt.NDArray[np.float64]

#: Before so many slots are known nothing moves.
_FEWEST = 8


def played(live: Sequence[Mapping[str, Doubles]]) -> dict[int, float]:
    """Return how late the strongest hit of each slot was, ms, from what groove heard of the ``live`` tracks."""
    late: dict[int, float] = {}
    strongest: dict[int, float] = {}
    for heard in live:
        known = np.flatnonzero(np.abs(heard["hit_ms"]) <= TOLERANCE_MS)
        hits = zip(
            *(heard[name][known].tolist() for name in ("hit_slot", "hit_ms", "hit_strength")), strict=True
        )
        for number, late_ms, strength in hits:
            slot = round(number)
            if strength > strongest.get(slot, 0.0):
                late[slot], strongest[slot] = late_ms, strength
    return late


def shifts(late_ms: Mapping[int, float], *, limit_ms: float, constant_limit_ms: float) -> dict[int, float]:
    """Return how late each slot is to be played, ms, from the first that somebody played to the last."""
    if len(late_ms) < _FEWEST:
        return {}
    first, last = min(late_ms), max(late_ms)
    late = np.array([late_ms.get(slot, np.nan) for slot in range(first, last + 1)])
    shift, _ = follow(late, limit_ms=limit_ms, constant_limit_ms=constant_limit_ms)
    low, high = parameters.load().named("groove_ms").range
    return dict(zip(range(first, last + 1), np.clip(shift, low, high).tolist(), strict=True))


def tables(heard: Mapping[str, Doubles], shift_ms: Mapping[int, float]) -> dict[str, Doubles]:
    """Return the tables of a plan, (T,), that play each slot ``shift_ms`` late; none where there is nothing to play.

    ``heard`` says which ``slot`` begins in each frame, and when. A shift holds until the next slot that has one.
    """
    if not any(shift_ms.values()):
        return {}
    moved, begins = np.zeros(len(heard["slot"])), np.zeros(len(heard["slot"]))
    now = 0.0
    for frame, (slot, after_ms) in enumerate(
        zip(heard["slot"].tolist(), heard["slot_ms"].tolist(), strict=True)
    ):
        if slot == slot and round(slot) in shift_ms:
            now, begins[frame] = shift_ms[round(slot)], after_ms
        moved[frame] = now
    return {"groove_ms": moved, "groove_slot_ms": begins}

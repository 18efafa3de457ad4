"""What gives AI stems away beside live sources, and how far apart the two are in it (docs/metrics.md)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import msgspec
import numpy as np

from hybridmix.batch.meter import Meter
from hybridmix.measures import RATE
from hybridmix.measures.loudness import integrated
from hybridmix.measures.masking import Erb, masked_share
from hybridmix.measures.movement import WARM_UP, distance_db, energies, movement_db, sounding
from hybridmix.measures.onsets import FEWEST, onsets, shared_slots, still_there
from hybridmix.measures.tilt import tilt_db_per_octave
from hybridmix.seam.buses import Bus, Buses

__all__ = ["CAUSES", "Distance", "measure"]

#: Frames behind the warm-up that say something about the slowest movement, 0.125 Hz: one period.
_LEAST_FRAMES = 160


class Distance(msgspec.Struct, frozen=True):
    """How far the AI bus is from the live bus in one cause, in ``unit``, before the mix and after it.

    0 is no distance; where both have a place on a scale the sign says on which side the AI bus is. ``None`` where it
    could not be measured; ``note`` then says why.
    """

    key: str
    name: str
    unit: str
    before: float | None
    after: float | None
    note: str


#: Distances before and after; NaN where there is none, with the reason.
_Measured = tuple[float, float, str]


class _Cause(NamedTuple):
    key: str
    name: str
    unit: str
    digits: int
    measure: Callable[[Buses, Buses], _Measured]


def measure(before: Buses, after: Buses) -> list[Distance]:
    """Return the distance in each of `CAUSES`; both sums are of the same tracks and equally long."""
    found = []
    for cause in CAUSES:
        *both, note = cause.measure(before, after)
        was, now = (round(value, cause.digits) + 0.0 if math.isfinite(value) else None for value in both)
        missing = was is None or now is None
        found.append(Distance(cause.key, cause.name, cause.unit, was, now, note if missing else ""))
    return found


def _each(distance: Callable[[Bus, Bus], float], note: str) -> Callable[[Buses, Buses], _Measured]:
    """Return what measures ``distance`` before and after by themselves; ``note`` says why it may be NaN."""
    return lambda before, after: (distance(before.ai, before.live), distance(after.ai, after.live), note)


def _masked_percent(ai: Bus, live: Bus) -> float:
    """Of the cells between 200 and 600 Hz in which the live bus sounds, those that the AI bus covers."""
    model = Erb()
    return 100.0 * masked_share(model.live_db(live.mono), model.over_db(ai.mono))


def _modulation_db(ai: Bus, live: Bus) -> float:
    """How differently the levels of both move."""
    energy = [energies(bus.mono) for bus in (ai, live)]
    sounds = [sounding(one) for one in energy]
    if len(energy[0]) < WARM_UP + _LEAST_FRAMES or not all(one[WARM_UP:].any() for one in sounds):
        return math.nan
    moves = [movement_db(one, sound) for one, sound in zip(energy, sounds, strict=True)]
    return distance_db(*moves) if min(one.min() for one in moves) > 0.0 else math.nan


def _level_lu(ai: Bus, live: Bus) -> float:
    """How much louder the AI bus is."""
    meter = Meter(RATE, (2, 2))
    for begin in range(0, ai.stereo.shape[1], RATE):
        meter.add([bus.stereo[:, begin : begin + RATE] for bus in (ai, live)])
    return integrated(meter.energies(0)) - integrated(meter.energies(1))


def _tilt_db_per_octave(ai: Bus, live: Bus) -> float:
    """How much brighter the AI bus is."""
    return tilt_db_per_octave(ai.mono) - tilt_db_per_octave(live.mono)


def _asynchrony_ms(before: Buses, after: Buses) -> _Measured:
    """How far apart AI stems and live bus begin where they begin together; the slots are those before the mix."""
    live, slots, moved = onsets(before.live.mono), [], []
    for label, begins in before.ai_onsets.items():
        shared = shared_slots(begins, live)
        if shared is not None:
            slots.append(shared)
            moved.append(still_there(shared, begins, after.ai_onsets[label]))
    if not slots:
        return math.nan, math.nan, "no rhythm found"
    was, now = np.concatenate(slots), np.concatenate(moved)
    there = np.isfinite(now)
    if there.sum() < FEWEST:
        return math.nan, math.nan, "too few onsets are found again after the mix"
    apart = [1e3 * float(np.abs(ai - was[:, 1])[there].mean()) for ai in (was[:, 0], now)]
    return apart[0], apart[1], ""


def _of_room(name: str) -> Callable[[Buses, Buses], _Measured]:
    """Return what measures the field ``name`` of the rooms that the buses are heard in, as far as they tell."""

    def measure(before: Buses, after: Buses) -> _Measured:
        rooms = {
            "AI before": before.ai.room,
            "live before": before.live.room,
            "AI after": after.ai.room,
            "live after": after.live.room,
        }
        ai_before, live_before, ai_after, live_after = (getattr(room, name) for room in rooms.values())
        unsure = [bus for bus, room in rooms.items() if math.isnan(getattr(room, name))]
        return ai_before - live_before, ai_after - live_after, f"not told surely: {', '.join(unsure)}"

    return measure


#: One line per cause; a row of every table and picture.
CAUSES: tuple[_Cause, ...] = (
    _Cause(
        "masked_percent",
        "masked time, 200–600 Hz",
        "%",
        1,
        _each(_masked_percent, "the live bus is silent there"),
    ),
    _Cause(
        "modulation_db",
        "modulation",
        "dB",
        2,
        _each(_modulation_db, "needs 18 s in which the levels of both buses move"),
    ),
    _Cause("level_lu", "level", "LU", 1, _each(_level_lu, "a bus is silent")),
    _Cause(
        "tilt_db_per_octave",
        "tonal tilt",
        "dB/octave",
        2,
        _each(_tilt_db_per_octave, "a bus has too few bands between 100 Hz and 4 kHz"),
    ),
    _Cause("asynchrony_ms", "asynchrony", "ms", 1, _asynchrony_ms),
    _Cause("t60_s", "reverberation time", "s", 2, _of_room("t60_s")),
    _Cause("drr_db", "direct to reverberant, in mono", "dB", 1, _of_room("drr_db")),
)

"""Sixteenths: which slot a sample belongs to, and what was played in the slots so far."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hybridmix.engine.hops import Pulse
from hybridmix.wire.limits import FRAMES_PER_SECOND

__all__ = ["PER_BEAT", "SLOTS", "TOLERANCE_MS", "Beat", "History"]

#: Slots in a quarter note, and slots that are remembered.
PER_BEAT = 4
SLOTS = 256
#: A hit that is further from its slot belongs to no sixteenth: no shift reaches it either.
TOLERANCE_MS = 40.0
#: Slower and faster tempos than these are none.
_SLOWEST, _FASTEST = 20.0, 400.0
#: What the host counts may differ from what was counted here, quarter notes, before it is believed anew; digits that
#: are kept of what it says, so that its roundings are the same in every pass.
_ASTRAY = 1e-4
_DIGITS = 6


class Beat(NamedTuple):
    """A count of the sixteenths that goes on from sample ``position`` at one tempo."""

    #: Quarter notes at ``position``, and quarter notes per minute.
    beat: float
    position: int
    tempo: float
    rate: int

    @classmethod
    def at(cls, pulse: Pulse, end: int, rate: int) -> Beat | None:
        """Begin to count at sample ``end`` as ``pulse`` says; None for a tempo that is none."""
        if not _SLOWEST <= pulse.tempo <= _FASTEST:
            return None
        tempo = round(pulse.tempo, _DIGITS)
        beat = pulse.beat + (end - pulse.position) * tempo / (60.0 * rate)
        return cls(round(beat, _DIGITS), end, tempo, rate)

    def goes_on(self, pulse: Pulse, end: int) -> bool:
        """Whether ``pulse`` says the same of sample ``end``."""
        told = pulse.beat + (end - pulse.position) * pulse.tempo / (60.0 * self.rate)
        own = self.beat + (end - self.position) * self.tempo / (60.0 * self.rate)
        return round(pulse.tempo, _DIGITS) == self.tempo and abs(told - own) < _ASTRAY

    def _slots(self, position: float) -> float:
        return PER_BEAT * (self.beat + (position - self.position) * self.tempo / (60.0 * self.rate))

    def last_slot(self, position: int) -> int:
        """Return the slot that began last at sample ``position`` or before."""
        return math.floor(self._slots(position))

    def begins(self, slot: int) -> float:
        """Return the sample at which ``slot`` begins."""
        return self.position + (slot / PER_BEAT - self.beat) * 60.0 * self.rate / self.tempo

    def due(self, start: int) -> tuple[int, float] | None:
        """Return the slot that begins within 50 ms from sample ``start`` on, and how long after, ms; None where none does."""
        slot = self.last_slot(start - 1) + 1
        after = self.begins(slot) - start
        return (slot, 1000.0 * after / self.rate) if after < self.rate // FRAMES_PER_SECOND else None

    def place(self, position: float) -> tuple[int, float]:
        """Return the slot that is nearest to sample ``position``, and how far behind it that is in ms."""
        slots = self._slots(position)
        nearest = round(slots)
        return nearest, (slots - nearest) * 60_000.0 / (PER_BEAT * self.tempo)


class History:
    """The strongest hit of each of the last slots."""

    def __init__(self) -> None:
        self._late: npt.NDArray[np.float64] = np.zeros(SLOTS)
        self._strength: npt.NDArray[np.float64] = np.zeros(SLOTS)
        #: Number of the last slot in the arrays.
        self._last = 0

    @property
    def count(self) -> int:
        """Slots in which somebody played."""
        return int(np.count_nonzero(self._strength))

    @property
    def newest(self) -> int:
        """The last slot in which somebody played; one before all where nobody did."""
        played = np.flatnonzero(self._strength)
        return self._last - SLOTS + 1 + int(played[-1]) if played.size else self._last - SLOTS

    def jump(self, slot: int) -> None:
        """Count on from ``slot``: what was before it stays what was before it."""
        self._last = slot

    def note(self, slot: int, late_ms: float, strength: float) -> None:
        """Take a hit, ``late_ms`` behind the begin of ``slot``; the strongest of a slot is what counts."""
        if abs(late_ms) > TOLERANCE_MS:
            return
        self._reach(slot)
        place = SLOTS - 1 - (self._last - slot)
        if place >= 0 and strength > self._strength[place]:
            self._late[place], self._strength[place] = late_ms, strength

    def until(self, slot: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Return how late each of the `SLOTS` up to ``slot`` was, in ms, and where somebody played."""
        self._reach(slot)
        gone = min(self._last - slot, SLOTS)
        late, played = np.zeros(SLOTS), np.zeros(SLOTS, np.bool_)
        late[gone:] = self._late[: SLOTS - gone]
        played[gone:] = self._strength[: SLOTS - gone] > 0.0
        return late, played

    def _reach(self, slot: int) -> None:
        """Make ``slot`` the last, where it is not within yet."""
        more = slot - self._last
        if more <= 0:
            return
        for array in (self._late, self._strength):
            array[: max(SLOTS - more, 0)] = array[min(more, SLOTS) :].copy()
            array[max(SLOTS - more, 0) :] = 0.0
        self._last = slot

"""The beat where the host says none: AI stems sit on a grid, and their own hits tell which."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hybridmix.engine.gain import Slots
from hybridmix.engine.hops import Frame
from hybridmix.features import Onsets
from hybridmix.processors.slots import PER_BEAT, Beat

__all__ = ["FASTEST_BPM", "SLOWEST_BPM", "HeardBeat"]

#: Tempos that are looked for: twice as fast and half as fast look alike.
SLOWEST_BPM, FASTEST_BPM = 60.0, 180.0
#: Hits of the last seconds that a grid is laid through, the fewest, and what they have to span at least.
_SPAN_S = 12.0
_FEWEST = 16
_SHORTEST_S = 4.0
#: How often the grid is laid anew.
_EVERY_S = 1.0
#: A hit so near to a slot is on the grid, this share of them has to be, and on the average so near.
_ON_GRID_S = 0.012
_SHARE = 0.85
_STEADY_S = 0.006
#: Of grids that the hits lie on about equally well the slowest is meant: every grid fits the slower one's hits, too.
_ALIKE = 0.02
#: A new grid that is no further than this from the old one within the next second changes nothing.
_SAME_S = 0.0005


class _Grid(NamedTuple):
    """Slots at ``begin`` and every ``period``, in s."""

    begin: float
    period: float


class HeardBeat:
    """Sixteenths of a group's AI stems; one slot of memory per member."""

    def __init__(self, rate: int) -> None:
        """Set up for audio at ``rate`` Hz."""
        self._rate = rate
        self._onsets = Onsets(rate)
        self._hits: deque[float] = deque()
        #: Sample at which the grid was laid last.
        self._laid = 0
        #: The count of the sixteenths, from any slot on; None while no steady beat is heard.
        self.beat: Beat | None = None

    def reset(self) -> None:
        """Forget what was heard of everybody."""
        self._onsets.reset()
        self._hits.clear()
        self._laid = 0
        self.beat = None

    def clear(self, slot: int) -> None:
        """Forget the member of ``slot``, growing to hold it where needed."""
        self._onsets.clear(slot)

    def begin(self, slot: int) -> None:
        """Begin a run of the member in ``slot``: the sound before it does not belong to it."""
        self._onsets.begin(slot)

    def hear(self, slots: Slots, frames: Sequence[Frame], end: int) -> None:
        """Hear one of the ``frames`` that end at sample ``end`` of each member in ``slots``."""
        if self._hits and not 0.0 <= end - self._hits[-1] <= _SPAN_S * self._rate:
            # The timeline jumped: other positions, another count.
            self._hits.clear()
            self._laid, self.beat = end, None
        mono = np.stack([frame.audio.mean(axis=0) for frame in frames])
        told = self._onsets.step(slots, mono)
        self._hits.extend(sorted(end + hit.at_s * self._rate for hits in told for hit in hits))
        while self._hits and self._hits[0] < end - _SPAN_S * self._rate:
            self._hits.popleft()
        if abs(end - self._laid) >= _EVERY_S * self._rate:
            self._laid = end
            self._lay(end)

    def _lay(self, end: int) -> None:
        """Lay the grid anew through the hits; it keeps its count where it goes on."""
        grid = lay((np.array(self._hits) - end) / self._rate)
        if grid is None:
            self.beat = None
            return
        tempo = 60.0 / (PER_BEAT * grid.period)
        # Slots from the one at `grid.begin` to now, and what the old count says of them.
        since = -grid.begin / grid.period
        first = 0 if self.beat is None else self.beat.place(end + grid.begin * self._rate)[0]
        new = Beat((first + since) / PER_BEAT, end, tempo, self._rate)
        if self.beat is None or not _same(self.beat, new, end):
            self.beat = new


def lay(times: npt.NDArray[np.float64]) -> _Grid | None:
    """Return the slowest grid of sixteenths that hits at ``times``, in s, lie on; None where they lie on none."""
    if len(times) < _FEWEST or np.ptp(times) < _SHORTEST_S:
        return None
    slots_per_s = np.arange(SLOWEST_BPM, FASTEST_BPM, 0.1 * 60.0 / PER_BEAT / _SPAN_S) * PER_BEAT / 60.0
    turns = np.exp(2j * np.pi * np.outer(slots_per_s, times)).mean(axis=1)
    strength = np.abs(turns)
    peaks = np.flatnonzero((strength[1:-1] >= strength[:-2]) & (strength[1:-1] > strength[2:])) + 1
    if not peaks.size:
        return None
    at = int(peaks[strength[peaks] >= strength[peaks].max() - _ALIKE][0])
    period = float(1.0 / slots_per_s[at])
    begin = float(np.angle(turns[at])) / (2.0 * np.pi) * period
    for _ in range(3):
        slots = np.round((times - begin) / period)
        near = np.abs(times - begin - slots * period) <= _ON_GRID_S
        if near.sum() < _FEWEST or np.ptp(slots[near]) == 0.0:
            return None
        period, begin = (float(value) for value in np.polyfit(slots[near], times[near], 1))
    off = times - begin - np.round((times - begin) / period) * period
    near = np.abs(off) <= _ON_GRID_S
    if near.mean() < _SHARE or np.sqrt(np.mean(np.square(off[near]))) > _STEADY_S:
        return None
    return _Grid(begin, period)


def _same(old: Beat, new: Beat, end: int) -> bool:
    """Whether slots of both begin together, from ``end`` to a second later."""
    ends = (end, end + new.rate)
    return all(
        abs(old.begins(new.last_slot(at)) - new.begins(new.last_slot(at))) <= _SAME_S * new.rate
        for at in ends
    )

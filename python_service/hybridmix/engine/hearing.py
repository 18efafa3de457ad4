"""Features of hops as they arrive: K-weighted energies, of many members at once.

They depend on their own member alone, so this need not wait for whole frames, nor for the others: what is left to do
when everybody waits for a frame's answer is little.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybridmix.engine.formation import Formation, Kept
from hybridmix.engine.gain import Floats
from hybridmix.engine.hops import Pulse, Stretch
from hybridmix.features import KWeighting

__all__ = ["Hearing"]


class Hearing:
    """Filters of a group's members, by slot, and what these have not heard yet."""

    def __init__(self, rate: int) -> None:
        """Set up for audio at ``rate`` Hz."""
        self._weighting = KWeighting(rate)
        #: State of the filters, two rows per slot.
        self._filters = np.zeros((0, *KWeighting.STATE_SHAPE))
        #: In the order of arrival.
        self._unheard: list[tuple[Kept, Stretch]] = []

    def make_room(self, slot: int) -> None:
        """Have filters for ``slot``; its first run clears them."""
        if 2 * slot >= len(self._filters):
            self._filters = np.concatenate([self._filters, np.zeros((2, *KWeighting.STATE_SHAPE))])

    def note(self, kept: Kept, stretch: Stretch) -> None:
        """Take a ``stretch`` of a member; `hear` hears it."""
        self._unheard.append((kept, stretch))

    def hear(self) -> None:
        """Hear everything that was noted."""
        while self._unheard:
            # One stretch of each member at a time, of those that are as long as the first.
            now: list[tuple[Kept, Stretch]] = []
            later: list[tuple[Kept, Stretch]] = []
            busy: set[int] = set()
            hops = len(self._unheard[0][1].hops)
            for one in self._unheard:
                kept, stretch = one
                (now if kept.slot not in busy and len(stretch.hops) == hops else later).append(one)
                busy.add(kept.slot)
            self._filter(now)
            self._unheard = later

    def hear_together(
        self, formation: Formation, position: int, audio: Floats, pulse: Pulse | None = None
    ) -> None:
        """Store and hear hops of a formation that is ready: ``audio`` (rows, frames)."""
        self.hear()
        filled = formation.fill(position, audio, pulse)
        sums, self._filters[formation.filters] = self._weighting.squares(
            audio, self._filters[formation.filters]
        )
        squares = np.add.reduceat(sums, formation.starts, axis=0)
        at = 0
        for sheet, first, count in filled:
            formation.note(sheet, first, squares[:, at : at + count])
            at += count

    def _filter(self, stretches: Sequence[tuple[Kept, Stretch]]) -> None:
        """Filter one stretch of each member, all equally long, and note what it sums up to."""
        rows: list[int] = []
        for kept, stretch in stretches:
            first, channels = 2 * kept.slot, len(stretch.audio)
            if stretch.begins or kept.channels != channels:
                kept.channels = channels
                self._filters[first : first + 2] = 0.0
            rows += (first, first + 1) if channels == 2 else (first,)
        sums, self._filters[rows] = self._weighting.squares(
            np.concatenate([stretch.audio for _, stretch in stretches]), self._filters[rows]
        )
        row = 0
        for kept, stretch in stretches:
            heard = np.add.reduce(sums[row : row + kept.channels], axis=0)
            for part, (frame, index) in enumerate(stretch.hops):
                frame.squares[index] = heard[part]
            row += kept.channels

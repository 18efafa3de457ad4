"""The processors of one group, as far as its gain model brings their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hybridmix.engine.gain import Flags, Floats
from hybridmix.engine.hops import Frame, UserValues
from hybridmix.engine.lineup import Lineup
from hybridmix.engine.models import Models
from hybridmix.processors.breath import Breath
from hybridmix.processors.dip import Dip
from hybridmix.processors.room import RoomMatch
from hybridmix.processors.room_fusion import describe
from hybridmix.processors.said import Said
from hybridmix.wire import parameters

__all__ = ["Rack"]

#: Their models.
_FILES = ("dip", "breath", "room")


class Rack:
    """Breath and the room, which are there before the gains are known, and the dip, which hears them."""

    def __init__(self, models: Models, rate: int) -> None:
        """Set up for audio at ``rate`` Hz. Raises InputError for files that are not what their names say."""
        dip, breath, room = (models.sessions.get(name) for name in _FILES)
        self._dip = Dip(dip, rate) if dip is not None else None
        self._breath = Breath(breath, rate) if breath is not None else None
        self._room = RoomMatch(room, rate) if room is not None else None
        self._there = tuple(one for one in (self._dip, self._breath, self._room) if one is not None)
        self._ridden = parameters.load().named("breath_db").id

    def serves(self, models: Models) -> bool:
        """Whether it is what `models` brings: the processors do not depend on the gain model."""
        there = [one is not None for one in (self._dip, self._breath, self._room)]
        return there == [name in models.sessions for name in _FILES]

    def reset(self) -> None:
        """Forget what was heard of everybody."""
        for one in self._there:
            one.reset()

    def clear(self, slot: int) -> None:
        """Forget the member of ``slot``, growing to hold it where needed."""
        for one in self._there:
            one.clear(slot)

    def begin(self, slot: int, start: Mapping[int, float], user: UserValues) -> None:
        """Begin a run of the member in ``slot``, with ``start`` values by id, as ``user`` has set it."""
        if self._dip is not None:
            self._dip.begin(slot)
        if self._breath is not None and self._ridden in start:
            self._breath.begin(slot)
        if self._room is not None:
            self._room.begin(slot, start, user.room_amount)

    def surround(self, lineup: Lineup, frames: Sequence[Frame | None], end: int) -> list[Said]:
        """What is said of the room in the frame that ends at ``end``. Raises ModelError."""
        if self._room is None:
            return []
        return self._room.step(
            lineup.slots,
            frames,
            end,
            is_ai=lineup.is_ai,
            is_live=lineup.is_live,
            amount=lineup.room_amount,
        )

    @property
    def room(self) -> str:
        """What is known of the live sources' room, in words; empty where nobody asks."""
        return (
            ""
            if self._room is None or not self._room.asked
            else describe(self._room.room, heard=self._room.heard)
        )

    def ride(self, lineup: Lineup, energy: Floats, present: Flags) -> Said | None:
        """What breath says of a frame; None where it tells nobody anything. Raises ModelError."""
        if self._breath is None:
            return None
        return self._breath.step(
            lineup.slots,
            energy,
            present,
            is_ai=lineup.is_ai,
            is_live=lineup.is_live,
            amount=lineup.breath_amount,
            depth_db=lineup.breath_depth_db,
            delay=lineup.delay,
        )

    def make_room(self, lineup: Lineup, frames: Sequence[Frame | None], gain_db: Floats) -> Said | None:
        """What the dip says of a frame; None where it tells nobody anything. Raises ModelError."""
        if self._dip is None:
            return None
        return self._dip.step(
            lineup.slots,
            frames,
            gain_db,
            is_ai=lineup.is_ai,
            is_live=lineup.is_live,
            amount=lineup.dip_amount,
            budget_lu=lineup.dip_budget_lu,
        )

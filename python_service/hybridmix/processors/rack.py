"""The processors of one group, as far as its gain model brings their files."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from hybridmix.engine.gain import Flags, Floats
from hybridmix.engine.hops import Frame
from hybridmix.engine.lineup import Lineup
from hybridmix.engine.models import Models
from hybridmix.processors.breath import Breath
from hybridmix.processors.dip import Dip
from hybridmix.processors.said import Said
from hybridmix.processors.why import Sent, Why
from hybridmix.wire import parameters

__all__ = ["Rack"]


class Rack:
    """Breath, which moves before the gains are known, and the dip, which hears them."""

    def __init__(self, models: Models, rate: int) -> None:
        """Set up for audio at ``rate`` Hz. Raises InputError for files that are not what their names say."""
        dip, breath = models.sessions.get("dip"), models.sessions.get("breath")
        self._dip = Dip(dip, rate) if dip is not None else None
        self._breath = Breath(breath, rate) if breath is not None else None
        self._there = tuple(one for one in (self._dip, self._breath) if one is not None)
        self._ridden = parameters.load().named("breath_db").id

    def serves(self, models: Models) -> bool:
        """Whether it is what `models` brings: the processors do not depend on the gain model."""
        there = (self._dip is not None, self._breath is not None)
        return there == ("dip" in models.sessions, "breath" in models.sessions)

    def reset(self) -> None:
        """Forget what was heard of everybody."""
        for one in self._there:
            one.reset()

    def clear(self, slot: int) -> None:
        """Forget the member of ``slot``, growing to hold it where needed."""
        for one in self._there:
            one.clear(slot)

    def begin(self, slot: int, start: Collection[int]) -> None:
        """Begin a run of the member in ``slot``, with start values of the parameters ``start``."""
        if self._dip is not None:
            self._dip.begin(slot)
        if self._breath is not None and self._ridden in start:
            self._breath.begin(slot)

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

    def explain(self, lineup: Lineup, sent: Sent) -> list[Why]:
        """Why the processors do what was ``sent`` during a second; nothing of those that told nobody anything."""
        whys = []
        if self._dip is not None and "dip_db" in sent:
            whys.append(self._dip.explain(lineup.slots, sent, lineup.dip_budget_lu))
        if self._breath is not None and "breath_db" in sent:
            whys.append(self._breath.explain(lineup.slots, sent, lineup.is_live, lineup.breath_depth_db))
        return whys

"""The processors of one group, as far as its gain model brings their files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from hybridmix.engine.gain import Flags, Floats
from hybridmix.engine.hops import Frame
from hybridmix.engine.lineup import Lineup
from hybridmix.engine.models import Models
from hybridmix.processors.breath import Breath
from hybridmix.processors.dip import Dip
from hybridmix.processors.groove import Groove
from hybridmix.processors.said import Said
from hybridmix.wire import parameters

__all__ = ["Rack"]

_NAMES = ("dip", "breath", "groove")


class Rack:
    """Breath, which moves before the gains are known, the dip, which hears them, and groove, which minds neither."""

    def __init__(self, models: Models, rate: int) -> None:
        """Set up for audio at ``rate`` Hz. Raises InputError for files that are not what their names say."""
        dip, breath, groove = (models.sessions.get(name) for name in _NAMES)
        self._dip = Dip(dip, rate) if dip is not None else None
        self._breath = Breath(breath, rate) if breath is not None else None
        self._groove = Groove(groove, rate) if groove is not None else None
        self._there = tuple(one for one in (self._dip, self._breath, self._groove) if one is not None)
        self._ridden = parameters.load().named("breath_db").id

    def serves(self, models: Models) -> bool:
        """Whether it is what `models` brings: the processors do not depend on the gain model."""
        there = [one is not None for one in (self._dip, self._breath, self._groove)]
        return there == [name in models.sessions for name in _NAMES]

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
        if self._groove is not None:
            self._groove.begin(slot)
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

    def follow(self, lineup: Lineup, frames: Sequence[Frame | None], end: int) -> Said | None:
        """What groove says of a frame that ends at ``end``; None where it tells nobody anything. Raises ModelError."""
        if self._groove is None:
            return None
        return self._groove.step(
            lineup.slots,
            frames,
            end,
            is_ai=lineup.is_ai,
            is_live=lineup.is_live,
            amount=lineup.groove_amount,
            limit_ms=lineup.groove_limit_ms,
            constant_limit_ms=lineup.groove_constant_ms,
            delay=lineup.delay,
        )

    def status(self) -> dict[str, Any]:
        """What the processors say of the group as a whole, by name."""
        return {} if self._groove is None else {"groove": self._groove.status()}

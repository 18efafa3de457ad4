"""The processors of one group, as far as its gain model brings their files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hybridmix.engine.gain import Flags, Floats, Slots
from hybridmix.engine.hops import Frame, UserValues
from hybridmix.engine.lineup import Lineup
from hybridmix.engine.models import Models
from hybridmix.processors.breath import Breath
from hybridmix.processors.density import Density
from hybridmix.processors.dip import Dip
from hybridmix.processors.groove import Groove
from hybridmix.processors.high_pass import HighPass
from hybridmix.processors.room import RoomMatch
from hybridmix.processors.said import Said
from hybridmix.processors.staging import Staged, Staging
from hybridmix.processors.why import Sent, Why
from hybridmix.wire import parameters

__all__ = ["Rack"]

#: Files that bring a processor each.
_FILES = frozenset({"dip", "breath", "staging", "density", "room", "groove"})


class Rack:
    """Staging, which comes before everything; breath and room, before the gains are known; the dip, which hears them; the rest."""

    def __init__(self, models: Models, rate: int) -> None:
        """Set up for audio at ``rate`` Hz. Raises InputError for files that are not what their names say."""
        sessions = models.sessions
        self._dip = Dip(sessions["dip"], rate) if "dip" in sessions else None
        self._high_pass = HighPass() if "dip" in sessions else None
        self._breath = Breath(sessions["breath"], rate) if "breath" in sessions else None
        self._staging = Staging(sessions["staging"]) if "staging" in sessions else None
        self._density = Density(sessions["density"]) if "density" in sessions else None
        self._groove = Groove(sessions["groove"], rate) if "groove" in sessions else None
        self._room = RoomMatch(sessions["room"], rate) if "room" in sessions else None
        every = (self._dip, self._high_pass, self._breath, self._staging, self._density)
        self._there = tuple(one for one in (*every, self._room, self._groove) if one is not None)
        self._files = _FILES & sessions.keys()
        #: Who was asked for anything since the last reset: all others have nothing to say and are not called.
        self._awake: set[str] = set()
        schema = parameters.load()
        self._trimmed = schema.named("staging_db").id
        #: What a run begins with and must be led away from, by the processor that says it.
        self._begun = {
            "breath": schema.named("breath_db").id,
            "staging": self._trimmed,
            "room": schema.named("reverb_send").id,
        }

    def serves(self, models: Models) -> bool:
        """Whether it is what `models` brings: the processors do not depend on the gain model."""
        return self._files == _FILES & models.sessions.keys()

    def reset(self) -> None:
        """Forget what was heard of everybody."""
        self._awake.clear()
        for one in self._there:
            one.reset()

    def clear(self, slot: int) -> None:
        """Forget the member of ``slot``, growing to hold it where needed."""
        for one in self._there:
            one.clear(slot)

    def begin(self, slot: int, user: UserValues) -> None:
        """Begin a run of the member in ``slot``, with the start values and settings of ``user``."""
        start = dict(user.start)
        self._awake |= {name for name, number in self._begun.items() if number in start}
        if self._dip is not None:
            self._dip.begin(slot)
        if self._groove is not None:
            self._groove.begin(slot)
        if self._breath is not None and self._begun["breath"] in start:
            self._breath.begin(slot)
        if self._staging is not None:
            trim = start.get(self._trimmed)
            self._staging.begin(slot, trim, user.staging_amount, user.staging_level_db)
        if self._density is not None:
            self._density.begin(slot)
        if self._room is not None:
            self._room.begin(slot, start, user.room_amount)

    def look(self, lineup: Lineup) -> None:
        """See who is asked for something in the frame that follows."""
        self._awake |= lineup.asked

    def surround(self, lineup: Lineup, frames: Sequence[Frame | None], end: int) -> list[Said]:
        """What is said of the room in the frame that ends at ``end``. Raises ModelError."""
        if self._room is None or "room" not in self._awake:
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
        return "" if self._room is None else self._room.said

    def stage(self, lineup: Lineup, frames: Sequence[Frame | None]) -> Staged | None:
        """What staging says of a frame; None where nobody needs it. Raises ModelError."""
        if self._staging is None or self._awake.isdisjoint({"staging", "density"}):
            return None
        level = self._density is not None and self._density.wanted(lineup.is_live, lineup.density_amount)
        return self._staging.step(
            lineup.slots,
            frames,
            amount=lineup.staging_amount,
            target_db=lineup.staging_level_db,
            level=level,
        )

    def staging_db(self, slots: Slots) -> Floats:
        """Trims that members have by now, (n,) dB: what comes after them is given as much less."""
        return np.zeros(len(slots), np.float32) if self._staging is None else self._staging.sent_db(slots)

    def ride(self, lineup: Lineup, energy: Floats, present: Flags, end: int) -> Said | None:
        """What breath says of a frame that ends at ``end``; None where it tells nobody anything. Raises ModelError."""
        if self._breath is None or "breath" not in self._awake:
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
            both_ways=lineup.breath_both,
            sustained=lineup.breath_sustained,
            end=end,
        )

    def make_room(self, lineup: Lineup, frames: Sequence[Frame | None], gain_db: Floats) -> Said | None:
        """What the dip says of a frame; None where it tells nobody anything. Raises ModelError."""
        if self._dip is None or "dip" not in self._awake:
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
        if self._groove is None or "groove" not in self._awake:
            return None
        return self._groove.step(
            lineup.slots,
            frames,
            end,
            is_ai=lineup.is_ai,
            is_live=lineup.is_live,
            is_drums=lineup.is_drums,
            is_bass=lineup.is_bass,
            amount=lineup.groove_amount,
            limit_ms=lineup.groove_limit_ms,
            constant_limit_ms=lineup.groove_constant_ms,
            delay=lineup.delay,
        )

    def heard(self) -> dict[str, Floats]:
        """What a plan needs to know of the last frame beside what was sent, by field of a record, (n,) each."""
        return {} if self._groove is None else self._groove.heard()

    def status(self) -> dict[str, Any]:
        """What the processors say of the group as a whole, by name."""
        return {} if self._groove is None else {"groove": self._groove.status()}

    def thicken(self, lineup: Lineup, energy: Floats, staged: Staged | None, present: Flags) -> Said | None:
        """What density says of a frame; None where it tells nobody anything. Raises ModelError."""
        if self._density is None or "density" not in self._awake:
            return None
        unknown = np.full(len(energy), -120.0, np.float32)
        return self._density.step(
            lineup.slots,
            energy,
            unknown if staged is None else staged.level_db,
            self.staging_db(lineup.slots),
            present,
            is_live=lineup.is_live,
            amount=lineup.density_amount,
        )

    def cut_lows(self, lineup: Lineup, present: Flags) -> Said | None:
        """What the high-pass says of a frame; None where it tells nobody anything."""
        if self._high_pass is None or "high_pass" not in self._awake:
            return None
        return self._high_pass.step(lineup.slots, present, is_ai=lineup.is_ai, amount=lineup.high_pass_amount)

    def explain(self, lineup: Lineup, sent: Sent) -> list[Why]:
        """Why the processors do what was ``sent`` during a second; nothing of those that told nobody anything."""
        whys = []
        if self._dip is not None and "dip_db" in sent:
            whys.append(self._dip.explain(lineup.slots, sent, lineup.dip_budget_lu))
        if self._breath is not None and "breath_db" in sent:
            whys.append(
                self._breath.explain(
                    lineup.slots, sent, lineup.is_live, lineup.breath_depth_db, lineup.breath_both
                )
            )
        if self._staging is not None and "staging_db" in sent:
            whys.append(self._staging.explain(lineup.slots))
        if self._density is not None and "density_mix" in sent:
            whys.append(self._density.explain(sent))
        if self._high_pass is not None and "high_pass_mix" in sent:
            whys.append(self._high_pass.explain(sent))
        if self._groove is not None and "groove_ms" in sent:
            whys.append(self._groove.explain(sent))
        if self._room is not None and "reverb_send" in sent:
            whys.append(self._room.explain(sent))
        return whys

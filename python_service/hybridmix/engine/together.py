"""Members whose BLOCKs come in one message and simply go on: taken at once instead of one by one.

That is what nearly every message of a live host is. Whatever is not as before is left to the way that asks
every BLOCK; both lead to the same values.
"""

from __future__ import annotations

from uuid import UUID

from hybridmix.engine.hops import Pulse
from hybridmix.engine.members import Member
from hybridmix.wire import Flags
from hybridmix.wire.batches import Block, Settings
from hybridmix.wire.batches import Together as Message

__all__ = ["Together", "pulse_of"]

_NEWS = Flags.RUN_BEGIN | Flags.START | Flags.GAP


def pulse_of(message: Block | Message) -> Pulse | None:
    """What the host counts at the first sample of ``message``, where it does."""
    if message.beat is None or message.tempo is None:
        return None
    return Pulse(message.position, message.beat, message.tempo)


class Together:
    """The members of one group that ``settings`` name, for as long as these are theirs."""

    def __init__(self, settings: tuple[Settings, ...], members: list[Member]) -> None:
        """``members`` of one group, each once, in the order of their ``settings``."""
        self.settings = settings
        self._members = members
        self._group = members[0].group
        self._runs = [one.run for one in settings]
        ids = [member.id for member in members]
        self._entries = self._group.timeline.entries(ids)
        self._formation = self._group.engine.form(ids, self._runs, [member.user for member in members])

    @classmethod
    def of(cls, settings: tuple[Settings, ...], known: dict[UUID, Member]) -> Together | None:
        """Find the members that ``settings`` name among the ``known``; None where they cannot go together."""
        members = [known[one.instance] for one in settings if one.instance in known]
        if not members or len({member.id for member in members}) < len(settings):
            return None
        for member, one in zip(members, settings, strict=True):
            if member.group is not members[0].group or member.settings is not one or one.flags & _NEWS:
                return None
        return cls(settings, members)

    def go_on(self, message: Message, now: float) -> bool:
        """Take a message with these settings; False, with nothing changed, where somebody does not go on."""
        group, position = self._group, message.position
        for member, one in zip(self._members, self.settings, strict=True):
            if member.settings is not one or member.position != position or member.group is not group:
                return False
        if not self._formation.ready(position):
            return False
        frames = message.audio.shape[1]
        actions = group.timeline.go_on(
            self._entries, self._runs, position, frames, lead=message.lead, now=now
        )
        if actions is None:
            return False
        group.engine.push_together(self._formation, position, message.audio, pulse_of(message))
        group.due.extend(actions)
        for member in self._members:
            member.position = position + frames
        return True

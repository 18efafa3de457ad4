"""What a group's timeline asked for in one round of the loop, done in order."""

from __future__ import annotations

from hybridmix.engine.members import Group
from hybridmix.timeline import Compute, Feed
from hybridmix.wire import Flags
from hybridmix.wire.batches import Answer

__all__ = ["execute"]


def execute(group: Group) -> dict[bytes, list[Answer]]:
    """Do what is due in ``group``; returns the answers by connection, in order."""
    actions = group.timeline.skip_late(group.due)
    group.due = []
    engine = group.engine
    answers: dict[bytes, list[Answer]] = {}
    for action in actions:
        if isinstance(action, Compute):
            engine.compute(action)
        elif isinstance(action, Feed):
            if action.member in group.members:
                engine.feed(action.member, action.end)
        elif (member := group.members.get(action.member)) is not None:
            values = [] if action.none else engine.values(action.epoch, action.end, action.member)
            flags = (
                (Flags.NONE if action.none else 0)
                | (Flags.INCOMPLETE if action.incomplete else 0)
                | (Flags.SKIPPED if action.skipped else 0)
            )
            member.values.update(values)
            answers.setdefault(member.peer, []).append(
                Answer(member.id, flags, action.run, action.end, action.apply_at, values)
            )
    return answers

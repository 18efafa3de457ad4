"""Passes with Learn: what their members are told of them, and the plans that are made of them, handed out."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from hybridmix.engine.members import Group, Member, Registry
from hybridmix.engine.planner import Planner
from hybridmix.wire import Header, Kind, encode, encode_control
from hybridmix.wire import messages as m
from hybridmix.wire.limits import MAX_PAYLOAD

__all__ = ["Lessons"]


class Lessons:
    """The passes of every group, from the first frame to the last plan."""

    def __init__(self, registry: Registry, deliver: Callable[[bytes, list[bytes]], None]) -> None:
        """``deliver`` sends the frames of a message to a connection."""
        self._registry = registry
        self._deliver = deliver
        self._planner = Planner()

    def go_on(self) -> None:
        """Say what became of passes, have plans made of those that are over, hand out those that are made."""
        for group in self._registry.groups.values():
            self._learn(group)
        for members, plans in self._planner.made():
            self._hand_out(members, plans)

    def close(self) -> None:
        """Give up passes, and plans that are not made."""
        for group in self._registry.groups.values():
            group.engine.learner.close()
        self._planner.close()

    def _learn(self, group: Group) -> None:
        learner = group.engine.learner
        for state in learner.states():
            for member in group.members.values():
                self._say(member, state)
        for one in learner.passes():
            self._planner.make(one)

    def _hand_out(self, members: list[UUID], plans: list[bytes] | None) -> None:
        """Send the ``members`` of a pass their ``plans``, as far as they are still there."""
        for index, one in enumerate(members):
            if (member := self._registry.members.get(one)) is None:
                continue
            plan = b"" if plans is None else plans[index]
            if plan and len(plan) <= MAX_PAYLOAD:
                self._deliver(member.peer, encode(Header(Kind.PLAN, instance=one), plan))
            else:
                self._say(member, "plan_long" if plan else "plan_failed")

    def _say(self, member: Member, state: str) -> None:
        self._deliver(member.peer, encode_control(m.Learning(member.id, state)))

"""Members, sessions and groups: who is mixed with whom."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from uuid import UUID, uuid4

from hybridmix.engine.group import Engine
from hybridmix.engine.hops import UserValues
from hybridmix.timeline import Action, Timeline
from hybridmix.wire import messages
from hybridmix.wire.batches import Settings
from hybridmix.wire.limits import FRAMES_PER_SECOND, MAX_MEMBERS

__all__ = ["Group", "GroupKey", "Member", "Registry"]

#: Session, group number, sample rate in Hz.
GroupKey = tuple[UUID, int, int]


@dataclasses.dataclass(slots=True, eq=False)
class Group:
    """The tracks that are mixed together."""

    key: GroupKey
    timeline: Timeline
    engine: Engine
    members: dict[UUID, Member] = dataclasses.field(default_factory=dict)
    #: What the timeline asked for and was not done yet.
    due: list[Action] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True, eq=False)
class Member:
    """One joined plugin instance."""

    id: UUID
    #: Routing identity of its connection; also what its process is known by.
    peer: bytes
    join: messages.Join
    session: UUID
    group: Group
    role: int = 0
    #: What its last BLOCK said, and the user's part of it.
    settings: Settings | None = None
    user: UserValues = dataclasses.field(default_factory=UserValues)
    #: Newest run and the position after its last BLOCK (samples).
    run: int | None = None
    position: int = 0
    #: Start values of that run: parameter ids and values.
    start: Sequence[tuple[int, float]] = ()
    #: Values of the last PARAMS by parameter id.
    values: dict[int, float] = dataclasses.field(default_factory=dict)
    stats: messages.InstanceStats | None = None


class Registry:
    """Every member and group of the service."""

    def __init__(
        self,
        make_engine: Callable[[GroupKey], Engine],
        aim_db: Callable[[int, str], float] = lambda _group, _track: 0.0,
    ) -> None:
        """Set up.

        ``make_engine`` builds the engine of a group; ``aim_db`` says what the profile of a group, by its number,
        adds to the gain of a track, by its name.
        """
        self._make_engine = make_engine
        self._aim_db = aim_db
        self.members: dict[UUID, Member] = {}
        self.groups: dict[GroupKey, Group] = {}
        #: What the timelines of groups that ended had counted.
        self.closed: Counter[str] = Counter()

    def session_for(self, wanted: UUID | None, process: UUID | None) -> UUID:
        """Session of an instance that asks for ``wanted`` and whose ``process`` may have one.

        An instance without a session joins that of its process, else the only one open, else a new one.
        """
        if (named := wanted or process) is not None:
            return named
        open_sessions = {session for session, _, _ in self.groups}
        return open_sessions.pop() if len(open_sessions) == 1 else uuid4()

    def join(self, peer: bytes, join: messages.Join, session: UUID) -> tuple[Member, list[Action]] | None:
        """Add an instance; one whose UUID is taken gets another. None where the group is full."""
        key = (session, join.group, join.rate)
        if (existing := self.groups.get(key)) is not None and len(existing.members) >= MAX_MEMBERS:
            return None
        identity = join.instance if join.instance not in self.members else uuid4()
        group = self._group(key)
        member = Member(identity, peer, join, session, group)
        self.members[identity] = member
        return member, self._enter(member, group)

    def move(self, member: Member, key: GroupKey) -> tuple[list[Action], list[Action]] | None:
        """Put ``member`` into another group; its run begins anew there.

        Returns the actions in the group it left and in the new one; None where that is full.
        """
        if (target := self.groups.get(key)) is not None and len(target.members) >= MAX_MEMBERS:
            return None
        actions = self._exit(member)
        member.session = key[0]
        member.group = self._group(key)
        member.run = None
        return actions, self._enter(member, member.group)

    def leave(self, member: Member) -> list[Action]:
        """Remove ``member`` and, with its last one, the group; actions for those who stay."""
        del self.members[member.id]
        return self._exit(member)

    def aim(self, member: Member) -> None:
        """Follow the name of ``member`` and the profile of its group."""
        name = member.join.label or member.join.track_name
        member.group.engine.aim(member.id, self._aim_db(member.group.key[1], name))

    def _group(self, key: GroupKey) -> Group:
        group = self.groups.get(key)
        if group is None:
            rate = key[2]
            group = self.groups[key] = Group(
                key, Timeline(rate // FRAMES_PER_SECOND, rate), self._make_engine(key)
            )
        return group

    def _enter(self, member: Member, group: Group) -> list[Action]:
        group.members[member.id] = member
        group.engine.register(member.id)
        self.aim(member)
        return group.timeline.register(member.id, member.peer)

    def _exit(self, member: Member) -> list[Action]:
        group = member.group
        actions = group.timeline.unregister(member.id)
        group.engine.forget(member.id)
        del group.members[member.id]
        if not group.members:
            group.engine.learner.close()
            del self.groups[group.key]
            self.closed.update(dataclasses.asdict(group.timeline.counters))
            actions = []
        return actions

"""Short ways to drive a ``Timeline`` and to read what it answers."""

from __future__ import annotations

from uuid import UUID

from hybridmix.timeline import Action, Compute, Feed, Reply, Standing, Timeline

RATE = 48_000
FRAME = RATE // 20
HOP = RATE // 100
D = 1920
BLOCK = 512


def member_id(number: int) -> UUID:
    """A UUID whose bytes sort by ``number``."""
    return UUID(int=number + 1)


class Driver:
    """A timeline with members numbered from 0, each with its run and position; blocks are whole hops."""

    def __init__(self, members: int = 2, *, sync: bool = False, processes: list[int] | None = None) -> None:
        self.timeline = Timeline(FRAME, RATE)
        self.sync = sync
        self.playing = True
        self.run = dict.fromkeys(range(members), 0)
        self.position = dict.fromkeys(range(members), 0)
        for number in range(members):
            self.timeline.register(member_id(number), processes[number] if processes else 0)

    def begin(
        self, number: int, position: int, *, start: bool = True, now: float = 0.0, sync: bool | None = None
    ) -> list[Action]:
        """Announce a new run."""
        self.run[number] += 1
        self.position[number] = position + -position % HOP
        return self._block(number, position, 0, begin=True, start=start, now=now, sync=sync)

    def to(
        self, number: int, end: int, *, now: float = 0.0, sync: bool | None = None, gap: bool = False
    ) -> list[Action]:
        """Stream up to the position ``end``, hop by hop."""
        actions: list[Action] = []
        while self.position[number] + HOP <= end:
            position = self.position[number]
            actions += self._block(number, position, HOP, now=now, sync=sync, gap=gap)
            gap = False
            self.position[number] = position + HOP
        return actions

    def lose(self, number: int, hops: int) -> None:
        """Lose the next hops before they reach the service."""
        self.position[number] += hops * HOP

    def wait(self, number: int, end: int, *, now: float = 0.0) -> list[Action]:
        return self.timeline.wait(member_id(number), self.run[number], end, now)

    def _block(
        self,
        number: int,
        position: int,
        frames: int,
        *,
        now: float,
        begin: bool = False,
        start: bool = False,
        sync: bool | None = None,
        gap: bool = False,
    ) -> list[Action]:
        return self.timeline.deliver(
            member_id(number),
            self.run[number],
            position,
            frames,
            begin=begin,
            start=start,
            playing=self.playing,
            sync=self.sync if sync is None else sync,
            gap=gap,
            delay=D,
            lead=BLOCK,
            now=now,
        )


def computes(actions: list[Action]) -> list[Compute]:
    return [action for action in actions if isinstance(action, Compute)]


def replies(actions: list[Action], number: int | None = None) -> list[Reply]:
    return [
        action
        for action in actions
        if isinstance(action, Reply) and (number is None or action.member == member_id(number))
    ]


def feeds(actions: list[Action]) -> list[tuple[int, int]]:
    """(member, end) of every frame that only advances features."""
    return [(number_of(action.member), action.end) for action in actions if isinstance(action, Feed)]


def number_of(member: UUID) -> int:
    return member.int - 1


def who(compute: Compute) -> dict[int, Standing]:
    """Member number → standing, of one computed frame."""
    return {number_of(row.member): row.standing for row in compute.rows}

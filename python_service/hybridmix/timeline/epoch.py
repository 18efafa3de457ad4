"""The records behind the timeline: members, their runs, the epochs these share, and frames that wait."""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

__all__ = ["KEPT_FRAMES", "Answered", "Epoch", "Member", "Pending", "Process", "Run"]

KEPT_FRAMES = 64
"""Answered frames remembered per epoch (3.2 s); a member further behind is answered without values."""


@dataclass(slots=True, eq=False)
class Process:
    """The members behind one bridge. A WAIT speaks for all of them."""

    key: Hashable
    members: set[UUID] = field(default_factory=set)
    drained: tuple[int, int] = (-1, 0)
    """Newest (epoch, frame end) for which a WAIT said that nothing more is on its way."""


@dataclass(slots=True, eq=False)
class Run:
    """One uninterrupted stretch of one member's stream."""

    member: UUID
    number: int
    epoch: Epoch
    neutral: bool
    """It began from a stop or an activation, not by a jump."""
    start: int
    """First hop boundary at or after the position at which the run began, so that the size of the host's
    blocks does not decide which frame counts first."""
    warmup: int
    """D of the block that began the run; one that joins late counts from ``start + warmup`` on."""
    joined_after: int | None
    """End of the epoch's last computed frame when the run joined."""
    counts_from: int
    """The run counts in frames that begin here or later."""
    clean_from: int
    """No hop was lost from here on."""
    front: int
    """End of what has been delivered."""
    last_whole: int
    """End of the last whole frame; before the first, the frame boundary at which whole frames begin."""
    delay: int
    lead: int = -1
    sync: bool = False
    playing: bool = False
    """On the host's timeline; else on a clock that counts on."""
    left: tuple[Epoch, int] | None = None
    """Where the member was before: the epoch, if others stayed in it, and the position it had come to."""
    masked: bool = False
    """Silent for so long (live) that nobody waits for it until it delivers."""
    owed: deque[tuple[int, int, bool]] = field(default_factory=deque)
    """Frame ends delivered and not answered: (end, D, delivered in Sync), ascending."""


@dataclass(slots=True, eq=False)
class Member:
    """One registered plugin instance."""

    id: UUID
    key: bytes
    process: Process
    heard: float
    """When its last block arrived, or when it registered (seconds)."""
    run: Run | None = None
    epoch: int = -1
    """Newest epoch it has been in."""
    given_up: bool = False
    """A wait for it ran out: not waited for until it delivers."""
    waiting: tuple[int, float] | None = None
    """Frame end that its audio thread waits for, and since when (seconds)."""


@dataclass(slots=True, eq=False)
class Pending:
    """A frame that some member has ended and that is not computed yet."""

    deadline: float | None
    """Seconds; none once a Sync member has delivered it."""
    sync: bool
    owed_sync: int = 0
    """Runs still going that delivered it in Sync and have no answer."""


class Answered(NamedTuple):
    """What is remembered of a computed frame."""

    none: bool
    incomplete: bool
    sync: bool


@dataclass(slots=True, eq=False)
class Epoch:
    """Runs that belong together: from one start or jump of the transport to the next."""

    id: int
    front: int
    """Newest position delivered."""
    playing: bool
    """Its positions are those of a timeline that plays; else of a clock that counts on."""
    runs: int = 0
    """Runs that have not ended."""
    order: list[int] = field(default_factory=list)
    """Ends of the pending frames, ascending."""
    pending: dict[int, Pending] = field(default_factory=dict)
    ended: list[Run] = field(default_factory=list)
    """Runs that ended while frames of theirs were pending."""
    absent: set[UUID] = field(default_factory=set)
    """Registered members that delivered nothing here by the first deadline or WAIT."""
    missing: set[UUID] | None = None
    """Members that the oldest pending frame waits for; None where that must be found out again."""
    first_end: int | None = None
    computed: int | None = None
    """End of the last frame computed."""
    stepped: bool = False
    answered: dict[int, Answered] = field(default_factory=dict)
    lead: int = 0
    """Largest lead that the epoch's members report (samples)."""
    delay: int = 0
    """Smallest control delay among them (samples)."""

    def expect(self, end: int, deadline: float | None) -> Pending:
        """The frame that ends at ``end``, entered as pending when it is new."""
        frame = self.pending.get(end)
        if frame is None:
            frame = self.pending[end] = Pending(deadline, sync=deadline is None)
            if self.order and end < self.order[-1]:
                insort(self.order, end)
                if self.order[0] == end:
                    self.missing = None
            else:
                if not self.order:
                    self.missing = None
                self.order.append(end)
        elif deadline is None:
            frame.deadline = None
            frame.sync = True
        return frame

    def take(self) -> tuple[int, Pending]:
        """Remove the oldest pending frame."""
        end = self.order.pop(0)
        self.missing = None
        return end, self.pending.pop(end)

    def drop(self, ends: set[int]) -> None:
        """Forget pending frames that nobody is owed any more."""
        for end in ends & self.pending.keys():
            del self.pending[end]
            self.order.remove(end)
        self.missing = None

    def remember(self, end: int, answered: Answered) -> None:
        """Keep the outcome of a computed frame, for members that end it later."""
        self.answered[end] = answered
        if len(self.answered) > KEPT_FRAMES:
            del self.answered[next(iter(self.answered))]

    def release(self, run: Run) -> None:
        """Note that nobody is held up any more by the Sync frames owed to ``run``."""
        for end, _, sync in run.owed:
            if sync:
                self.pending[end].owed_sync -= 1

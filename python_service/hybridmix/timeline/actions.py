"""What the timeline asks of its caller, in the order in which it has to happen.

Structs that the garbage collector passes over: a frame of 64 members makes about 130 of them 20 times a second.
"""

from __future__ import annotations

from enum import IntEnum
from uuid import UUID

import msgspec

__all__ = ["Action", "Compute", "Feed", "Reply", "Row", "Standing"]


class Standing(IntEnum):
    """How a member takes part in a frame."""

    WHOLE = 0
    """Every sample of the frame arrived."""
    STALE = 1
    """It did not; the member's features of an earlier frame serve."""


class Row(msgspec.Struct, frozen=True, gc=False):
    """One member's part in a frame."""

    member: UUID
    standing: Standing
    end: int
    """Sample position at which the frame ends whose features serve. For ``STALE``: the member's last whole
    frame, or, before its first one, the frame boundary at which its run began."""


class Compute(msgspec.Struct, frozen=True, gc=False):
    """Take one step of the models over ``rows``."""

    epoch: int
    end: int
    fresh: bool
    """First step of an epoch in which every run began from a stop: start from the neutral state."""
    jumped: bool
    """First step of an epoch that began by a jump: slow state stays, what counts frames starts again."""
    rows: tuple[Row, ...]
    """Sorted by ``member.bytes``; never empty."""
    incomplete: bool
    """A member that should have counted was left out of a frame that a Sync member delivered."""


class Feed(msgspec.Struct, frozen=True, gc=False):
    """Advance this member's own features by the frame that ended at ``end``, and nothing else.

    The frame was computed without the member, or the member does not count in it. The frame may be partial
    (the run began inside it, or hops were lost): the engine knows from the hops it was given.
    """

    member: UUID
    run: int
    end: int


class Reply(msgspec.Struct, frozen=True, gc=False):
    """Send the values of (``epoch``, ``end``) to one member."""

    member: UUID
    run: int
    end: int
    apply_at: int
    epoch: int
    none: bool
    """There are no values: the member does not count in the frame, or nobody does, or it was never computed,
    or it is forgotten."""
    incomplete: bool
    skipped: bool
    """Newer values follow in the same round; these would have come too late (see ``Timeline.skip_late``)."""


Action = Compute | Feed | Reply

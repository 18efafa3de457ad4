"""What is counted over the life of a group."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Counters"]


@dataclass(slots=True)
class Counters:
    """What kept a pass from being the exact one, since the group began."""

    frames: int = 0
    """Frames computed."""
    stale: int = 0
    """Rows (one member in one frame) for which earlier features served."""
    masked: int = 0
    """Rows left out, although the member should have counted."""
    skipped: int = 0
    """Answers without values because newer ones followed at once."""
    gap: int = 0
    """Blocks before which hops were lost."""
    absent: int = 0
    """Registered members not heard in an epoch, once per epoch."""
    incomplete: int = 0
    """Frames answered as incomplete."""
    refused: int = 0
    """Blocks that fit no run: unknown member, off the hop grid, behind what was delivered."""

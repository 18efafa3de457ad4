"""Which member counts in which frame, and when a frame is computed. Pure: no I/O, no audio, no clock."""

from hybridmix.timeline.actions import Action, Compute, Feed, Reply, Row, Standing
from hybridmix.timeline.counters import Counters
from hybridmix.timeline.epoch import KEPT_FRAMES
from hybridmix.timeline.timeline import BACKSTOP_S, HOPS_PER_FRAME, Timeline

__all__ = [
    "BACKSTOP_S",
    "HOPS_PER_FRAME",
    "KEPT_FRAMES",
    "Action",
    "Compute",
    "Counters",
    "Feed",
    "Reply",
    "Row",
    "Standing",
    "Timeline",
]

"""What a render begins with: the values that its first seconds lead to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hybridmix.batch.private_service import PrivateService
from hybridmix.batch.strip import Strip
from hybridmix.engine import trace
from hybridmix.wire import parameters

__all__ = ["begin_as_learned"]

#: Values that a track starts with wherever they were sent.
_STARTED = ("gain_db", "trim_db", "staging_db")
#: What a room consists of; its values are not sent in every frame.
_ROOM = tuple(one.name for one in parameters.load().parameters if one.section == "reverb")


def begin_as_learned(
    strips: Sequence[Strip], service: PrivateService, frames: int, block: int, delay: int
) -> None:
    """Have ``strips`` begin with what their first ``frames`` samples, in blocks of ``block``, lead to.

    ``delay`` is the control delay in samples.
    """
    reached = _rehearse(strips, [{}] * len(strips), service, frames, block, delay)
    # That trim is also for the time before the gains were known; only with them it is the right one.
    gains = [{name: values[name] for name in values if name != "trim_db"} for values in reached]
    for strip, values in zip(strips, _rehearse(strips, gains, service, frames, block, delay), strict=True):
        strip.shim.start(values)


def _rehearse(
    strips: Sequence[Strip],
    starts: Sequence[dict[str, float]],
    service: PrivateService,
    frames: int,
    block: int,
    delay: int,
) -> list[dict[str, float]]:
    """Play the first ``frames`` samples from ``starts``, by track; return the values that were reached."""
    for strip, values in zip(strips, starts, strict=True):
        strip.shim.start(values)
        strip.rewind()
    before = trace.count(service.trace)
    end = -(-min(max(strip.frames for strip in strips), frames) // block) * block
    for _ in range(0, end, block):
        for strip in strips:
            strip.advance(block)
    # The last frame that the plugins waited for: what came after it may or may not be there yet.
    rows = service.traced(before)
    rows = rows[rows["end"] < end - delay]
    return [_reached(rows[rows["member"] == strip.shim.instance.bytes]) for strip in strips]


def _reached(rows: npt.NDArray[Any]) -> dict[str, float]:
    """Return the values of the last record, by parameter name; without those that were never sent."""
    if not rows.size:
        return {}
    last = {name: float(rows[-1][name]) for name in _STARTED if np.isfinite(rows[-1][name])}
    for name in _ROOM:
        sent = rows[name][np.isfinite(rows[name])]
        if sent.size:
            last[name] = float(sent[-1])
    return last

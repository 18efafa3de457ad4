"""Everything that is slow the first time, done before the first WELCOME."""

from __future__ import annotations

from uuid import UUID

import numpy as np

from hybridmix.engine.group import Engine
from hybridmix.engine.hops import UserValues
from hybridmix.engine.models import Models
from hybridmix.errors import InputError
from hybridmix.timeline import Compute, Row, Standing
from hybridmix.wire.header import Role

__all__ = ["warm"]

_RATE = 48000
_MEMBERS = (1, 2, 16, 32)


def warm(models: Models) -> None:
    """Compute frames of noise with groups of several sizes. Raises InputError for models that cannot."""
    frame = _RATE // 20
    noise = np.random.default_rng(1).normal(0.0, 0.1, (2, frame)).astype(np.float32)
    for count in _MEMBERS:
        engine = Engine(_RATE, models)
        members = [UUID(int=number + 1) for number in range(count)]
        for member in members:
            engine.register(member)
        users = [
            UserValues(
                *(1.0, 0.0, frame, (), False, role), *(1.0, 1.0, 1.0, 2.5), *(1.0, -18.0, 1.0, 1.0), 1.0
            )
            for role in (Role.AI_STEM, Role.LIVE_SOURCE)
        ]
        for end in range(frame, 12 * frame, frame):
            for member in members:
                engine.push(member, 0, end - frame, noise, users[member.int % 2])
            rows = tuple(Row(member, Standing.WHOLE, end) for member in members)
            engine.compute(Compute(0, end, end == frame, False, rows, False))
        if engine.held:
            raise InputError(f"model {models.name!r} failed on ordinary audio; install hybridmix again.")

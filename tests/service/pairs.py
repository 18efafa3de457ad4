"""An engine with two members, an AI stem and a live source, that play to it frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import numpy as np
import numpy.typing as npt

from hybridmix.engine.group import Engine
from hybridmix.engine.hops import UserValues
from hybridmix.engine.models import Models
from hybridmix.timeline import Compute, Row, Standing

from .running import FRAME, RATE

__all__ = ["AI", "LIVE", "Told", "play"]

AI, LIVE = UUID(int=1), UUID(int=2)

Told = dict[int, float]


def play(
    models: Models,
    users: Sequence[UserValues],
    live: UserValues,
    stem: npt.NDArray[np.float32],
    source: npt.NDArray[np.float32],
) -> tuple[Engine, list[dict[UUID, Told]]]:
    """Play ``stem`` with ``users``, frame by frame, and ``source`` with ``live``; return what both are told."""
    engine = Engine(RATE, models)
    for member in (AI, LIVE):
        engine.register(member)
    told = []
    for frame, user in enumerate(users):
        at, end = frame * FRAME, (frame + 1) * FRAME
        engine.push(AI, 1, at, stem[:, at:end], user)
        engine.push(LIVE, 1, at, source[:, at:end], live)
        rows = tuple(Row(member, Standing.WHOLE, end) for member in (AI, LIVE))
        engine.compute(Compute(0, end, frame == 0, False, rows, False))
        told.append({member: dict(engine.values(0, end, member)) for member in (AI, LIVE)})
    return engine, told

"""What reasons cost: microseconds per frame while somebody waits, and per second when the answers are out.

    python benchmarks/reasons_cost.py [--json]

An engine of 32 tracks at 48 kHz, half of them AI stems with every section on, mixes noise by equal loudness; figures
are medians, beside that of the whole frame.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import numpy as np

from hybridmix.engine.config import MODELS_FOLDER
from hybridmix.engine.group import Engine
from hybridmix.engine.hops import UserValues
from hybridmix.engine.models import load_models
from hybridmix.timeline import Compute, Row, Standing
from hybridmix.wire.header import Role

RATE = 48_000
FRAME = RATE // 20
TRACKS = 32
SECONDS = 30
_AI = UserValues(
    delay=RATE // 25,
    role=Role.AI_STEM,
    dip_amount=1.0,
    dip_budget_lu=2.0,
    breath_amount=1.0,
    breath_depth_db=2.5,
)
_LIVE = UserValues(delay=RATE // 25, role=Role.LIVE_SOURCE)


def _timed(call: Callable[..., Any], times: list[float]) -> Callable[..., Any]:
    """``call``, whose time in microseconds goes to ``times``."""

    def run(*arguments: Any) -> Any:
        begun = time.thread_time()
        result = call(*arguments)
        times.append(1e6 * (time.thread_time() - begun))
        return result

    return run


def measure() -> dict[str, float]:
    """Microseconds of a whole frame, of keeping it, and of summing up a second."""
    engine = Engine(RATE, load_models("equal-loudness", MODELS_FOLDER))
    diary = engine._diary
    members = [UUID(int=number + 1) for number in range(TRACKS)]
    for member in members:
        engine.register(member)
    frames: list[float] = []
    notes: list[float] = []
    works: list[float] = []
    compute = _timed(engine.compute, frames)
    diary.note = _timed(diary.note, notes)  # type: ignore[method-assign]
    diary.work = _timed(diary.work, works)  # type: ignore[method-assign]
    random = np.random.default_rng(1)
    for frame in range(20 * SECONDS):
        end = (frame + 1) * FRAME
        level = 0.05 * (1.5 + np.sin(0.3 * frame + np.arange(TRACKS)))
        for index, member in enumerate(members):
            audio = (level[index] * random.normal(size=(1, FRAME))).astype(np.float32)
            engine.push(member, 1, end - FRAME, audio, _LIVE if index % 2 else _AI)
        rows = tuple(Row(member, Standing.WHOLE, end) for member in members)
        compute(Compute(0, end, frame == 0, False, rows, False))
        engine.work()
    # Every 20th time that there is work, a second is over.
    return {
        "tracks": TRACKS,
        "frame_us": round(float(np.median(frames)), 1),
        "note_us": round(float(np.median(notes)), 2),
        "second_us": round(float(np.median(sorted(works)[-SECONDS:])), 1),
        "idle_us": round(float(np.median(works)), 2),
    }


if __name__ == "__main__":
    figures = measure()
    if "--json" in sys.argv:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:10} {value}")

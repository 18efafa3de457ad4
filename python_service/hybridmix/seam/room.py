"""What room a bus is heard in: what the service's network says of it, refused rather than guessed (docs/room.md)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from hybridmix.engine.config import MODELS_FOLDER
from hybridmix.engine.models import Session
from hybridmix.features import To16k
from hybridmix.measures import RATE, Floats
from hybridmix.processors import room_fusion
from hybridmix.processors.room_fusion import Estimates, Room
from hybridmix.processors.states import States

__all__ = ["HeardRoom", "heard"]

_FRAME = RATE // 20
#: The network hears the last 20 s: it is asked every 10 s, and at the end.
_ASKED = 200
#: A ratio is believed where the error that the network itself expects is at most 3 dB in the median: a spread of 3 / ln 2.
_BELIEVED_DB = 3.0 / math.log(2.0)


class HeardRoom(NamedTuple):
    """What is believed of a room; NaN where it is not."""

    #: Reverberation time from 500 Hz to 2 kHz, s.
    t60_s: float
    #: Direct to reverberant, dB.
    drr_db: float


def heard(mono: Floats) -> HeardRoom:
    """Return the room that ``mono`` (frames,) at `RATE` is heard in: means of what was believed, every 10 s of it."""
    asked = _estimates(mono)
    each: list[Room] = [room_fusion.combine(one) for one in asked]
    t60 = [
        math.log(room.middle_s)
        for one, room in zip(asked, each, strict=True)
        if room_fusion.fuse(one) is not None
    ]
    drr = [float(one.drr_db[0]) for one in asked if one.drr_spread_db[0] <= _BELIEVED_DB]
    return HeardRoom(
        math.exp(float(np.mean(t60))) if t60 else math.nan, float(np.mean(drr)) if drr else math.nan
    )


def _estimates(mono: Floats) -> list[Estimates]:
    """Return what the network says every 10 s and at the end, of one row each; nothing of less than a frame."""
    model = Session(MODELS_FOLDER / "room.onnx")
    states, resampler, slot = States(model), To16k(RATE), np.zeros(1, np.intp)
    states.clear(0)
    past = np.zeros((1, resampler.past), np.float32)
    frames = len(mono) // _FRAME
    found = []
    for number in range(1, frames + 1):
        frame = mono[np.newaxis, (number - 1) * _FRAME : number * _FRAME].astype(np.float32)
        audio, past = resampler.resample(frame, past)
        out = model.run({"audio": audio, **states.of(slot)})
        states.keep(slot, out)
        if number % _ASKED == 0 or number == frames:
            found.append(Estimates(*(out[name] for name in Estimates._fields)))
    return found

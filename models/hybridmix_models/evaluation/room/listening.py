"""What the network that ships says of many excerpts, heard as the service hears them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import hybridmix
from hybridmix.engine.models import Session
from hybridmix.features import To16k
from hybridmix.processors.room_fusion import Estimates
from hybridmix.processors.states import States
from hybridmix_models.data.types import FRAME, RATE, Floats

__all__ = ["listen", "open_model"]


def open_model(path: Path | None = None) -> Session:
    """Return the model that ships, or that at ``path``."""
    return Session(path or Path(hybridmix.__file__).parent / "models" / "room.onnx")


def listen(model: Session, audio: Floats) -> Estimates:
    """Return what is estimated at the end of ``audio`` (n, samples) at `RATE`."""
    count = len(audio)
    slots = np.arange(count)
    states, resampler = States(model), To16k(RATE)
    states.clear(count - 1)
    past = np.zeros((count, resampler.past), np.float32)
    out = {}
    for begin in range(0, audio.shape[1] - FRAME + 1, FRAME):
        heard, past = resampler.resample(audio[:, begin : begin + FRAME], past)
        out = model.run({"audio": heard, **states.of(slots)})
        states.keep(slots, out)
    return Estimates(*(out[name] for name in Estimates._fields))

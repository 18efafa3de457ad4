"""A stem through breath as the service decides it and the plugin plays it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

import hybridmix
from hybridmix.engine.models import Session
from hybridmix.plan.breath import movement_db, ridden
from hybridmix.processors.breath import Breath
from hybridmix.processors.swell import STILL, swell
from hybridmix_models.data.types import FRAME, RATE, Floats

__all__ = ["DELAY_S", "decide", "open_model", "planned", "played"]

Doubles = npt.NDArray[np.float64]

#: Control delay, and how long a change takes.
DELAY_S, _RAMP_S = 0.04, 0.05


def open_model() -> Session:
    """Return the model that ships."""
    return Session(Path(hybridmix.__file__).parent / "models" / "breath.onnx")


def decide(
    model: Session,
    ai: Doubles,
    live: Doubles,
    depth_db: float,
    *,
    both_ways: bool = False,
    sustained: int = STILL,
) -> Doubles:
    """Return the gain in dB of an AI stem after every frame, (T,), from both energies (T,).

    ``both_ways`` compresses too, ``sustained`` is what a tone without movement takes on.
    """
    breath = Breath(model, RATE)
    for slot in (0, 1):
        breath.clear(slot)
    slots, everybody = np.arange(2), np.ones(2, np.bool_)
    is_ai = np.array([True, False])
    user = {
        "amount": np.ones(2, np.float32),
        "depth_db": np.full(2, depth_db, np.float32),
        "delay": np.full(2, DELAY_S * RATE, np.float32),
        "both_ways": np.full(2, both_ways),
        "sustained": np.full(2, sustained, np.intp),
    }
    gains = np.zeros(len(ai))
    for frame, energy in enumerate(np.stack([ai, live], axis=1).astype(np.float32)):
        end = (frame + 1) * FRAME
        ride = breath.step(slots, energy, everybody, is_ai=is_ai, is_live=~is_ai, end=end, **user)
        if ride is not None:
            gains[frame] = ride.values["breath_db"][0]
    return gains


def played(audio: Floats, gain_db: Doubles) -> Floats:
    """Return ``audio`` (samples,) with ``gain_db`` (T,) of its frames ramped as the plugin ramps them."""
    reached = (np.arange(len(gain_db)) + 1.0) * FRAME + (DELAY_S + _RAMP_S) * RATE
    curve = np.interp(np.arange(len(audio)), [reached[0] - _RAMP_S * RATE, *reached], [0.0, *gain_db])
    return np.asarray(audio * 10.0 ** (curve / 20.0), np.float32)


def planned(ai: Doubles, live: Doubles, depth_db: float, sustained: int = STILL) -> Doubles:
    """Return the gain in dB of an AI stem at the end of every frame, (T,), with both energies (T,) known."""
    wanted = movement_db(live)
    movement = swell(sustained, np.arange(len(ai)))
    curve = ridden(ai, wanted, 1.0, depth_db, movement) if wanted is not None else None
    return np.zeros(len(ai)) if curve is None else curve

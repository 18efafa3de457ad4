"""The room that the real plugin makes: its response to an impulse, and whether that decays as asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import numpy as np
import numpy.typing as npt

from hybridmix.batch.plugin import Shim
from hybridmix.wire import parameters
from hybridmix_models.room.decay import octave_t30

__all__ = ["RATES", "decay_errors", "requests", "response"]

Doubles = npt.NDArray[np.float64]

#: Sample rates at which decays are compared, Hz.
RATES = (44100, 48000, 96000)
#: Reverberation times that are asked for, s, and the standard deviation of their logarithm's steps from octave to octave.
_T60_S, _STEP = (0.2, 4.0), 0.18
_BLOCK = 512


def response(
    plugin: Path, rate: int, t60_s: Doubles, predelay_ms: float, send: float, channels: int = 1
) -> Doubles:
    """Return what a new instance of ``plugin`` makes of an impulse in the room ``t60_s`` (7,), (channels, samples).

    It needs no service: the room is what a project starts with.
    """
    names = [one.name for one in parameters.load().parameters if one.section == "reverb"]
    values = [send, *t60_s.tolist(), predelay_ms]
    shim = Shim(plugin, "response", UUID(int=1), {"room_amount": 100.0})
    shim.start(dict(zip(names, values, strict=True)))
    shim.reset()
    seconds = 0.75 * float(t60_s.max()) + 0.3
    blocks = -(-round(seconds * rate) // _BLOCK)
    impulse = np.zeros((channels, blocks * _BLOCK), np.float32)
    impulse[:, 0] = 1.0
    parts = [shim.process(impulse[:, at : at + _BLOCK], rate) for at in range(0, impulse.shape[1], _BLOCK)]
    shim.close()
    return np.concatenate(parts, axis=1).astype(np.float64)


def requests(count: int, seed: int = 0) -> list[Doubles]:
    """Return ``count`` draws of reverberation times per octave, (7,) each, as rooms have them: a walk over the octaves."""
    rng = np.random.default_rng([seed, 60])
    found: list[Doubles] = []
    while len(found) < count:
        first = rng.uniform(*np.log(_T60_S))
        t60 = np.exp(first + np.concatenate([[0.0], np.cumsum(rng.normal(-0.05, _STEP, 6))]))
        if _T60_S[0] <= t60.min() and t60.max() <= _T60_S[1]:
            found.append(t60)
    return found


def decay_errors(plugin: Path, rate: int, asked: list[Doubles], advance: Callable[[str], None]) -> Doubles:
    """Return |T30 / T60 - 1| of the plugin's room per request and octave, (n, 7), at ``rate`` Hz."""
    errors = []
    for t60 in asked:
        heard = response(plugin, rate, t60, 5.0, 1.0)[0]
        heard[0] = 0.0
        errors.append(np.abs(octave_t30(heard, rate) / t60 - 1.0))
        advance(f"{rate} Hz")
    return np.array(errors)

"""Movement for tones that have none of their own: 1/f, or one slow oscillation (LFO).

A function of the position in the song and of nothing else: the same live, in a bounce and in a plan, and the same for
every stem of a group that takes it, so that they swell together.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from hybridmix.measures.movement import BANDS, EDGES_HZ, RATE_HZ

__all__ = ["FLICKER", "LFO", "LFO_HZ", "STILL", "swell"]

Doubles = npt.NDArray[np.float64]

#: What a tone without movement takes on: nothing, 1/f, or an oscillation.
STILL: Final = 0
FLICKER: Final = 1
LFO: Final = 2

#: Equally strong partials, so many at equal ratios in every octave: power falls with frequency as 1/f.
_PARTIALS = 6
_HZ = EDGES_HZ[0] * np.exp2((np.arange(BANDS * _PARTIALS) + 0.5) / _PARTIALS)
#: Where in its period each begins, in multiples of the golden ratio: no two together.
_BEGIN = np.arange(len(_HZ)) * (0.5 + 0.5 * 5.0**0.5) % 1.0
#: The oscillation is in the middle of the band of phrases.
_LFO_BAND = 1
LFO_HZ: Final = float(np.sqrt(EDGES_HZ[_LFO_BAND] * EDGES_HZ[_LFO_BAND + 1]))


def swell(kind: int, frames: npt.ArrayLike) -> Doubles:
    """Return the movement of ``kind`` in each octave band at ``frames`` (T,), counted from position 0, (T, 6).

    1/f has an rms of 1 in every band; the oscillation goes from -1 to 1 in the second band; `STILL` is zeros.
    """
    periods = np.asarray(frames, np.float64)[:, np.newaxis] / RATE_HZ
    movement = np.zeros((len(periods), BANDS))
    if kind == FLICKER:
        partials = np.sin(2.0 * np.pi * ((periods * _HZ + _BEGIN) % 1.0))
        movement = partials.reshape(-1, BANDS, _PARTIALS).sum(axis=2) * (2.0 / _PARTIALS) ** 0.5
    elif kind == LFO:
        movement[:, _LFO_BAND] = np.sin(2.0 * np.pi * (periods[:, 0] * LFO_HZ % 1.0))
    return movement

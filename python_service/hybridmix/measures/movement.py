"""How much a level moves: six octave bands of its modulation, by the definition of docs/metrics.md."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hybridmix.features import KWeighting
from hybridmix.measures import RATE, Doubles, Floats

__all__ = [
    "BANDS",
    "EDGES_HZ",
    "RATE_HZ",
    "WARM_UP",
    "distance_db",
    "energies",
    "movement_db",
    "sounding",
]

#: Levels per second, and the octave bands of their modulation.
RATE_HZ = 20.0
BANDS = 6
EDGES_HZ: Doubles = 0.125 * np.exp2(np.arange(BANDS + 1, dtype=np.float64))
#: Samples in a frame of 50 ms.
_FRAME = RATE // 20

#: Frames that do not count: 10 s.
WARM_UP = 200
#: A frame sounds above this, and within so much of the 95th percentile.
_QUIETEST_DB, _RANGE_DB = -60.0, 30.0
_FLOOR = 1e-12
_HOPS = 5


def energies(audio: Floats) -> Doubles:
    """Return the K-weighted mean square of every whole frame of 50 ms of ``audio`` (samples,), (T,)."""
    whole = len(audio) // _FRAME * _FRAME
    squares, _ = KWeighting(RATE).squares(audio[np.newaxis, :whole], np.zeros((1, *KWeighting.STATE_SHAPE)))
    return np.asarray(squares[0].reshape(-1, _HOPS).sum(axis=1) / _FRAME)


def sounding(energy: Doubles) -> npt.NDArray[np.bool_]:
    """Return which frames of ``energy`` (T,) are no gap."""
    level = _decibels(energy)
    return np.asarray((level > _QUIETEST_DB) & (level > np.percentile(level, 95.0) - _RANGE_DB))


def movement_db(energy: Doubles, sounds: npt.NDArray[np.bool_]) -> Doubles:
    """Return the rms modulation of the level after the warm-up in each octave band from 0.125 to 8 Hz, dB, (6,).

    ``energy`` (T,); frames that do not sound are bridged by straight lines.
    """
    frames = np.arange(len(energy))
    level = np.interp(frames, frames[sounds], _decibels(energy)[sounds])[WARM_UP:]
    spectrum = np.fft.rfft(level - level.mean())
    hertz = np.fft.rfftfreq(len(level), 1.0 / RATE_HZ)
    bands = np.digitize(hertz, EDGES_HZ) - 1
    power = [2.0 * np.square(np.abs(spectrum[bands == band])).sum() for band in range(BANDS)]
    return np.asarray(np.sqrt(power) / len(level))


def distance_db(movement: Doubles, model: Doubles) -> float:
    """Return how far ``movement`` (6,) is from that of ``model`` (6,): rms over the bands of their ratio in dB."""
    ratio = 20.0 * np.log10(np.maximum(movement, _FLOOR) / np.maximum(model, _FLOOR))
    return float(np.sqrt(np.square(ratio).mean()))


def _decibels(energy: Doubles) -> Doubles:
    return np.asarray(10.0 * np.log10(np.maximum(energy, _FLOOR)))

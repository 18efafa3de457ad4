"""The bands of movement: six octaves of level modulation, measured, and foreseen by the time a gain takes to act.

Levels come 20 times a second, in dB. Columns are filters, rows are frames, the newest last.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from hybridmix.measures.movement import BANDS, EDGES_HZ, RATE_HZ

__all__ = ["BANDS", "DELAYS_S", "EDGES_HZ", "FRAMES", "RATE_HZ", "foreseeing", "lag_frames", "measuring"]

Doubles = npt.NDArray[np.float64]

#: How many frames a filter sees (12.8 s).
FRAMES = 256
#: Control delays that are offered (docs/latency.md).
DELAYS_S = (0.02, 0.04, 0.06, 0.1, 0.2)

#: Digits that are kept of a coefficient: less than what tells one machine's linear algebra from another's.
_DIGITS = 5
#: Power of music's level modulation falls with frequency, from here on; and how much white noise is in it.
_CORNER_HZ = 0.05
_NOISE = 0.01


def lag_frames(delay_s: float) -> float:
    """Return how many frames after the middle of a frame the gain that it asked for is reached.

    Half a frame to its end, the control delay, and the ramp of 50 ms.
    """
    return delay_s * RATE_HZ + 1.5


def measuring() -> Doubles:
    """Return what makes the movement in each band, late by half a filter, (FRAMES, BANDS): 1 at each centre."""
    filters = np.zeros((FRAMES, BANDS))
    for band, (low, high) in enumerate(pairwise(EDGES_HZ.tolist())):
        # Two periods of the lower edge.
        length = min(FRAMES, round(2.0 * RATE_HZ / low))
        frame = np.arange(length) - (length - 1) / 2.0
        window = np.hanning(length + 2)[1:-1]
        ideal = _low_pass(frame, high) - _low_pass(frame, low)
        filters[-length:, band] = _settled(ideal * window, window, (low * high) ** 0.5)
    return filters.round(_DIGITS)


def foreseeing(delay_s: float) -> Doubles:
    """Return what best tells the movement in each band when a gain asked for now is reached, (FRAMES, BANDS).

    Least squares (the Wiener filter) for levels whose modulation is 1/f in power above 0.05 Hz.
    """
    points = 4096
    hertz = np.fft.rfftfreq(points, 1.0 / RATE_HZ)
    power = 1.0 / np.maximum(hertz, _CORNER_HZ)
    likeness = np.fft.irfft(power)
    age = np.arange(FRAMES)
    among = likeness[np.abs(age[:, None] - age[None, :])] + _NOISE * likeness[0] * np.eye(FRAMES)
    turned = np.cos(2.0 * np.pi * np.outer(age + lag_frames(delay_s), hertz) / RATE_HZ)
    inside = (hertz[:, None] >= EDGES_HZ[None, :-1]) & (hertz[:, None] < EDGES_HZ[None, 1:])
    wanted = turned @ np.where(inside, 2.0 * power[:, None], 0.0) / points
    filters = np.linalg.solve(among, wanted)
    # A level that stands still foresees no movement.
    filters -= filters.mean(axis=0)
    return np.asarray(filters[::-1].round(_DIGITS))


def _low_pass(frame: Doubles, hertz: float) -> Doubles:
    return np.asarray(2.0 * hertz / RATE_HZ * np.sinc(2.0 * hertz * frame / RATE_HZ))


def _settled(taps: Doubles, window: Doubles, centre_hz: float) -> Doubles:
    """Return ``taps`` that pass nothing of a constant, and 1 at ``centre_hz``."""
    taps = taps - window * taps.sum() / window.sum()
    turning = np.exp(-2j * np.pi * centre_hz * np.arange(len(taps)) / RATE_HZ)
    return np.asarray(taps / np.abs(np.sum(taps * turning)))

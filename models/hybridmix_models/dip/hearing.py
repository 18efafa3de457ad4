"""What the dip hears: low spectra of 85 ms, and what they excite on the ear's scale of frequency.

Source: B. C. J. Moore and B. R. Glasberg, "Suggested formulae for calculating auditory-filter bandwidths and
excitation patterns", J. Acoust. Soc. Am. 74 (1983), and their ERB scale of 1990: rounded-exponential filters. The
excitation is spread by 9 dB per ERB upwards and 25 dB per ERB downwards.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.signal import freqz

__all__ = ["BAND_HZ", "BIN_HZ", "FRAME", "RATE", "TARGET", "WINDOW", "analysis", "excitation", "loudness"]

Doubles = npt.NDArray[np.float64]

RATE = 16000
#: Samples of a frame of 50 ms, and of the 85 ms that end with it and are looked at together.
FRAME = RATE // 20
WINDOW = 1360
#: Bins of the spectrum that are computed: 23.5 to 894 Hz.
_BINS = np.arange(2, 77)
BIN_HZ: Doubles = _BINS * RATE / WINDOW


def _erb_number(hz: Doubles) -> Doubles:
    return np.asarray(21.4 * np.log10(1.0 + 0.00437 * hz))


def _hz(erb_number: Doubles) -> Doubles:
    return np.asarray((10.0 ** (erb_number / 21.4) - 1.0) / 0.00437)


_NUMBERS: Doubles = np.arange(2.0, 15.01, 0.5)
#: Centres of the bands, half an ERB apart, and which of them are looked at: 200 to 600 Hz.
BAND_HZ: Doubles = _hz(_NUMBERS)
TARGET = (BAND_HZ >= 200.0) & (BAND_HZ <= 600.0)


def analysis() -> Doubles:
    """Return what makes the spectrum of a window, (WINDOW, 2 * bins): real parts, then imaginary ones.

    The squares of a bin's two numbers add up to its share of the mean square of the Hann-windowed signal.
    """
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * (np.arange(WINDOW) + 0.5) / WINDOW)
    phase = 2.0 * np.pi * np.outer(np.arange(WINDOW), _BINS) / WINDOW
    scale = window * np.sqrt(2.0 / (WINDOW * np.square(window).sum()))
    return np.asarray(np.concatenate([np.cos(phase), -np.sin(phase)], axis=1) * scale[:, None])


def excitation(*, spread: bool) -> Doubles:
    """Return what makes the excitation of the `TARGET` bands from the powers of the bins, (bins, bands)."""
    slope = 4.0 * BAND_HZ / (24.7 * (0.00437 * BAND_HZ + 1.0))
    away = slope[:, None] * np.abs(BIN_HZ[None, :] / BAND_HZ[:, None] - 1.0)
    roex = (1.0 + away) * np.exp(-away)
    if spread:
        above = _NUMBERS[:, None] - _NUMBERS[None, :]
        fall_db = np.where(above >= 0.0, 9.0 * above, -25.0 * above)
        # Neighbouring bands hear much the same: of what they pass on the most counts, not the sum.
        roex = (10.0 ** (-fall_db[:, :, None] / 10.0) * roex[None, :, :]).max(axis=1)
    return np.asarray(roex[TARGET].T)


def loudness() -> Doubles:
    """Return how much the power of each bin counts in loudness (K-weighting of ITU-R BS.1770), (bins,)."""
    shelf = (
        [1.53512485958697, -2.69169618940638, 1.19839281085285],
        [1.0, -1.69065929318241, 0.73248077421585],
    )
    high_pass = ([1.0, -2.0, 1.0], [1.0, -1.99004745483398, 0.99007225036621])
    weight = np.ones(len(BIN_HZ))
    for above, below in (shelf, high_pass):
        weight = weight * np.square(np.abs(freqz(above, below, BIN_HZ, fs=48000)[1]))
    return weight

"""Tonal tilt: the slope of a long-term spectrum in third octaves.

Bands: IEC 61260-1, base ten. A straight line through the long-term spectrum of popular music between 100 Hz and
4 kHz: P. D. Pestana, Z. Ma, J. D. Reiss, A. Barbosa, D. A. A. Black, "Spectral characteristics of popular commercial
recordings 1950-2010", AES 135th Convention (2013).
"""

from __future__ import annotations

import numpy as np

from hybridmix.measures import RATE, Doubles, Floats

__all__ = ["CENTRES_HZ", "third_octaves_db", "tilt_db_per_octave"]

#: 100 Hz to 4 kHz, and half a band in either direction.
CENTRES_HZ: Doubles = 1000.0 * 10.0 ** (np.arange(-10.0, 7.0) / 10.0)
_HALF = 10.0**0.05

#: Samples of a spectrum (0.37 s), half of which the next one shares; how many are made at once.
_WINDOW = 16384
_AT_ONCE = 64
#: Bands this far below the loudest are none of the sound's own; with fewer than so many there is no line.
_RANGE_DB = 60.0
_FEWEST = 6
_FLOOR = 1e-12


def third_octaves_db(audio: Floats) -> Doubles:
    """Return the long-term level of ``audio`` (samples,) at `RATE` in each band, dB (17,)."""
    padded = np.pad(audio, (0, max(0, _WINDOW - len(audio))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[:: _WINDOW // 2]
    window, power = np.hanning(_WINDOW), np.zeros(_WINDOW // 2 + 1)
    for begin in range(0, len(windows), _AT_ONCE):
        power += np.square(np.abs(np.fft.rfft(windows[begin : begin + _AT_ONCE] * window, axis=1))).sum(
            axis=0
        )
    power *= 2.0 / (len(windows) * _WINDOW * np.square(window).sum())
    hz = np.fft.rfftfreq(_WINDOW, 1.0 / RATE)
    bands = [power[(hz >= centre / _HALF) & (hz < centre * _HALF)].sum() for centre in CENTRES_HZ]
    return np.asarray(10.0 * np.log10(np.maximum(bands, _FLOOR)))


def tilt_db_per_octave(audio: Floats) -> float:
    """Return the slope of the line of least squares through the bands of ``audio`` (samples,) over octaves.

    NaN where fewer than six bands are within 60 dB of the loudest, or all are silent.
    """
    level = third_octaves_db(audio)
    sounds = (level > level.max() - _RANGE_DB) & (level > 10.0 * np.log10(_FLOOR))
    if sounds.sum() < _FEWEST:
        return float("nan")
    return float(np.polyfit(np.log2(CENTRES_HZ[sounds]), level[sounds], 1)[0])

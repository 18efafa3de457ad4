"""What an impulse response says of its room: decay times, direct-to-reverberant ratio, clarity, pre-delay."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import signal

from hybridmix_models.room.network import OCTAVES_HZ

__all__ = ["clarity_db", "direct_at", "direct_to_reverberant_db", "octave_t30", "predelay_ms"]

Doubles = npt.NDArray[np.float64]

#: Half width of the direct sound around the peak, s (docs/metrics.md).
_DIRECT_S = 0.0025
#: Range of a decay's line, dB.
_FROM_DB, _TO_DB = -5.0, -35.0
#: Order of the octave filters: class 1 of IEC 61260-1.
_ORDER = 4


def direct_at(response: Doubles) -> int:
    """Return the sample of the direct sound of ``response`` (samples,): its peak."""
    return int(np.argmax(np.abs(response)))


def octave_t30(response: Doubles, rate: int, top_hz: float | None = None) -> Doubles:
    """Return T30 in s per octave from 125 Hz to 8 kHz, (7,): NaN where it cannot be told.

    Backward integration (ISO 3382-1, 5.3.3) of octaves that are filtered backwards in time, so that the filters' own
    decay does not lengthen it; a line from -5 to -35 dB. ``top_hz`` bounds the highest octave, as does the rate.
    """
    top = min(0.49 * rate, top_hz or math.inf)
    found = np.full(len(OCTAVES_HZ), np.nan)
    for index, centre in enumerate(OCTAVES_HZ):
        low, high = centre / math.sqrt(2.0), min(centre * math.sqrt(2.0), top)
        if high < centre * 0.9:
            continue
        octave = signal.butter(_ORDER, [low, high], "bandpass", fs=rate, output="sos")
        band = signal.sosfilt(octave, response[::-1])[::-1]
        energy = np.cumsum(np.square(band)[::-1])[::-1]
        if energy[0] <= 0.0:
            continue
        level = 10.0 * np.log10(energy / energy[0] + 1e-30)
        first, last = int(np.argmax(level < _FROM_DB)), int(np.argmax(level < _TO_DB))
        if last > first + 2:
            slope = np.polyfit(np.arange(first, last) / rate, level[first:last], 1)[0]
            found[index] = -60.0 / slope
    return found


def direct_to_reverberant_db(response: Doubles, rate: int) -> float:
    """Return the energy within 2.5 ms of the peak over the energy after it, in dB."""
    end = direct_at(response) + round(_DIRECT_S * rate) + 1
    direct = np.square(response[max(0, direct_at(response) - round(_DIRECT_S * rate)) : end]).sum()
    return float(10.0 * np.log10(direct / max(float(np.square(response[end:]).sum()), 1e-20)))


def clarity_db(response: Doubles, rate: int, early_s: float = 0.08) -> float:
    """Return C80 in dB: energy in the first 80 ms after the direct sound over what comes later (ISO 3382-1)."""
    begin = max(0, direct_at(response) - round(_DIRECT_S * rate))
    end = direct_at(response) + round(early_s * rate)
    early = np.square(response[begin:end]).sum()
    return float(10.0 * np.log10(early / max(float(np.square(response[end:]).sum()), 1e-20)))


def predelay_ms(response: Doubles, rate: int) -> float:
    """Return the time in ms from the direct sound to the first 2 ms that come within 12 dB of the strongest 2 ms after it."""
    begin = direct_at(response) + round(_DIRECT_S * rate) + 1
    length = round(0.002 * rate)
    energy = np.convolve(np.square(response[begin : begin + round(0.3 * rate)]), np.ones(length))[
        length - 1 :
    ]
    first = int(np.argmax(energy > energy.max() * 10.0**-1.2)) if energy.size else 0
    return 1000.0 * (_DIRECT_S + first / rate)

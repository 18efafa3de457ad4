"""When sounds begin, and how far two parts that play together are apart.

Onsets are the peaks of a spectral flux on a logarithmic scale of frequency: S. Böck, G. Widmer, "Maximum filter vibrato
suppression for onset detection", DAFx-13 (2013), peaks as in S. Böck, F. Krebs, M. Schedl, "Evaluating the online
capabilities of onset detection methods", ISMIR (2012). Each is then put where the level rises fastest nearby.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from hybridmix.measures import RATE, Doubles, Floats

__all__ = ["FEWEST", "onsets", "shared_slots", "still_there"]

#: Samples of a spectrum (23 ms) and to the next (5 ms); how many are made at once; how far back rises are looked for.
_WINDOW = 1024
_HOP = 220
_AT_ONCE = 2048
_BACK = 2
#: Bands per octave from the first frequency to the last, Hz.
_PER_OCTAVE = 12
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 16000.0
#: Levels are counted from this far below the loudest band, dB.
_RANGE_DB = 60.0
#: A peak is the highest of 30 ms to either side, and this much above the mean of 100 ms, in units of the mean flux.
_NEAR, _AROUND = 6, 20
_ABOVE = 1.5
#: Where the level rises fastest is looked for from so many samples before a peak to so many after it (25 and 15 ms).
_BEFORE, _AFTER = RATE // 40, 15 * RATE // 1000
#: Samples over which a level is taken, to either side of where it rises (2 ms).
_RISE = RATE // 500

#: Onsets of two parts share a slot when they are at most so far apart, s.
_SLOT_S = 0.05
#: Most that a mix may have moved an onset, s: a constant of 20 ms and as much around it.
_MOVED_S = 0.04
#: Fewest shared slots that make a rhythm, and how near the usual distance of the parts they are counted, s.
FEWEST = 16
_CLOSE_S = 0.025
#: Shifts that tell chance, s: none a simple ratio of another.
_SHIFTS_S: Doubles = 0.3 + 4.0 * np.modf(np.arange(1, 65) * 0.6180339887)[0]


def onsets(audio: Floats) -> Doubles:
    """Return when sounds begin in ``audio`` (samples,) at `RATE`, s (n,); the same at any level."""
    flux = _flux(audio)
    if not flux.any():
        return np.zeros(0)
    highest = maximum_filter1d(flux, 2 * _NEAR + 1, mode="constant")
    mean = uniform_filter1d(flux, 2 * _AROUND + 1, mode="constant")
    peaks = np.flatnonzero((flux == highest) & (flux >= mean + _ABOVE * flux.mean()))
    # A frame's flux is that of what its middle brings.
    begins = np.array([_fastest_rise(audio, int(peak) * _HOP + _WINDOW // 2) for peak in peaks])
    return np.unique(begins) / RATE


def _flux(audio: Floats) -> Doubles:
    """Return by how much the bands rise, frame by frame, (frames,)."""
    if len(audio) < _WINDOW:
        return np.zeros(0)
    windows = np.lib.stride_tricks.sliding_window_view(audio, _WINDOW)[::_HOP]
    edges = _LOWEST_HZ * 2.0 ** (np.arange(np.log2(_HIGHEST_HZ / _LOWEST_HZ) * _PER_OCTAVE) / _PER_OCTAVE)
    bins = np.unique(np.round(edges * _WINDOW / RATE).astype(np.intp))
    window, level = np.hanning(_WINDOW), np.empty((len(windows), len(bins)))
    for begin in range(0, len(windows), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        level[part] = np.add.reduceat(
            np.square(np.abs(np.fft.rfft(windows[part] * window, axis=1))), bins, axis=1
        )
    loudest = level.max()
    if loudest <= 0.0:
        return np.zeros(0)
    level = 10.0 * np.log10(np.maximum(level / loudest, 10.0 ** (-_RANGE_DB / 10.0)))
    # What merely moves to the next band has not begun.
    before = maximum_filter1d(level, 3, axis=1)
    flux = np.zeros(len(level))
    flux[_BACK:] = np.maximum(level[_BACK:] - before[:-_BACK], 0.0).mean(axis=1)
    return flux


def _fastest_rise(audio: Floats, near: int) -> int:
    """Return the sample close to ``near`` at which the level of ``audio`` rises fastest."""
    begin, end = max(near - _BEFORE - _RISE, 0), min(near + _AFTER + _RISE, len(audio))
    # Differences of samples: what begins is told by its highs.
    power = np.cumsum(np.concatenate([[0.0], np.square(np.diff(audio[begin:end].astype(np.float64)))]))
    level = power[_RISE:] - power[:-_RISE]
    level = np.log(level + 1e-4 * level.max() + 1e-20)
    return begin + _RISE + int(np.argmax(level[_RISE:] - level[:-_RISE]))


def shared_slots(ai: Doubles, live: Doubles) -> Doubles | None:
    """Return the onsets that two parts, (n,) and (m,) in s, have together: (slots, 2), those of ``ai`` first.

    Two onsets share a slot when each is the other's nearest, at most 50 ms away. None where there is no rhythm: fewer
    than 16 slots, or not significantly more (three standard deviations) near the usual distance than when one part is
    shifted against the other.
    """
    slots = _nearest(ai, live, _SLOT_S)
    if len(slots) < FEWEST:
        return None
    usual = float(np.median(slots[:, 0] - slots[:, 1]))
    by_chance = float(np.mean([_close(ai, live, usual + shift) for shift in (*_SHIFTS_S, *-_SHIFTS_S)]))
    found = _close(ai, live, usual)
    return slots if found >= FEWEST and found > by_chance + 3.0 * np.sqrt(by_chance) else None


def still_there(slots: Doubles, before: Doubles, after: Doubles) -> Doubles:
    """Return where the AI onsets of ``slots`` (slots, 2), of those ``before`` (n,), are ``after`` (m,), s.

    An onset is found again where it and one after it are each other's nearest, at most 40 ms apart; else NaN.
    """
    pairs = _nearest(before, after, _MOVED_S)
    moved = np.full(len(slots), np.nan)
    if len(pairs):
        at = np.minimum(np.searchsorted(pairs[:, 0], slots[:, 0]), len(pairs) - 1)
        found = pairs[at, 0] == slots[:, 0]
        moved[found] = pairs[at[found], 1]
    return moved


def _nearest(ai: Doubles, live: Doubles, apart_s: float) -> Doubles:
    """Return the pairs of which each is the other's nearest, at most ``apart_s`` apart, (pairs, 2)."""
    if not len(ai) or not len(live):
        return np.zeros((0, 2))
    there, back = _index(ai, live), _index(live, ai)
    mutual = back[there] == np.arange(len(ai))
    pairs = np.stack([ai[mutual], live[there[mutual]]], axis=1)
    return np.asarray(pairs[np.abs(pairs[:, 0] - pairs[:, 1]) <= apart_s])


def _index(of: Doubles, among: Doubles) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return which of ``among``, ascending, is nearest to each ``of``."""
    after = np.clip(np.searchsorted(among, of), 1, max(len(among) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(among) - 1)
    return np.where(of - among[before] <= among[after] - of, before, after)


def _close(ai: Doubles, live: Doubles, shift: float) -> int:
    """Return how many of ``ai`` have one of ``live``, moved by ``shift`` s, close by."""
    moved = live + shift
    return int((np.abs(ai - moved[_index(ai, moved)]) <= _CLOSE_S).sum())

"""Breath with the song known: the stem's own level movement rescaled, band by band, to that of the live sources.

Where they move more it expands, where they move less it compresses. The bands are those of docs/metrics.md.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from hybridmix.measures.loudness import integrated

__all__ = ["movement_db", "ridden"]

Doubles = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complex128]

_RATE_HZ = 20.0
_EDGES_HZ = 0.125 * np.exp2(np.arange(7))
_BANDS = 6
#: A frame sounds above this, dB of mean square, and within so much of the track's loud frames.
_GATE_DB, _RANGE_DB = -60.0, 30.0
#: A track that sounds for less than 5 s has no movement to speak of, nor has a band with less than this, dB.
_KNOWN, _LEAST_DB = 100, 1e-3
#: Loudness is kept in each window of so many frames (10 s), every 5 s; what 1 LU there weighs beside the movement.
_WINDOW, _KEEPING = 200, 0.3
#: A stem that moves by less than this, dB rms, has nothing of its own to scale; what it is given begins at so much.
_STEADY_DB, _SEED_DB = 1.0, 0.1
#: What 1 dB of gain weighs, so that none is used for nothing.
_SPARING = 1e-3
_SEARCHING = 150
_FLOOR = 1e-12


def movement_db(energy: Doubles) -> Doubles | None:
    """Return the rms level modulation of each octave band, dB, (6,), from the K-weighted mean squares of frames (T,).

    None where too little sounds.
    """
    level = _level(energy)
    return None if level is None else _Bands(len(level)).rms(np.fft.rfft(level))


def ridden(
    energy: Doubles, live_db: Doubles, amount: float, depth_db: float, swell: Doubles | None = None
) -> Doubles | None:
    """Return the gain in dB that an AI stem reaches at the end of each frame, (T,); None where it stays as it is.

    The search begins at no gain, and every step of it goes along the stem's own movement in the bands that lack or have
    too much: what comes out is the own movement rescaled, as far as the depth allows.

    Args:
        energy: (T,), K-weighted mean square of its frames.
        live_db: (6,), movement of the live sources, see `movement_db`.
        amount: 0 to 1, share of the way and of the depth.
        depth_db: most that it moves, either way.
        swell: (T, 6), movement that is scaled where the stem has next to none of its own; bands of zeros stay as they
            are, and all zeros are no movement.
    """
    level = _level(energy)
    limit = amount * depth_db
    if level is None or limit <= 0.0:
        return None
    bands = _Bands(len(level))
    rms = bands.rms(np.fft.rfft(level))
    own = np.log(np.maximum(rms, _LEAST_DB))
    wanted = own + amount * (np.log(np.maximum(live_db, _LEAST_DB)) - own)
    begin = np.zeros(len(level))
    if swell is not None and swell.any() and np.sqrt(np.square(rms).sum()) < _STEADY_DB:
        wanted = np.where(swell.any(axis=0), wanted, own)
        begin = np.clip(_SEED_DB * swell.sum(axis=1), -limit, limit)
    loudness = _Loudness(energy)

    def cost(gain: Doubles) -> tuple[float, Doubles]:
        """What is to be small, and how it changes with the gain at the end of each frame."""
        mean = _over_frames(gain)
        apart, towards = bands.apart(level + mean, wanted)
        louder, softer = loudness.off(mean)
        total = apart + _KEEPING * louder + _SPARING * float(np.square(gain).mean())
        slope = _to_ends(towards + _KEEPING * softer) + 2.0 * _SPARING * gain / len(gain)
        return total, slope

    found = minimize(
        cost,
        begin,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-limit, limit)] * len(level),
        options={"maxiter": _SEARCHING, "maxcor": 20},
    )
    return _as_loud(energy, np.asarray(found.x), limit)


class _Bands:
    """Octave bands of level modulation over a number of frames."""

    def __init__(self, frames: int) -> None:
        self._frames = frames
        #: Of each frequency; 0 and 7 are no bands.
        self._of = np.digitize(np.fft.rfftfreq(frames, 1.0 / _RATE_HZ), _EDGES_HZ)

    def _power(self, spectrum: Complex) -> Doubles:
        power = np.bincount(self._of, np.square(np.abs(spectrum)), _BANDS + 2)[1:-1]
        return np.asarray(2.0 * power / self._frames**2)

    def rms(self, spectrum: Complex) -> Doubles:
        """Return the rms in each band, (6,)."""
        return np.asarray(np.sqrt(self._power(spectrum)))

    def apart(self, level: Doubles, wanted: Doubles) -> tuple[float, Doubles]:
        """Return the mean square of how far the logarithm of each band is from ``wanted``, and its slope, (T,)."""
        spectrum = np.fft.rfft(level)
        power = np.maximum(self._power(spectrum), _LEAST_DB**2)
        off = 0.5 * np.log(power) - wanted
        weights = np.concatenate([[0.0], off / power, [0.0]])[self._of]
        slope = np.fft.irfft(weights * spectrum, self._frames) * 2.0 / (_BANDS * self._frames)
        return float(np.square(off).mean()), np.asarray(slope)


class _Loudness:
    """Loudness of the passages of a stem, by the blocks of it that count in BS.1770-4."""

    def __init__(self, energy: Doubles) -> None:
        level = 10.0 * np.log10(np.maximum(energy, _FLOOR))
        loud = 10.0 * np.log10(np.maximum(energy[level > _GATE_DB].mean(), _FLOOR))
        self._counts = np.where(level > loud - 10.0, energy, 0.0)
        begins = range(0, max(1, len(energy) - _WINDOW // 2), _WINDOW // 2)
        windows = [slice(begin, begin + _WINDOW) for begin in begins]
        self._windows = [window for window in windows if self._counts[window].any()]

    def off(self, gain: Doubles) -> tuple[float, Doubles]:
        """Return the mean square change of loudness of the passages, LU, with ``gain`` (T,), and its slope, (T,)."""
        after = self._counts * 10.0 ** (gain / 10.0)
        total, slope = 0.0, np.zeros(len(gain))
        for window in self._windows:
            power = after[window].sum()
            louder = 10.0 * np.log10(power / self._counts[window].sum())
            total += louder**2 / len(self._windows)
            slope[window] += 2.0 * louder * after[window] / power / len(self._windows)
        return float(total), slope


def _as_loud(energy: Doubles, gain: Doubles, limit: float) -> Doubles:
    """Return ``gain`` (T,) shifted, within the limit, so that the integrated loudness stays what it was."""
    even = len(energy) // 2 * 2
    before = integrated(energy[:even].reshape(-1, 2).mean(axis=1))
    low, high = -limit, limit
    shifted = gain
    for _ in range(20):
        shift = 0.5 * (low + high)
        shifted = np.clip(gain + shift, -limit, limit)
        after = energy * 10.0 ** (_over_frames(shifted) / 10.0)
        louder = integrated(after[:even].reshape(-1, 2).mean(axis=1)) > before
        low, high = (low, shift) if louder else (shift, high)
    return np.asarray(shifted)


def _over_frames(gain: Doubles) -> Doubles:
    """Return the mean over each frame of a gain in dB that is ``gain`` (T,) at the end of each."""
    return np.asarray(0.5 * (np.concatenate([gain[:1], gain[:-1]]) + gain))


def _to_ends(slope: Doubles) -> Doubles:
    """Return a slope by the means over frames, (T,), as one by the gain at their ends."""
    ends = 0.5 * (slope + np.concatenate([slope[1:], [0.0]]))
    ends[0] += 0.5 * slope[0]
    return np.asarray(ends)


def _level(energy: Doubles) -> Doubles | None:
    """Return the level in dB, without its mean, gaps bridged by straight lines, (T,); None where too little sounds."""
    level = 10.0 * np.log10(np.maximum(energy, _FLOOR))
    sounds = (level > _GATE_DB) & (level > np.percentile(level, 95.0) - _RANGE_DB)
    if np.count_nonzero(sounds) < _KNOWN:
        return None
    frames = np.arange(len(level))
    bridged = np.interp(frames, frames[sounds], level[sounds])
    return np.asarray(bridged - bridged.mean())

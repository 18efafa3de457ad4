"""Breath with the song known: the stem's own level movement rescaled, band by band, to that of the live sources.

Where they move more it expands, where they move less it compresses. The bands are those of docs/metrics.md.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from hybridmix.batch.loudness import integrated

__all__ = ["movement_db", "ridden"]

Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_RATE_HZ = 20.0
_EDGES_HZ = 0.125 * np.exp2(np.arange(7))
_BANDS = 6
#: A frame sounds above this, dB of mean square, and within so much of the track's loud frames.
_GATE_DB, _RANGE_DB = -60.0, 30.0
#: A track that sounds for less than 5 s has no movement to speak of, nor has a band with less than this, dB.
_KNOWN, _LEAST_DB = 100, 1e-3
#: How far a band may be turned round and stretched.
_SCALES = (-1.0, 6.0)
_FLOOR = 1e-12


def movement_db(energy: Doubles) -> Doubles | None:
    """Return the rms level modulation of each octave band, dB, (6,), from the K-weighted mean squares of frames (T,).

    None where too little sounds.
    """
    level = _level(energy)
    return None if level is None else _rms(np.fft.rfft(level), _bands(len(level)), len(level))


def ridden(energy: Doubles, live_db: Doubles, amount: float, depth_db: float) -> Doubles | None:
    """Return the gain in dB that an AI stem reaches at the end of each frame, (T,); None where it stays as it is.

    Args:
        energy: (T,), K-weighted mean square of its frames.
        live_db: (6,), movement of the live sources, see `movement_db`.
        amount: 0 to 1, share of the way and of the depth.
        depth_db: most that it moves, either way.
    """
    level = _level(energy)
    limit = amount * depth_db
    if level is None or limit <= 0.0:
        return None
    count = len(level)
    inside = _bands(count)
    spectrum = np.fft.rfft(level)
    own = _rms(spectrum, inside, count)
    wanted = np.log(np.maximum(own, _LEAST_DB)) * (1.0 - amount) + amount * np.log(
        np.maximum(live_db, _LEAST_DB)
    )
    # What the stem does in each band, at the ends of frames: half a frame later than its levels.
    later = np.exp(1j * np.pi * np.arange(len(spectrum)) / count)
    parts = np.stack(
        [np.fft.irfft(np.where(inside == band, spectrum * later, 0.0), count) for band in range(6)]
    )
    trim = 0.0

    def curve(scales: Doubles) -> Doubles:
        return np.asarray(np.clip(scales @ parts + trim, -limit, limit))

    def apart(scales: Doubles) -> float:
        """Squared distance of what is reached from what is wanted."""
        reached = _rms(np.fft.rfft(level + _over_frames(curve(scales))), inside, count)
        return float(np.square(np.log(np.maximum(reached, _LEAST_DB)) - wanted).sum())

    scales = np.zeros(_BANDS)
    for _ in range(2):
        found = minimize(
            apart, scales, method="Powell", bounds=[_SCALES] * _BANDS, options={"xtol": 1e-3, "ftol": 1e-4}
        )
        scales = np.asarray(found.x)
        low, high = -limit, limit
        for _ in range(24):
            trim = 0.5 * (low + high)
            low, high = (low, trim) if _louder(energy, curve(scales)) > 0.0 else (trim, high)
    return curve(scales)


def _louder(energy: Doubles, gain_db: Doubles) -> float:
    """Return by how much the gated loudness of ``energy`` rises with ``gain_db``, LU."""
    even = len(energy) // 2 * 2
    after = energy * 10.0 ** (_over_frames(gain_db) / 10.0)
    before_lufs, after_lufs = (integrated(one[:even].reshape(-1, 2).mean(axis=1)) for one in (energy, after))
    # Silence, before or after, is never too loud.
    return after_lufs - before_lufs if np.isfinite(before_lufs) else 0.0


def _over_frames(gain_db: Doubles) -> Doubles:
    """Return the mean over each frame of a gain in dB that is ``gain_db`` (T,) at the end of each."""
    return np.asarray(0.5 * (np.concatenate([gain_db[:1], gain_db[:-1]]) + gain_db))


def _level(energy: Doubles) -> Doubles | None:
    """Return the level in dB, without its mean, gaps bridged by straight lines, (T,); None where too little sounds."""
    level = 10.0 * np.log10(np.maximum(energy, _FLOOR))
    sounds = (level > _GATE_DB) & (level > np.percentile(level, 95.0) - _RANGE_DB)
    if np.count_nonzero(sounds) < _KNOWN:
        return None
    frames = np.arange(len(level))
    bridged = np.interp(frames, frames[sounds], level[sounds])
    return np.asarray(bridged - bridged.mean())


def _bands(count: int) -> npt.NDArray[np.intp]:
    """Return the band of each frequency of a spectrum of ``count`` frames; -1 and 6 are no bands."""
    return np.asarray(np.digitize(np.fft.rfftfreq(count, 1.0 / _RATE_HZ), _EDGES_HZ) - 1)


def _rms(spectrum: npt.NDArray[np.complex128], inside: npt.NDArray[np.intp], count: int) -> Doubles:
    power = np.bincount(inside + 1, np.square(np.abs(spectrum)), _BANDS + 2)[1:-1]
    return np.asarray(np.sqrt(2.0 * power) / count)

"""What masks what: the definition of docs/metrics.md, and another model that the dip does not use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hybridmix.measures import RATE, Doubles, Floats

__all__ = ["Bark", "Erb", "Masking", "masked_share"]

#: Length of a frame and the way to the next: 85 and 50 ms.
_WINDOW = round(0.085 * RATE)
_STEP = RATE // 20
#: Frames whose spectra are made at once: memory for one minute, however long the audio.
_AT_ONCE = 1200
#: Bins up to this are looked at, Hz: what lies above spreads down by next to nothing.
_HIGHEST_HZ = 1500.0
_LOWEST_TARGET_HZ, _HIGHEST_TARGET_HZ = 200.0, 600.0
#: Live bands are active above this level, and within so much of their own 95th percentile, dB.
_QUIETEST_DBFS, _RANGE_DB = -60.0, 30.0
_FLOOR = 1e-12


def _spectra(audio: Floats) -> Doubles:
    """Return the power of each bin of each frame of ``audio`` (samples,), (frames, bins)."""
    windows = np.lib.stride_tricks.sliding_window_view(audio.astype(np.float64), _WINDOW)[::_STEP]
    window, bins = np.hanning(_WINDOW), len(_hz())
    power = np.empty((len(windows), bins))
    for begin in range(0, len(windows), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        power[part] = np.square(np.abs(np.fft.rfft(windows[part] * window, axis=1)[:, :bins]))
    return np.asarray(2.0 * power / (_WINDOW * np.square(window).sum()))


def _hz() -> Doubles:
    hz = np.fft.rfftfreq(_WINDOW, 1.0 / RATE)
    return np.asarray(hz[hz <= _HIGHEST_HZ])


@dataclass(frozen=True)
class Masking:
    """A model of masking: bands, and what spreads to them.

    ``bands`` (bins, bands) makes the power in each band; ``fall_db`` (bands, bands) is how much less than itself a
    band (second) lays over another (first); ``offset_db`` is how far a masker must lie above what it masks.
    """

    bands: Doubles
    fall_db: Doubles
    targets: npt.NDArray[np.bool_]
    offset_db: float
    adds: bool

    def live_db(self, audio: Floats) -> Doubles:
        """Return the level of each target band of each frame, (frames, bands)."""
        return _decibels(_spectra(audio) @ self.bands)[:, self.targets]

    def over_db(self, audio: Floats) -> Doubles:
        """Return the level below which ``audio`` masks, in each target band of each frame, (frames, bands)."""
        power = _spectra(audio) @ self.bands
        fall = 10.0 ** (-self.fall_db[self.targets] / 10.0)
        if self.adds:
            return _decibels(power @ fall.T) - self.offset_db
        passed = (power[:, None, :] * fall[None, :, :]).max(axis=2)
        return _decibels(passed) - self.offset_db


def _decibels(power: Doubles) -> Doubles:
    return np.asarray(10.0 * np.log10(np.maximum(power, _FLOOR)))


def Erb() -> Masking:  # noqa: N802
    """Rounded-exponential filters half an ERB apart, spread by 9 dB per ERB upwards and 25 downwards."""
    numbers = np.arange(1.0, 18.0, 0.5)
    centres = (10.0 ** (numbers / 21.4) - 1.0) / 0.00437
    slope = 4.0 * centres / (24.7 * (0.00437 * centres + 1.0))
    away = slope * np.abs(_hz()[:, None] / centres - 1.0)
    above = numbers[:, None] - numbers[None, :]
    return Masking(
        bands=(1.0 + away) * np.exp(-away),
        fall_db=np.where(above >= 0.0, 9.0 * above, -25.0 * above),
        targets=(centres >= _LOWEST_TARGET_HZ) & (centres <= _HIGHEST_TARGET_HZ),
        offset_db=0.0,
        adds=False,
    )


def Bark() -> Masking:  # noqa: N802
    """Critical bands half a Bark apart, Schroeder's spreading function, powers added, noise as masker (5.5 dB).

    Source: M. R. Schroeder, B. S. Atal, J. L. Hall, "Optimizing digital speech coders by exploiting masking properties
    of the human ear", J. Acoust. Soc. Am. 66 (1979).
    """
    hz = _hz()
    bark = 13.0 * np.arctan(0.00076 * hz) + 3.5 * np.arctan(np.square(hz / 7500.0))
    centres = np.arange(0.5, 11.0, 0.5)
    above = centres[:, None] - centres[None, :] + 0.474
    bounds = np.interp([_LOWEST_TARGET_HZ, _HIGHEST_TARGET_HZ], hz, bark)
    return Masking(
        bands=(np.abs(bark[:, None] - centres) < 0.5).astype(np.float64),
        fall_db=-(15.81 + 7.5 * above - 17.5 * np.sqrt(1.0 + np.square(above))),
        targets=(centres >= bounds[0]) & (centres <= bounds[1]),
        offset_db=5.5,
        adds=True,
    )


def masked_share(live_db: Doubles, over_db: Doubles, stricter_db: float = 0.0) -> float:
    """Return the share of the active cells of ``live_db`` that ``over_db`` covers, both (frames, bands).

    ``stricter_db`` is how much more than just covering is asked for. NaN where nothing is active.
    """
    loudest = np.percentile(live_db.max(axis=1), 95.0)
    active = (live_db > _QUIETEST_DBFS) & (live_db > loudest - _RANGE_DB)
    if not active.any():
        return float("nan")
    return float((active & (over_db - stricter_db > live_db)).sum() / active.sum())

"""Streaming level meter: integrated and short-term loudness, sample peak, true peak.

ITU-R BS.1770-4: K-weighting, 400 ms blocks every 100 ms, absolute gate -70 LUFS, relative gate -10 LU.
Streaming, so that an hour of audio costs a few hundred kilobytes.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import soxr

from hybridmix.batch.audio import Audio
from hybridmix.features.k_weighting import KWeighting

__all__ = ["Meter"]

_SILENCE = -math.inf


class Meter:
    """Measures one stream of ``channels`` (1 or 2) at ``rate`` Hz.

    Args:
        true_peak: also measure true peak by 4x oversampling (costs more than the rest).
    """

    def __init__(self, rate: int, channels: int, *, true_peak: bool = False) -> None:
        self._weighting = KWeighting(rate, channels)
        self._oversampler = (
            soxr.ResampleStream(rate, 4 * rate, channels, dtype="float32") if true_peak else None
        )
        self._segment = rate // 10
        self._rest: npt.NDArray[np.float32] = np.zeros((channels, 0), np.float32)
        self._energies: list[float] = []
        self._peak = 0.0
        self._true_peak = 0.0

    def add(self, block: Audio) -> None:
        """Measure the next ``block``, shape ``(channels, frames)``."""
        self._peak = max(self._peak, float(np.max(np.abs(block), initial=0.0)))
        if self._oversampler is not None and block.shape[1]:
            self._oversampled(self._oversampler.resample_chunk(np.ascontiguousarray(block.T)))
        weighted = self._weighting.process(block)
        samples = np.concatenate([self._rest, weighted], axis=1)
        whole = samples.shape[1] // self._segment
        if whole:
            segments = samples[:, : whole * self._segment].reshape(samples.shape[0], whole, self._segment)
            self._energies += np.mean(np.square(segments, dtype=np.float64), axis=2).sum(axis=0).tolist()
        self._rest = samples[:, whole * self._segment :]

    def _oversampled(self, block: npt.NDArray[np.float32]) -> None:
        self._true_peak = max(self._true_peak, float(np.max(np.abs(block), initial=0.0)))

    @property
    def peak_dbfs(self) -> float:
        """Largest sample in dBFS; -inf for silence."""
        return _decibels(self._peak)

    def true_peak_dbtp(self) -> float:
        """Return the true peak in dBTP and end the measurement; never below the sample peak."""
        if self._oversampler is not None:
            self._oversampled(
                self._oversampler.resample_chunk(np.zeros((0, self._rest.shape[0]), np.float32), last=True)
            )
            self._oversampler = None
        return _decibels(max(self._true_peak, self._peak))

    def integrated_lufs(self, skip_s: float = 0.0) -> float:
        """Return the gated loudness in LUFS after the first ``skip_s`` seconds; -inf when nothing passes the gates."""
        blocks = self._windows(4)[round(skip_s * 10) :]
        blocks = blocks[_lufs(blocks) > -70.0]
        if not blocks.size:
            return _SILENCE
        return float(_lufs(np.mean(blocks[_lufs(blocks) > _lufs(np.mean(blocks)) - 10.0])))

    def short_term_lufs(self) -> npt.NDArray[np.float64]:
        """Return the loudness of each 3 s window in LUFS, one per 100 ms, the first ending at 3 s."""
        return _lufs(self._windows(30))

    def _windows(self, segments: int) -> npt.NDArray[np.float64]:
        """Mean energy of each run of ``segments`` segments of 100 ms."""
        if len(self._energies) < segments:
            return np.zeros(0)
        sums = np.concatenate([[0.0], np.cumsum(self._energies)])
        return np.maximum((sums[segments:] - sums[:-segments]) / segments, 0.0)


def _lufs(energy: npt.NDArray[np.float64] | np.floating) -> npt.NDArray[np.float64]:
    return np.asarray(-0.691 + 10.0 * np.log10(np.maximum(energy, 1e-20)))


def _decibels(amplitude: float) -> float:
    return 20.0 * math.log10(amplitude) if amplitude > 0.0 else _SILENCE

"""Streaming level meter: energies for the loudness, sample peak, true peak.

Streaming, so that an hour of audio costs a few hundred kilobytes.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import soxr

from hybridmix.batch.audio import Audio
from hybridmix.batch.loudness import Energies
from hybridmix.features import KWeighting

__all__ = ["Meter", "decibels"]


class Meter:
    """Measures one stream of ``channels`` (1 or 2) at ``rate`` Hz; audio is measured second by second.

    Args:
        true_peak: also measure the true peak, by 4x oversampling.
    """

    def __init__(self, rate: int, channels: int, *, true_peak: bool = False) -> None:
        self._weighting = KWeighting(rate)
        self._state = np.zeros((channels, *KWeighting.STATE_SHAPE))
        self._oversampler = (
            soxr.ResampleStream(rate, 4 * rate, channels, dtype="float32") if true_peak else None
        )
        self._segment = rate // 10
        self._blocks: list[Audio] = []
        self._waiting = 0
        self._energies: list[float] = []
        self._peak = 0.0
        self._true_peak = 0.0

    def add(self, block: Audio) -> None:
        """Measure ``block``, shape ``(channels, frames)``, with those before it."""
        self._blocks.append(block)
        self._waiting += block.shape[1]
        if self._waiting >= 10 * self._segment:
            self._measure(self._waiting // self._segment * self._segment)

    def _measure(self, frames: int) -> None:
        """Measure the first ``frames`` samples that wait, whole segments of 100 ms."""
        audio = np.concatenate(self._blocks, axis=1)
        self._blocks = [audio[:, frames:]]
        self._waiting -= frames
        audio = audio[:, :frames]
        self._peak = max(self._peak, _peak(audio))
        if self._oversampler is not None:
            self._true_peak = max(
                self._true_peak, _peak(self._oversampler.resample_chunk(np.ascontiguousarray(audio.T)))
            )
        weighted, self._state = self._weighting.weight(audio, self._state)
        segments = weighted.reshape(len(weighted), -1, self._segment)
        self._energies += np.mean(np.square(segments), axis=2).sum(axis=0).tolist()

    def energies(self) -> Energies:
        """Return the energies of the whole segments so far."""
        if self._waiting >= self._segment:
            self._measure(self._waiting // self._segment * self._segment)
        return np.array(self._energies)

    def peak_dbfs(self) -> float:
        """Return the largest sample in dBFS; -inf for silence."""
        return decibels(max(self._peak, *(_peak(block) for block in self._blocks), 0.0))

    def true_peak_dbtp(self) -> float:
        """Return the true peak in dBTP and end the measurement; never below the sample peak."""
        if self._oversampler is None:
            return self.peak_dbfs()
        rest = np.concatenate([*self._blocks], axis=1) if self._blocks else np.zeros((2, 0), np.float32)
        tail = self._oversampler.resample_chunk(np.ascontiguousarray(rest.T), last=True)
        self._oversampler = None
        return max(decibels(max(self._true_peak, _peak(tail))), self.peak_dbfs())


def _peak(audio: npt.NDArray[np.float32]) -> float:
    return float(max(audio.max(initial=0.0), -audio.min(initial=0.0)))


def decibels(amplitude: float) -> float:
    """Return ``amplitude`` (full scale 1.0) in dB; -inf for 0."""
    return 20.0 * math.log10(amplitude) if amplitude > 0.0 else -math.inf

"""Streaming level meter: energies for the loudness, sample peak, true peak.

Streaming, so that an hour of audio costs a few hundred kilobytes.
"""

from __future__ import annotations

import math

import numpy as np
import soxr

from hybridmix.batch.audio import Audio
from hybridmix.batch.loudness import Energies
from hybridmix.features import KWeighting

__all__ = ["Meter", "decibels", "peak"]


class Meter:
    """Measures one stream of ``channels`` (1 or 2) at ``rate`` Hz, 200 ms at a time.

    Args:
        true_peak: also measure the true peak, by 4x oversampling.
        turn: 0 to 1; meters of other turns do their work at other times, so that nobody waits for all of it.
    """

    def __init__(self, rate: int, channels: int, *, true_peak: bool = False, turn: float = 0.0) -> None:
        self._weighting = KWeighting(rate)
        self._state = np.zeros((channels, *KWeighting.STATE_SHAPE))
        self._oversampler = (
            soxr.ResampleStream(rate, 4 * rate, channels, dtype="float32") if true_peak else None
        )
        self._segment = rate // 10
        self._stretch = 2 * self._segment
        self._enough = self._stretch + int(turn * self._stretch)
        self._blocks: list[Audio] = []
        self._waiting = 0
        self._energies: list[float] = []
        self._peak = 0.0
        self._true_peak = 0.0

    def add(self, block: Audio) -> None:
        """Measure ``block``, shape ``(channels, frames)``, with those before it."""
        self._blocks.append(block)
        self._waiting += block.shape[1]
        if self._waiting >= self._enough:
            self._measure((self._waiting - self._enough) // self._stretch * self._stretch + self._stretch)

    def _measure(self, frames: int) -> None:
        """Measure the first ``frames`` samples that wait, whole segments of 100 ms."""
        audio = np.concatenate(self._blocks, axis=1)
        self._blocks = [audio[:, frames:]]
        self._waiting -= frames
        audio = audio[:, :frames]
        self._peak = max(self._peak, peak(audio))
        if self._oversampler is not None:
            self._true_peak = max(
                self._true_peak, peak(self._oversampler.resample_chunk(np.ascontiguousarray(audio.T)))
            )
        squares, self._state = self._weighting.squares(audio, self._state, frames // self._segment)
        self._energies += (squares.sum(axis=0) / self._segment).tolist()

    def energies(self) -> Energies:
        """Return the energies of the whole segments so far."""
        if self._waiting >= self._segment:
            self._measure(self._waiting // self._segment * self._segment)
        return np.array(self._energies)

    def peak_dbfs(self) -> float:
        """Return the largest sample in dBFS; -inf for silence."""
        return decibels(max(self._peak, *(peak(block) for block in self._blocks), 0.0))

    def true_peak_dbtp(self) -> float:
        """Return the true peak in dBTP and end the measurement; never below the sample peak."""
        if self._oversampler is None:
            return self.peak_dbfs()
        rest = np.concatenate([*self._blocks], axis=1) if self._blocks else np.zeros((2, 0), np.float32)
        tail = self._oversampler.resample_chunk(np.ascontiguousarray(rest.T), last=True)
        self._oversampler = None
        return max(decibels(max(self._true_peak, peak(tail))), self.peak_dbfs())


def peak(audio: Audio) -> float:
    """Return the largest magnitude of any sample; 0 where there is none."""
    # The reductions themselves: `max` and `min` take longer to get there than to look at a block.
    return float(
        max(
            np.maximum.reduce(audio, axis=None, initial=0.0),
            -np.minimum.reduce(audio, axis=None, initial=0.0),
        )
    )


def decibels(amplitude: float) -> float:
    """Return ``amplitude`` (full scale 1.0) in dB; -inf for 0."""
    return 20.0 * math.log10(amplitude) if amplitude > 0.0 else -math.inf

"""Streaming level meters: energies for the loudness, sample peak, true peak.

Streaming, so that an hour of audio costs a few megabytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import soxr

from hybridmix.batch.audio import Audio
from hybridmix.features import KWeighting
from hybridmix.features.levels import level_dbfs, power
from hybridmix.measures.loudness import Energies

__all__ = ["Levels", "Meter", "Peaks", "TruePeak"]

#: Hops of 10 ms in a segment: 100 ms.
_HOPS = 10


class Peaks:
    """Sample peaks of several streams side by side, of ``channels`` each."""

    def __init__(self, channels: Sequence[int]) -> None:
        #: First row of each stream.
        self._starts = _starts(channels)
        self._peaks: npt.NDArray[np.float32] = np.zeros(sum(channels), np.float32)

    def add(self, block: Audio) -> None:
        """Note ``block``, shape ``(all channels, frames)``, at least one frame."""
        np.maximum(self._peaks, np.maximum.reduce(block, axis=1), out=self._peaks)
        np.maximum(self._peaks, -np.minimum.reduce(block, axis=1), out=self._peaks)

    def dbfs(self, stream: int) -> float:
        """Return the largest sample of ``stream`` in dBFS; -inf for silence."""
        return _decibels(float(np.maximum.reduceat(self._peaks, self._starts)[stream]))


class Meter:
    """Measures several streams side by side: one filter call for all of them costs little more than one.

    Args:
        rate: in Hz, a multiple of 100.
        channels: of each stream, 1 or 2.
    """

    def __init__(self, rate: int, channels: Sequence[int]) -> None:
        self._weighting = KWeighting(rate)
        #: First row of each stream.
        self._starts = _starts(channels)
        self._state = np.zeros((sum(channels), *KWeighting.STATE_SHAPE))
        #: Sample peaks of the streams.
        self.peaks = Peaks(channels)
        #: What is no whole hop yet, and the sums of hops that are no whole segment.
        self._rest: Audio = np.zeros((sum(channels), 0), np.float32)
        self._sums = np.zeros((len(channels), 0))
        #: Sums of whole segments, (streams, segments) each.
        self._whole = [np.zeros((len(channels), 0))]

    def add(self, blocks: Sequence[Audio]) -> None:
        """Measure one block of each stream, ``(channels, frames)``, of at least one frame."""
        kept = self._rest.shape[1]
        audio = np.empty((len(self._rest), kept + blocks[0].shape[1]), np.float32)
        audio[:, :kept] = self._rest
        np.concatenate(blocks, out=audio[:, kept:])
        self.peaks.add(audio[:, kept:])
        hops = audio.shape[1] // self._weighting.hop
        self._rest = audio[:, hops * self._weighting.hop :].copy()
        if not hops:
            return
        squares, self._state = self._weighting.squares(audio[:, : hops * self._weighting.hop], self._state)
        sums = np.concatenate([self._sums, np.add.reduceat(squares, self._starts, axis=0)], axis=1)
        count = sums.shape[1] // _HOPS
        self._whole.append(sums[:, : count * _HOPS].reshape(len(sums), count, _HOPS).sum(axis=2))
        self._sums = sums[:, count * _HOPS :]

    def energies(self, stream: int) -> Energies:
        """Return the energies of the whole segments of ``stream`` so far."""
        sums = np.concatenate([segments[stream] for segments in self._whole])
        return np.asarray(sums / (_HOPS * self._weighting.hop))


class Levels:
    """The level of one stream of ``channels`` at ``rate`` Hz as staging counts it: unweighted, where it sounds."""

    def __init__(self, rate: int, channels: int) -> None:
        self._frame = rate // 20
        self._rest: Audio = np.zeros((channels, 0), np.float32)
        self._powers: list[float] = []

    def add(self, block: Audio) -> None:
        """Measure ``block``, shape ``(channels, frames)``."""
        audio = np.concatenate([self._rest, block], axis=1)
        whole = audio.shape[1] - audio.shape[1] % self._frame
        self._powers += [power(audio[:, at : at + self._frame]) for at in range(0, whole, self._frame)]
        self._rest = audio[:, whole:]

    def dbfs(self) -> float:
        """Return the level so far in dBFS; -inf for silence."""
        return level_dbfs(np.array(self._powers))


class TruePeak:
    """The true peak of a stereo stream at ``rate`` Hz, by 4x oversampling."""

    def __init__(self, rate: int) -> None:
        self._oversampler = soxr.ResampleStream(rate, 4 * rate, 2, dtype="float32")
        self._peak = 0.0

    def add(self, block: Audio, *, last: bool = False) -> None:
        """Measure ``block``, shape ``(2, frames)``."""
        oversampled = self._oversampler.resample_chunk(np.ascontiguousarray(block.T), last=last)
        self._peak = max(self._peak, _peak(oversampled), _peak(block))

    def finish(self) -> float:
        """End the measurement; returns the true peak in dBTP, never below the sample peak."""
        self.add(np.zeros((2, 0), np.float32), last=True)
        return _decibels(self._peak)


def _starts(channels: Sequence[int]) -> npt.NDArray[np.intp]:
    return np.cumsum([0, *channels[:-1]])


def _peak(audio: Audio) -> float:
    """Return the largest magnitude of any sample; 0 where there is none."""
    # The reductions themselves: `max` and `min` take longer to get there than to look at a block.
    return float(
        max(
            np.maximum.reduce(audio, axis=None, initial=0.0),
            -np.minimum.reduce(audio, axis=None, initial=0.0),
        )
    )


def _decibels(amplitude: float) -> float:
    """Return ``amplitude`` (full scale 1.0) in dB; -inf for 0."""
    return 20.0 * math.log10(amplitude) if amplitude > 0.0 else -math.inf

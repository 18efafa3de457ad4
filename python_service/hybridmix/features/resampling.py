"""Any sample rate to 16 kHz, causally and hop by hop: what the embedding networks hear.

A linear-phase filter (Kaiser-windowed sinc, 70 dB) that passes up to 7.5 kHz, the top of the networks' mel
bands, and lets nothing alias below it. It delays by 2.1875 ms, 35 samples at 16 kHz, and never looks ahead.
Every row is computed on its own, hop after hop by the same matrix products.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hybridmix.errors import InputError

__all__ = ["RATE", "To16k"]

Floats = npt.NDArray[np.float32]

RATE = 16000
#: Samples at 16 kHz in a hop of 10 ms.
_HOP = RATE // 100
#: So many of them are computed at once: a fifth.
_PART = 32
_DELAY_S = 35 / RATE
_KAISER_BETA = 6.755


class To16k:
    """The resampler of one sample rate; the caller keeps the state of each channel."""

    def __init__(self, rate: int) -> None:
        """Design the filter for ``rate`` Hz. Raises InputError for a rate that has no whole hops of 10 ms."""
        if rate < 8000 or rate % 100:
            raise InputError(
                f"sample rate {rate} Hz cannot be resampled; expected a multiple of 100 from 8000 on: "
                "convert the audio to 44100 or 48000 Hz."
            )
        self.hop = rate // 100
        #: How late its output is, in s.
        self.delay_s = _DELAY_S
        #: Samples of the past that the next hop needs: the state is (rows, ``past``), zeros at the beginning.
        self.past = math.ceil(2.0 * _DELAY_S * rate)
        self._parts = _parts(rate)

    def resample(self, audio: Floats, state: Floats) -> tuple[Floats, Floats]:
        """Resample a stretch of each channel.

        ``audio`` is (rows, hops * rate / 100), ``state`` (rows, `past`). Returns (rows, hops * 160) and the new
        state. Cutting a signal elsewhere changes its samples by rounding alone.
        """
        hops = audio.shape[1] // self.hop
        joined = np.concatenate([state, audio], axis=1, dtype=np.float32)
        after = joined[:, joined.shape[1] - self.past :].copy()
        windows = np.lib.stride_tricks.sliding_window_view(joined, self.past + self.hop, axis=1)
        windows = np.ascontiguousarray(windows[:, :: self.hop])
        out = np.empty((len(audio), hops, _HOP), np.float32)
        # Products of these shapes per row, whatever the number of rows.
        for given, taken, matrix in self._parts:
            np.matmul(windows[:, :, taken], matrix, out=out[:, :, given])
        return out.reshape(len(audio), hops * _HOP), after


class _Part(NamedTuple):
    """Some samples of a hop at 16 kHz: which, from which of the past and the hop, and what each adds to each."""

    given: slice
    taken: slice
    matrix: Floats


@functools.cache
def _parts(rate: int) -> tuple[_Part, ...]:
    """Return the parts of a hop from ``rate`` Hz, kept for all groups.

    The kernel is shorter than a hop: a part reaches no further than it does, and the rest would be zeros.
    """
    taken = np.arange(-math.ceil(2.0 * _DELAY_S * rate), rate // 100) / rate
    given = np.arange(_HOP) / RATE - _DELAY_S
    whole = _kernel(given[None, :] - taken[:, None], rate)
    parts = []
    for begin in range(0, _HOP, _PART):
        columns = whole[:, begin : begin + _PART]
        reached = np.flatnonzero(columns.any(axis=1))
        rows = slice(int(reached[0]), int(reached[-1]) + 1)
        matrix = np.ascontiguousarray(columns[rows])
        matrix.flags.writeable = False
        parts.append(_Part(slice(begin, begin + _PART), rows, matrix))
    return tuple(parts)


def _kernel(time: npt.NDArray[np.float64], rate: int) -> Floats:
    """Return the impulse response at ``time`` in seconds from its middle."""
    corner = min(RATE, rate) / 2.0
    inside = np.clip(1.0 - (time / _DELAY_S) ** 2, 0.0, None)
    window = np.where(
        np.abs(time) <= _DELAY_S, np.i0(_KAISER_BETA * np.sqrt(inside)) / np.i0(_KAISER_BETA), 0.0
    )
    return (2.0 * corner / rate * np.sinc(2.0 * corner * time) * window).astype(np.float32)

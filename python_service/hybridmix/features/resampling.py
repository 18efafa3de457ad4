"""Any sample rate to 16 kHz, causally and hop by hop: what the embedding networks hear.

A linear-phase filter (Kaiser-windowed sinc, 70 dB) that passes up to 7.5 kHz, the top of the networks' mel
bands, and lets nothing alias below it. It delays by 2.1875 ms, 35 samples at 16 kHz, and never looks ahead.
Every row is computed on its own, hop after hop by the same matrix product.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import numpy.typing as npt

from hybridmix.errors import InputError

__all__ = ["RATE", "To16k"]

Floats = npt.NDArray[np.float32]

RATE = 16000
#: Samples at 16 kHz in a hop of 10 ms.
_HOP = RATE // 100
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
        #: Samples of the past that the next hop needs: the state is (rows, ``past``), zeros at the beginning.
        self.past = math.ceil(2.0 * _DELAY_S * rate)
        self._matrix = _matrix(rate)

    def resample(self, audio: Floats, state: Floats) -> tuple[Floats, Floats]:
        """Resample a stretch of each channel.

        ``audio`` is (rows, hops * rate / 100), ``state`` (rows, `past`). Returns (rows, hops * 160) and the new
        state. Cutting a signal elsewhere changes its samples by rounding alone.
        """
        hops = audio.shape[1] // self.hop
        joined = np.concatenate([state, audio], axis=1, dtype=np.float32)
        after = joined[:, joined.shape[1] - self.past :].copy()
        windows = np.lib.stride_tricks.sliding_window_view(joined, self.past + self.hop, axis=1)
        # One product of this shape per row, whatever the number of rows.
        out = np.matmul(np.ascontiguousarray(windows[:, :: self.hop]), self._matrix)
        return out.reshape(len(audio), hops * _HOP), after


@functools.cache
def _matrix(rate: int) -> Floats:
    """Return what each sample of the past and of a hop at ``rate`` Hz adds to each at 16 kHz, kept for all groups."""
    taken = np.arange(-math.ceil(2.0 * _DELAY_S * rate), rate // 100) / rate
    given = np.arange(_HOP) / RATE - _DELAY_S
    matrix = _kernel(given[None, :] - taken[:, None], rate)
    matrix.flags.writeable = False
    return matrix


def _kernel(time: npt.NDArray[np.float64], rate: int) -> Floats:
    """Return the impulse response at ``time`` in seconds from its middle."""
    corner = min(RATE, rate) / 2.0
    inside = np.clip(1.0 - (time / _DELAY_S) ** 2, 0.0, None)
    window = np.where(
        np.abs(time) <= _DELAY_S, np.i0(_KAISER_BETA * np.sqrt(inside)) / np.i0(_KAISER_BETA), 0.0
    )
    return (2.0 * corner / rate * np.sinc(2.0 * corner * time) * window).astype(np.float32)

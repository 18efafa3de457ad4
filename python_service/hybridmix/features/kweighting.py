"""K-weighting (ITU-R BS.1770) and the energy of hops, for any number of channels at once.

A hop is filtered as a few matrix products, in double precision: what its blocks add to the filter's state, the
state at the beginning of every block, and from state and samples the output. That is faster than to go from sample
to sample. Every row is filtered and summed on its own, hop after hop by products of one shape: a row's result has
the same bits whether it is computed alone or together with others, and however many hops come at once. Live playback
and a bounce batch differently, and must agree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hybridmix.errors import InputError

__all__ = ["KWeighting"]

Doubles = npt.NDArray[np.float64]

# The analogue prototypes of the two stages of BS.1770, which give the table of the recommendation exactly at 48 kHz and
# the same curve at every other rate: B. De Man, "Evaluation of Implementations of the EBU R128 Loudness Measurement",
# AES 145, 2018. Corner in Hz and Q; of the shelf also its gain in dB, and the power of it that is at the corner.
_SHELF_HZ, _SHELF_Q, _SHELF_DB, _SHELF_POWER = (
    1681.9744509555319,
    0.7071752369554193,
    3.99984385397,
    0.499666774155,
)
_HIGH_PASS_HZ, _HIGH_PASS_Q = 38.13547087613982, 0.5003270373253953

#: Numbers of state: two for each stage.
_ORDER = 4
#: Samples in a block: about so many are fastest.
_BLOCK = 27


class KWeighting:
    """The K-weighting filter at one sample rate; the caller keeps the state of each channel."""

    #: Numbers of state per channel.
    STATE_SHAPE = (_ORDER,)

    def __init__(self, rate: int) -> None:
        """Design the filter for ``rate`` Hz. Raises InputError for a rate that has no whole hops of 10 ms."""
        if rate < 8000 or rate % 100:
            raise InputError(
                f"sample rate {rate} Hz has no hops of 10 ms; expected a multiple of 100 from 8000 on: "
                "convert the audio to 44100 or 48000 Hz."
            )
        self.hop = rate // 100
        lengths = [length for length in range(1, self.hop + 1) if self.hop % length == 0]
        self._length = min(lengths, key=lambda length: abs(length - _BLOCK))
        self._blocks = self.hop // self._length
        sections = (_shelf(rate), _high_pass(rate))
        length = self._length
        # What each sample of a block, and each number of state at its beginning, leads to by its end.
        outputs, ends = _responses(sections, np.eye(length), np.zeros((length, _ORDER)))
        held, kept = _responses(sections, np.zeros((_ORDER, length)), np.eye(_ORDER))
        self._added = ends
        self._weighted = np.concatenate([outputs, held])
        self._states = _propagation(kept, self._blocks)

    def squares(self, audio: npt.NDArray[np.float32], state: Doubles) -> tuple[Doubles, Doubles]:
        """Filter hops of each channel.

        ``audio`` is (rows, hops * rate / 100), full scale 1.0, at least one row and hop; ``state`` is (rows, 4), zeros
        where a channel begins. Returns the sum of the squared weighted samples of each hop, (rows, hops), and the
        new state.
        """
        rows, hops = len(audio), audio.shape[1] // self.hop
        blocks = np.empty((rows, hops, self._blocks, self._length + _ORDER))
        samples, begins = blocks[..., : self._length], blocks[..., self._length :]
        samples[...] = audio.reshape(rows, hops, self._blocks, self._length)
        given = np.empty((rows, hops, 1, _ORDER * (self._blocks + 1)))
        given[:, :, 0, _ORDER:] = np.matmul(samples, self._added).reshape(rows, hops, -1)
        for hop in range(hops):
            given[:, hop, 0, :_ORDER] = state
            states = np.matmul(given[:, hop], self._states).reshape(rows, self._blocks + 1, _ORDER)
            begins[:, hop], state = states[:, :-1], states[:, -1]
        weighted = np.matmul(blocks, self._weighted).reshape(rows, hops, self.hop)
        np.multiply(weighted, weighted, out=weighted)
        # A reduction over the contiguous axis sums each hop pairwise by itself.
        return np.add.reduce(weighted, axis=-1), state


class _Section(NamedTuple):
    """A filter of second order: what weighs the samples, and what weighs its own outputs."""

    b: tuple[float, float, float]
    a: tuple[float, float]


def _shelf(rate: int) -> _Section:
    warped = math.tan(math.pi * _SHELF_HZ / rate)
    square, high = warped * warped, 10.0 ** (_SHELF_DB / 20.0)
    slope, corner = warped / _SHELF_Q, high**_SHELF_POWER * warped / _SHELF_Q
    scale = 1.0 + slope + square
    return _Section(
        b=((high + corner + square) / scale, 2.0 * (square - high) / scale, (high - corner + square) / scale),
        a=(2.0 * (square - 1.0) / scale, (1.0 - slope + square) / scale),
    )


def _high_pass(rate: int) -> _Section:
    warped = math.tan(math.pi * _HIGH_PASS_HZ / rate)
    square, slope = warped * warped, warped / _HIGH_PASS_Q
    scale = 1.0 + slope + square
    return _Section(b=(1.0, -2.0, 1.0), a=(2.0 * (square - 1.0) / scale, (1.0 - slope + square) / scale))


def _responses(sections: Sequence[_Section], audio: Doubles, states: Doubles) -> tuple[Doubles, Doubles]:
    """Filter each row of ``audio`` from its state (rows, 4); returns the outputs and the new states."""
    outputs, after = audio.copy(), states.copy()
    for column in outputs.T:
        for section, state in zip(sections, (after[:, :2], after[:, 2:]), strict=True):
            given = column.copy()
            column[:] = section.b[0] * given + state[:, 0]
            state[:, 0] = section.b[1] * given - section.a[0] * column + state[:, 1]
            state[:, 1] = section.b[2] * given - section.a[1] * column
    return outputs, after


def _propagation(kept: Doubles, blocks: int) -> Doubles:
    """Return what the first state and what each block adds (4 numbers each) make of the state before each block.

    ``kept`` (4, 4) is what a block leaves of a state. The last four columns are the state behind the last block.
    """
    powers = [np.linalg.matrix_power(kept, distance) for distance in range(blocks + 1)]
    whole = np.zeros((blocks + 1, _ORDER, blocks + 1, _ORDER))
    for source in range(blocks + 1):
        for place in range(source, blocks + 1):
            whole[source, :, place] = powers[place - source]
    return whole.reshape(_ORDER * (blocks + 1), -1)

"""K-weighting (ITU-R BS.1770) and the energy of hops, for any number of channels at once.

Every row is filtered and summed on its own, in one fixed order, in double precision: a row's result
has the same bits whether it is computed alone or together with others. Live playback and a bounce
batch differently, and must agree.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pyloudnorm.iirfilter import IIRfilter
from scipy.signal import lfilter

__all__ = ["KWeighting"]

# The analogue prototypes of the two stages of BS.1770 (gain dB, Q, corner Hz), which give the table of
# the recommendation exactly at 48 kHz and the same curve at every other rate.
_SHELF = (3.99984385397, 0.7071752369554193, 1681.9744509555319, "high_shelf_DeMan")
_HIGH_PASS = (0.0, 0.5003270373253953, 38.13547087613982, "high_pass_DeMan")


class KWeighting:
    """The K-weighting filter at one sample rate; the caller keeps the state of each channel."""

    #: Numbers of state per channel: those of a filter of the fourth order.
    STATE_SHAPE = (4,)

    def __init__(self, rate: int) -> None:
        """Design the filter for ``rate`` Hz."""
        # Both stages as one filter: in double precision that is as exact, and half the work to call.
        shelf, high_pass = (
            IIRfilter(gain, quality, corner, rate, kind)
            for gain, quality, corner, kind in (_SHELF, _HIGH_PASS)
        )
        self._zeros = np.convolve(shelf.b, high_pass.b)
        self._poles = np.convolve(shelf.a, high_pass.a)

    def squares(
        self, audio: npt.NDArray[np.float32], state: npt.NDArray[np.float64], parts: int
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Filter a stretch of each channel.

        ``audio`` is (rows, frames), full scale 1.0, at least one row; ``state`` is (rows, 4), zeros where
        a channel begins. Returns the sum of the squared weighted samples of each of ``parts`` equal parts,
        (rows, parts), and the new state. However a signal is cut into stretches, its sums have the same bits.
        """
        weighted, after = self.weight(audio, state)
        np.multiply(weighted, weighted, out=weighted)
        # A reduction over the contiguous axis sums each part pairwise by itself.
        return np.add.reduce(weighted.reshape(len(audio), parts, -1), axis=-1), after

    def weight(
        self, audio: npt.NDArray[np.float32], state: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Filter ``audio`` (rows, frames) from ``state`` (rows, 4); returns it weighted, and the new state."""
        return lfilter(self._zeros, self._poles, audio.astype(np.float64), axis=-1, zi=state)

"""What a plan has to know of a track's input as a whole: its level, frame by frame, and its true peak."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hybridmix.features.levels import PAST, PEAK_BOUND, true_peak

__all__ = ["Levels", "dbfs"]

Doubles = npt.NDArray[np.float64]

_SILENCE_DBFS = -90.0


class Levels:
    """Streaming: mean square per frame, mean over the channels, as the plugin measures it; and the true peak."""

    def __init__(self, frame: int, channels: int) -> None:
        """Set up for frames of ``frame`` samples of ``channels`` channels."""
        self._frame = frame
        self._rest: npt.NDArray[np.float32] = np.zeros((channels, 0), np.float32)
        self._past: npt.NDArray[np.float32] = np.zeros((channels, PAST), np.float32)
        self._powers: list[Doubles] = []
        #: True peak so far, full scale 1.
        self.true_peak = 0.0

    def add(self, block: npt.NDArray[np.float32]) -> None:
        """Take the next samples, (channels, any number)."""
        audio = np.concatenate([self._rest, block], axis=1)
        whole = audio.shape[1] // self._frame
        squares = np.square(audio[:, : whole * self._frame], dtype=np.float64)
        self._powers.append(squares.reshape(len(audio), whole, self._frame).mean(axis=(0, 2)))
        self._rest = audio[:, whole * self._frame :].copy()
        heard = np.concatenate([self._past, block], axis=1)
        # Most blocks cannot hold a greater true peak than was heard already.
        if float(np.abs(heard).max(initial=0.0)) * PEAK_BOUND > self.true_peak:
            self.true_peak = max(self.true_peak, true_peak(block, self._past))
        self._past = heard[:, -PAST:]

    def powers(self, frames: int) -> Doubles:
        """Return the mean squares of the first ``frames`` frames, (frames,), 0 after the end."""
        rest = np.square(self._rest, dtype=np.float64).sum(axis=1).mean() / self._frame
        return np.concatenate([*self._powers, [rest], np.zeros(frames)])[:frames]

    def dbfs(self, frames: int) -> Doubles:
        """Return the level of the first ``frames`` frames, (frames,), see `dbfs`."""
        return dbfs(self.powers(frames))


def dbfs(powers: Doubles) -> Doubles:
    """Return the level of frames of these mean squares, (T,), in dBFS, -90 for silence."""
    return np.asarray(10.0 * np.log10(np.maximum(powers, 10.0 ** (_SILENCE_DBFS / 10.0))))

"""The level of a track over the frames of a song: by this a plugin knows that it is still the same sound."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Levels"]

_SILENCE_DBFS = -90.0


class Levels:
    """Streaming: mean square per frame, mean over the channels, as the plugin measures it."""

    def __init__(self, frame: int, channels: int) -> None:
        """Set up for frames of ``frame`` samples of ``channels`` channels."""
        self._frame = frame
        self._rest: npt.NDArray[np.float32] = np.zeros((channels, 0), np.float32)
        self._powers: list[npt.NDArray[np.float64]] = []

    def add(self, block: npt.NDArray[np.float32]) -> None:
        """Take the next samples, (channels, any number)."""
        audio = np.concatenate([self._rest, block], axis=1)
        whole = audio.shape[1] // self._frame
        squares = np.square(audio[:, : whole * self._frame], dtype=np.float64)
        self._powers.append(squares.reshape(len(audio), whole, self._frame).mean(axis=(0, 2)))
        self._rest = audio[:, whole * self._frame :].copy()

    def dbfs(self, frames: int) -> npt.NDArray[np.float64]:
        """Return the level of the first ``frames`` frames, (frames,), in dBFS, -90 for silence and after the end."""
        rest = np.square(self._rest, dtype=np.float64).sum(axis=1).mean() / self._frame
        powers = np.concatenate([*self._powers, [rest], np.zeros(frames)])[:frames]
        return np.asarray(10.0 * np.log10(np.maximum(powers, 10.0 ** (_SILENCE_DBFS / 10.0))))

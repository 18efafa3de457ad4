"""One frame of all members side by side: energies, levels and samples in rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hybridmix.engine.gain import Floats
from hybridmix.engine.hops import HOPS, MAX_ENERGY, Frame, Sheet

__all__ = ["energies", "levels_db", "side_by_side"]

#: Mean square of -100 dBFS.
_SILENCE = 1e-10


def energies(frames: Sequence[Frame | None], sheet: Sheet | None, length: int) -> Floats:
    """Return the K-weighted mean square of each of ``frames``, summed over the channels; 0 where there is none.

    ``length`` is that of a frame in samples; ``sheet`` holds all of them, where one does.
    """
    squares = np.zeros((len(frames), HOPS)) if sheet is None else sheet.squares
    if sheet is None:
        for row, frame in zip(squares, frames, strict=True):
            if frame is not None:
                row[:] = frame.squares
    energy: npt.NDArray[np.float64] = np.add.reduce(squares, axis=1) / length
    return np.minimum(energy, MAX_ENERGY).astype(np.float32)


def side_by_side(frames: Sequence[Frame | None], sheet: Sheet | None, length: int) -> Floats:
    """Return the samples of each of ``frames``, (n, samples): left, then right, once where all are mono."""
    channels = max((len(frame.audio) for frame in frames if frame is not None), default=1)
    if sheet is not None and len(sheet.audio) == channels * len(frames):
        return sheet.audio.reshape(len(frames), -1)
    audio = np.zeros((len(frames), channels, length), np.float32)
    for row, frame in zip(audio, frames, strict=True):
        if frame is not None:
            row[:] = frame.audio
    return audio.reshape(len(frames), -1)


def levels_db(audio: Floats, frames: Sequence[Frame | None], length: int) -> Floats:
    """Return the mean square of each of ``frames``, laid out as `side_by_side` does, over all channels, in dBFS."""
    squares = np.square(audio.reshape(len(frames), -1, length), dtype=np.float64)
    power: npt.NDArray[np.float64] = np.add.reduce(squares, axis=2)
    mono = [frame is not None and len(frame.audio) == 1 for frame in frames]
    # A mono track beside stereo ones is laid out twice.
    power[mono, 1:] = 0.0
    power = np.maximum(np.add.reduce(power, axis=1) / length, _SILENCE)
    return (10.0 * np.log10(power)).astype(np.float32)

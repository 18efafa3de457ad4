"""From gains to sound as the service and the plugin would make it.

Gains move at most 0.5 dB per frame; within a frame they are straight lines in dB. The group trim follows from the
headroom rule that ships, heard one frame late like every gain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hybridmix_models.data.types import FRAME, Floats
from hybridmix_models.gain import reference

__all__ = ["SLEW_DB", "Played", "play", "slew_limited"]

#: Largest change of a track's gain in dB per frame, as played.
SLEW_DB = 0.5


@dataclass(frozen=True, slots=True)
class Played:
    """One scene, mixed."""

    #: (n, T): gains in dB after the slew limit.
    gains_db: Floats
    #: (T,): trim of the group in dB, as applied.
    trim_db: Floats
    #: (T * FRAME,): the sum of the tracks with their gains.
    untrimmed: Floats
    #: (T * FRAME,): the same with the group trim, as heard.
    mix: Floats


def play(inputs: Floats, gains_db: Floats) -> Played:
    """Mix ``inputs`` (n, T * FRAME) by ``gains_db`` (n, T), in dB as applied and before the slew limit."""
    limited = slew_limited(gains_db)
    untrimmed = np.zeros(inputs.shape[1], np.float32)
    for track, gain in zip(inputs, limited, strict=True):
        untrimmed += track * _curve(gain)
    trim = _trim(inputs, limited)
    return Played(limited, trim, untrimmed, untrimmed * _curve(trim))


def slew_limited(gains_db: Floats, limit_db: float = SLEW_DB) -> Floats:
    """Return ``gains_db`` (n, T) moving by at most ``limit_db`` per frame from its first column on."""
    limited = np.array(gains_db, np.float32)
    for frame in range(1, limited.shape[1]):
        before = limited[:, frame - 1]
        limited[:, frame] = before + np.clip(gains_db[:, frame] - before, -limit_db, limit_db)
    return limited


def _trim(inputs: Floats, gains_db: Floats) -> Floats:
    """Return the headroom trim as applied, (T,): that of a frame answers the frame before with its newest gains."""
    computed = np.concatenate([gains_db[:, 1:], gains_db[:, -1:]], axis=1)
    frames = inputs.reshape(len(inputs), -1, FRAME)
    peaks = np.abs(np.einsum("nt,nts->ts", _amplitude(computed), frames)).max(axis=1)
    trim: npt.NDArray[np.float64] = reference.headroom(peaks.astype(np.float64))
    return np.concatenate([[0.0], trim[:-1]]).astype(np.float32)


def _curve(gain_db: Floats) -> Floats:
    """Return the amplitude of every sample, (T * FRAME,): a straight line in dB through the ends of the frames."""
    before = np.concatenate([gain_db[:1], gain_db[:-1]])
    share = np.arange(1, FRAME + 1, dtype=np.float32) / FRAME
    return _amplitude(before[:, None] + (gain_db - before)[:, None] * share).ravel()


def _amplitude(gain_db: Floats) -> Floats:
    return np.asarray(np.power(np.float32(10.0), gain_db * np.float32(0.05)), np.float32)

"""From what a causal pass decided, frame by frame, to what would have been right: no delay, no start, no rush.

In: the value that was sent for each frame, NaN where none was. Out: what the parameter moves to from the start of each
frame on, so that it is there at the frame's end.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["converged", "held", "placed", "sounding"]

Doubles = npt.NDArray[np.float64]

#: A frame sounds above this, and within so much of the track's loud frames.
_GATE_DBFS, _RANGE_DB = -60.0, 30.0
#: Gains are smoothed over 1 s, in frames: a model's decisions for single frames are no mixing moves.
_SMOOTHING = 21


def held(sent: Doubles) -> Doubles | None:
    """Return ``sent`` (T,) without holes: what was sent last, and first before anything was; None if nothing was."""
    known = np.flatnonzero(np.isfinite(sent))
    if not known.size:
        return None
    newest = np.maximum(np.searchsorted(known, np.arange(len(sent)), side="right") - 1, 0)
    return np.asarray(sent[known[newest]])


def sounding(level_dbfs: Doubles) -> npt.NDArray[np.bool_]:
    """Return which frames of a track of this level, (T,), are no gap."""
    return np.asarray((level_dbfs > _GATE_DBFS) & (level_dbfs > np.percentile(level_dbfs, 95.0) - _RANGE_DB))


def converged(sent: Doubles, sounds: npt.NDArray[np.bool_], frames: int) -> Doubles:
    """Return ``sent`` (T,) with what was reached after ``frames`` frames that sound, all where fewer do, from the start."""
    reached = int(np.searchsorted(np.cumsum(sounds), frames))
    values = held(sent)
    if values is None:
        return sent
    last = min(reached, len(values) - 1)
    return np.asarray(np.concatenate([np.full(last, values[last]), values[last:]]))


def placed(name: str, sent: Doubles) -> Doubles | None:
    """Return the plan of parameter ``name`` from what was ``sent`` (T,); None if nothing was."""
    values = held(sent)
    if values is None:
        return None
    if name == "gain_db":
        return _smoothed(values)
    if name in ("dip_db", "dip_hz"):
        # There when the frame begins that it was made for, not when it ends; eased from both sides.
        early = np.concatenate([values[1:], values[-1:]])
        before, after = np.concatenate([early[:1], early[:-1]]), np.concatenate([early[1:], early[-1:]])
        return np.asarray(0.25 * before + 0.5 * early + 0.25 * after)
    return values


def _smoothed(values: Doubles) -> Doubles:
    """Return ``values`` (T,) by a window that is centred on each: no phase, and what does not move stays."""
    window = np.hanning(_SMOOTHING + 2)[1:-1]
    padded = np.pad(values, _SMOOTHING // 2, mode="edge")
    return np.asarray(np.convolve(padded, window / window.sum(), mode="valid"))

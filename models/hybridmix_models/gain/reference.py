"""The two gain rules once more, over a whole pass, plainly and in double precision.

Written from the recommendation and not from the torch modules, frame by frame with the whole past at
hand: what streaming state, gates and masks are checked against.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hybridmix_models.gain.equal_loudness import EqualLoudness
from hybridmix_models.gain.headroom import Headroom

__all__ = ["equal_loudness", "headroom"]

Doubles = npt.NDArray[np.float64]


def equal_loudness(energy: Doubles, present: npt.NDArray[np.bool_]) -> Doubles:
    """Return the gain of one track in dB, (frames,), NaN while it is not known.

    Args:
        energy: (frames,), K-weighted mean square of each 50 ms frame, summed over channels.
        present: (frames,), whether the frame counts.
    """
    active: list[float] = [0.0] * (EqualLoudness.BLOCK - 1)
    gains = np.full(len(energy), np.nan)
    gain = np.nan
    for frame, (value, counts) in enumerate(zip(energy, present, strict=True)):
        block = [*active[-(EqualLoudness.BLOCK - 1) :], float(value)]
        if counts and _lufs(max(float(value), float(np.mean(block)))) > EqualLoudness.ABSOLUTE_GATE_LUFS:
            active.append(float(value))
            frames = len(active) - (EqualLoudness.BLOCK - 1)
            if frames >= EqualLoudness.BLOCK:
                gain = _moved(gain, active[-min(frames, EqualLoudness.WINDOW) :])
        gains[frame] = gain
    return gains


def _moved(gain: float, window: list[float]) -> float:
    """Return the gain one frame after ``gain``, ``window`` being the energies of the last 3 s."""
    blocks = np.convolve(window, np.full(EqualLoudness.BLOCK, 1.0 / EqualLoudness.BLOCK), "valid")
    blocks = blocks[_lufs(blocks) > EqualLoudness.ABSOLUTE_GATE_LUFS]
    if blocks.size:
        blocks = blocks[_lufs(blocks) > _lufs(np.mean(blocks)) + EqualLoudness.RELATIVE_GATE_LU]
    loudness = _lufs(np.mean(blocks)) if blocks.size else EqualLoudness.ABSOLUTE_GATE_LUFS
    wanted = float(
        np.clip(EqualLoudness.TARGET_LUFS - loudness, EqualLoudness.MIN_GAIN_DB, EqualLoudness.MAX_BOOST_DB)
    )
    if np.isnan(gain):
        return wanted
    left = (EqualLoudness.WINDOW / len(window) - 1.0) / (EqualLoudness.WINDOW / EqualLoudness.BLOCK - 1.0)
    return gain + (wanted - gain) * (EqualLoudness.SMOOTHING + (1.0 - EqualLoudness.SMOOTHING) * left)


def headroom(peaks: Doubles) -> Doubles:
    """Return the trim of the group in dB, (frames,), for the ``peaks`` of its sum, (frames,) in amplitude."""
    trims = np.zeros(len(peaks))
    running, since = -np.inf, 0
    for frame, level in enumerate(20.0 * np.log10(np.maximum(peaks, 1e-20))):
        since = 0 if level >= running - Headroom.CLOSE_DB else since + 1
        if since > Headroom.HOLD_FRAMES:
            running -= Headroom.RECOVERY_DB_PER_FRAME
        running = max(running, level)
        trims[frame] = np.clip(Headroom.AIM_DBFS - running, Headroom.MIN_TRIM_DB, 0.0)
    return trims


def _lufs(energy: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return np.asarray(-0.691 + 10.0 * np.log10(np.maximum(np.asarray(energy, np.float64), 1e-20)))

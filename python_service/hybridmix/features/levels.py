"""Level and true peak of frames, as recorded: mathematical, without any weighting."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["PAST", "PEAK_BOUND", "level_dbfs", "power", "true_peak"]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

#: Interpolating filters of ITU-R BS.1770-4, annex 2: the first two phases of 4x oversampling, newest sample last.
_PHASES = (
    (
        *(0.0017089843750, 0.0109863281250, -0.0196533203125, 0.0332031250000, -0.0594482421875, 0.1373291015625),
        *(0.9721679687500, -0.1022949218750, 0.0476074218750, -0.0266113281250, 0.0148925781250, -0.0083007812500),
    ),
    (
        *(-0.0291748046875, 0.0292968750000, -0.0517578125000, 0.0891113281250, -0.1665039062500, 0.4650878906250),
        *(0.7797851562500, -0.2003173828125, 0.1015625000000, -0.0582275390625, 0.0330810546875, -0.0189208984375),
    ),
)  # fmt: skip
_FILTERS = np.array([*_PHASES, *(phase[::-1] for phase in _PHASES)], np.float32).T

#: Samples before a stretch that its true peak depends on.
PAST = len(_FILTERS) - 1
#: No true peak is more than so many times the largest sample.
PEAK_BOUND = float(np.abs(_FILTERS).sum(axis=0).max())

#: What counts in the level of a track: frames above this, and within so much of the loudest.
_GATE_DBFS, _WITHIN_DB = -60.0, 30.0


def power(audio: Floats) -> float:
    """Return the mean square of ``audio`` (channels, frames) over samples and channels: a full-scale sine has 0.5."""
    return float(np.square(audio, dtype=np.float64).mean())


def true_peak(audio: Floats, past: Floats) -> float:
    """Return the largest magnitude of ``audio`` (channels, frames), oversampled 4x, and never less than its samples'.

    ``past`` (channels, 11) are the samples before; by ITU-R BS.1770-4, annex 2, at any sample rate.
    """
    window = np.concatenate([past, audio], axis=1)
    found = float(np.abs(audio).max(initial=0.0))
    for channel in window:
        between = np.lib.stride_tricks.sliding_window_view(channel, PAST + 1) @ _FILTERS
        found = max(found, float(between.max()), -float(between.min()))
    return found


def level_dbfs(powers: Doubles) -> float:
    """Return the level of a whole track from the mean squares of its frames of 50 ms (T,), in dBFS.

    The mean over frames above -60 dBFS and within 30 dB of the loudest (docs/metrics.md, Staging); -inf where none is.
    """
    least = max(10.0 ** (_GATE_DBFS / 10.0), float(powers.max(initial=0.0)) * 10.0 ** (-_WITHIN_DB / 10.0))
    sounding = powers[powers > least]
    return 10.0 * math.log10(float(sounding.mean())) if sounding.size else -math.inf

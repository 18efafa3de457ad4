"""Gated and short-term loudness, and loudness range, from energies of 100 ms (ITU-R BS.1770-4, EBU Tech 3342)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["Energies", "integrated", "loudness_range", "short_term"]

#: K-weighted mean squares, summed over the channels, one per 100 ms.
Energies = npt.NDArray[np.float64]

_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0
#: Of the loudness range: its gate below the mean, and its percentiles.
_RANGE_GATE_LU = -20.0
_RANGE_PERCENTILES = (10.0, 95.0)


def integrated(energies: Energies) -> float:
    """Return the loudness in LUFS of 400 ms blocks every 100 ms that pass both gates; -inf when none does."""
    blocks = _windows(energies, 4)
    blocks = blocks[_lufs(blocks) > _ABSOLUTE_GATE_LUFS]
    if not blocks.size:
        return -math.inf
    ungated = _lufs(np.array([blocks.mean()]))[0]
    return float(_lufs(np.array([blocks[_lufs(blocks) > ungated + _RELATIVE_GATE_LU].mean()]))[0])


def short_term(energies: Energies) -> npt.NDArray[np.float64]:
    """Return the loudness of each 3 s window in LUFS, one per 100 ms, the first ending at 3 s."""
    return _lufs(_windows(energies, 30))


def loudness_range(energies: Energies) -> float:
    """Return the loudness range in LU (EBU Tech 3342): of short-term loudness that passes both gates; 0 when none does."""
    windows = _windows(energies, 30)
    windows = windows[_lufs(windows) > _ABSOLUTE_GATE_LUFS]
    if not windows.size:
        return 0.0
    gate = _lufs(np.array([windows.mean()]))[0] + _RANGE_GATE_LU
    low, high = np.percentile(_lufs(windows[_lufs(windows) > gate]), _RANGE_PERCENTILES)
    return float(high - low)


def _windows(energies: Energies, length: int) -> Energies:
    """Return the mean of each run of ``length`` energies."""
    if energies.size < length:
        return np.zeros(0)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(energies, length).mean(axis=1))


def _lufs(energies: Energies) -> npt.NDArray[np.float64]:
    return np.asarray(-0.691 + 10.0 * np.log10(np.maximum(energies, 1e-20)))

"""What is measured of a mix itself: loudness, spectral distance, peaks (docs/metrics.md)."""

from __future__ import annotations

import math
import warnings
from functools import cache

import auraloss.freq
import numpy as np
import torch
from pyloudnorm import Meter

from hybridmix_models.data.types import RATE, Floats
from hybridmix_models.evaluation.balance import SETTLING

__all__ = ["SETTLED", "Overshoot", "loudness_lufs", "mr_stft", "overshoot"]

#: First sample that counts where the first 2 s do not.
SETTLED = SETTLING * RATE // 20
_WINDOWS = (440, 884, 3528)
_POINTS = (512, 1024, 4096)
_SILENCE_LUFS = -120.0


def loudness_lufs(audio: Floats, rate: int = RATE) -> float:
    """Return the integrated loudness of mono ``audio`` (samples,) at ``rate`` Hz in LUFS (BS.1770-4), -120 or more."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of no block, where all is below the gate
        lufs = float(Meter(rate, "DeMan").integrated_loudness(audio.astype(np.float64)))
    return lufs if math.isfinite(lufs) else _SILENCE_LUFS


def mr_stft(mix: Floats, reference: Floats, difference_lu: float) -> float:
    """Return the multi-resolution STFT distance of ``mix`` from ``reference``, both (samples,).

    ``difference_lu`` is the mix's loudness over the reference's; it is taken away first.
    """
    matched = mix * np.float32(10.0 ** (-difference_lu / 20.0))
    with torch.inference_mode():
        distance = _distance()(torch.from_numpy(matched)[None, None], torch.from_numpy(reference)[None, None])
    return float(distance)


@cache
def _distance() -> torch.nn.Module:
    module: torch.nn.Module = auraloss.freq.MultiResolutionSTFTLoss(
        fft_sizes=list(_POINTS),
        hop_sizes=[window // 4 for window in _WINDOWS],
        win_lengths=list(_WINDOWS),
    )
    return module


class Overshoot:
    """Samples of a mix beyond full scale: how many seconds of them, and by how many dB at most."""

    def __init__(self, mix: Floats) -> None:
        """Measure ``mix`` (samples,)."""
        size = np.abs(mix)
        self.seconds = float(np.count_nonzero(size > 1.0)) / RATE
        self.db = 20.0 * math.log10(float(size.max())) if self.seconds else 0.0


def overshoot(mix: Floats) -> tuple[Overshoot, Overshoot]:
    """Return the overshoot of ``mix`` (samples,) within its first 2 s and after them."""
    return Overshoot(mix[:SETTLED]), Overshoot(mix[SETTLED:])

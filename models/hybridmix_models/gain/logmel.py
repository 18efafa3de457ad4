"""The log-mel front end of VGGish, as numbers and as a module that exports into one graph.

Source: Hershey et al., "CNN architectures for large-scale audio classification" (2017), and the constants
published with the model: 16 kHz, windows of 25 ms every 10 ms (periodic Hann, 512-point transform,
magnitudes), 64 mel bands from 125 to 7500 Hz (HTK scale, the bin at 0 Hz left out), log(x + 0.01), 96 windows.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

__all__ = [
    "BANDS",
    "FFT",
    "HOP",
    "LOG_OFFSET",
    "QUIETEST_RMS",
    "RATE",
    "SAMPLES",
    "TARGET_RMS",
    "WINDOW",
    "WINDOWS",
    "LogMel",
    "hann",
    "mel_matrix",
]

RATE = 16000
WINDOW, HOP, FFT = 400, 160, 512
#: Shape of one example: 96 windows of 64 bands.
WINDOWS, BANDS = 96, 64
#: Samples in one example: 975 ms.
SAMPLES = (WINDOWS - 1) * HOP + WINDOW
LOG_OFFSET = 0.01
#: RMS to which a level-normalised example is scaled: -20 dBFS ...
TARGET_RMS = 0.1
#: ... by at most as much as an example of -80 dBFS needs, so that silence stays silence.
QUIETEST_RMS = 1e-4
_LOWEST_HZ, _HIGHEST_HZ = 125.0, 7500.0

Doubles = npt.NDArray[np.float64]


def hann() -> Doubles:
    """Return the periodic Hann window, (400,)."""
    return np.asarray(0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(WINDOW) / WINDOW))


def mel_matrix() -> Doubles:
    """Return the weights from magnitudes to bands, (257, 64): triangles that are linear in mel."""

    def mel(hertz: npt.ArrayLike) -> Doubles:
        return np.asarray(1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0))

    edges = np.linspace(mel(_LOWEST_HZ), mel(_HIGHEST_HZ), BANDS + 2)
    bins = mel(np.arange(FFT // 2 + 1) * (RATE / FFT))[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    weights = np.maximum(0.0, np.minimum(rising, falling))
    weights[0] = 0.0
    return np.asarray(weights)


class LogMel(nn.Module):
    """Log-mel of raw audio; the transform is a strided convolution over the bins that mel uses."""

    basis: Tensor
    mel: Tensor

    def __init__(self, *, normalised: bool) -> None:
        """``normalised`` scales every example to `TARGET_RMS` first."""
        super().__init__()
        self.normalised = normalised
        weights = mel_matrix()
        used = np.flatnonzero(weights.any(axis=1))
        angle = 2.0 * math.pi / FFT * used[:, None] * np.arange(WINDOW)
        basis = np.concatenate([np.cos(angle), np.sin(angle)]) * hann()
        self.register_buffer("basis", torch.from_numpy(basis[:, None]).float(), persistent=False)
        self.register_buffer("mel", torch.from_numpy(weights[used]).float(), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        """Turn (n, 15600) samples at 16 kHz, full scale 1, into (n, 96, 64)."""
        if self.normalised:
            rms = torch.sqrt(torch.mean(audio * audio, dim=1, keepdim=True))
            audio = audio * (TARGET_RMS / rms.clamp(min=QUIETEST_RMS))
        parts = nn.functional.conv1d(audio[:, None], self.basis, stride=HOP)
        bins = self.mel.shape[0]
        magnitudes = torch.sqrt(parts[:, :bins] ** 2 + parts[:, bins:] ** 2)
        return torch.log(torch.matmul(magnitudes.transpose(1, 2), self.mel) + LOG_OFFSET)

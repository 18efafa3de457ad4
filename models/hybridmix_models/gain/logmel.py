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
    """Log-mel of raw audio by matrix products alone, over the bins that mel uses.

    Magnitudes do not depend on where time 0 lies. From the middle of the window, cosines see what is even in
    it and sines what is odd, so each half is multiplied once instead of twice.
    """

    cosines: Tensor
    sines: Tensor
    mel: Tensor

    def __init__(self) -> None:
        super().__init__()
        weights = mel_matrix()
        used = np.flatnonzero(weights.any(axis=1))
        middle = WINDOW // 2
        away = np.arange(middle)
        angle = 2.0 * math.pi / FFT * away[:, None] * used
        window = hann()[middle + away][:, None]
        # What lies in the middle is added to itself.
        halved = np.where(away == 0, 0.5, 1.0)[:, None]
        for name, values in (
            ("cosines", np.cos(angle) * window * halved),
            ("sines", np.sin(angle) * window),
            ("mel", weights[used]),
        ):
            self.register_buffer(name, torch.from_numpy(values).float(), persistent=False)

    def forward(self, audio: Tensor, normalised: Tensor) -> Tensor:
        """Turn (n, 15600) samples at 16 kHz, full scale 1, into (n, 96, 64).

        ``normalised`` (n,) bool: whether the row is scaled to `TARGET_RMS` first.
        """
        rms = torch.sqrt(torch.mean(audio * audio, dim=1, keepdim=True))
        scale = torch.where(normalised[:, None], TARGET_RMS / rms.clamp(min=QUIETEST_RMS), 1.0)
        hops = nn.functional.pad(audio * scale, (0, HOP // 2)).reshape(-1, WINDOWS + 2, HOP)
        windows = torch.cat([hops[:, :-2], hops[:, 1:-1], hops[:, 2:, : HOP // 2]], dim=2)
        # The first sample of a periodic window counts nothing.
        before, after = windows[:, :, 1 : WINDOW // 2 + 1].flip(2), windows[:, :, WINDOW // 2 :]
        even = torch.matmul(after + before, self.cosines)
        odd = torch.matmul(after - before, self.sines)
        magnitudes = torch.sqrt(even * even + odd * odd)
        return torch.log(torch.matmul(magnitudes, self.mel) + LOG_OFFSET)

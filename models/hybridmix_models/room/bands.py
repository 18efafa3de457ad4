"""What the room network hears: levels of third octaves every 10 ms, below the loudest so far."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

__all__ = [
    "BANDS",
    "CENTRES_HZ",
    "FRAMES",
    "HOP",
    "OVERLAP",
    "RATE",
    "UNIT_DB",
    "Levels",
    "below_loudest",
    "hear",
]

#: Sample rate, Hz: what `hybridmix.features.To16k` gives, which passes up to 7.5 kHz.
RATE = 16000
#: Samples from level to level (10 ms), and of the window (32 ms) that hears one.
HOP, _WINDOW = 160, 512
#: Samples before a frame that its first window takes.
OVERLAP = _WINDOW - HOP
#: Levels in an F2 frame of 50 ms.
FRAMES = 5
#: Exact third octaves (IEC 61260-1), 100 Hz to 6.3 kHz.
CENTRES_HZ = tuple(1000.0 * 10.0 ** (step / 10.0) for step in range(-10, 9))
BANDS = len(CENTRES_HZ)
#: Power of what no band tells from silence.
_FLOOR = 1e-10
#: The loudest level sinks by so much per 10 ms (0.5 dB/s) and never below that of a very quiet track, in dB.
_SINKS_DB, _QUIET_DB = 0.005, -70.0
#: One in what the network hears, in dB, and its range.
UNIT_DB, _RANGE = 20.0, (-4.5, 0.5)


class Levels(nn.Module):
    """Levels of third octaves in dB of every 10 ms: Hann windows of 32 ms, powers of the bins of each band."""

    transform: Tensor
    bands: Tensor

    def __init__(self) -> None:
        super().__init__()
        edge = 10.0 ** (1.0 / 20.0)
        hertz = np.fft.rfftfreq(_WINDOW, 1.0 / RATE)
        member = np.array([(hertz >= centre / edge) & (hertz < centre * edge) for centre in CENTRES_HZ])
        used = np.flatnonzero(member.any(axis=0))
        window = np.hanning(_WINDOW + 1)[:-1]
        waves = window[:, None] * np.exp(-2j * math.pi * np.outer(np.arange(_WINDOW), used) / _WINDOW)
        # A sine of full scale has power 1 in its band, but for what its window spreads.
        waves *= 2.0 / window.sum()
        self.register_buffer(
            "transform", torch.tensor(np.concatenate([waves.real, waves.imag], axis=1)).float()
        )
        self.register_buffer("bands", torch.tensor(member[:, used].T).float())

    def forward(self, audio: Tensor) -> Tensor:
        """Turn samples (b, `OVERLAP` + n * `HOP`) at 16 kHz into levels in dB, (b, n, `BANDS`)."""
        frames = torch.stack(
            [audio[:, at : at + _WINDOW] for at in range(0, audio.shape[1] - OVERLAP, HOP)], dim=1
        )
        waves = frames @ self.transform
        half = waves.shape[-1] // 2
        power = waves[..., :half] ** 2 + waves[..., half:] ** 2
        return 10.0 * torch.log10((power @ self.bands).clamp(min=_FLOOR))


def below_loudest(levels: Tensor, loudest: Tensor) -> tuple[Tensor, Tensor]:
    """Return ``levels`` (b, n, `BANDS`) below the loudest sum over the bands so far, in units of 20 dB, clipped.

    ``loudest`` (b,) is that of the frames before, in dB above the quietest that counts; returns the new one, too.
    """
    total = _above_quiet(levels)
    above, now = [], loudest
    for frame in total.unbind(dim=1):
        now = torch.maximum((now - _SINKS_DB).clamp(min=0.0), frame)
        above.append(now)
    heard = (levels - _QUIET_DB - torch.stack(above, dim=1)[..., None]) / UNIT_DB
    return heard.clamp(*_RANGE), now


def hear(levels: Tensor) -> Tensor:
    """Return `below_loudest` of whole excerpts, which begin with nothing: all frames at once."""
    sunk = _SINKS_DB * torch.arange(levels.shape[1], dtype=levels.dtype, device=levels.device)
    loudest = (torch.cummax(_above_quiet(levels) + sunk, dim=1).values - sunk).clamp(min=0.0)
    return ((levels - _QUIET_DB - loudest[..., None]) / UNIT_DB).clamp(*_RANGE)


def _above_quiet(levels: Tensor) -> Tensor:
    """Return the level of all bands together in dB above the quietest that counts, (b, n)."""
    return 10.0 * torch.log10((10.0 ** (levels / 10.0)).sum(dim=-1)) - _QUIET_DB

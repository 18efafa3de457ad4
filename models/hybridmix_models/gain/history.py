"""What the levels of a track have been so far: its loudness over the whole past, and how it is spread.

The running loudness of 3 s that equal loudness goes by follows every phrase; the balance of a song does not. So
blocks of 400 ms are averaged over about a minute, gated as in Recommendation ITU-R BS.1770-4, annex 1: blocks
below -70 LUFS, or 10 LU below the average so far, do not count. Blocks that stay 8 LU above it for half a second
are a fader that was moved: the average begins anew with them. A fader that is pulled down looks like a performer
who falls silent in an open microphone, so downwards the average only waits; what it was is left to the network.

How far the soft blocks of a microphone lie below its loud ones tells how much of the loudness is bleed.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["History"]


class History(nn.Module):
    """Loudness and spread of n tracks, frame by frame."""

    #: Frames of 50 ms in a block: 400 ms.
    BLOCK = 8
    #: Frames after which a block counts for 1/e in the average (a minute) and in the recent loudness (1 s).
    MEMORY, RECENT = 1200.0, 20.0
    ABSOLUTE_GATE = 10.0 ** ((-70.0 + 0.691) / 10.0)
    #: 10 LU below the average, 8 LU above it.
    RELATIVE_GATE, HIGH = 0.1, 10.0**0.8
    #: Frames in succession above `HIGH` that make the average begin anew.
    HIGH_FRAMES = 10
    #: Quantiles of the blocks' loudness that are followed, and their step in LU: at first, and at last.
    QUANTILES = (0.1, 0.5, 0.9)
    FIRST_STEP, LAST_STEP = 2.0, 0.15
    #: Frames after which the steps of the quantiles are half way down.
    SETTLING = 20.0
    #: Energies above this (+60 LUFS) are taken as this, so that no sum overflows.
    MAX_ENERGY = 1e6
    #: Numbers in what `forward` tells of each track.
    FEATURES = 3 + len(QUANTILES)
    #: Which of them grows with the blocks that counted, from 0 before the first.
    COUNT = 2

    quantiles: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("quantiles", torch.tensor(self.QUANTILES), persistent=False)

    def forward(
        self,
        energy: Tensor,
        mask: Tensor,
        window: Tensor,
        total: Tensor,
        count: Tensor,
        high: Tensor,
        recent: Tensor,
        spread: Tensor,
    ) -> tuple[Tensor, ...]:
        """Advance n tracks by one frame.

        Args:
            energy: (n,) float32, K-weighted mean square of the frame, summed over channels.
            mask: (n,) bool; where false the row's energy is ignored, even NaN, and its state holds.
            window: (n, 8), energies of the last frames, newest last.
            total, count: (n,), forgetting sums of the blocks that counted, and of their number.
            high: (n,), frames in succession above `HIGH`.
            recent: (n,), mean energy of the blocks of about the last second.
            spread: (n, 3), quantiles of the blocks' loudness beside the average, LU.

        Returns:
            loudness (n,) in LUFS, -70 before the first block; features (n, 6), about -2 to 2; then the new
            state. Begin with zeros.
        """
        heard = torch.where(mask & (energy >= 0.0), energy, 0.0).clamp(max=self.MAX_ENERGY)
        appended = torch.cat([window[:, 1:], heard[:, None]], dim=1)
        block = appended.mean(dim=1)
        # A block that reaches into silence, or back before the beginning, is not a whole one.
        active = mask & (block > self.ABSOLUTE_GATE) & (appended[:, 0] > 0.0)
        mean = total / count.clamp(min=1.0)
        begins = active & (count == 0.0)
        above = active & ~begins & (block > self.HIGH * mean)
        run = torch.where(active, torch.where(above, high + 1.0, 0.0), high)
        begins = begins | (run >= self.HIGH_FRAMES)
        counts = active & (block > self.RELATIVE_GATE * mean)
        kept = 1.0 - 1.0 / self.MEMORY
        total = torch.where(begins, block, torch.where(counts, total * kept + block, total))
        count = torch.where(begins, 1.0, torch.where(counts, count * kept + 1.0, count))
        share = torch.where(begins, 1.0, 1.0 / self.RECENT)
        recent = torch.where(active, recent + (block - recent) * share, recent)

        loudness = self.lufs(total / count.clamp(min=1.0))
        beside = (self.lufs(block) - loudness).clamp(-40.0, 20.0)
        step = self.LAST_STEP + self.FIRST_STEP * self.SETTLING / (self.SETTLING + count)
        below = (beside[:, None] < spread).to(spread.dtype)
        moved = spread + step[:, None] * (self.quantiles - below)
        spread = torch.where(active[:, None], moved, spread)
        features = [
            beside / 10.0,
            (self.lufs(recent) - loudness).clamp(-40.0, 20.0) / 10.0,
            count / (count + 100.0),
        ]
        told = torch.cat([torch.stack(features, dim=1), spread / 10.0], dim=1)
        return (
            loudness,
            told,
            torch.where(mask[:, None], appended, window),
            total,
            count,
            torch.where(begins, 0.0, run),
            recent,
            spread,
        )

    @torch.no_grad()
    def whole(self, energy: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Run over whole signals; no gradient flows through it.

        Args:
            energy: (n, T).
            mask: (n,) bool.

        Returns:
            loudness (n, T) and features (n, T, 6), those of `forward` after every frame.
        """
        zeros = energy.new_zeros(len(energy))
        state = [zeros.new_zeros((len(energy), self.BLOCK)), zeros, zeros, zeros, zeros]
        state.append(zeros.new_zeros((len(energy), len(self.QUANTILES))))
        loudness, features = [], []
        for frame in energy.unbind(dim=1):
            lufs, told, *state = self(frame, mask, *state)
            loudness.append(lufs)
            features.append(told)
        return torch.stack(loudness, dim=1), torch.stack(features, dim=1)

    def lufs(self, energy: Tensor) -> Tensor:
        """Return the loudness of a mean square, at least -70 LUFS."""
        return -0.691 + (10.0 / math.log(10.0)) * torch.log(energy.clamp(min=self.ABSOLUTE_GATE))

"""Causal equal loudness: every active track brought to the same running loudness.

Source: Recommendation ITU-R BS.1770-4 (10/2015), annex 1: 400 ms gating blocks, absolute gate at
-70 LUFS, relative gate 10 LU below the loudness of what passed the absolute one. It is applied to the
last 3 s of a track instead of to a whole programme, with a block every 50 ms instead of every 100 ms.

A track's gain has the same bits whatever tracks stand beside it: rows are added up over a width that keeps
each of them at the same place in the vector registers, and logarithms are taken of whole registers. There
are few operations, because a step is run once in 50 ms, with nothing of it in any cache.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["EqualLoudness"]

#: Loudness of a mean square of 1 summed over channels (BS.1770-4, annex 1, equation 2), in LUFS.
_OFFSET_LUFS = -0.691
#: Width of the rows that are added up: the next whole number of registers after 53 blocks.
_WIDTH = 64
#: A runtime computes the last few elements of an array by other instructions than whole registers of it; rows
#: repeated so often never get there.
_LANES = 16


def _energy(lufs: float) -> float:
    """Return the mean square that has the loudness ``lufs``."""
    return float(10.0 ** ((lufs - _OFFSET_LUFS) / 10.0))


class EqualLoudness(nn.Module):
    """Gain of each track from the energy of its newest 50 ms frame and of its last 3 s.

    A frame is *active* when it, or the 400 ms that end with it, pass the absolute gate: pauses between two
    hits count as they do in the recommendation, silence neither counts nor makes the gain drift.
    """

    #: Frames of 50 ms in the window: 3 s.
    WINDOW = 60
    #: Frames of 50 ms in one gating block: 400 ms. So many active frames make a gain known.
    BLOCK = 8
    TARGET_LUFS = -24.0
    ABSOLUTE_GATE_LUFS = -70.0
    RELATIVE_GATE_LU = -10.0
    #: Bounds of the gain in dB; the lower one is that of the declared parameter.
    MAX_BOOST_DB = 12.0
    MIN_GAIN_DB = -80.0
    #: With a full window a frame moves the gain by this share of what is missing: a time constant of 1 s.
    SMOOTHING = 0.05
    #: Energies above this (+60 LUFS) are taken as this, so that no sum overflows.
    MAX_ENERGY = 1e6

    shares: Tensor
    ages: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("shares", self._shares(), persistent=False)
        self.register_buffer("ages", self._ages(), persistent=False)

    def forward(
        self,
        energy: Tensor,
        present: Tensor,
        window: Tensor,
        filled: Tensor,
        gain_in: Tensor,
        known_in: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Advance n tracks by one frame.

        Args:
            energy: (n,) float32, K-weighted mean square of the frame, summed over channels.
            present: (n,) bool; where false the row's energy is ignored, even NaN, and its state and gain hold.
            window: (n, 60) float32, energies of the last active frames, newest last, zeros before the first.
            filled: (n,) int64, active frames in ``window``, 0 to 60.
            gain_in: (n,) float32, gain of the frame before in dB.
            known_in: (n,) bool, whether ``gain_in`` rests on a whole gating block.

        Returns:
            gain_db (n,) in -80 to +12 dB, known (n,), window_out (n, 60), filled_out (n,). Begin with zeros
            and false.
        """
        # Not-a-number compares false, so it counts as silence.
        energy = torch.where(present & (energy >= 0.0), energy, 0.0).clamp(max=self.MAX_ENERGY)
        appended = torch.cat([window[:, 1:], energy[:, None]], dim=1)
        blocks = self._block_energies(appended)
        newest = blocks[:, self.WINDOW - self.BLOCK]
        active = present & (torch.maximum(energy, newest) > _energy(self.ABSOLUTE_GATE_LUFS))
        window_out = torch.where(active[:, None], appended, window)
        filled_out = torch.where(active, torch.clamp(filled + 1, max=self.WINDOW), filled)

        # Where the frame is not active the blocks are not those of the window, and the gain holds.
        loudness = self._loudness(blocks, filled_out)
        wanted = torch.clamp(self.TARGET_LUFS - loudness, self.MIN_GAIN_DB, self.MAX_BOOST_DB)
        moved = torch.where(known_in, gain_in + (wanted - gain_in) * self.shares[filled_out], wanted)
        measured = active & (filled_out >= self.BLOCK)
        return torch.where(measured, moved, gain_in), known_in | measured, window_out, filled_out

    @torch.no_grad()
    def whole(self, energy: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Run the rule over whole signals, many frames at a time; no gradient flows through it.

        Args:
            energy: (n, T) float32, K-weighted mean square of every frame, summed over channels.
            present: (n,) bool; where false the row's gain stays 0 dB.

        Returns:
            gain_db (n, T) and known (n, T), those of `forward` after every frame.
        """
        energy = torch.where(present[:, None] & (energy >= 0.0), energy, 0.0).clamp(max=self.MAX_ENERGY)
        active = self._active(energy)
        total = active.cumsum(dim=1)
        filled = total.clamp(max=self.WINDOW)
        windows = self._windows(energy, active, total)
        loudness = self._loudness(self._block_energies(windows.flatten(0, 1)), filled.flatten()).reshape(
            energy.shape
        )
        wanted = torch.clamp(self.TARGET_LUFS - loudness, self.MIN_GAIN_DB, self.MAX_BOOST_DB)
        moving = active & (filled >= self.BLOCK)
        measured = moving.cumsum(dim=1)
        shares = torch.where(moving & (measured > 1), self.shares[filled], moving.to(wanted.dtype))
        gain_db = torch.zeros_like(wanted)
        gain = energy.new_zeros(len(energy))
        for frame in range(gain_db.shape[1]):
            gain = gain + (wanted[:, frame] - gain) * shares[:, frame]
            gain_db[:, frame] = gain
        return gain_db, measured > 0

    def _active(self, energy: Tensor) -> Tensor:
        """Return which frames pass the absolute gate, alone or with the active ones before: (n, T) -> (n, T)."""
        gate = _energy(self.ABSOLUTE_GATE_LUFS)
        block = energy.new_zeros((len(energy), self.BLOCK))
        active = torch.zeros_like(energy, dtype=torch.bool)
        for frame in range(energy.shape[1]):
            appended = torch.cat([block[:, 1:], energy[:, frame, None]], dim=1)
            passed = (energy[:, frame] > gate) | (self._block_energies(appended)[:, 0] > gate)
            block = torch.where(passed[:, None], appended, block)
            active[:, frame] = passed
        return active

    def _windows(self, energy: Tensor, active: Tensor, total: Tensor) -> Tensor:
        """Return the last 60 active energies after every frame, newest last: (n, T) -> (n, T, 60).

        ``total`` (n, T) counts the ``active`` frames so far.
        """
        order = torch.argsort((~active).to(torch.uint8), dim=1, stable=True)
        compact = nn.functional.pad(energy.gather(1, order), (self.WINDOW, 0))
        taken = total[..., None] + torch.arange(self.WINDOW, device=energy.device)
        return compact.gather(1, taken.flatten(1)).reshape(taken.shape)

    def _shares(self) -> Tensor:
        """Return how much of the way a frame goes, by active frames in the window, (61,).

        1 with one block in the window, SMOOTHING with a full one.
        """
        frames = torch.arange(self.WINDOW + 1, dtype=torch.float64).clamp(min=self.BLOCK)
        missing = (self.WINDOW / frames - 1.0) / (self.WINDOW / self.BLOCK - 1.0)
        return (self.SMOOTHING + (1.0 - self.SMOOTHING) * missing).to(torch.float32)

    def _ages(self) -> Tensor:
        """Return how many blocks ago each column's block ended, (64,); padding is older than any window."""
        count = self.WINDOW - self.BLOCK + 1
        return torch.cat([torch.arange(count - 1, -1, -1), torch.full((_WIDTH - count,), self.WINDOW)])

    def _block_energies(self, window: Tensor) -> Tensor:
        """Return the mean energy of each 400 ms block in ``window``: (n, 60) -> (n, 64), zeros behind the newest."""
        blocks = nn.functional.avg_pool1d(window[:, None, :], self.BLOCK, stride=1)[:, 0, :]
        return nn.functional.pad(blocks, (0, _WIDTH - blocks.shape[1]))

    def _loudness(self, blocks: Tensor, filled: Tensor) -> Tensor:
        """Return the gated loudness of ``blocks`` (n, 64) in LUFS, (n,); meaningless below one whole block."""
        floor = _energy(self.ABSOLUTE_GATE_LUFS)
        whole = self.ages < (filled - self.BLOCK + 1)[:, None]
        loud = whole & (blocks > floor)
        gate = self._mean(blocks, loud) * 10.0 ** (self.RELATIVE_GATE_LU / 10.0)
        energy = self._mean(blocks, loud & (blocks > gate))
        lanes = energy.clamp(min=floor).expand(-1, _LANES)
        return (_OFFSET_LUFS + (10.0 / math.log(10.0)) * torch.log(lanes))[:, 0]

    @staticmethod
    def _mean(values: Tensor, kept: Tensor) -> Tensor:
        """Return the mean of the ``kept`` values of each row, (n, 1); 0 where none is kept."""
        total = torch.where(kept, values, 0.0).sum(dim=1, keepdim=True)
        return total / kept.to(values.dtype).sum(dim=1, keepdim=True).clamp(min=1.0)

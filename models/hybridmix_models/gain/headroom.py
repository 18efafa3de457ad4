"""Headroom: one trim for the whole group that keeps the sum of its tracks below -1 dBFS.

The running peak of the sum goes up at once, holds for 2 s, then comes down by 1.5 dB/s; the trim is what
is missing between it and the aim. A peak within 2 dB of the running one starts the hold again: a beat whose
hits differ a little keeps its trim instead of making it pump. Peaks are those of the samples, not the true peaks of ITU-R BS.1770-4,
annex 2. The rule sees what it is given: neither what the host does after the plugin, nor a
peak before it happened.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["Headroom"]


class Headroom(nn.Module):
    """Trim of the group from the running peak of the summed, gained tracks."""

    AIM_DBFS = -1.0
    HOLD_FRAMES = 40
    #: A peak that is at most so far below the running one starts the hold again.
    CLOSE_DB = 2.0
    RECOVERY_DB_PER_FRAME = 0.075
    #: Lower bound of the trim in dB, that of the declared parameter.
    MIN_TRIM_DB = -60.0
    #: Gains of the declared parameter in dB; a track with any other is left out of the sum.
    GAIN_RANGE_DB = (-80.0, 36.0)
    #: Samples of the sum beyond this are no audio and are left out of the peak.
    MAX_SUM = 1e8

    def forward(
        self, audio: Tensor, gain_db: Tensor, peak: Tensor, held: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Advance the group by one frame.

        Args:
            audio: (n, samples) float32, the frame of each track before its gain: left, then right, mono given twice.
            gain_db: (n,) float32, gain of each track in dB.
            peak: (1,) float32, running peak of the sum, amplitude.
            held: (1,) float32, frames since the sum last came within 2 dB of ``peak``.

        Returns:
            trim_db (1,) in -60 to 0 dB, peak_out (1,), held_out (1,). Begin with zeros.
        """
        valid = gain_db == gain_db.clamp(*self.GAIN_RANGE_DB)
        amplitude = torch.where(valid, torch.exp(gain_db * (math.log(10.0) / 20.0)), 0.0)
        summed = torch.matmul(amplitude[None, :], audio).abs()
        newest = torch.where(summed <= self.MAX_SUM, summed, 0.0).amax(dim=1)

        close = newest >= peak * 10.0 ** (-self.CLOSE_DB / 20.0)
        held_out = torch.where(close, 0.0, torch.clamp(held + 1.0, max=self.HOLD_FRAMES + 1.0))
        fallen = peak * 10.0 ** (-self.RECOVERY_DB_PER_FRAME / 20.0)
        kept = torch.where(held_out > self.HOLD_FRAMES, fallen, peak)
        peak_out = torch.maximum(newest, kept)
        level_dbfs = (20.0 / math.log(10.0)) * torch.log(peak_out.clamp(min=10.0 ** (self.AIM_DBFS / 20.0)))
        trim_db = torch.clamp(self.AIM_DBFS - level_dbfs, self.MIN_TRIM_DB, 0.0)
        return trim_db, peak_out, held_out

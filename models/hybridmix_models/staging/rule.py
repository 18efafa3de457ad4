"""The rule of staging, frame by frame: the level of the track so far, and the trim that follows from it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hybridmix_models.levels import binned, decibels, rise

__all__ = ["Staging"]


class Staging(nn.Module):
    """Trim of each track to the session's level, converging with what was heard, then held.

    The level is the mean square of the frames that sound: above -60 dBFS and within 30 dB of the loudest so far. It
    is followed for 30 s of sound, ever more slowly after the first 5, and then held. The trim stays below what would
    take the greatest true peak so far above -1 dBTP; a greater peak lowers it whenever it comes.
    """

    #: Range of the declared parameter, dB.
    RANGE_DB = (-48.0, 24.0)
    #: No true peak is taken above this.
    CEILING_DBTP = -1.0
    #: A frame sounds from here on, and within so much of the loudest.
    GATE_DBFS = -60.0
    WITHIN_DB = 30.0
    #: How wide both limits are, dB.
    SOFT_DB = 0.5
    #: Levels of the histogram, dBFS.
    LOWEST_DB, HIGHEST_DB, STEP_DB = -62.0, 12.0, 0.5
    #: Frames that sound from which on there is a level, wholly from the second figure on.
    KNOWN = (5.0, 20.0)
    #: Frames that sound up to which the level follows freely, and from which on it holds.
    SETTLING = (100.0, 600.0)
    #: Most that level and trim move in a frame, dB; and the trim down, where a peak asks for it.
    PACE_DB = 0.5
    DUCK_DB = 2.4
    #: Levels of states are counted from here on, so that zeros are silence.
    SILENCE_DB = -120.0

    bins: Tensor

    def __init__(self) -> None:
        super().__init__()
        bins = torch.arange(self.LOWEST_DB, self.HIGHEST_DB + 0.1, self.STEP_DB)
        self.register_buffer("bins", bins, persistent=False)

    def forward(
        self,
        power: Tensor,
        peak: Tensor,
        there: Tensor,
        amount: Tensor,
        target_db: Tensor,
        counts: Tensor,
        sums: Tensor,
        loudest: Tensor,
        highest: Tensor,
        level: Tensor,
        trim: Tensor,
    ) -> tuple[Tensor, ...]:
        """Advance n tracks by one frame.

        Args:
            power: (n,) float32, mean square of the frame over samples and channels, full scale 1.
            peak: (n,) float32, largest true peak of its channels, full scale 1, or anything that is no more than the
                largest so far.
            there: (n,) bool; rows that are not hold their state.
            amount: (n,) float32, 0 to 1, share of the trim.
            target_db: (n,) float32, level to be brought to, dBFS.
            counts: (n, 149) float32, frames at each level.
            sums: (n, 149) float32, their mean squares, summed.
            loudest: (n,) float32, level of the loudest frame, dB above -120 dBFS.
            highest: (n,) float32, largest true peak.
            level: (n,) float32, level of the track, dB above -120 dBFS.
            trim: (n,) float32, dB.

        Returns:
            staging_db (n,) in -48 to 24 dB, 0 for rows that are not there; level_db (n,), level of the track so far, dBFS, -120 where it is not
            known yet; and what follows from ``counts`` on for the next frame. Begin with zeros.
        """
        power = torch.where(there & (power >= 0.0), power, 0.0).clamp(max=1e6)
        peak = torch.where(there & (peak >= 0.0), peak, 0.0).clamp(max=1e3)
        amount, target_db = torch.where(there, amount, 0.0), torch.where(there, target_db, 0.0)
        db = decibels(power)
        # No louder than the histogram knows, or nothing would be within reach of it.
        loud = torch.maximum(loudest, db.clamp(max=self.HIGHEST_DB) - self.SILENCE_DB)
        sounds = rise(db, self.GATE_DBFS - self.SOFT_DB, self.GATE_DBFS + self.SOFT_DB)
        share = binned(db, self.bins, self.STEP_DB) * sounds[:, None]
        counts_now, sums_now = counts + share, sums + share * power[:, None]

        # The gate follows the loudest frame, so it is applied anew to everything that was heard.
        gate = (loud + self.SILENCE_DB - self.WITHIN_DB)[:, None]
        counting = rise(self.bins - gate, -self.SOFT_DB, self.SOFT_DB)
        count = (counts_now * counting).sum(dim=1)
        heard = decibels((sums_now * counting).sum(dim=1) / count.clamp(min=1.0)) - self.SILENCE_DB
        known = rise(count, *self.KNOWN)
        pace = torch.where(count < self.KNOWN[1], 200.0, self.PACE_DB * (1.0 - rise(count, *self.SETTLING)))
        level_now = level + torch.maximum(torch.minimum(heard - level, pace), -pace)

        # What a peak forbids is gone within a few frames; everything else takes its time.
        highest_now = torch.maximum(highest, peak)
        ceiling = self.CEILING_DBTP - 2.0 * decibels(highest_now)
        wanted = (target_db - (level_now + self.SILENCE_DB)).clamp(*self.RANGE_DB) * known
        wanted = torch.minimum(wanted, ceiling.clamp(min=self.RANGE_DB[0]))
        moved = trim + (wanted - trim).clamp(-self.PACE_DB, self.PACE_DB)
        over = torch.relu(moved - ceiling)
        trim_now = (moved - over.clamp(max=self.DUCK_DB)).clamp(*self.RANGE_DB)
        level_db = torch.where(count < self.KNOWN[1], self.SILENCE_DB, level_now + self.SILENCE_DB)

        kept = (
            (counts_now, counts),
            (sums_now, sums),
            (loud, loudest),
            (highest_now, highest),
            (level_now, level),
            (trim_now, trim),
        )
        rows = there[:, None]
        return (
            amount * torch.where(there, trim_now, trim),
            level_db,
            *(torch.where(rows if now.dim() > 1 else there, now, old) for now, old in kept),
        )

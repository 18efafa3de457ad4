"""The rule of density, frame by frame: the loudness range so far, and the settings that narrow it."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from hybridmix_models.levels import binned, decibels, percentile, rise

__all__ = ["Density"]

_TEN = math.log(10.0)
#: Loudness of a mean square of 1 (BS.1770-4, annex 1, equation 2), in LUFS.
_OFFSET_LUFS = -0.691


class Density(nn.Module):
    """Threshold and mix of each live source's parallel compression, from its loudness range so far.

    The loudness range is that of EBU Tech 3342: short-term loudness over 3 s, gated at -70 LUFS and 20 LU below its
    mean, from the 10th to the 95th percentile. The mix is the least that narrows it to the goal, by what the plugin's
    curve makes of both percentiles; the threshold lies 12 dB below the track's level.
    """

    #: Range that is aimed for, LU: a source that has no more is left as it is.
    GOAL_LU = 5.0
    #: Most of the compressed copy.
    MAX_MIX = 0.7
    #: What the plugin does (plugin_shim/dsp/src/density.rs).
    BELOW_DB, SLOPE, KNEE_DB, FLOOR_DB = 12.0, 0.75, 6.0, (24.0, 42.0)
    #: Ranges of the declared parameters.
    THRESHOLD_DBFS = (-90.0, 0.0)
    #: Where the threshold is while the level is not known.
    NEUTRAL_DBFS = -30.0
    #: Frames in a short-term window (3 s).
    WINDOW = 60
    #: Gates, LUFS and LU; how wide they are.
    ABSOLUTE_LUFS, RELATIVE_LU, SOFT_LU = -70.0, -20.0, 0.5
    #: Short-term levels of the histogram, LUFS.
    LOWEST_LUFS, HIGHEST_LUFS, STEP_LU = -71.0, 5.0, 0.5
    SHARES = (0.10, 0.95)
    #: Frames with a short-term level from which on there is a range, wholly from the second figure on (7 and 14 s).
    KNOWN = (140.0, 280.0)
    #: Most that threshold (24 dB/s) and mix (0.2 per s) move in a frame.
    SLEW_DB = 1.2
    SLEW_MIX = 0.01

    bins: Tensor
    before: Tensor
    mixes: Tensor

    def __init__(self) -> None:
        super().__init__()
        bins = torch.arange(self.LOWEST_LUFS, self.HIGHEST_LUFS + 0.1, self.STEP_LU)
        self.register_buffer("bins", bins, persistent=False)
        self.register_buffer("before", torch.triu(torch.ones(len(bins), len(bins)), 1), persistent=False)
        self.register_buffer("mixes", torch.linspace(0.0, self.MAX_MIX, 15), persistent=False)

    def forward(
        self,
        energy: Tensor,
        level_db: Tensor,
        staging_db: Tensor,
        is_live: Tensor,
        amount: Tensor,
        window: Tensor,
        filled: Tensor,
        counts: Tensor,
        threshold: Tensor,
        mix: Tensor,
    ) -> tuple[Tensor, ...]:
        """Advance n tracks by one frame.

        Args:
            energy: (n,) float32, K-weighted mean square of the frame, summed over channels, before any gain.
            level_db: (n,) float32, level of the track so far, dBFS; -120 where it is not known.
            staging_db: (n,) float32, trim before the compression, dB.
            is_live: (n,) bool, live sources that are there. Other rows hold their state.
            amount: (n,) float32, 0 to 1, share of the mix.
            window: (n, 60) float32, the last energies, newest last.
            filled: (n,) float32, how many of them there are.
            counts: (n, 153) float32, short-term loudness so far: frames at each level.
            threshold: (n,) float32, dB above the neutral threshold.
            mix: (n,) float32, of the frame before, before the amount.

        Returns:
            density_threshold_db (n,) in -90 to 0 dBFS, density_mix (n,) in 0 to 0.7, range_lu (n,) the loudness range
            so far, and what follows from ``window`` on for the next frame. Begin with zeros.
        """
        energy = torch.where(is_live & (energy >= 0.0), energy, 0.0).clamp(max=1e6)
        level_db = torch.where(is_live, level_db, -120.0)
        staging_db = torch.where(is_live, staging_db, 0.0)
        amount = torch.where(is_live, amount, 0.0)
        window_now = torch.cat([window[:, 1:], energy[:, None]], dim=1)
        filled_now = (filled + 1.0).clamp(max=float(self.WINDOW))
        short = _OFFSET_LUFS + decibels(window_now.mean(dim=1))
        whole = rise(filled_now, self.WINDOW - 1.0, float(self.WINDOW))
        there = whole * rise(short, self.ABSOLUTE_LUFS - self.SOFT_LU, self.ABSOLUTE_LUFS + self.SOFT_LU)
        counts_now = counts + binned(short, self.bins, self.STEP_LU) * there[:, None]

        # The relative gate and both percentiles.
        powers = torch.exp(self.bins * (_TEN / 10.0))
        count = counts_now.sum(dim=1)
        mean = decibels((counts_now * powers).sum(dim=1) / count.clamp(min=1.0))
        counting = rise(self.bins - (mean + self.RELATIVE_LU)[:, None], -self.SOFT_LU, self.SOFT_LU)
        gated = counts_now * counting
        low, high = (percentile(gated, share, self.bins, self.STEP_LU, self.before) for share in self.SHARES)
        reference = decibels((gated * powers).sum(dim=1) / gated.sum(dim=1).clamp(min=1e-3))
        range_lu = torch.relu(high - low)

        # The least mix that narrows the range to the goal, as far as the largest reaches.
        ends = [point[:, None] + self._change(point - reference) for point in (low, high)]
        narrowed = ends[1] - ends[0]
        steps = (narrowed[:, :-1] - self.GOAL_LU) / (narrowed[:, :-1] - narrowed[:, 1:]).clamp(min=1e-3)
        wanted = steps.clamp(0.0, 1.0).sum(dim=1) * (self.MAX_MIX / (len(self.mixes) - 1))
        wanted = wanted * rise(gated.sum(dim=1), *self.KNOWN)
        mix_now = mix + (wanted - mix).clamp(-self.SLEW_MIX, self.SLEW_MIX)
        heard = (level_db + staging_db - self.BELOW_DB).clamp(*self.THRESHOLD_DBFS) - self.NEUTRAL_DBFS
        aim = torch.where(level_db > -119.0, heard, threshold)
        # Nothing is heard of the threshold before there is a mix.
        step = torch.where(mix_now > 0.0, self.SLEW_DB, 100.0)
        threshold_now = threshold + torch.maximum(torch.minimum(aim - threshold, step), -step)

        kept = (
            (window_now, window),
            (filled_now, filled),
            (counts_now, counts),
            (threshold_now, threshold),
            (mix_now, mix),
        )
        rows = is_live[:, None]
        kept_now = [torch.where(rows if now.dim() > 1 else is_live, now, old) for now, old in kept]
        return self.NEUTRAL_DBFS + kept_now[3], amount * kept_now[4], range_lu, *kept_now

    def _change(self, away: Tensor) -> Tensor:
        """Return by how many dB each mix changes a sound ``away`` (n,) dB from the track's level, (n, mixes)."""
        over = away + self.BELOW_DB
        half = 0.5 * self.KNEE_DB
        bent = (over + half).clamp(0.0, self.KNEE_DB)
        lost = bent * bent / (2.0 * self.KNEE_DB) + torch.relu(over - half)
        copy = self.SLOPE * (self.BELOW_DB * (1.0 - rise(-over, *self.FLOOR_DB)) - lost)
        factor = 1.0 + self.mixes * (torch.exp(copy * (_TEN / 20.0)) - 1.0)[:, None]
        return 2.0 * decibels(factor)

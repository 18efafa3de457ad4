"""The rule of breath, frame by frame: who moves how much, and by how much more the AI stems are to move."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from hybridmix_models.breath import filters

__all__ = ["Breath"]

_DB = 10.0 / math.log(10.0)
#: Loudness of a mean square of 1 (BS.1770-4, annex 1, equation 2), in LUFS.
_OFFSET_LUFS = -0.691
#: Levels are counted from here on, so that a state of zeros is silence.
_SILENCE_LUFS = -120.0
_FLOOR = 1e-12


class Breath(nn.Module):
    """Gain of each AI stem that expands its own level modulation towards that of the live sources of its group.

    The modulation is that of the K-weighted level in dB, 20 times a second, in six octave bands from 0.125 to 8 Hz;
    in gaps the level holds. The live sources' is the mean over those that sound, in dB of each band. Where it is more
    than the AI stem's, what the stem does itself in that band, as it will be when the gain acts, is added to it; how
    much of it follows from what the gains before have done. The mean power stays what it was.

    Where it is asked for, what a stem moves too much is taken away, as far as it is foreseen; and a stem that hardly
    moves takes a movement that it is given instead of its own.
    """

    #: Most that a user may ask for, dB.
    MAX_DEPTH_DB = 5.0
    #: A frame sounds above this, and within so much of the row's own loudest, which sinks by 0.2 dB/s.
    GATE_LUFS = -60.0
    RANGE_DB = 30.0
    SINKING_DB = 0.01
    #: Frames over which movement and power are averaged (10 s), and those within which nothing is known.
    MEMORY = 200.0
    KNOWN = (10.0, 20.0)
    #: Frames of silence from which on a live source is no model, wholly from the second figure on.
    RESTS = (40.0, 80.0)
    #: Most of one band in the sum, as a share of the depth; how fast it goes there; what is too little to care for.
    MOST = 0.8
    PACE = 0.05
    CARE = 0.05
    #: A stem that moves by less has nothing of its own to scale, wholly from the first figure down, dB rms.
    STEADY_DB = (0.5, 1.0)
    #: Frames after which that is known: slow movement shows late.
    STEADY = (80.0, 160.0)
    #: How fast the trim undoes a change of loudness, and how fast it fades.
    TRIMMING = 0.05
    FADING = 0.99
    #: What movement is told from none, dB squared.
    LEAST = 1e-3
    #: Gains that are remembered until they act: the longest delay takes 5.5 frames.
    SENT = 8

    measure: Tensor
    foresee: Tensor
    delays: Tensor
    ages: Tensor

    def __init__(self) -> None:
        super().__init__()
        ahead = torch.stack(
            [torch.from_numpy(filters.foreseeing(delay)) for delay in filters.DELAYS_S], dim=1
        )
        ages = torch.arange(self.SENT, 0, -1)
        for name, values in (
            ("measure", torch.from_numpy(filters.measuring())),
            ("foresee", ahead.flatten(1)),
            ("delays", torch.tensor(filters.DELAYS_S)),
            ("ages", ages),
        ):
            self.register_buffer(name, values.to(torch.float32), persistent=False)

    def forward(
        self,
        energy: Tensor,
        is_ai: Tensor,
        is_live: Tensor,
        amount: Tensor,
        depth_db: Tensor,
        delay_s: Tensor,
        both_ways: Tensor,
        fills: Tensor,
        swell: Tensor,
        levels: Tensor,
        ridden: Tensor,
        sent: Tensor,
        own: Tensor,
        moved: Tensor,
        shape: Tensor,
        drive: Tensor,
        count: Tensor,
        loudest: Tensor,
        quiet: Tensor,
        given: Tensor,
        returned: Tensor,
        trim: Tensor,
    ) -> tuple[Tensor, ...]:
        """Advance n tracks by one frame.

        Args:
            energy: (n,) float32, K-weighted mean square of the frame, summed over channels, before any gain.
            is_ai: (n,) bool, AI stems that are there. Rows that are neither hold their state.
            is_live: (n,) bool, live sources that are there.
            amount: (n,) float32, 0 to 1: share of what is lacking, and of the gain.
            depth_db: (n,) float32, 0 to 5 dB: the gain stays within plus and minus this.
            delay_s: (n,) float32, control delay in s, one of those offered.
            both_ways: (n,) bool, whether what moves more than the live sources is to move less.
            fills: (n,) bool, whether a stem that hardly moves is to take ``swell`` for its own movement.
            swell: (n, 6) float32, that movement in each band now, at most about 1 rms.
            levels: (n, 256) float32, dB above -120 LUFS, those of gaps held, newest last.
            ridden: (n, 256) float32, gain in dB that acted on each of them.
            sent: (n, 8) float32, gains in dB of the last frames, newest last.
            own: (n, 6) float32, mean square of the movement in each band, dB squared.
            moved: (n, 6) float32, the same with the gains.
            shape: (n, 6) float32, mean square of the movement foreseen.
            drive: (n, 6) float32, dB of each band in the gain.
            count: (n,) float32, frames that the means rest on, at most 200.
            loudest: (n,) float32, dB above -120 LUFS.
            quiet: (n,) float32, frames since the row sounded, at most 80.
            given: (n,) float32, power of the row so far, fading over 10 s.
            returned: (n,) float32, the same with the gains.
            trim: (n,) float32, dB that keep both equal.

        Returns:
            breath_db (n,) in -5 to 5 dB, and what follows from ``levels`` on for the next frame. Begin with zeros.
        """
        there = is_ai | is_live
        energy = torch.where(there & (energy >= 0.0), energy, 0.0).clamp(max=1e6)
        amount = torch.where(is_ai, amount, 0.0)
        depth = torch.where(is_ai, depth_db, 0.0)
        delay = torch.where(is_ai, delay_s, 0.0)
        fills = is_ai & fills
        swell = torch.where(fills[:, None], swell, 0.0)

        # What sounds, and the level that is held where nothing does.
        db = _OFFSET_LUFS - _SILENCE_LUFS + _decibels(energy)
        loud = torch.maximum(loudest - self.SINKING_DB, db)
        sounds = there & (db > self.GATE_LUFS - _SILENCE_LUFS) & (db > loud - self.RANGE_DB)
        newest = torch.where(sounds, db, levels[:, -1])[:, None]
        after = torch.where((count > 0.0)[:, None], torch.cat([levels[:, 1:], newest], dim=1), newest)
        quiet_now = torch.where(sounds, 0.0, (quiet + 1.0).clamp(max=self.RESTS[1]))
        acting = torch.relu(1.0 - (self.ages - delay[:, None] * filters.RATE_HZ - 1.5).abs())
        acted = (sent * acting).sum(dim=1)
        ridden_now = torch.cat([ridden[:, 1:], acted[:, None]], dim=1)

        # Its movement, that with the gains, and the one to come.
        centred = after - newest
        movement = torch.matmul(centred, self.measure)
        with_gain = movement + torch.matmul(ridden_now, self.measure)
        offered = torch.relu(1.0 - (self.delays - delay[:, None]).abs() / 0.01)
        foreseen = torch.matmul(centred, self.foresee).reshape(-1, len(filters.DELAYS_S), filters.BANDS)
        coming = (foreseen * offered[:, :, None]).sum(dim=1)
        listens = there & (sounds | (count > 0.0)) & (quiet_now < self.RESTS[0])
        count_now = torch.where(listens, (count + 1.0).clamp(max=self.MEMORY), count)
        share = torch.where(listens, 1.0 / count_now.clamp(min=1.0), 0.0)[:, None]
        own_now = own + (movement * movement - own) * share
        moved_now = moved + (with_gain * with_gain - moved) * share
        shape_now = shape + (coming * coming - shape) * share

        # How much more the live sources move, and how much of that is there already: logarithms of ratios.
        known = _rise(count_now, *self.KNOWN)
        own_log = 0.5 * torch.log(own_now + self.LEAST)
        model = (is_live.to(energy.dtype) * known * (1.0 - _rise(quiet_now, *self.RESTS)))[:, None]
        models = model.sum()
        live_log = (model * own_log).sum(dim=0) / models.clamp(min=1e-3)
        apart = live_log - own_log
        apart = torch.where((is_ai & both_ways)[:, None], apart, torch.relu(apart))
        lacks = apart * models.clamp(max=1.0) * (known * amount)[:, None]
        reached = 0.5 * torch.log(moved_now + self.LEAST) - own_log
        # Never more than would make up what is missing if it had nothing to do with what is there.
        moves = _rise(own_now.sum(dim=1).sqrt(), *self.STEADY_DB)
        steady = torch.where(fills, (1.0 - moves) * _rise(count_now, *self.STEADY), 0.0)[:, None]
        there_is = own_now + steady * self.LEAST
        missing = torch.sqrt(there_is * (torch.exp(2.0 * torch.relu(lacks)) - 1.0))
        most = torch.minimum(self.MOST * depth[:, None], missing) * _rise(lacks, 0.0, self.CARE)
        # Nor less than takes away what is too much, of that which is foreseen.
        spare = torch.sqrt(shape_now) * (1.0 - torch.exp(-torch.relu(-lacks)))
        least = torch.minimum(self.MOST * depth[:, None], spare) * _rise(-lacks, 0.0, self.CARE)
        wanted = drive + self.PACE * depth[:, None] * (lacks - reached)
        driven = torch.maximum(torch.minimum(wanted, most), 0.0 - least)
        scaled = driven * coming / torch.sqrt(shape_now + self.LEAST)
        curve = ((1.0 - steady) * scaled + steady * (driven * swell)).sum(dim=1)
        curve = torch.maximum(torch.minimum(curve, depth), -depth)

        # No louder and no softer than before; the limit holds with the trim.
        keep = 1.0 - 1.0 / self.MEMORY
        heard = torch.where(sounds, energy, 0.0)
        given_now = given * keep + heard
        returned_now = returned * keep + heard * torch.exp(acted / _DB)
        louder = _decibels(returned_now) - _decibels(given_now)
        trim_now = torch.maximum(torch.minimum(trim * self.FADING - self.TRIMMING * louder, depth), -depth)
        breath = amount * torch.maximum(torch.minimum(curve + trim_now, depth), -depth)

        sent_now = torch.cat([sent[:, 1:], breath[:, None]], dim=1)
        kept = (
            (after, levels),
            (ridden_now, ridden),
            (sent_now, sent),
            (own_now, own),
            (moved_now, moved),
            (shape_now, shape),
            (driven, drive),
            (count_now, count),
            (loud, loudest),
            (quiet_now, quiet),
            (given_now, given),
            (returned_now, returned),
            (trim_now, trim),
        )
        rows = there[:, None]
        return breath, *(torch.where(rows if now.dim() > 1 else there, now, old) for now, old in kept)


def _decibels(power: Tensor) -> Tensor:
    return _DB * torch.log(power.clamp(min=_FLOOR))


def _rise(values: Tensor, low: float, high: float) -> Tensor:
    """Return 0 below ``low``, 1 above ``high``, and a straight line between."""
    return ((values - low) / (high - low)).clamp(0.0, 1.0)

"""The rule of the dip, frame by frame: what masks, how deep to cut, and what the cut may cost.

All limits are crossed gradually: a frame that lies a little to one side of one gets nearly the same cut as one on
the other, on whatever runtime.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from hybridmix_models.dip import hearing

__all__ = ["Dip"]

_DB = 10.0 / math.log(10.0)
#: Least power that is told from silence.
_FLOOR = 1e-12


class Dip(nn.Module):
    """Depth and centre of a bell for each AI stem, from the live sources of its group.

    A band of 200 to 600 Hz counts where a live source sounds in it and the AI stem excites the ear there nearly as much
    or more. The depth follows the mean of that excess over the bands in which live sources sound; bands that no cut
    can free count little. What a live microphone hears of the AI stems is taken off before: it is what the sum of the
    AI stems, through one transfer function per microphone learned over the last seconds, explains of it.
    """

    #: Width of the bell, that of the plugin's.
    Q = 0.7
    MAX_CUT_DB = 12.0
    #: Range of the centre, of the declared parameter, and its neutral value, Hz.
    CENTRE_HZ = (200.0, 400.0)
    NEUTRAL_HZ = 280.0
    #: Most that the depth (24 dB/s) and the centre (200 Hz/s) move in a frame.
    SLEW_DB = 1.2
    SLEW_HZ = 10.0
    #: An AI stem counts from so far below a live source on; depth per dB of excess.
    MARGIN_DB = 8.0
    SLOPE = 3.0
    #: A band that is masked by this much is out of reach, wholly from the second figure on.
    REACH_DB = (24.0, 40.0)
    #: Live bands count from the first level on, fully from the second, dBFS.
    SOUNDS_DBFS = (-72.0, -66.0)
    #: Share of a live band's power that is the source's own: below the first it is bleed, above the second it counts.
    OWN_SHARE = (0.3, 0.7)
    #: What the AI stems explain counts so much: the transfer function holds the direct sound of a room, not all of it.
    DOUBT = 30.0
    #: Share of a row's power that anything explains of it by chance, over so many frames.
    CHANCE = 2.0 / 80.0
    #: A room lets the AI stems ring on by this much power per frame (60 dB in 1.5 s).
    RINGING = 10.0**-0.2
    #: Bins over which the transfer function is evened out.
    NEAR = 5
    #: Frames over which a transfer function is learned (4 s), and over which the budget is kept (10 s).
    LEARNING = 80.0
    KEEPING = 200.0
    #: What was not spent of the budget may be spent over so many frames (1 s).
    SPENDING = 20.0
    #: What is above the spectrum counts so much in loudness (K-weighting), power.
    ABOVE = 10.0**0.3

    analysis: Tensor
    excitation: Tensor
    spread: Tensor
    loudness: Tensor
    band_hz: Tensor
    bin_hz: Tensor
    depths: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name, values in (
            ("analysis", hearing.analysis()),
            ("excitation", hearing.excitation(spread=False)),
            ("spread", hearing.excitation(spread=True)),
            ("loudness", hearing.loudness()),
            ("band_hz", hearing.BAND_HZ[hearing.TARGET]),
            ("bin_hz", hearing.BIN_HZ),
        ):
            self.register_buffer(name, torch.from_numpy(values).to(torch.float32), persistent=False)
        self.register_buffer("depths", torch.arange(0.0, self.MAX_CUT_DB + 0.5, 1.0), persistent=False)

    def forward(
        self,
        audio: Tensor,
        gain_db: Tensor,
        is_ai: Tensor,
        is_live: Tensor,
        amount: Tensor,
        budget_lu: Tensor,
        past: Tensor,
        cut: Tensor,
        centre: Tensor,
        given: Tensor,
        lost: Tensor,
        count: Tensor,
        heard: Tensor,
        real: Tensor,
        imaginary: Tensor,
        ringing: Tensor,
        mean: Tensor,
    ) -> tuple[Tensor, ...]:
        """Advance n tracks by one frame.

        Args:
            audio: (n, 800) float32, 50 ms at 16 kHz, mono, full scale 1, as the track sends it.
            gain_db: (n,) float32, gain that the track gets, dB.
            is_ai: (n,) bool, AI stems that are there. Rows that are neither hold their state.
            is_live: (n,) bool, live sources that are there.
            amount: (n,) float32, 0 to 1, scales the depth.
            budget_lu: (n,) float32, most loudness that the row may lose on average, LU.
            past: (n, 560) float32, the samples before.
            cut: (n,) float32, depth of the frame before, 0 to 12 dB.
            centre: (n,) float32, Hz over 280: centre of the frame before.
            given: (n,) float32, power of the row so far, as loudness counts it.
            lost: (n,) float32, how much of it the dip has taken.
            count: (n,) float32, frames learned from, at most 80.
            heard: (n, 75) float32, mean power of the sum of the AI stems while the row was there.
            real: (n, 75) float32, its mean product with the row's spectrum, real part.
            imaginary: (n, 75) float32, imaginary part.
            ringing: (n, 75) float32, power of the sum of the AI stems as a room lets it fade.
            mean: (n, 75) float32, mean power of the row.

        Returns:
            dip_db (n,) in -12 to 0 dB, dip_hz (n,) in 200 to 400 Hz, and what follows from ``past`` on for the next
            frame. Begin with zeros; 0 for ``centre`` is the neutral one.
        """
        there = is_ai | is_live
        audio, gain_db = torch.where(there[:, None], audio, 0.0), torch.where(there, gain_db, 0.0)
        window = torch.cat([past, audio], dim=1)
        spectrum = torch.matmul(window, self.analysis)
        bins = self.bin_hz.shape[0]
        re, im = spectrum[:, :bins], spectrum[:, bins:]
        power = re * re + im * im
        ai = is_ai.to(audio.dtype)[:, None]
        ai_re, ai_im = (re * ai).sum(dim=0, keepdim=True), (im * ai).sum(dim=0, keepdim=True)
        ai_power = ai_re * ai_re + ai_im * ai_im

        # Transfer functions from the sum of the AI stems to each row.
        count_out = torch.where(there, torch.clamp(count + 1.0, max=self.LEARNING), count)
        share = torch.where(there, 1.0 / count_out.clamp(min=1.0), 0.0)[:, None]
        heard_out = heard + (ai_power - heard) * share
        real_out = real + (re * ai_re + im * ai_im - real) * share
        imaginary_out = imaginary + (im * ai_re - re * ai_im - imaginary) * share
        mean_out = mean + (power - mean) * share
        per_power = 1.0 / heard_out.clamp(min=_FLOOR)
        transfer = torch.square(real_out * per_power) + torch.square(imaginary_out * per_power)
        transfer = torch.relu(transfer - self.CHANCE * mean_out * per_power)
        near = nn.functional.avg_pool1d(
            transfer[:, None, :], self.NEAR, stride=1, padding=self.NEAR // 2, count_include_pad=False
        )[:, 0, :]
        ringing_out = torch.where(there[:, None], torch.maximum(ai_power, ringing * self.RINGING), ringing)
        explained = torch.minimum(self.DOUBT * near * ringing_out, power)

        # What sounds of the live sources, and where the AI stems cover it.
        gain = torch.exp(gain_db.clamp(-80.0, 36.0) / _DB)[:, None]
        live = is_live.to(audio.dtype)[:, None] * gain
        total = torch.matmul((live * power).sum(dim=0), self.excitation)
        own = torch.matmul((live * (power - explained)).sum(dim=0), self.excitation)
        live_db = _decibels(own)
        counts = _rise(live_db, *self.SOUNDS_DBFS) * _rise(own / total.clamp(min=_FLOOR), *self.OWN_SHARE)
        excess = torch.relu(_decibels(torch.matmul(gain * power, self.spread)) + self.MARGIN_DB - live_db)
        excess = excess * (1.0 - _rise(excess, *self.REACH_DB)) * counts
        wanted = (self.SLOPE * excess.sum(dim=1) / counts.sum().clamp(min=1.0)).clamp(max=self.MAX_CUT_DB)
        weight = excess.sum(dim=1)
        middle = (excess * self.band_hz).sum(dim=1) / weight.clamp(min=_FLOOR)
        before_hz = torch.where(centre > 0.0, centre, 1.0) * self.NEUTRAL_HZ
        # Where hardly anything masks there is no middle to go to.
        towards = (middle.clamp(*self.CENTRE_HZ) - before_hz) * _rise(weight, 0.0, 3.0)
        hz = before_hz + towards.clamp(-self.SLEW_HZ, self.SLEW_HZ)

        # What it may cost, on average.
        low = power * self.loudness
        above = torch.relu((window * window).mean(dim=1) - power.sum(dim=1)) * self.ABOVE
        all_of_it = low.sum(dim=1) + above
        taken = (low[:, None, :] * (1.0 - self._passes(hz))).sum(dim=2)
        fraction = 1.0 - torch.exp(-budget_lu / _DB)
        most = torch.relu(fraction * all_of_it + (fraction * given - lost) / self.SPENDING)
        more = (taken[:, 1:] - taken[:, :-1]).clamp(min=_FLOOR)
        allowed = ((most[:, None] - taken[:, :-1]) / more).clamp(0.0, 1.0)
        wanted = torch.minimum(wanted * amount, allowed.sum(dim=1))
        moved = (cut + (wanted - cut).clamp(-self.SLEW_DB, self.SLEW_DB)).clamp(0.0, self.MAX_CUT_DB)
        cut_out = torch.where(is_ai, moved, cut)

        # The cost of what is really cut, between the two nearest depths.
        nearest = torch.relu(1.0 - (cut_out[:, None] - self.depths).abs())
        keep = 1.0 - 1.0 / self.KEEPING
        lost_out = torch.where(is_ai, lost * keep + (taken * nearest).sum(dim=1), lost)
        given_out = torch.where(is_ai, given * keep + all_of_it, given)
        hz = torch.where(is_ai, hz, before_hz)
        past_out = torch.where(there[:, None], window[:, hearing.FRAME :], past)
        return (
            -cut_out,
            hz,
            past_out,
            cut_out,
            hz / self.NEUTRAL_HZ,
            given_out,
            lost_out,
            count_out,
            heard_out,
            real_out,
            imaginary_out,
            ringing_out,
            mean_out,
        )

    def state_shapes(self) -> list[tuple[int, ...]]:
        """Return the shape of each state behind its first size n, in the order of `forward`."""
        bins = (self.bin_hz.shape[0],)
        return [(hearing.WINDOW - hearing.FRAME,), (), (), (), (), (), bins, bins, bins, bins, bins]

    def _passes(self, hz: Tensor) -> Tensor:
        """Return how much power a bell at ``hz`` (n,) passes at each depth and bin, (n, 13, bins)."""
        away = self.bin_hz[None, :] / hz[:, None]
        bend = torch.square(1.0 - away * away)[:, None, :]
        narrow = torch.square(away)[:, None, :]
        amplitude = torch.exp(-self.depths / (4.0 * _DB))[None, :, None]
        wide = torch.square(amplitude / self.Q)
        return (bend + wide * narrow) / (bend + narrow / torch.square(amplitude * self.Q))


def _decibels(power: Tensor) -> Tensor:
    return _DB * torch.log(power.clamp(min=_FLOOR))


def _rise(values: Tensor, low: float, high: float) -> Tensor:
    """Return 0 below ``low``, 1 above ``high``, and a straight line between."""
    return ((values - low) / (high - low)).clamp(0.0, 1.0)

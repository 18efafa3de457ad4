"""The network that estimates a room: convolutions over third octaves, a recurrent layer, a fading mean per octave.

Every octave decays on its own but by the same law, so one set of weights looks at all of them, and each has a mean of
its own of what its decays told. What the recurrent layer knows of all octaves together says which moments count.

Two forms of one network: whole excerpts in training, frames of 50 ms in use. Both compute the same.
"""

from __future__ import annotations

import math
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from hybridmix_models.room.bands import BANDS, FRAMES, OVERLAP, UNIT_DB, Levels, below_loudest

__all__ = ["OCTAVES_HZ", "RANGES", "SEEN", "SIZES", "WIDTH", "Estimate", "RoomNetwork", "RoomStep"]

#: Octaves whose reverberation time is estimated. Of the highest the network hears the part below 7.5 kHz.
OCTAVES_HZ = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
WIDTH = 96
#: What is looked at and what is found per octave, and what is found of all octaves together.
_LOOKS, _FINDS, _WHOLE = 32, 24, 48
#: Frames of 10 ms before a frame of 50 ms that the convolutions see.
SEEN = 73
#: Frames of 10 ms over which lines are laid through levels, and the slope that counts as one, in dB/s.
_LINES, _SLOPE = (8, 16, 32, 64), 15.0
#: Seconds over which what was found fades.
_FADES_S = 20.0
_FADE = math.exp(-0.05 / _FADES_S)
#: What is estimated: seven times, the direct-to-reverberant ratio, the pre-delay.
_OCTAVES = len(OCTAVES_HZ)
_VALUES = _OCTAVES + 2
#: Natural logarithm of the least and the greatest spread of a Laplace distribution.
_SPREAD = (-4.0, 1.5)
#: Units and middles of the values inside the network: ln s, 10 dB, ln ms.
_DB, _MIDDLE_DB = 10.0, 5.0
_MIDDLE_T60, _MIDDLE_MS = math.log(0.6), math.log(10.0)
#: What the step form keeps to.
RANGES = {"t60_s": (0.1, 4.0), "reverb_level": (0.0, 4.0), "predelay_ms": (0.0, 100.0)}
#: States of the step form and their sizes; none: a number.
SIZES = {
    "past": OVERLAP,
    "seen": SEEN * BANDS,
    "begun": None,
    "loudest": None,
    "memory": WIDTH,
    "found": _OCTAVES * _FINDS + _WHOLE,
    "weight": _OCTAVES + 1,
}


class Estimate(NamedTuple):
    """Medians and spreads b of Laplace distributions, a row each (…): of ln T60, of the ratio in dB, of ln ms."""

    #: (…, 7) s, and spreads of the natural logarithm.
    t60_s: Tensor
    t60_spread: Tensor
    #: (…,) dB.
    drr_db: Tensor
    drr_spread_db: Tensor
    #: (…,) ms, and spread of the natural logarithm.
    predelay_ms: Tensor
    predelay_spread: Tensor


class RoomNetwork(nn.Module):
    """Reverberation times, direct-to-reverberant ratio and pre-delay of each track, with how sure they are."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1 + len(_LINES), 24, (FRAMES, 3), stride=(FRAMES, 1), padding=(0, 1))
        self.second = nn.Conv2d(24, _LOOKS, (3, 3), stride=(1, 3))
        self.enter = nn.Linear(_OCTAVES * _LOOKS, WIDTH)
        self.norm = nn.LayerNorm(WIDTH)
        self.memory = nn.GRU(WIDTH, WIDTH, batch_first=True)
        #: In training alone: a few hundred songs and rooms are soon known by heart.
        self.forget = nn.Dropout(0.2)
        self.weigh, self.weigh_all = nn.Linear(_LOOKS, 1), nn.Linear(WIDTH, _OCTAVES + 1)
        self.offer, self.offer_all = nn.Linear(_LOOKS, _FINDS), nn.Linear(WIDTH, _OCTAVES * _FINDS)
        self.offer_whole = nn.Linear(WIDTH, _WHOLE)
        self.own = nn.Linear(_FINDS + 1, 2)
        self.answer = nn.Sequential(
            nn.Linear(_OCTAVES * (_FINDS + 1) + _WHOLE + 1, 96),
            nn.ReLU(),
            self.forget,
            nn.Linear(96, 2 * _VALUES),
        )

    def forward(self, heard: Tensor) -> Estimate:
        """Estimate after every 50 ms from ``heard`` (b, 5 T, `BANDS`), see `bands.below_loudest`; rows (b, T)."""
        before = heard[:, :1].expand(-1, SEEN, -1)
        looked = self.forget(self.look(torch.cat([before, heard], dim=1)))
        memory, _ = self.memory(self.gather(looked))
        told, weight = self.judge(looked, self.forget(memory))
        # The fading sums of all frames at once: divide by the fade of each frame, sum up, multiply.
        fade = _FADE ** torch.arange(memory.shape[1], dtype=heard.dtype, device=heard.device)[:, None]
        found, total = (torch.cumsum(each / fade, dim=1) * fade for each in (told, weight))
        return self.conclude(found, total)

    def widen(self, t60: float, ratio: float) -> None:
        """Make the spreads of T60 and of the ratio so many times as wide."""
        bias = cast("nn.Linear", self.answer[-1]).bias
        with torch.no_grad():
            bias[_VALUES : _VALUES + _OCTAVES] += math.log(t60)
            bias[_VALUES + _OCTAVES] += math.log(ratio)

    def look(self, heard: Tensor) -> Tensor:
        """Turn frames of 10 ms (b, `SEEN` + 5 T, `BANDS`) into what is seen every 50 ms, (b, T, 7, looks)."""
        longest = max(_LINES)
        maps = torch.stack(
            [heard[:, longest - 1 :], *(_slope(heard[:, longest - size :], size) for size in _LINES)], 1
        )
        # Three bands per octave; of the last there is one.
        maps = nn.functional.pad(torch.relu(self.first(maps)), (0, 3 * _OCTAVES - BANDS))
        return torch.relu(self.second(maps)).permute(0, 2, 3, 1)

    def gather(self, looked: Tensor) -> Tensor:
        """Turn what is seen (…, 7, looks) into what the recurrent layer takes, (…, `WIDTH`)."""
        gathered: Tensor = self.norm(torch.relu(self.enter(looked.flatten(start_dim=-2))))
        return gathered

    def judge(self, looked: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Return what a moment tells, by its weights (…, 7 finds + whole), and these: of each octave, of all (…, 8)."""
        octaves = torch.unflatten(self.offer_all(memory), -1, (_OCTAVES, _FINDS)) + self.offer(looked)
        every = self.weigh_all(memory)
        each = self.weigh(looked)[..., 0] + every[..., :_OCTAVES]
        weight = torch.sigmoid(torch.cat([each, every[..., _OCTAVES:]], dim=-1)) + 1e-4
        told = (torch.tanh(octaves) * weight[..., :_OCTAVES, None]).flatten(start_dim=-2)
        whole = torch.tanh(self.offer_whole(memory)) * weight[..., _OCTAVES:]
        return torch.cat([told, whole], dim=-1), weight

    def conclude(self, found: Tensor, total: Tensor) -> Estimate:
        """Estimate from the sums of what moments told and of their weights, shapes as of `judge`."""
        each, all_of = total[..., :_OCTAVES, None], total[..., _OCTAVES:]
        octaves = torch.unflatten(found[..., :-_WHOLE], -1, (_OCTAVES, _FINDS)) / each
        mean = torch.cat([octaves, torch.log(each)], dim=-1)
        whole = torch.cat([found[..., -_WHOLE:] / all_of, torch.log(all_of)], dim=-1)
        said, own = self.answer(torch.cat([mean.flatten(start_dim=-2), whole], dim=-1)), self.own(mean)
        value, spread = said[..., :_VALUES], said[..., _VALUES:]
        t60 = torch.exp((value[..., :_OCTAVES] + own[..., 0] + _MIDDLE_T60).clamp(-4.0, 4.0))
        t60_spread = spread[..., :_OCTAVES] + own[..., 1]
        return Estimate(
            t60,
            torch.exp(t60_spread.clamp(*_SPREAD)),
            _DB * value[..., _OCTAVES] + _MIDDLE_DB,
            _DB * torch.exp(spread[..., _OCTAVES].clamp(*_SPREAD)),
            torch.exp((value[..., _OCTAVES + 1] + _MIDDLE_MS).clamp(-4.0, 8.0)),
            torch.exp(spread[..., _OCTAVES + 1].clamp(*_SPREAD)),
        )


def _slope(heard: Tensor, size: int) -> Tensor:
    """Slope of a line through every ``size`` frames of ``heard`` (b, T, bands), compressed: 0 level, -1 an e-fold more.

    A room of reverberation time T falls by 60/T dB/s, so a decay shows as the logarithm of T.
    """
    at = torch.arange(size, dtype=heard.dtype, device=heard.device) - (size - 1) / 2.0
    taps = UNIT_DB * 100.0 / _SLOPE * at / (at * at).sum()
    bands = heard.shape[-1]
    line = nn.functional.conv1d(heard.transpose(1, 2), taps.expand(bands, 1, size), groups=bands).transpose(
        1, 2
    )
    return torch.sign(line) * torch.log1p(line.abs())


class RoomStep(nn.Module):
    """The network frame by frame: 50 ms of every track in, an estimate out, all else in states that begin with zeros."""

    def __init__(self, network: RoomNetwork) -> None:
        super().__init__()
        self.network = network
        self.levels = Levels()

    def forward(
        self,
        audio: Tensor,
        past: Tensor,
        seen: Tensor,
        begun: Tensor,
        loudest: Tensor,
        memory: Tensor,
        found: Tensor,
        weight: Tensor,
    ) -> tuple[Tensor, ...]:
        """Estimate after ``audio`` (n, 800) at 16 kHz.

        Returns times (n, 7) in s and their spreads, the level of the reverberation beside the direct sound (n,), the
        ratio in dB and its spread, the pre-delay in ms and its spread, within the `RANGES`; then the states.
        """
        network = self.network
        joined = torch.cat([past, audio], dim=1)
        heard, loudest = below_loudest(self.levels(joined), loudest)
        before = seen.reshape(-1, SEEN, BANDS)
        before = torch.where((begun > 0.5)[:, None, None], before, heard[:, :1])
        joint = torch.cat([before, heard], dim=1)
        looked = network.look(joint)[:, 0]
        memory = self._remember(network.gather(looked), memory)
        told, share = network.judge(looked, memory)
        found, weight = _FADE * found + told, _FADE * weight + share
        said = network.conclude(found, weight)
        return (
            said.t60_s.clamp(*RANGES["t60_s"]),
            said.t60_spread,
            (10.0 ** (-0.05 * said.drr_db)).clamp(*RANGES["reverb_level"]),
            said.drr_db,
            said.drr_spread_db,
            said.predelay_ms.clamp(*RANGES["predelay_ms"]),
            said.predelay_spread,
            joined[:, -OVERLAP:],
            joint[:, FRAMES:].flatten(start_dim=1),
            torch.ones_like(begun),
            loudest,
            memory,
            found,
            weight,
        )

    def _remember(self, seen: Tensor, memory: Tensor) -> Tensor:
        """One step of the recurrent layer (Cho et al. 2014)."""
        weights: dict[str, Tensor] = dict(self.network.memory.named_parameters())
        given = nn.functional.linear(seen, weights["weight_ih_l0"], weights["bias_ih_l0"])
        kept = nn.functional.linear(memory, weights["weight_hh_l0"], weights["bias_hh_l0"])
        reset = torch.sigmoid(given[:, :WIDTH] + kept[:, :WIDTH])
        update = torch.sigmoid(given[:, WIDTH : 2 * WIDTH] + kept[:, WIDTH : 2 * WIDTH])
        new = torch.tanh(given[:, 2 * WIDTH :] + reset * kept[:, 2 * WIDTH :])
        return (1.0 - update) * new + update * memory

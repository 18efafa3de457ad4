"""The network that estimates a room: convolutions over third octaves, a recurrent layer, a fading mean of what it found.

Two forms of one network: whole excerpts in training, frames of 50 ms in use. Both compute the same.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from hybridmix_models.room.bands import BANDS, FRAMES, OVERLAP, UNIT_DB, Levels, below_loudest

__all__ = ["OCTAVES_HZ", "RANGES", "SEEN", "SIZES", "WIDTH", "Estimate", "RoomNetwork", "RoomStep"]

#: Octaves whose reverberation time is estimated. Of the highest the network hears the part below 7.5 kHz.
OCTAVES_HZ = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
WIDTH = 96
#: Frames of 10 ms before a frame of 50 ms that the convolutions see.
SEEN = 41
#: Frames of 10 ms over which lines are laid through levels, and the slope that counts as one, in dB/s.
_LINES, _SLOPE = (8, 16, 32), 15.0
#: Seconds over which what was found fades.
_FADES_S = 20.0
_FADE = math.exp(-0.05 / _FADES_S)
#: What is estimated: seven times, the direct-to-reverberant ratio, the pre-delay.
_VALUES = len(OCTAVES_HZ) + 2
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
    "found": WIDTH,
    "weight": None,
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
        self.second = nn.Conv2d(24, 32, (3, 3), stride=(1, 2), padding=(0, 1))
        self.enter = nn.Linear(32 * 10, WIDTH)
        self.norm = nn.LayerNorm(WIDTH)
        self.memory = nn.GRU(WIDTH, WIDTH, batch_first=True)
        self.weigh = nn.Linear(WIDTH, 1)
        #: In training alone: a few hundred songs and rooms are soon known by heart.
        self.forget = nn.Dropout(0.25)
        self.offer = nn.Linear(WIDTH, WIDTH)
        self.answer = nn.Sequential(nn.Linear(WIDTH + 1, 64), nn.ReLU(), nn.Linear(64, 2 * _VALUES))

    def forward(self, heard: Tensor) -> Estimate:
        """Estimate after every 50 ms from ``heard`` (b, 5 T, `BANDS`), see `bands.below_loudest`; rows (b, T)."""
        before = heard[:, :1].expand(-1, SEEN, -1)
        memory, _ = self.memory(self.forget(self.look(torch.cat([before, heard], dim=1))))
        memory = self.forget(memory)
        weight, offer = self.judge(memory)
        # The fading sums of all frames at once: divide by the fade of each frame, sum up, multiply.
        fade = _FADE ** torch.arange(memory.shape[1], dtype=heard.dtype, device=heard.device)[:, None]
        found, total = (
            torch.cumsum(offer * weight / fade, dim=1) * fade,
            torch.cumsum(weight / fade, dim=1) * fade,
        )
        return self.conclude(found, total[..., 0])

    def look(self, heard: Tensor) -> Tensor:
        """Turn frames of 10 ms (b, `SEEN` + 5 T, `BANDS`) into what is seen every 50 ms, (b, T, `WIDTH`)."""
        longest = max(_LINES)
        maps = torch.stack(
            [heard[:, longest - 1 :], *(_slope(heard[:, longest - size :], size) for size in _LINES)], 1
        )
        maps = torch.relu(self.second(torch.relu(self.first(maps))))
        flat = maps.permute(0, 2, 1, 3).flatten(start_dim=2)
        seen: Tensor = self.norm(torch.relu(self.enter(flat)))
        return seen

    def judge(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Return how much a frame tells (…, 1), and what (…, `WIDTH`)."""
        return torch.sigmoid(self.weigh(memory)) + 1e-4, torch.tanh(self.offer(memory))

    def conclude(self, found: Tensor, total: Tensor) -> Estimate:
        """Estimate from the sums of what frames told (…, `WIDTH`) and of how much they did (…,)."""
        mean = found / total[..., None]
        said = self.answer(torch.cat([mean, torch.log(total)[..., None]], dim=-1))
        value, spread = said[..., :_VALUES], torch.exp(said[..., _VALUES:].clamp(*_SPREAD))
        octaves = len(OCTAVES_HZ)
        return Estimate(
            torch.exp((value[..., :octaves] + _MIDDLE_T60).clamp(-4.0, 4.0)),
            spread[..., :octaves],
            _DB * value[..., octaves] + _MIDDLE_DB,
            _DB * spread[..., octaves],
            torch.exp((value[..., octaves + 1] + _MIDDLE_MS).clamp(-4.0, 8.0)),
            spread[..., octaves + 1],
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
        memory = self._remember(network.look(joint)[:, 0], memory)
        share, offer = network.judge(memory)
        found = _FADE * found + share * offer
        weight = _FADE * weight + share[:, 0]
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

"""AiLive Mixer, multi-rate, as a residual in dB on the loudness so far: what ships.

Departures from the paper's network:

- The gain is what brings the track's loudness so far to one level, plus what the network adds, at most 24 dB
  either way: a network that has learned nothing mixes by loudness, the mix never begins too loud, and nothing
  can die.
- The network hears levels after that gain, not before it: the same session recorded at other levels gives
  the same answer.
- It is told how the levels of each track were spread so far (`History`): how far below its loud passages a
  microphone's soft ones lie tells how much of it is bleed.
- The gain follows what the network asks for slowly while it is near and quickly while it is far: doubts are not
  heard, moved faders are. Until a track has been heard for a block its gain is 0 dB.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hybridmix_models.gain.alm import HIDDEN, Core
from hybridmix_models.gain.equal_loudness import EqualLoudness
from hybridmix_models.gain.features import FLOOR_DB, STRIDE
from hybridmix_models.gain.history import History
from hybridmix_models.gain.network import GainNetwork, State, at_frames
from hybridmix_models.gain.parts import LinearGain, scaled_level

__all__ = ["AlmMrPlus"]


class AlmMrPlus(GainNetwork):
    """What ships: loudness so far and a bounded residual."""

    normalised = True
    states = (
        HIDDEN,
        State(
            "window",
            (History.BLOCK,),
            torch.float32,
            "mean square",
            "energies of the last frames, newest last",
        ),
        State("total", (), torch.float32, "mean square", "forgetting sum of the blocks that counted"),
        State("count", (), torch.float32, "blocks", "forgetting sum of their number"),
        State("high", (), torch.float32, "frames", "frames in succession far above the average"),
        State("recent", (), torch.float32, "mean square", "mean of the blocks of the last second"),
        State("spread", (len(History.QUANTILES),), torch.float32, "LU", "quantiles beside the average"),
        State("gain", (), torch.float32, "dB", "the gain of the frame before"),
    )
    #: Added to every gain: what makes mixes as loud as their references.
    level_db: Tensor
    #: Most that the network adds, either way, dB.
    REACH_DB = 24.0
    #: Share of the way to what is asked for that the gain goes in a frame: `NEAR`, and 1 more for `FAR_DB` of way;
    #: at most `CALM_DB` while what is asked for is within `DOUBT_DB`.
    NEAR, FAR_DB, CALM_DB, DOUBT_DB = 0.03, 48.0, 0.25, 5.0

    def __init__(self) -> None:
        super().__init__()
        self.history = History()
        self.core = Core(levels=2 + History.FEATURES)
        self.core.mlp.begin(0.0, 0.3)
        self.register_buffer("level_db", torch.zeros(()))

    def decide(
        self, embeddings: Tensor, level_db: Tensor, energy: Tensor, mask: Tensor, phase: int = STRIDE - 1
    ) -> Tensor:
        """See `GainNetwork.decide`."""
        lufs, told = self.history.whole(energy.flatten(0, 1), mask.flatten())
        lufs, told = lufs.reshape(energy.shape), told.reshape(*energy.shape, -1)
        heard = at_frames(self.core.heard(embeddings, mask), level_db.shape[2], phase)
        levels = self._levels(level_db, energy, lufs, told).transpose(1, 2)
        asked = self._asked(lufs, self.core.sequence(heard, levels, mask))
        gain, gains = torch.zeros_like(asked[..., 0]), []
        known = torch.zeros_like(mask)
        for wanted, count in zip(
            asked.unbind(dim=2), told[..., self.history.COUNT].unbind(dim=2), strict=True
        ):
            gain = self._followed(gain, wanted, known, count > 0.0)
            known = count > 0.0
            gains.append(gain)
        return torch.where(mask[..., None], torch.stack(gains, dim=2), 0.0)

    def step(
        self, embedding: Tensor, level_db: Tensor, energy: Tensor, mask: Tensor, *state: Tensor
    ) -> tuple[Tensor, ...]:
        """See `GainNetwork.step`."""
        hidden, *past, before = state
        _, _, count, *_ = past
        known = count > 0.0
        lufs, told, *past = self.history(energy, mask, *past)
        raw, hidden = self.core.advance(embedding, self._levels(level_db, energy, lufs, told), mask, hidden)
        before = torch.where(before.abs() <= -LinearGain.MIN_DB, before, 0.0)
        gain = self._followed(before, self._asked(lufs, raw), known, told[..., self.history.COUNT] > 0.0)
        return torch.where(mask, gain, 0.0), hidden, *past, torch.where(mask, gain, before)

    def raise_by(self, level_db: float) -> None:
        """See `GainNetwork.raise_by`."""
        self.level_db += level_db

    def _levels(self, level_db: Tensor, energy: Tensor, lufs: Tensor, told: Tensor) -> Tensor:
        """Return what the core hears of the level, (..., 8)."""
        loudness = 10.0 * torch.log10(energy.clamp(min=10.0 ** (FLOOR_DB / 10.0)))
        gain = EqualLoudness.TARGET_LUFS - lufs
        near = torch.stack([scaled_level(level_db + gain), scaled_level(loudness + gain)], dim=-1)
        return torch.cat([near, told], dim=-1)

    def _asked(self, lufs: Tensor, raw: Tensor) -> Tensor:
        """Add the residual: one unit of ``raw`` is 8.7 dB (a factor of e) while it is small."""
        residual = self.REACH_DB * torch.tanh(raw * (20.0 / math.log(10.0) / self.REACH_DB))
        asked = EqualLoudness.TARGET_LUFS - lufs + residual + self.level_db
        return torch.clamp(asked, LinearGain.MIN_DB, LinearGain.MAX_DB)

    def _followed(self, before: Tensor, asked: Tensor, known: Tensor, knows: Tensor) -> Tensor:
        """Return the gain after ``before``: at what is asked for where the track was not ``known`` so far."""
        way = asked - before
        gone = way * (self.NEAR + way.abs() / self.FAR_DB).clamp(max=1.0)
        gone = torch.where(way.abs() > self.DOUBT_DB, gone, gone.clamp(-self.CALM_DB, self.CALM_DB))
        return torch.where(knows, torch.where(known, before + gone, asked), 0.0)

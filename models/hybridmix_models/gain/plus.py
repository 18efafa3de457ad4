"""AiLive Mixer, multi-rate, as a residual in dB on causal equal loudness: what ships.

Departures from the paper's network, each measured to help (docs/models.md):

- The gain is the running equal-loudness gain plus what the network adds, at most 24 dB either way: a network
  that has learned nothing mixes like the rule, the mix never begins too loud, and nothing can die.
- The network hears levels after that gain, not before it: the same session recorded at other levels gives
  the same answer.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hybridmix_models.gain.alm import HIDDEN, Core
from hybridmix_models.gain.equal_loudness import EqualLoudness
from hybridmix_models.gain.features import FLOOR_DB, STRIDE
from hybridmix_models.gain.network import GainNetwork, State, at_frames
from hybridmix_models.gain.parts import scaled_level

__all__ = ["AlmMrPlus", "Rule"]


class Rule(EqualLoudness):
    """Equal loudness with all the boost that the declared parameter allows."""

    MAX_BOOST_DB = 36.0


class AlmMrPlus(GainNetwork):
    """What ships: equal loudness and a bounded residual."""

    normalised = True
    states = (
        HIDDEN,
        State("window", (Rule.WINDOW,), torch.float32, "mean square", "last active frames, newest last"),
        State("filled", (), torch.int64, "frames", "active frames in the window"),
        State("rule", (), torch.float32, "dB", "gain of equal loudness alone"),
        State("known", (), torch.bool, "flag", "whether that gain rests on 8 active frames"),
    )
    #: Most that the network adds, either way, dB.
    REACH_DB = 24.0

    def __init__(self) -> None:
        super().__init__()
        self.rule = Rule()
        self.core = Core(levels=3)
        self.core.mlp.begin(0.0, 0.3)

    def decide(
        self, embeddings: Tensor, level_db: Tensor, energy: Tensor, mask: Tensor, phase: int = STRIDE - 1
    ) -> Tensor:
        """See `GainNetwork.decide`."""
        gain, known = self.rule.whole(energy.flatten(0, 1), mask.flatten())
        gain, known = gain.reshape(energy.shape), known.reshape(energy.shape)
        heard = at_frames(self.core.heard(embeddings, mask), level_db.shape[2], phase)
        levels = self._levels(level_db, energy, gain, known).transpose(1, 2)
        raw = self.core.sequence(heard, levels, mask)
        return torch.where(mask[..., None], self._gain(gain, raw), 0.0)

    def step(
        self, embedding: Tensor, level_db: Tensor, energy: Tensor, mask: Tensor, *state: Tensor
    ) -> tuple[Tensor, ...]:
        """See `GainNetwork.step`."""
        hidden, window, filled, rule, known = state
        rule, known, window, filled = self.rule(energy, mask, window, filled, rule, known)
        raw, hidden = self.core.advance(embedding, self._levels(level_db, energy, rule, known), mask, hidden)
        return torch.where(mask, self._gain(rule, raw), 0.0), hidden, window, filled, rule, known

    def _levels(self, level_db: Tensor, energy: Tensor, gain: Tensor, known: Tensor) -> Tensor:
        """Return what the core hears of the level, (..., 3)."""
        loudness = 10.0 * torch.log10(energy.clamp(min=10.0 ** (FLOOR_DB / 10.0)))
        return torch.stack(
            [scaled_level(level_db + gain), scaled_level(loudness + gain), known.to(gain.dtype)], dim=-1
        )

    def _gain(self, rule: Tensor, raw: Tensor) -> Tensor:
        """Add the residual: one unit of ``raw`` is 8.7 dB (a factor of e) while it is small."""
        residual = self.REACH_DB * torch.tanh(raw * (20.0 / math.log(10.0) / self.REACH_DB))
        return torch.clamp(rule + residual, self.rule.MIN_GAIN_DB, self.rule.MAX_BOOST_DB)

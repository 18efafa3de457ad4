"""Differentiable mixing console, gains only: every embedding beside the mean of all, and an MLP.

Source: Steinmetz et al., "Automatic multitrack mixing with a differentiable mixing console of neural audio
effects" (2021), as the AiLive Mixer paper uses it: one decision for every embedding, held until the next, no
memory and no level but what the embedding hears.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hybridmix_models.gain.features import STRIDE
from hybridmix_models.gain.network import GainNetwork, State, at_frames
from hybridmix_models.gain.parts import WIDTH, LinearGain, Mlp, cleaned

__all__ = ["Dmc"]


class Dmc(GainNetwork):
    """The console; its two models of the table differ in what they are trained on."""

    normalised = False
    states: tuple[State, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.mlp = Mlp(2 * WIDTH)
        self.mlp.begin(LinearGain.START, LinearGain.WEIGHT_SCALE)
        self.gain = LinearGain()

    def decide(
        self,
        embeddings: Tensor,
        level_db: Tensor,
        energy: Tensor,  # noqa: ARG002
        mask: Tensor,
        phase: int = STRIDE - 1,
    ) -> Tensor:
        """See `GainNetwork.decide`; of ``level_db`` only its length is used, ``energy`` is not."""
        slots = nn.functional.pad(embeddings.transpose(1, 2), (0, 0, 0, 0, 1, 0))
        gains = self._gains(slots, mask[:, None].expand(slots.shape[:-1]))
        return at_frames(gains, level_db.shape[2], phase).transpose(1, 2)

    def step(
        self,
        embedding: Tensor,
        level_db: Tensor,  # noqa: ARG002
        energy: Tensor,  # noqa: ARG002
        mask: Tensor,
        *state: Tensor,  # noqa: ARG002
    ) -> tuple[Tensor, ...]:
        """See `GainNetwork.step`; neither ``level_db`` nor ``energy`` is used."""
        return (self._gains(embedding, mask),)

    def raise_by(self, level_db: float) -> None:
        """See `GainNetwork.raise_by`."""
        self.mlp.scale(LinearGain.amplitude(level_db))

    def _gains(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Turn (..., n, 128) into gains in dB, (..., n)."""
        own = cleaned(embeddings, mask)
        present = mask.to(own.dtype).sum(dim=-1, keepdim=True).clamp(min=1.0)
        mean = own.sum(dim=-2, keepdim=True) / present[..., None]
        raw = self.mlp(torch.cat([own, mean.expand(own.shape)], dim=-1))[..., 0]
        return torch.where(mask, self.gain(raw), 0.0)

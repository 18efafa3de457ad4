"""The rule of groove: the next slot's deviation from those so far, as a constant and an autoregression around it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources

import torch
from torch import Tensor, nn

__all__ = ["Groove"]

#: Means of the slots at these ages are what the autoregression weighs; the age of the newest that can be known is 1.
_LAGS: Sequence[Sequence[int]] = (
    (1,),
    (2,),
    (3,),
    (4,),
    (8,),
    range(1, 5),
    range(5, 9),
    range(1, 9),
    range(1, 17),
    range(1, 33),
    (4, 8, 12, 16),
    (16, 32, 48, 64),
)


class Groove(nn.Module):
    """Where in its slot a live drummer will play: sixteenths, in ms from the grid, positive where it is late.

    Every slot counts by its strongest hit. The constant is a mean over the slots so far that fades by `FADING` per
    slot and begins as if `PRIOR` slots had been on the grid. What is left of each slot after the constant is what
    twelve weights, one per set of ages, foresee the next from; slots in which nobody played count for nothing. The
    weights are fitted to human drumming (`hybridmix models fit-groove`), one set for every distance to the newest slot
    that can be known, 1 to `AHEAD`.
    """

    #: Slots that are remembered, and the distances that there are weights for.
    SLOTS = 256
    AHEAD = 4
    FADING = 0.95
    PRIOR = 2.0
    #: Sets of ages, and the oldest that one of them has.
    LAGS = _LAGS
    OLDEST = 64
    #: Most that a user may ask for, ms: around the constant, and of the constant.
    MAX_LIMIT_MS, MAX_CONSTANT_MS = 20.0, 20.0

    lags: Tensor
    fading: Tensor
    weights: Tensor

    def __init__(self, weights: Sequence[Sequence[float]] | None = None) -> None:
        """``weights`` (AHEAD, 12); those of ``weights.json`` when left out."""
        super().__init__()
        if weights is None:
            file = resources.files(__package__) / "weights.json"
            weights = json.loads(file.read_text(encoding="utf-8"))["weights"]
        lags = torch.zeros(self.OLDEST, len(self.LAGS))
        for column, meant in enumerate(self.LAGS):
            lags[[self.OLDEST - age for age in meant], column] = 1.0
        ages = torch.arange(self.SLOTS - 1, -1, -1, dtype=torch.float32)
        for name, values in (
            ("lags", lags),
            ("fading", self.FADING**ages),
            ("weights", torch.tensor(weights, dtype=torch.float32)),
        ):
            self.register_buffer(name, values, persistent=False)

    def features(self, deviation_ms: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Return the constant (n,) in ms and what the autoregression weighs (n, 12), for (n, SLOTS), newest last."""
        played = known.to(deviation_ms.dtype)
        deviation = torch.where(known, deviation_ms, 0.0)
        constant = (deviation * self.fading).sum(dim=1) / ((played * self.fading).sum(dim=1) + self.PRIOR)
        left = (deviation - constant[:, None]) * played
        seen = torch.matmul(played[:, -self.OLDEST :], self.lags)
        means = torch.matmul(left[:, -self.OLDEST :], self.lags) / seen.clamp(min=1.0)
        return constant, means

    def forward(
        self,
        deviation_ms: Tensor,
        known: Tensor,
        ahead: Tensor,
        amount: Tensor,
        limit_ms: Tensor,
        constant_limit_ms: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return the shift of n tracks for a slot.

        Args:
            deviation_ms: (n, 256) float32, ms, of the slots so far; the newest that could be known last.
            known: (n, 256) bool, where somebody played.
            ahead: (n,) float32, 1 to 4: how many slots after the newest the one is that is asked for.
            amount: (n,) float32, 0 to 1.
            limit_ms: (n,) float32, 0 to 20: the shift stays within this around the constant.
            constant_limit_ms: (n,) float32, 0 to 20: the constant stays within this.

        Returns:
            groove_ms (n,): the shift, late is positive; constant_ms (n,): how much of it is the constant.
        """
        constant, means = self.features(deviation_ms, known)
        row = torch.relu(1.0 - (torch.arange(1.0, self.AHEAD + 1.0) - ahead[:, None]).abs())
        left = (means * torch.matmul(row, self.weights)).sum(dim=1)
        kept = torch.maximum(torch.minimum(constant, constant_limit_ms), -constant_limit_ms)
        # What the constant may not do, the rest does as far as it may.
        around = torch.maximum(torch.minimum(constant - kept + left, limit_ms), -limit_ms)
        return amount * (kept + around), amount * kept

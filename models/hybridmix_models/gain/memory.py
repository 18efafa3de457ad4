"""What a track has sounded like so far: the mean of its embeddings, loud passages counting more.

A single window of 975 ms is often a breath, a decay or the bleed of others. Which role a track plays is the same
all song long, and its loud passages tell it best.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hybridmix_models.gain.parts import cleaned

__all__ = ["Memory"]


class Memory(nn.Module):
    """A forgetting mean of embeddings, frame by frame."""

    #: Frames of 50 ms after which a frame counts for 1/e: a minute.
    FRAMES = 1200.0
    #: A frame counts by its power beside the average, at most so often.
    MOST = 4.0

    def forward(
        self, embedding: Tensor, beside_db: Tensor, mask: Tensor, total: Tensor, weight: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Advance by one frame.

        Args:
            embedding: (..., n, 128), of the newest window.
            beside_db: (..., n), loudness of the last 400 ms beside the loudness so far, LU.
            mask: (..., n) bool; rows that it leaves out keep their state.
            total: (..., n, 128) and weight: (..., n), forgetting sums; begin with zeros.

        Returns:
            The mean (..., n, 128), zeros before the first window; then the new total and weight.
        """
        counts = torch.where(mask, torch.pow(10.0, beside_db / 10.0).clamp(max=self.MOST), 0.0)
        kept = torch.where(mask, 1.0 - 1.0 / self.FRAMES, 1.0)
        total = total * kept[..., None] + cleaned(embedding, mask) * counts[..., None]
        weight = weight * kept + counts
        return total / weight.clamp(min=1e-3)[..., None], total, weight

    def whole(self, embeddings: Tensor, beside_db: Tensor, mask: Tensor) -> Tensor:
        """Return the means after every frame, (b, T, n, 128).

        Args:
            embeddings: (b, T, n, 128), of the newest window at every frame.
            beside_db: (b, T, n).
            mask: (b, n) bool.
        """
        total = torch.zeros_like(embeddings[:, 0])
        weight = torch.zeros_like(beside_db[:, 0])
        means = []
        for embedding, beside in zip(embeddings.unbind(1), beside_db.unbind(1), strict=True):
            mean, total, weight = self(embedding, beside, mask, total, weight)
            means.append(mean)
        return torch.stack(means, dim=1)

"""The compact embedding that all gain networks share: VGGish's convolutions at a quarter of their width.

Global mean pooling and one linear layer stand in for VGGish's fully connected layers, which hold 94 % of its
weights. 298,176 parameters, 50 million multiplications a patch.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from hybridmix_models.gain.logmel import BANDS, WINDOWS
from hybridmix_models.gain.parts import WIDTH

__all__ = ["Compact", "convolutions"]

#: VGGish's convolutions by channels, "pool" halving both axes.
_VGGISH: tuple[int | Literal["pool"], ...] = (64, "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool")


def convolutions(divisor: int = 1) -> nn.Sequential:
    """Return VGGish's convolutions with every width divided by ``divisor``: (n, 1, 96, 64) -> (n, c, 6, 4)."""
    layers: list[nn.Module] = []
    channels = 1
    for item in _VGGISH:
        if item == "pool":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(channels, item // divisor, 3, padding=1), nn.ReLU()]
            channels = item // divisor
    return nn.Sequential(*layers)


class Compact(nn.Module):
    """Patches to embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.features = convolutions(divisor=4)
        self.out = nn.Linear(512 // 4, WIDTH)
        for layer in self.features:
            if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)

    def forward(self, patches: Tensor) -> Tensor:
        """Turn log-mel patches (..., 96, 64) into (..., 128)."""
        flat = patches.reshape(-1, 1, WINDOWS, BANDS)
        # Log-mel of audible sound is about -4.6 to 2.
        maps: Tensor = self.features((flat + 2.0) / 2.0)
        out: Tensor = self.out(torch.mean(maps, dim=(2, 3)))
        return out.reshape(*patches.shape[:-2], WIDTH)

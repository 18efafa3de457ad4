"""Full VGGish, for those who have its public weights: the embedding of the paper.

Source: Hershey et al., "CNN architectures for large-scale audio classification" (2017). The weights
(72 million, Apache-2.0, trained on YouTube audio) are not part of this project; the PyTorch file is known as
``vggish-10086976.pth``. Its front end is `hybridmix_models.gain.logmel` with the level as recorded.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor, nn

from hybridmix.errors import InputError
from hybridmix_models.gain.embedding import convolutions
from hybridmix_models.gain.logmel import BANDS, WINDOWS
from hybridmix_models.gain.parts import WIDTH

__all__ = ["Vggish", "load_vggish"]


class Vggish(nn.Module):
    """Patches to embeddings; ``divisor`` divides every inner width, for tests."""

    def __init__(self, divisor: int = 1) -> None:
        super().__init__()
        self.divisor = divisor
        self.features = convolutions(divisor)
        wide = 4096 // divisor
        self.embeddings = nn.Sequential(
            nn.Linear(512 // divisor * (WINDOWS // 16) * (BANDS // 16), wide),
            nn.ReLU(),
            nn.Linear(wide, wide),
            nn.ReLU(),
            nn.Linear(wide, WIDTH),
            nn.ReLU(),
        )

    def forward(self, patches: Tensor) -> Tensor:
        """Turn log-mel patches (..., 96, 64) into (..., 128), each at least 0."""
        maps: Tensor = self.features(patches.reshape(-1, 1, WINDOWS, BANDS))
        # The published weights count time first, then frequency, then channels.
        out: Tensor = self.embeddings(maps.permute(0, 2, 3, 1).flatten(1))
        return out.reshape(*patches.shape[:-2], WIDTH)


def load_vggish(path: Path, divisor: int = 1) -> Vggish:
    """Return VGGish with the weights of the file ``path`` (``features.N.*`` and ``embeddings.N.*``).

    What else the file holds, such as the weights of a later principal component step, is not used.

    Raises:
        InputError: the file is missing, no file of weights, or of another network.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except FileNotFoundError:
        raise InputError(
            f"VGGish weights {path} do not exist; give the file vggish-10086976.pth as published for PyTorch."
        ) from None
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, ValueError) as error:
        raise InputError(
            f"VGGish weights {path} cannot be read ({type(error).__name__}); fetch vggish-10086976.pth again."
        ) from None
    with torch.device("meta"):
        network = Vggish(divisor)
    for name, wanted in network.state_dict().items():
        found = state.get(name) if isinstance(state, dict) else None
        shape = tuple(found.shape) if isinstance(found, Tensor) else "nothing"
        if shape != tuple(wanted.shape):
            raise InputError(
                f"VGGish weights {path} hold {shape} as {name}; expected {tuple(wanted.shape)}: "
                "give the file vggish-10086976.pth as published for PyTorch."
            )
    network.load_state_dict(
        {name: state[name].float() for name in network.state_dict()}, strict=True, assign=True
    )
    return network.eval()

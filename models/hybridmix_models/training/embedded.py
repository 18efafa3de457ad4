"""Embeddings of level-normalised windows, computed once per embedding and kept beside their scenes.

A gain of an input does not change them, so that every excerpt of every epoch reads the same ones.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from hybridmix.errors import InputError
from hybridmix_models.data.types import Floats
from hybridmix_models.gain.vggish import Vggish, load_vggish
from hybridmix_models.training import checkpoint
from hybridmix_models.training.cache import Prepared, windows

__all__ = ["FAST_LAYOUT", "Embedded", "digest", "load_embedding"]

#: Convolutions take half the time on a CPU with their weights in this order; results differ by rounding alone.
FAST_LAYOUT = torch.channels_last


def digest(module: nn.Module) -> str:
    """Return 12 hexadecimal digits that name the weights of ``module``."""
    found = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        found.update(name.encode())
        found.update(value.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()[:12]


def load_embedding(embedding: nn.Module, path: Path) -> None:
    """Load the weights that a pretraining wrote to ``path``; for VGGish, those of its public file.

    Raises:
        InputError: the file is missing, damaged, or of another network.
    """
    if not path.exists():
        raise InputError(f"embedding {path} does not exist; train it with: hybridmix models pretrain")
    if isinstance(embedding, Vggish):
        embedding.load_state_dict(load_vggish(path, embedding.divisor).state_dict())
        return
    prefix = "embedding."
    state = checkpoint.read(path).get("state", {})
    try:
        embedding.load_state_dict(
            {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
        )
    except RuntimeError:
        raise InputError(
            f"embedding {path} does not fit this network; train it with: hybridmix models pretrain"
        ) from None


class Embedded:
    """The embeddings of prepared scenes under one embedding network."""

    def __init__(self, network: nn.Module) -> None:
        """Take ``network`` as it is now; what it learns later does not count."""
        self.network = network
        self.key = digest(network)
        self._kept: dict[str, Floats] = {}

    def fill(self, scenes: Sequence[Prepared], progress: Callable[[], None] = lambda: None) -> None:
        """Compute and keep what is missing, so that `of` only reads."""
        for scene in scenes:
            self.of(scene)
            progress()

    def of(self, scene: Prepared) -> Floats:
        """Return the embeddings of ``scene``, (n, S, 128)."""
        name = str(scene.folder)
        if name not in self._kept:
            self._kept[name] = self._read(scene)
        return self._kept[name]

    def _read(self, scene: Prepared) -> Floats:
        path = scene.folder / f"embedding-{self.key}.npy"
        if not path.exists():
            part = path.with_suffix(f".{os.getpid()}.part")  # another run may be computing the same
            with part.open("wb") as file:
                np.save(file, self._compute(scene))
            part.replace(path)
        return np.asarray(np.load(path), np.float32)

    def _compute(self, scene: Prepared) -> Floats:
        patches = windows(
            torch.from_numpy(np.asarray(scene.mel, np.float32)), torch.from_numpy(scene.normalise)
        )
        device = next(self.network.parameters()).device
        learning = self.network.training
        self.network.eval()
        with torch.no_grad():
            rows = [self.network(track.to(device)).cpu() for track in patches]
        self.network.train(learning)
        return torch.stack(rows).numpy()

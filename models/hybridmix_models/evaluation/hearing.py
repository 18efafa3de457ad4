"""What mixers hear of a scene, computed once for all of them.

Features of a track do not depend on the other tracks, so they are kept by the track's content: the tracks of a scene
that a level step left alone, or that another mixer heard before, are not computed again.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np
import torch
from torch import Tensor

from hybridmix_models.data.types import RATE, Floats, Scene
from hybridmix_models.gain import EqualLoudness, features
from hybridmix_models.gain.network import GainNetwork

__all__ = ["Hearing", "delayed"]

#: Values kept; a track has up to five of at most 2 MB.
_KEPT = 300
#: Patches embedded in one go.
_AT_ONCE = 16


class Hearing:
    """Features of scenes, with the last ones kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Floats] = OrderedDict()

    def level_db(self, scene: Scene) -> Floats:
        """Return the level of each frame in dBFS, (n, T)."""
        return self._tracks(scene, "level", lambda inputs: features.level_db(inputs, RATE))

    def energy(self, scene: Scene) -> Floats:
        """Return the K-weighted mean square of each frame, (n, T)."""
        return self._tracks(scene, "energy", lambda inputs: features.energy(inputs, RATE))

    def equal_loudness_db(self, scene: Scene, rule: EqualLoudness) -> Floats:
        """Return the gains of a causal equal-loudness rule, computed at each frame, (n, T)."""

        def gains(inputs: Floats) -> Floats:
            energy = torch.from_numpy(features.energy(inputs, RATE))
            return np.asarray(
                rule.whole(energy, torch.ones(len(energy), dtype=torch.bool))[0].numpy(), np.float32
            )

        return self._tracks(scene, f"equal loudness {rule.MAX_BOOST_DB}", gains)

    def embeddings(self, scene: Scene, network: GainNetwork, version: str) -> Tensor:
        """Return the embeddings of every patch by ``network``, (1, n, S, 128).

        ``version`` names the weights of its embedding: equal ones are computed once.
        """

        def embed(inputs: Floats) -> Floats:
            patches = torch.from_numpy(features.patches(inputs, RATE, normalised=network.normalised))
            with torch.inference_mode():
                # Few at a time: what lies between the layers then stays in the processor's cache.
                few = torch.split(patches.flatten(0, 1), _AT_ONCE)
                embedded = torch.cat([network.embed(part[None, None])[0, 0] for part in few])
                return np.asarray(embedded.numpy(), np.float32).reshape(*patches.shape[:2], -1)

        return torch.from_numpy(self._tracks(scene, f"{version} {network.normalised}", embed))[None]

    def _tracks(self, scene: Scene, what: str, compute: Callable[[Floats], Floats]) -> Floats:
        """Return ``compute`` of the scene's inputs, row by row from what is kept."""
        keys = [(what, hashlib.blake2b(track.tobytes()).digest()) for track in scene.inputs]
        missing = [row for row, key in enumerate(keys) if key not in self._kept]
        if missing:
            for row, values in zip(missing, compute(scene.inputs[missing]), strict=True):
                self._kept[keys[row]] = values
        rows = np.stack([self._kept[key] for key in keys])
        for key in keys:
            self._kept.move_to_end(key)
        while len(self._kept) > max(_KEPT, len(keys)):
            self._kept.popitem(last=False)
        return rows


def delayed(computed_db: Floats) -> Floats:
    """Return gains as applied from gains as computed, (n, T): one frame late, 0 dB before the first."""
    return np.concatenate([np.zeros_like(computed_db[:, :1]), computed_db[:, :-1]], axis=1)

"""What a gain model is trained on: excerpts, the three losses, and the validation scenes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from hybridmix_models.evaluation import balance, movement
from hybridmix_models.evaluation.sound import loudness_lufs
from hybridmix_models.gain.features import STRIDE
from hybridmix_models.gain.network import GainNetwork
from hybridmix_models.training.batches import Batch, excerpt, gather
from hybridmix_models.training.cache import TRAINING_RATE, Prepared
from hybridmix_models.training.configs import Gain
from hybridmix_models.training.embedded import FAST_LAYOUT, Embedded, digest
from hybridmix_models.training.losses import SpectralLoss, gain_loss, movement_loss, played, settled

__all__ = ["GainTask"]

_FRAMES_PER_SECOND = 20
#: Scenes that are validated, spread over all, and their longest part in s.
_VALIDATED, _VALIDATED_S = 24, 30
_VALIDATION_SEED = 20


class GainTask:
    """Training and validation of one gain network."""

    def __init__(
        self,
        network: GainNetwork,
        run: Gain,
        seed: int,
        scenes: Sequence[Prepared],
        validation: Sequence[Prepared],
    ) -> None:
        network.embedding.to(memory_format=FAST_LAYOUT)
        self.module: GainNetwork = network
        #: The embedding that it was given: what is kept beside the scenes belongs to it.
        self.begins = f"embedding {digest(network.embedding)}"
        self.run, self.seed, self.scenes = run, seed, scenes
        self.device = next(network.parameters()).device
        self.spectral = SpectralLoss(TRAINING_RATE).to(self.device)
        #: Embeddings of the frozen network, where they do not depend on levels.
        self.embedded = Embedded(network.embedding) if network.normalised and run.frozen > 0.0 else None
        self.thawed = round(run.frozen * run.steps)
        self._batches = self._validation(validation)
        self._embeddings: list[Tensor] | None = None

    def losses(self, step: int) -> dict[str, Tensor]:
        """See `Task.losses`."""
        frozen = step < self.thawed
        self.module.embedding.requires_grad_(not frozen)
        embedded = self.embedded if frozen else None
        batch = gather(self.scenes, self.run, step, self.seed, embedded, self.module.normalised)
        batch = batch.to(self.device)
        gain_db = self._gains(self.module, batch)
        mix, start = played(batch.audio, gain_db, batch.delay)
        skipped = round(self.run.skip_s * _FRAMES_PER_SECOND)
        heard = skipped * (TRAINING_RATE // _FRAMES_PER_SECOND)
        mixed = mix[:, max(heard - start, 0) :]
        first = max(heard, start)
        late = torch.arange(gain_db.shape[2], device=self.device) >= skipped
        terms: dict[str, tuple[float, Callable[[], Tensor]]] = {
            "spectral": (
                self.run.spectral,
                lambda: self.spectral(mixed, batch.reference[:, first : first + mixed.shape[1]]),
            ),
            "gain": (self.run.gain, lambda: gain_loss(gain_db, batch.target_db, batch.active & late)),
            "movement": (
                self.run.movement,
                lambda: movement_loss(
                    gain_db, settled(batch.active, batch.target_db) & late, self.run.free_db
                ),
            ),
        }
        return {name: weight * loss() for name, (weight, loss) in terms.items() if weight > 0.0}

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Return figures on the validation scenes: gain error, jumps outside entrances, loss and level of the mix."""
        network = cast("GainNetwork", module)
        if self._embeddings is None or self.run.frozen < 1.0:
            self._embeddings = [self._embed(network, batch) for batch in self._batches]
        errors, jumps, losses, levels = [], [], [], []
        for batch, embeddings in zip(self._batches, self._embeddings, strict=True):
            batch = batch.to(self.device)
            gain_db = network.decide(embeddings, batch.level_db, batch.energy, batch.mask)
            mix, start = played(batch.audio, gain_db, batch.delay)
            settled = balance.SETTLING * (TRAINING_RATE // _FRAMES_PER_SECOND)
            mix, reference = mix[:, settled - start :], batch.reference[:, settled:]
            losses.append(float(self.spectral(mix, reference)))
            levels.append(_lufs(mix) - _lufs(reference))
            # Applied in the frame after the one that they were computed at.
            applied = np.asarray(torch.cat([gain_db[..., :1], gain_db[..., :-1]], dim=2)[0].cpu())
            target, active = batch.target_db[0].cpu().numpy(), batch.active[0].cpu().numpy()
            counted = balance.counted_frames(active)
            offset = balance.offset_db(applied, target, counted)
            errors.append(balance.song_error_db(balance.track_errors_db(applied, target, counted, offset)))
            outside = (counted & ~movement.entrances(active))[:, 1:]
            jumps.append(movement.changes_db(applied)[outside])
        return {
            "error": float(np.nanmean(errors)),
            "jump_p99": float(np.percentile(np.concatenate(jumps), 99.0)),
            "spectral": float(np.mean(losses)),
            "level_lu": float(np.mean(levels)),
        }

    def finished(self, module: nn.Module, figures: dict[str, float]) -> nn.Module:
        """See `Task.finished`: mixes as loud as their references, on the mean of the validation scenes.

        The loss of the mix is least for a mix that is too soft, and the loss of the gains knows no level.
        """
        network = copy.deepcopy(cast("GainNetwork", module))
        network.raise_by(-figures["level_lu"])
        return network

    def _gains(self, network: GainNetwork, batch: Batch) -> Tensor:
        embeddings = batch.embeddings
        if embeddings is None:
            embeddings = self._embed(network, batch)
        return network.decide(embeddings, batch.level_db, batch.energy, batch.mask)

    def _embed(self, network: GainNetwork, batch: Batch) -> Tensor:
        if batch.embeddings is not None:
            return batch.embeddings.to(self.device)
        assert batch.patches is not None
        return network.embed(batch.patches.to(self.device))

    def _validation(self, scenes: Sequence[Prepared]) -> list[Batch]:
        """Return the validation scenes with levels drawn once, zero latency."""
        spread = np.linspace(0, len(scenes) - 1, min(_VALIDATED, len(scenes))).round().astype(int)
        batches = []
        for index in spread:
            scene = scenes[index]
            frames = min(scene.frames, _VALIDATED_S * _FRAMES_PER_SECOND) // STRIDE * STRIDE
            rng = np.random.default_rng([_VALIDATION_SEED, int(index)])
            offsets = rng.uniform(-12.0, 12.0, (len(scene.roles), 1))
            levels = np.repeat(offsets, frames, axis=1)
            known = self.embedded if self.run.frozen >= 1.0 else None
            batches.append(excerpt(scene, 0, frames, levels, 0, known, self.module.normalised))
        return batches


def _lufs(mix: Tensor) -> float:
    """Return the loudness of a ``mix`` (1, samples) in LUFS."""
    return loudness_lufs(mix[0].cpu().numpy(), TRAINING_RATE)

"""Mixers that are compared: the baselines and oracles of docs/metrics.md, and any gain network."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import torch
from scipy.optimize import nnls

from hybridmix.engine.names import MAX_BOOST_DB
from hybridmix.engine.open_microphones import OpenMicrophones
from hybridmix_models.data.types import Floats, Scene
from hybridmix_models.evaluation.hearing import Hearing, delayed
from hybridmix_models.evaluation.playback import SLEW_DB
from hybridmix_models.evaluation.sound import loudness_lufs
from hybridmix_models.gain import EqualLoudness
from hybridmix_models.gain.network import GainNetwork

__all__ = [
    "BleedOracle",
    "DryReference",
    "EqualLoudnessMixer",
    "NetworkMixer",
    "OracleRole",
    "Raw",
    "RolePrior",
]

#: How far the bleed-aware oracle may move a track from its reference gain, in dB.
_ORACLE_RANGE_DB = (-40.0, 20.0)


class _Unlimited(EqualLoudness):
    """Equal loudness with all the boost that the declared parameter allows."""

    MAX_BOOST_DB = 36.0


class Raw:
    """Every gain 0 dB."""

    name = "raw"

    def gains_db(self, scene: Scene) -> Floats:
        """See `hybridmix_models.data.types.Mixer`."""
        return np.zeros_like(scene.target_db)


class EqualLoudnessMixer:
    """The causal rule that ships."""

    name = "equal-loudness"

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing

    def gains_db(self, scene: Scene) -> Floats:
        """See `hybridmix_models.data.types.Mixer`."""
        return delayed(self._hearing.equal_loudness_db(scene, EqualLoudness()))


class OracleRole:
    """The true place of each role in the reference mix, with loudness heard causally and all the boost it takes.

    The place of a role is the mean loudness of its tracks, own direct sound alone, in the reference mix.
    """

    name = "oracle-role"

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing

    def gains_db(self, scene: Scene) -> Floats:
        """See `hybridmix_models.data.types.Mixer`."""
        places = np.array([loudness_lufs(track) for track in at_reference(scene, scene.direct)])
        roles = np.array(scene.roles)
        wanted = np.array([places[roles == role].mean() for role in roles])
        return _aimed(self._hearing.equal_loudness_db(scene, _Unlimited()), wanted)


class RolePrior:
    """Each role at its mean place in other songs, with loudness heard causally; the role is the true one."""

    name = "role-prior"

    def __init__(self, hearing: Hearing, places_lufs: Mapping[str, Mapping[str, float]]) -> None:
        """Learn from ``places_lufs``: the loudness of each role in the reference mix, by song and role."""
        self._hearing = hearing
        self._places = places_lufs

    def gains_db(self, scene: Scene) -> Floats:
        """See `hybridmix_models.data.types.Mixer`; a role that no other song has gets the mean of all."""
        others = [places for song, places in self._places.items() if song != scene.song]
        overall = float(np.mean([place for places in others for place in places.values()]))
        wanted = [
            np.mean([places[role] for places in others if role in places] or [overall])
            for role in scene.roles
        ]
        return _aimed(self._hearing.equal_loudness_db(scene, _Unlimited()), np.array(wanted))


class DryReference:
    """The reference gains of the dry sources."""

    name = "dry-reference"

    def gains_db(self, scene: Scene) -> Floats:
        """See `hybridmix_models.data.types.Mixer`."""
        return scene.target_db.copy()


class BleedOracle:
    """The constant gains whose sum of the bled inputs is nearest to the reference mix, by least squares.

    Each is the reference gain and a constant of the scene, so it follows level steps as the reference does.
    """

    name = "bleed-oracle"

    def gains_db(self, scene: Scene) -> Floats:
        """See `hybridmix_models.data.types.Mixer`."""
        inputs = at_reference(scene, scene.inputs).astype(np.float64)
        products = inputs @ inputs.T
        # The same normal equations by a square root, so that the solver sees n rows instead of all samples.
        values, vectors = np.linalg.eigh(products)
        root = np.sqrt(np.maximum(values, values.max() * 1e-10))
        amplitude, _ = nnls(root[:, None] * vectors.T, (vectors.T @ (inputs @ scene.reference)) / root)
        lowest, highest = _ORACLE_RANGE_DB
        moved = np.clip(20.0 * np.log10(np.maximum(amplitude, 1e-6)), lowest, highest)
        return (scene.target_db + moved[:, None]).astype(np.float32)


class NetworkMixer:
    """A gain network as the service plays it: what it computes at a frame is applied to the next."""

    def __init__(self, name: str, network: GainNetwork, hearing: Hearing) -> None:
        """Mix by ``network``, called ``name`` in tables."""
        self.name = name
        self._network = network.eval()
        self._hearing = hearing
        self._version = weights_sha256(network.embedding)
        network.embedding.to(memory_format=torch.channels_last)  # a third faster

    def gains_db(self, scene: Scene) -> Floats:
        """See `hybridmix_models.data.types.Mixer`."""
        embeddings = self._hearing.embeddings(scene, self._network, self._version)
        level = torch.from_numpy(self._hearing.level_db(scene)).float()[None]
        energy = torch.from_numpy(self._hearing.energy(scene)).float()[None]
        mask = torch.ones(level.shape[:2], dtype=torch.bool)
        with torch.inference_mode():
            computed = self._network.decide(embeddings, level, energy, mask)[0]
        return delayed(_bounded(np.asarray(computed.numpy(), np.float32), self._hearing.energy(scene)))


def _bounded(gains_db: Floats, energy: Floats) -> Floats:
    """Limit ``gains_db`` (n, T) as the service does: the boost, and what stands by itself in an open microphone.

    ``energy`` is (n, T), K-weighted mean square.
    """
    microphones, slots = OpenMicrophones(), np.arange(len(gains_db))
    for slot in range(len(gains_db)):
        microphones.clear(slot)
    bounded = np.empty_like(gains_db)
    sent = np.minimum(gains_db[:, 0], np.float32(MAX_BOOST_DB))
    for frame in range(gains_db.shape[1]):
        microphones.work()
        highest = np.minimum(microphones.ceilings_db(slots), np.float32(MAX_BOOST_DB))
        bounded[:, frame] = np.minimum(gains_db[:, frame], highest)
        sent = sent + np.clip(bounded[:, frame] - sent, -SLEW_DB, SLEW_DB)
        microphones.note(slots, energy[:, frame], sent)
    return bounded


def weights_sha256(module: torch.nn.Module) -> str:
    """Return the SHA-256 in hex of the names, shapes and values of the module's weights."""
    digest = hashlib.sha256()
    for name, values in sorted(module.state_dict().items()):
        digest.update(f"{name} {tuple(values.shape)} {values.dtype}".encode())
        digest.update(values.contiguous().numpy().tobytes())
    return digest.hexdigest()


def at_reference(scene: Scene, audio: Floats) -> Floats:
    """Return ``audio`` (n, T * FRAME) at the places of the reference mix."""
    amplitude = np.power(np.float32(10.0), scene.target_db / np.float32(20.0))
    frames = audio.reshape(*amplitude.shape, -1) * amplitude[..., None]
    return np.asarray(frames.reshape(audio.shape), np.float32)


def _aimed(equal_loudness_db: Floats, wanted_lufs: np.ndarray) -> Floats:
    """Return gains as applied that aim at ``wanted_lufs`` (n,) instead of at one loudness for all."""
    return delayed(equal_loudness_db + (wanted_lufs[:, None] - EqualLoudness.TARGET_LUFS).astype(np.float32))

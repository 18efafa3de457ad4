"""What every gain network is: gains of whole signals for training, and the same frame by frame for playing."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from hybridmix_models.gain.embedding import Compact
from hybridmix_models.gain.features import STRIDE, newest_patch
from hybridmix_models.gain.logmel import LogMel

__all__ = ["Embed", "GainNetwork", "State", "Step", "at_frames"]


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """One array of a track's state between frames: (n, \\*shape), zeros at the beginning."""

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    unit: str
    meaning: str

    @property
    def given_back(self) -> str:
        """Name of the output that feeds this state in the next frame."""
        return f"{self.name}_out"


class GainNetwork(nn.Module, ABC):
    """Gains of any number of tracks from their embeddings, levels and energies.

    A gain *computed at* a frame rests on audio up to that frame's end and is applied in the next one. Rows
    that the mask leaves out change nothing, whatever they hold; their own gain is 0 dB and means nothing.
    """

    #: Which patches the embedding takes: level-normalised ones, or the level as recorded.
    normalised: bool
    #: What `step` keeps between frames.
    states: tuple[State, ...]

    def __init__(self) -> None:
        super().__init__()
        self.embedding: nn.Module = Compact()

    def forward(self, patches: Tensor, level_db: Tensor, energy: Tensor, mask: Tensor) -> Tensor:
        """Compute the gains of whole signals; see `embed` and `decide`."""
        return self.decide(self.embed(patches), level_db, energy, mask)

    def embed(self, patches: Tensor) -> Tensor:
        """Turn patches (b, n, S, 96, 64) into embeddings (b, n, S, 128)."""
        out: Tensor = self.embedding(patches)
        return out

    @abstractmethod
    def decide(
        self, embeddings: Tensor, level_db: Tensor, energy: Tensor, mask: Tensor, phase: int = STRIDE - 1
    ) -> Tensor:
        """Return the gain computed at every frame in dB, (b, n, T).

        Args:
            embeddings: (b, n, S, 128), of the patches that end with the frames 6 s + ``phase``.
            level_db: (b, n, T), RMS of every F2 frame in dBFS.
            energy: (b, n, T), K-weighted mean square of every F2 frame.
            mask: (b, n) bool, the tracks that are there.
            phase: 0 to 5.
        """

    @abstractmethod
    def step(
        self, embedding: Tensor, level_db: Tensor, energy: Tensor, mask: Tensor, *state: Tensor
    ) -> tuple[Tensor, ...]:
        """Advance n tracks by one F2 frame; equal to `decide` over the whole signal.

        Args:
            embedding: (n, 128), of the newest patch of each track, zeros before its first.
            level_db: (n,), energy: (n,), mask: (n,) bool: as for `decide`.
            state: as `states` lists it; rows that the mask leaves out keep theirs.

        Returns:
            gain_db (n,), then the new state.
        """

    @abstractmethod
    def raise_by(self, level_db: float) -> None:
        """Make every gain higher by ``level_db``, in place; what the gains are beside each other stays."""

    def start(self, tracks: int) -> tuple[Tensor, ...]:
        """Return the state before the first frame."""
        return tuple(torch.zeros((tracks, *state.shape), dtype=state.dtype) for state in self.states)


class Embed(nn.Module):
    """An embedding network with its front end: what is exported."""

    def __init__(self, embedding: nn.Module) -> None:
        super().__init__()
        self.front_end = LogMel()
        self.embedding = embedding

    def forward(self, audio: Tensor, normalised: Tensor) -> Tensor:
        """Turn the last 975 ms of n tracks at 16 kHz, (n, 15600), into (n, 128).

        ``normalised`` (n,) bool: whether the network that asks wants level-normalised patches.
        """
        out: Tensor = self.embedding(self.front_end(audio, normalised))
        return out


class Step(nn.Module):
    """`GainNetwork.step` as a module: what is exported."""

    def __init__(self, network: GainNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, embedding: Tensor, level_db: Tensor, energy: Tensor, mask: Tensor, *state: Tensor
    ) -> tuple[Tensor, ...]:
        """Advance n tracks by one F2 frame."""
        return self.network.step(embedding, level_db, energy, mask, *state)


def at_frames(slots: Tensor, frames: int, phase: int) -> Tensor:
    """Return what holds at each frame: (b, 1 + S, ...) -> (b, frames, ...).

    Slot 0 holds before the first patch, slot s + 1 from the frame after patch s on.
    """
    return slots[:, torch.from_numpy(newest_patch(frames, phase) + 1).to(slots.device)]

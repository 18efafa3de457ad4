"""What data, training and evaluation hand to each other.

A *song* is dry stems with the balance of their reference mix. A *scene* is one performance of a song: what
the microphones heard, at the levels they were set to, with the truth beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

__all__ = [
    "FRAME",
    "PEAK_DBFS",
    "RATE",
    "Bools",
    "Condition",
    "Floats",
    "LevelStep",
    "Mixer",
    "Scene",
    "Song",
    "Stem",
]

#: Sample rate of all songs and scenes, Hz: that of MedleyDB and of the published loss.
RATE = 44100
#: Samples in an F2 frame of 50 ms.
FRAME = RATE // 20
#: Sample peak of every reference mix.
PEAK_DBFS = -6.0

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
#: How much of the other sources a microphone hears (docs/metrics.md): none, a median of 12 dB, of 3 dB.
Condition = Literal["none", "light", "heavy"]


@dataclass(frozen=True, slots=True)
class Stem:
    """One isolated source."""

    name: str
    #: Lower-case role such as ``kick``, ``bass``, ``vocals``.
    role: str
    #: (samples,), mono at `RATE`.
    audio: Floats
    #: Gain in dB that puts ``audio`` at its place in the reference mix; only differences within a song count.
    balance_db: float


@dataclass(frozen=True, slots=True)
class Song:
    """Stems of equal length that were played together."""

    name: str
    stems: tuple[Stem, ...]
    #: What statistics are clustered by: the song, or what several songs share.
    cluster: str


@dataclass(frozen=True, slots=True)
class LevelStep:
    """The input of one track jumps by ``change_db`` at the beginning of ``frame`` and stays there."""

    track: int
    frame: int
    change_db: float


@dataclass(frozen=True, slots=True)
class Scene:
    """One performance of n tracks over T whole F2 frames."""

    song: str
    cluster: str
    condition: Condition
    roles: tuple[str, ...]
    #: (n, T * FRAME): what the mixer hears, at the levels the inputs were set to.
    inputs: Floats
    #: (n, T * FRAME): the own direct sound within ``inputs``.
    direct: Floats
    #: (T * FRAME,): the reference mix of the dry stems, sample peak `PEAK_DBFS`.
    reference: Floats
    #: (n, T): gain in dB that puts the own direct sound at its place in ``reference``.
    target_db: Floats
    #: (n, T): the dry source plays (docs/metrics.md, gain error).
    active: Bools
    steps: tuple[LevelStep, ...] = ()


class Mixer(Protocol):
    """Anything that mixes a scene: a network, a rule, an oracle."""

    name: str

    def gains_db(self, scene: Scene) -> Floats:
        """Gains in dB as applied, (n, T): column k depends on audio before frame k alone, except for oracles."""
        ...

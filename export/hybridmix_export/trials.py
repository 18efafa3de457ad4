"""What a file is tried with before it is written: inputs, poison, and the same thing computed another way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from hybridmix_models.breath import filters
from hybridmix_models.gain import reference
from hybridmix_models.gain.features import STRIDE
from hybridmix_models.gain.logmel import SAMPLES
from hybridmix_models.gain.network import GainNetwork
from hybridmix_models.groove.rule import Groove
from hybridmix_models.room.bands import OVERLAP, Levels, hear
from hybridmix_models.room.network import RANGES, RoomNetwork

__all__ = [
    "Arrays",
    "BreathTrial",
    "DensityTrial",
    "DipTrial",
    "EmbeddingTrial",
    "GrooveTrial",
    "HeadroomTrial",
    "LoudnessTrial",
    "RoomTrial",
    "StagingTrial",
    "StepTrial",
    "Trial",
]

Arrays = dict[str, npt.NDArray[Any]]
#: Inputs and the file's outputs of every frame of a run.
Kept = Sequence[tuple[Arrays, Arrays]]


class Trial(Protocol):
    """How one kind of file is tried."""

    #: Frames of the run at every track count, and of the long one.
    short: int
    long: int
    #: Whether tracks in another order have the same bits, and not only the same values.
    same_bits: bool

    def material(self, tracks: int, frames: int) -> Iterator[Arrays]:
        """Yield seeded inputs: levels that wander, pauses, masked rows."""
        ...

    def poisoned(self, inputs: Arrays) -> tuple[Arrays, Arrays] | None:
        """Return ``inputs`` with something left out, and the same with not-a-number there."""
        ...

    def whole(self, kept: Kept) -> tuple[npt.NDArray[Any], npt.NDArray[Any], float] | None:
        """Return what the file gave over a long run and what is due over the whole pass, and how far apart both may be."""
        ...


class LoudnessTrial:
    """Equal loudness: energies, against the rule in double precision over the whole pass."""

    short, long, same_bits = 100, 12000, True
    #: Gates may fall differently in single and double precision: one block in 53, smoothed.
    _TOLERANCE_DB = 0.01

    def material(self, tracks: int, frames: int) -> Iterator[Arrays]:
        """See `Trial.material`."""
        random = np.random.default_rng(tracks)
        for level, silent in _levels(random, tracks, frames):
            energy = 10.0 ** ((level + random.normal(0.0, 6.0, tracks)) / 10.0)
            energy[silent] = 0.0
            yield {"energy": energy.astype(np.float32), "present": random.random(tracks) > 0.1}

    def poisoned(self, inputs: Arrays) -> tuple[Arrays, Arrays]:
        """See `Trial.poisoned`."""
        clean = inputs | {"present": _with(inputs["present"], False)}
        return clean, clean | {"energy": _with(inputs["energy"], np.nan)}

    def whole(self, kept: Kept) -> tuple[npt.NDArray[Any], npt.NDArray[Any], float]:
        """See `Trial.whole`."""
        energy = np.stack([inputs["energy"] for inputs, _ in kept]).astype(np.float64)
        present = np.stack([inputs["present"] for inputs, _ in kept])
        rows = zip(energy.T, present.T, strict=True)
        known = np.stack([outputs["known"] for _, outputs in kept])
        streamed = np.where(known, np.stack([outputs["gain_db"] for _, outputs in kept]), np.nan)
        expected = np.stack([reference.equal_loudness(row, mask) for row, mask in rows], axis=1)
        return streamed, expected, self._TOLERANCE_DB


class HeadroomTrial:
    """Headroom: audio, against the rule in double precision over the whole pass."""

    short, long, same_bits = 100, 12000, True
    _TOLERANCE_DB = 0.01

    def material(self, tracks: int, frames: int) -> Iterator[Arrays]:
        """See `Trial.material`."""
        random = np.random.default_rng(tracks)
        for level, silent in _levels(random, tracks, frames):
            audio = random.uniform(-1.0, 1.0, (tracks, 2 * 441)) * 10.0 ** (level / 20.0)[:, None]
            audio[silent] = 0.0
            gains = random.uniform(-20.0, 12.0, tracks)
            yield {"audio": audio.astype(np.float32), "gain_db": gains.astype(np.float32)}

    def poisoned(self, inputs: Arrays) -> tuple[Arrays, Arrays]:
        """See `Trial.poisoned`."""
        clean, poisoned = inputs["audio"].copy(), inputs["audio"].copy()
        clean[:, 7], poisoned[1, 7] = 0.0, np.nan
        return inputs | {"audio": clean}, inputs | {"audio": poisoned}

    def whole(self, kept: Kept) -> tuple[npt.NDArray[Any], npt.NDArray[Any], float]:
        """See `Trial.whole`."""
        sums = [10.0 ** (i["gain_db"].astype(np.float64) / 20.0) @ i["audio"] for i, _ in kept]
        expected = reference.headroom(np.array([np.abs(values).max() for values in sums]))[:, None]
        return np.stack([outputs["trim_db"] for _, outputs in kept]), expected, self._TOLERANCE_DB


class DipTrial:
    """The dip: tones and noise of every role, at levels that wander."""

    short, long, same_bits = 100, 12000, False
    _SAMPLES = 800

    def material(self, tracks: int, frames: int) -> Iterator[Arrays]:
        """See `Trial.material`; every third row is neither an AI stem nor a live source for some time."""
        random = np.random.default_rng(tracks)
        hertz = random.uniform(100.0, 900.0, (tracks, 1))
        is_ai = np.arange(tracks) % 2 == 0
        amount, budget = random.uniform(0.0, 1.0, tracks), random.uniform(0.5, 6.0, tracks)
        for frame, (level, silent) in enumerate(_levels(random, tracks, frames)):
            time = (frame * self._SAMPLES + np.arange(self._SAMPLES)) / 16000.0
            tones = np.sin(2.0 * np.pi * hertz * time)
            noise = random.normal(0.0, 0.1, (tracks, self._SAMPLES))
            audio = (tones + noise) * 10.0 ** (level / 20.0)[:, None]
            audio[silent] = 0.0
            there = (frame // 40 + np.arange(tracks)) % 3 > 0
            yield {
                "audio": audio.astype(np.float32),
                "gain_db": random.uniform(-20.0, 12.0, tracks).astype(np.float32),
                "is_ai": is_ai & there,
                "is_live": ~is_ai & there,
                "amount": amount.astype(np.float32),
                "budget_lu": budget.astype(np.float32),
            }

    def poisoned(self, inputs: Arrays) -> tuple[Arrays, Arrays]:
        """See `Trial.poisoned`."""
        clean = inputs | {name: _with(inputs[name], False) for name in ("is_ai", "is_live")}
        names = ("audio", "gain_db", "amount", "budget_lu")
        return clean, clean | {name: _with(inputs[name], np.nan) for name in names}

    def whole(self, kept: Kept) -> None:
        """See `Trial.whole`: it exists frame by frame alone."""


class BreathTrial:
    """Breath: levels that swing at several rates, AI stems and live sources, with pauses and rows that go."""

    short, long, same_bits = 100, 12000, False
    _DELAYS_S = (0.02, 0.04, 0.06, 0.1, 0.2)

    def material(self, tracks: int, frames: int) -> Iterator[Arrays]:
        """See `Trial.material`; in a long run nobody comes or goes."""
        random = np.random.default_rng(tracks)
        hertz = random.uniform(0.1, 6.0, tracks)
        is_ai = np.arange(tracks) % 2 == 0
        swing = np.where(is_ai, 2.0, 6.0)
        fixed = {
            "amount": random.uniform(0.0, 1.0, tracks).astype(np.float32),
            "depth_db": random.uniform(0.0, 5.0, tracks).astype(np.float32),
            "delay_s": random.choice(self._DELAYS_S, tracks).astype(np.float32),
            "both_ways": np.arange(tracks) % 3 == 0,
            "fills": np.arange(tracks) % 4 < 2,
        }
        for frame, (level, silent) in enumerate(_levels(random, tracks, frames)):
            heard = (
                level + swing * np.sin(2.0 * np.pi * hertz * frame / 20.0) + random.normal(0.0, 0.5, tracks)
            )
            there = ((frame // 40 + np.arange(tracks)) % 3 > 0) | (frames > self.short)
            yield {
                "energy": np.where(silent, 0.0, 10.0 ** (heard / 10.0)).astype(np.float32),
                "is_ai": is_ai & there,
                "is_live": ~is_ai & there,
                "swell": random.normal(0.0, 1.0, (tracks, filters.BANDS)).astype(np.float32),
                **fixed,
            }

    def poisoned(self, inputs: Arrays) -> tuple[Arrays, Arrays]:
        """See `Trial.poisoned`."""
        clean = inputs | {name: _with(inputs[name], False) for name in ("is_ai", "is_live")}
        names = ("energy", "amount", "depth_db", "delay_s", "swell")
        return clean, clean | {name: _with(inputs[name], np.nan) for name in names}

    def whole(self, kept: Kept) -> None:
        """See `Trial.whole`: it exists frame by frame alone."""


class GrooveTrial:
    """Groove: drummers that drift, with slots that nobody plays."""

    short, long, same_bits = 100, 12000, False

    def material(self, tracks: int, frames: int) -> Iterator[Arrays]:
        """See `Trial.material`; the same drummers in other slots."""
        random = np.random.default_rng(tracks)
        slots = Groove.SLOTS
        drift = np.cumsum(random.normal(0.0, 2.0, (tracks, slots)), axis=1)
        deviation = np.clip(drift + random.normal(0.0, 8.0, (tracks, slots)), -40.0, 40.0)
        played = random.random((tracks, slots)) > 0.4
        fixed = {
            "amount": random.uniform(0.0, 1.0, tracks).astype(np.float32),
            "limit_ms": random.choice([5.0, 10.0, 20.0], tracks).astype(np.float32),
            "constant_limit_ms": random.choice([0.0, 20.0], tracks).astype(np.float32),
        }
        for frame in range(frames):
            yield {
                "deviation_ms": np.roll(deviation, frame, axis=1).astype(np.float32),
                "known": np.roll(played, frame, axis=1) & (frame > 0),
                "ahead": np.full(tracks, 1.0 + frame % Groove.AHEAD, np.float32),
                **fixed,
            }

    def poisoned(self, inputs: Arrays) -> tuple[Arrays, Arrays]:
        """See `Trial.poisoned`: what was not played."""
        broken = np.where(inputs["known"], inputs["deviation_ms"], np.float32(np.nan))
        return inputs, inputs | {"deviation_ms": broken}

    def whole(self, kept: Kept) -> None:
        """See `Trial.whole`: it exists slot by slot alone."""


class StagingTrial:
    """Staging: levels that wander, peaks over them, pauses, rows that come and go."""

    short, long, same_bits = 100, 12000, False

    def material(self, tracks: int, frames: int) -> Iterator[Arrays]:
        """See `Trial.material`."""
        random = np.random.default_rng(tracks)
        fixed = {
            "amount": random.uniform(0.0, 1.0, tracks).astype(np.float32),
            "target_db": random.uniform(-24.0, -12.0, tracks).astype(np.float32),
        }
        for level, silent in _levels(random, tracks, frames):
            heard = level + random.normal(0.0, 4.0, tracks)
            crest = random.uniform(3.0, 14.0, tracks)
            yield {
                "power": np.where(silent, 0.0, 10.0 ** (heard / 10.0)).astype(np.float32),
                "peak": np.where(silent, 0.0, 10.0 ** ((heard + crest) / 20.0)).astype(np.float32),
                "there": random.random(tracks) > 0.1,
                **fixed,
            }

    def poisoned(self, inputs: Arrays) -> tuple[Arrays, Arrays]:
        """See `Trial.poisoned`."""
        clean = inputs | {"there": _with(inputs["there"], False)}
        names = ("power", "peak", "amount", "target_db")
        return clean, clean | {name: _with(inputs[name], np.nan) for name in names}

    def whole(self, kept: Kept) -> None:
        """See `Trial.whole`: over a whole song it is another function, which its tests compare."""


class DensityTrial:
    """Density: loudness that wanders, pauses, live sources that come and go."""

    short, long, same_bits = 100, 12000, False

    def material(self, tracks: int, frames: int) -> Iterator[Arrays]:
        """See `Trial.material`."""
        random = np.random.default_rng(tracks)
        amount = random.uniform(0.0, 1.0, tracks).astype(np.float32)
        mean = random.uniform(-40.0, -15.0, tracks).astype(np.float32)
        for frame, (level, silent) in enumerate(_levels(random, tracks, frames)):
            heard = level + random.normal(0.0, 3.0, tracks)
            yield {
                "energy": np.where(silent, 0.0, 10.0 ** (heard / 10.0)).astype(np.float32),
                "level_db": mean if frame > 20 else np.full(tracks, -120.0, np.float32),
                "staging_db": random.uniform(-6.0, 6.0, tracks).astype(np.float32),
                "is_live": (random.random(tracks) > 0.1) | (frames > self.short),
                "amount": amount,
            }

    def poisoned(self, inputs: Arrays) -> tuple[Arrays, Arrays]:
        """See `Trial.poisoned`."""
        clean = inputs | {"is_live": _with(inputs["is_live"], False)}
        names = ("energy", "level_db", "staging_db", "amount")
        return clean, clean | {name: _with(inputs[name], np.nan) for name in names}

    def whole(self, kept: Kept) -> None:
        """See `Trial.whole`: it exists frame by frame alone."""


class RoomTrial:
    """The room network: bursts of noise that ring out, against the network over the whole excerpt."""

    short, long, same_bits = 60, 12000, False
    #: Frames of the long run that are compared with the whole excerpt, and how far both may be apart, s.
    _WHOLE, _TOLERANCE_S = 200, 1e-3

    def __init__(self, network: RoomNetwork) -> None:
        self._network = network

    def material(self, tracks: int, frames: int) -> Iterator[Arrays]:
        """See `Trial.material`."""
        random = np.random.default_rng(tracks)
        falls = 10.0 ** (-3.0 * np.arange(800) / 16000.0 / random.uniform(0.2, 2.0, tracks)[:, None])
        level = np.zeros(tracks)
        for _ in range(frames):
            level = np.where(random.random(tracks) < 0.1, 0.3, level)
            audio = random.normal(size=(tracks, 800)) * level[:, None] * falls
            level = np.where(level > 1e-6, level * falls[:, -1], 0.0)
            yield {"audio": audio.astype(np.float32)}

    def poisoned(self, inputs: Arrays) -> None:
        """See `Trial.poisoned`: every row counts."""

    def whole(self, kept: Kept) -> tuple[npt.NDArray[Any], npt.NDArray[Any], float]:
        """See `Trial.whole`: the first 10 s."""
        audio = np.concatenate([inputs["audio"] for inputs, _ in kept[: self._WHOLE]], axis=1)
        padded = torch.from_numpy(np.pad(audio, ((0, 0), (OVERLAP, 0))))
        with torch.no_grad():
            said = self._network(hear(Levels()(padded)))
        streamed = np.stack([outputs["t60_s"] for _, outputs in kept[: self._WHOLE]], axis=1)
        return streamed, said.t60_s.clamp(*RANGES["t60_s"]).numpy(), self._TOLERANCE_S


class StepTrial:
    """A gain network frame by frame: embeddings and levels, against its forward over the whole signal."""

    short, long, same_bits = 100, 12000, False

    def __init__(self, network: GainNetwork, tolerance_db: float) -> None:
        """``tolerance_db`` is how far the streamed gains may be from those of the whole signal."""
        self.network, self.tolerance_db = network, tolerance_db

    def material(self, tracks: int, frames: int) -> Iterator[Arrays]:
        """See `Trial.material`; in a long run nobody comes or goes."""
        random = np.random.default_rng(tracks)
        embedding = np.zeros((tracks, 128), np.float32)
        for frame, (level, silent) in enumerate(_levels(random, tracks, frames)):
            # The patch that ended with the frame before.
            if frame and frame % STRIDE == 0:
                embedding = random.normal(0.0, 1.0, (tracks, 128)).astype(np.float32)
            heard = level + random.normal(0.0, 6.0, tracks)
            yield {
                "embedding": embedding,
                "level_db": np.where(silent, -100.0, heard).astype(np.float32),
                "energy": np.where(silent, 0.0, 10.0 ** (heard / 10.0)).astype(np.float32),
                "mask": (random.random(tracks) > 0.1) | (frames > self.short),
            }

    def poisoned(self, inputs: Arrays) -> tuple[Arrays, Arrays]:
        """See `Trial.poisoned`."""
        clean = inputs | {"mask": _with(inputs["mask"], False)}
        return clean, clean | {
            name: _with(inputs[name], np.nan) for name in ("embedding", "level_db", "energy")
        }

    def whole(self, kept: Kept) -> tuple[npt.NDArray[Any], npt.NDArray[Any], float]:
        """See `Trial.whole`."""
        level, energy = (
            torch.from_numpy(np.stack([inputs[name] for inputs, _ in kept], axis=1))[None]
            for name in ("level_db", "energy")
        )
        heard = [inputs["embedding"] for inputs, _ in kept[STRIDE::STRIDE]]
        embeddings = torch.from_numpy(np.stack(heard, axis=1))[None]
        with torch.no_grad():
            gains = self.network.decide(
                embeddings, level, energy, torch.ones(level.shape[:2], dtype=torch.bool)
            )
        return (
            np.stack([outputs["gain_db"] for _, outputs in kept], axis=1),
            gains[0].numpy(),
            self.tolerance_db,
        )


class EmbeddingTrial:
    """An embedding network: noise, tones and silence at many levels."""

    short, long, same_bits = 2, 4, False

    def material(self, tracks: int, frames: int) -> Iterator[Arrays]:
        """See `Trial.material`."""
        random = np.random.default_rng(tracks)
        time = np.arange(SAMPLES) / 16000.0
        for level, silent in _levels(random, tracks, frames):
            tones = np.sin(2.0 * np.pi * random.uniform(50.0, 7000.0, (tracks, 1)) * time)
            noise = random.normal(0.0, 0.3, (tracks, SAMPLES)) * np.linspace(0.0, 1.0, SAMPLES)
            audio = (tones + noise) * 10.0 ** (level / 20.0)[:, None]
            audio[silent] = 0.0
            yield {"audio": audio.astype(np.float32), "normalised": random.random(tracks) > 0.5}

    def poisoned(self, inputs: Arrays) -> None:
        """See `Trial.poisoned`: rows do not see each other, and none is masked."""

    def whole(self, kept: Kept) -> None:
        """See `Trial.whole`: nothing is kept from frame to frame."""


def _levels(
    random: np.random.Generator, tracks: int, frames: int
) -> Iterator[tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]]:
    """Yield a level in dB that wanders and whether there is a pause, per track."""
    level = random.uniform(-50.0, -10.0, tracks)
    for frame in range(frames):
        level = np.clip(level + random.normal(0.0, 0.5, tracks), -66.0, 3.0)
        yield level, (frame // 50 + np.arange(tracks)) % 5 == 4


def _with(values: npt.NDArray[Any], row: float | bool) -> npt.NDArray[Any]:
    """Return ``values`` with ``row`` all over row 1."""
    changed = values.copy()
    changed[1] = row
    return changed

"""A drummer's performance in close microphones, and an AI stem on the grid that groove moves, as the service decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import torch

from hybridmix.engine.hops import Frame, Pulse, UserValues
from hybridmix.engine.models import Arrays, Session
from hybridmix.plan.groove import shifts, tables
from hybridmix.processors.groove import Groove
from hybridmix.processors.listening import listen
from hybridmix.processors.slots import TOLERANCE_MS, Beat
from hybridmix_models.data.generator.grooves import GrooveFile, read_groove
from hybridmix_models.data.generator.kit import Kit
from hybridmix_models.data.types import FRAME, RATE, Floats
from hybridmix_models.evaluation.freezing import frozen
from hybridmix_models.evaluation.groove.hits import CLOSE, Heard, compare, detect
from hybridmix_models.groove.rule import Groove as Rule

__all__ = ["DELAY_S", "LIMITS_MS", "Played", "foreseen", "perform", "planned", "play", "session"]

Doubles = npt.NDArray[np.float64]

#: Control delay; limits that are measured, the running constant alone first.
DELAY_S = 0.04
LIMITS_MS = (0.0, 5.0, 10.0, 20.0)
CONSTANT_MS = 20.0
#: Stretch of a performance, s, and what a close microphone hears of the other drums.
SECONDS = 60.0
_BLEED = 10.0 ** (-15.0 / 20.0)
#: How far a click may be moved, samples; and how high clicks are.
_REACH, _CLICKS = round(0.042 * RATE), (0.9, 0.6, 0.3)


@dataclass(frozen=True, slots=True)
class Performed:
    """One performance: microphones (3, samples) of kick, snare and everything; and what was played."""

    file: GrooveFile
    microphones: Floats
    #: (slots,): ms that the strongest hit is late, NaN where there is none.
    late_ms: Doubles
    #: When kick and snare were hit, s.
    hits_s: Sequence[Doubles]


@dataclass(frozen=True, slots=True)
class Played:
    """|AI - live| in ms of every shared slot of one performance, (slots,)."""

    before: Doubles
    #: By limit, causal and with the song known.
    causal: dict[float, Doubles]
    plan: dict[float, Doubles]
    heard: Sequence[Heard]


def perform(file: GrooveFile, kit: Kit) -> Performed:
    """Play ``file`` on ``kit``; the first `SECONDS` of it."""
    groove = read_groove(file, min(SECONDS, file.duration_s), np.random.default_rng(0))
    samples = int(min(SECONDS, file.duration_s) * RATE) // FRAME * FRAME
    tracks = {drum: kit.play(notes, samples) for drum, notes in groove.drums.items()}
    everything = np.sum(list(tracks.values()), axis=0)
    silence = np.zeros(samples, np.float32)
    close = [tracks.get(drum, silence) for drum in CLOSE]
    microphones = np.stack([*(one + _BLEED * (everything - one) for one in close), 0.5 * everything])
    hits = [(note.start_s, note.velocity) for notes in groove.drums.values() for note in notes]
    slot_s = 15.0 / file.bpm
    late = np.full(int(samples / RATE / slot_s) + 2, np.nan)
    strongest = np.zeros(len(late))
    for at, velocity in hits:
        slot = round(at / slot_s)
        if slot < len(late) and velocity > strongest[slot]:
            off = 1000.0 * (at - slot * slot_s)
            strongest[slot], late[slot] = velocity, off if abs(off) <= TOLERANCE_MS else np.nan
    times = [np.array([note.start_s for note in groove.drums.get(drum, [])]) for drum in CLOSE]
    return Performed(file, microphones.astype(np.float32), late, times)


class _Fitted:
    """The rule with weights of its own, where the service expects a file."""

    def __init__(self, weights: Sequence[Sequence[float]]) -> None:
        self._rule = Rule(weights)

    def require(self, inputs: frozenset[str], outputs: frozenset[str]) -> None:
        """It is what it is."""

    def run(self, arrays: Arrays) -> Arrays:
        """See `Session.run`."""
        with torch.no_grad():
            out = self._rule(**{name: torch.from_numpy(values) for name, values in arrays.items()})
        return {"groove_ms": out[0].numpy(), "constant_ms": out[1].numpy()}


def session(weights: Sequence[Sequence[float]]) -> Session:
    """Return the rule with ``weights`` as what the service runs."""
    return cast("Session", _Fitted(weights))


def play(performed: Performed, model: Session) -> Played:
    """Return how far apart an AI stem on the grid and the drummer are, before and after."""
    known = np.isfinite(performed.late_ms)
    truth = performed.late_ms[known]
    told = detect(list(performed.microphones[: len(CLOSE)]), RATE)
    return Played(
        before=np.abs(truth),
        causal={limit: np.abs(truth - row[known]) for limit, row in foreseen(performed, model).items()},
        plan={limit: np.abs(truth - row[known]) for limit, row in planned(performed, LIMITS_MS).items()},
        heard=[
            compare(performed.file.name, drum, hits, times)
            for drum, hits, times in zip(CLOSE, performed.hits_s, told, strict=True)
            if len(hits)
        ],
    )


def foreseen(performed: Performed, model: Session) -> dict[float, Doubles]:
    """Return how late an AI stem plays each slot live, ms, by limit; (slots,)."""
    live, ai = len(performed.microphones), len(LIMITS_MS)
    groove = Groove(model, RATE)
    for slot in range(live + ai):
        groove.clear(slot)
    is_live = np.arange(live + ai) < live
    everybody = np.ones(live + ai, np.float32)
    users = {
        "amount": everybody,
        "limit_ms": np.array([0.0] * live + list(LIMITS_MS), np.float32),
        "constant_limit_ms": np.float32(CONSTANT_MS) * everybody,
        "delay": np.float32(DELAY_S * RATE) * everybody,
    }
    count = len(performed.late_ms)
    moved = np.full((ai, count), np.nan)
    moved[:, 0] = 0.0
    silence = np.zeros((1, FRAME), np.float32)
    slot_s = 15.0 / performed.file.bpm
    for end in range(FRAME, performed.microphones.shape[1] + 1, FRAME):
        pulse = Pulse(end - FRAME, (end - FRAME) * performed.file.bpm / (60.0 * RATE), performed.file.bpm)
        heard = [one[None, end - FRAME : end] for one in performed.microphones] + [silence] * ai
        frames = [Frame(1, end, audio, UserValues(), pulse=pulse) for audio in heard]
        said = groove.step(
            np.arange(live + ai),
            frames,
            end,
            is_ai=~is_live,
            is_live=is_live,
            is_drums=is_live,
            is_bass=~is_live,
            **users,
        )
        if said is not None:
            slot_ms = float(said.values["groove_slot_ms"][live])
            slot = round(((end / RATE + DELAY_S) + slot_ms / 1000.0) / slot_s)
            if slot < count:
                moved[:, slot] = said.values["groove_ms"][live:]
    return dict(zip(LIMITS_MS, _held(moved), strict=True))


def planned(performed: Performed, limits_ms: Sequence[float]) -> dict[float, Doubles]:
    """Return how late an AI stem plays each slot by the real plugin, frozen, ms, by limit; (slots,)."""
    beat = Beat(0.0, 0, performed.file.bpm, RATE)
    told_ms = listen(performed.microphones, beat, len(performed.late_ms))[0]
    return {limit: _frozen(beat, told_ms, limit, performed.microphones.shape[1]) for limit in limits_ms}


def _frozen(beat: Beat, told_ms: Doubles, limit_ms: float, samples: int) -> Doubles:
    """Return how late the real plugin plays each slot, ms, frozen by a plan that follows ``told_ms``; (slots,) both.

    A click in each slot of a stem on the grid shows it, another one than in those beside it.
    """
    heard = {name: np.full(samples // FRAME, np.nan) for name in ("slot", "slot_ms")}
    for frame in range(samples // FRAME):
        if (due := beat.due(frame * FRAME)) is not None:
            heard["slot"][frame], heard["slot_ms"][frame] = due
    late = {slot: one for slot, one in enumerate(told_ms.tolist()) if np.isfinite(one)}
    made = tables(heard, shifts(late, limit_ms=limit_ms, constant_limit_ms=CONSTANT_MS))
    if not made:
        return np.zeros(len(told_ms))
    grid = [round(beat.begins(slot)) for slot in range(len(told_ms))]
    stem = np.zeros(samples, np.float32)
    for slot, at in enumerate(grid):
        if at < samples:
            stem[at] = _CLICKS[slot % len(_CLICKS)]
    played = np.abs(np.pad(frozen(stem, made), _REACH))
    found = np.zeros(len(told_ms))
    for slot, at in enumerate(grid):
        near = np.flatnonzero(np.abs(played[at : at + 2 * _REACH + 1] - _CLICKS[slot % len(_CLICKS)]) < 0.05)
        if near.size:
            found[slot] = 1000.0 * (int(near[0]) - _REACH) / RATE
    return found


def _held(shifts: Doubles) -> Doubles:
    """Return ``shifts`` (n, slots) where a slot that was not told has that of the slot before."""
    told = np.isfinite(shifts[0])
    last = np.maximum.accumulate(np.where(told, np.arange(shifts.shape[1]), 0))
    return np.asarray(shifts[:, last])

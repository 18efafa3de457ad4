"""How well hits of close microphones are found: of the recorded kit, and of performances played by a sampled one."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile as sf

from hybridmix.errors import InputError
from hybridmix.features import Onsets

__all__ = ["CLOSE", "Heard", "compare", "detect", "recorded"]

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

#: Drums with a microphone of their own.
CLOSE = ("kick", "snare")
#: A hit is found within this, once the constant of its instrument is taken off.
_NEAR_S = 0.03
#: Silence before and after a recording, frames.
_BEFORE, _AFTER = 2, 4


@dataclass(frozen=True, slots=True)
class Heard:
    """What was found of one drum in one recording."""

    recording: str
    drum: str
    played: int
    told: int
    #: Of the hits that were found, in s, without the constant.
    errors: Doubles


def detect(microphones: Sequence[Floats], rate: int, *, bass: bool = False) -> list[Doubles]:
    """Return when the drum of each of ``microphones`` (samples,), mono at ``rate`` Hz, is hit, in s from its begin.

    With ``bass`` each is a bass, and what is returned is when its notes begin.
    """
    frame = rate // 20
    length = min(len(one) for one in microphones)
    audio = np.stack(
        [np.pad(one[:length], (_BEFORE * frame, _AFTER * frame)).astype(np.float32) for one in microphones]
    )
    onsets = Onsets(rate)
    slots = np.arange(len(microphones))
    for slot in slots.tolist():
        onsets.clear(slot)
    found: list[list[float]] = [[] for _ in microphones]
    for begin in range(0, audio.shape[1] - frame + 1, frame):
        end_s = (begin + frame) / rate - _BEFORE / 20
        told = onsets.step(slots, audio[:, begin : begin + frame], np.full(len(slots), bass))
        for times, hits in zip(found, told, strict=True):
            times += [end_s + hit.at_s for hit in hits]
    return [np.array(times) for times in found]


def compare(recording: str, drum: str, played_s: Doubles, told_s: Doubles) -> Heard:
    """Hold what was told against what was played; one to one, nearest first."""
    for _ in range(2):
        pairs = _pairs(played_s, told_s)
        if pairs:
            told_s = told_s - np.median([told_s[other] - played_s[one] for one, other in pairs])
    pairs = _pairs(played_s, told_s)
    errors = np.array([told_s[other] - played_s[one] for one, other in pairs])
    return Heard(recording, drum, len(played_s), len(told_s), errors)


def _pairs(played_s: Doubles, told_s: Doubles) -> list[tuple[int, int]]:
    apart = np.abs(played_s[:, None] - told_s[None, :])
    near = np.argwhere(apart <= _NEAR_S)
    pairs: list[tuple[int, int]] = []
    for one, other in near[np.argsort(apart[near[:, 0], near[:, 1]])].tolist():
        if all(one != first and other != second for first, second in pairs):
            pairs.append((one, other))
    return pairs


def recorded(folder: Path) -> list[Heard]:
    """Return what is found in the microphones of the recorded kit in ``folder``. Raises InputError."""
    grooves = sorted(path.parent for path in folder.glob("*/hits.csv"))
    if not grooves:
        raise InputError(f"{folder} holds no grooves; expected folders with a hits.csv, as in multimic_drums")
    found: list[Heard] = []
    for groove in grooves:
        with (groove / "hits.csv").open(encoding="utf-8") as file:
            hits = [(row["drum"], float(row["time_s"])) for row in csv.DictReader(file)]
        microphones = [sf.read(groove / f"{drum}_mic.ogg", dtype="float32") for drum in CLOSE]
        told = detect([audio for audio, _ in microphones], microphones[0][1])
        for drum, times in zip(CLOSE, told, strict=True):
            found.append(
                compare(groove.name, drum, np.array([at for name, at in hits if name == drum]), times)
            )
    return found

"""A recorded drum kit beside the same kit on simulated stages.

The recordings are grooves of a sampled kit through seven simultaneous microphones (`levels.csv`, `hits.csv` and
one file per microphone in each groove's folder). Equations, and what the comparison can say: docs/bleed.md.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import soundfile as sf
from scipy import signal

from hybridmix.errors import InputError
from hybridmix_models.data.bleed.responses import SOUND_SPEED, convolve, responses
from hybridmix_models.data.bleed.rooms import Doubles, Room
from hybridmix_models.data.types import RATE, Floats

__all__ = [
    "DRUMS",
    "MICROPHONES",
    "Comparison",
    "Drum",
    "compare",
    "known_delays",
    "known_ratios",
    "on_stage",
]

Drum = Literal["kick", "snare"]

#: Where each microphone is put, in m from the middle of the floor below the kick drum: front, left, up (as the
#: drummer sits). The kick's is put 0.15 m from its drum and the snare's 0.10 m, of several distances those that fit
#: the levels best; the rest follows from the delays of the recording.
MICROPHONES: Mapping[str, tuple[float, float, float]] = {
    "kick_mic": (0.09, -0.08, 0.26),
    "snare_mic": (-0.26, 0.23, 0.61),
    "oh_mic": (-0.45, 0.41, 0.80),
    "side_mic": (-0.23, 0.43, 0.58),
    "front_mic": (0.90, 0.56, 1.28),
    "wndw_mic": (0.41, 1.39, 0.24),
    "retro_mic": (-1.48, 0.82, 1.26),
}
#: The middle of each drum, likewise.
DRUMS: Mapping[Drum, tuple[float, float, float]] = {"kick": (0.0, 0.0, 0.35), "snare": (-0.32, 0.29, 0.67)}
_NAMES = tuple(MICROPHONES)
_REFERENCE = _NAMES.index("front_mic")
#: Attacks are looked for in this band, as the first time above this share of the hit's maximum.
_BAND_HZ, _SHARE = (600.0, 9000.0), 0.15
#: Hits with no other hit within so many seconds before and after.
_BEFORE_S, _AFTER_S = 0.08, 0.03
#: Samples of each hit that are looked at, about its time; the first 200 are its rest.
_WINDOW = (-300, 900)
_FEWEST_HITS = 5
#: Samples between the quartiles of the delays that are taken for one.
_WIDEST = 30
#: Samples of each groove that are played on the simulated stages.
_EXCERPT = 8 * RATE


@dataclass(frozen=True, slots=True)
class Comparison:
    """Known figures of the recording beside those of the simulator, by microphone as in `MICROPHONES`."""

    #: (grooves, 7): level of the kick over the snare, in dB above the same in the snare's microphone.
    known_level_db: Doubles
    #: (rooms, 7): the same, simulated.
    level_db: Doubles
    #: By drum, (7,): arrival after that in the front microphone, in samples; NaN where the hits do not tell.
    known_delay: Mapping[Drum, Doubles]
    #: By drum, (7,): the same, simulated.
    delay: Mapping[Drum, Doubles]


def compare(folder: Path, rooms: Sequence[Room]) -> Comparison:
    """Return the recording in ``folder`` beside the kit in each of ``rooms``.

    Raises:
        InputError: the recording is not there.
    """
    grooves = _grooves(folder)
    levels = _levels(folder)
    known = np.array([[levels[groove.name, name]["kick"] for name in _NAMES] for groove in grooves])
    known -= [[levels[groove.name, name]["snare"] for name in _NAMES] for groove in grooves]
    simulated = []
    for index, room in enumerate(rooms):
        groove = grooves[index % len(grooves)]
        kick = _read(groove / "iso_kick_kick_mic.flac")[:_EXCERPT]
        snare = _read(groove / "iso_snare_snare_mic.flac")[:_EXCERPT]
        simulated.append(_kick_over_snare_db(room, kick, snare))
    level = np.array(simulated)
    snare_mic = _NAMES.index("snare_mic")
    return Comparison(
        known - known[:, [snare_mic]],
        level - level[:, [snare_mic]],
        {drum: known_delays(folder, drum) for drum in DRUMS},
        {drum: _arrivals(on_stage(rooms[0]), drum) for drum in DRUMS},
    )


def on_stage(room: Room) -> Room:
    """Return ``room`` with the kit in its middle: place k has microphone k and the drum that it is aimed at.

    All microphones are omnidirectional: their patterns are not known.
    """
    middle = np.array([room.size[0] / 2.0 + 0.3, room.size[1] / 2.0 - 0.65, 0.0])
    drums = np.array([DRUMS["kick"]] + [DRUMS["snare"]] * (len(_NAMES) - 1))
    microphones = np.array(list(MICROPHONES.values()))
    return replace(
        room, sources=middle + drums, microphones=middle + microphones, pattern=np.ones(len(_NAMES))
    )


def known_ratios(folder: Path) -> dict[Drum, Doubles]:
    """Return (grooves,) by drum: its level over all other drums in its own microphone, in dB, from levels.csv."""
    levels, grooves = _levels(folder), _grooves(folder)
    out: dict[Drum, Doubles] = {}
    for drum in DRUMS:
        rows = [levels[groove.name, f"{drum}_mic"] for groove in grooves]
        rest = [sum(10.0 ** (level / 10.0) for name, level in row.items() if name != drum) for row in rows]
        out[drum] = np.array([row[drum] for row in rows]) - 10.0 * np.log10(rest)
    return out


def known_delays(folder: Path, drum: Drum) -> Doubles:
    """Return (7,): arrival of ``drum`` in each microphone after that in the front one, median over single hits.

    In samples; NaN where fewer than five hits stand out in both microphones, or half of them differ by more than
    30 samples.
    """
    arrivals = np.concatenate([_hits(groove, drum) for groove in _grooves(folder)])
    out = np.full(len(_NAMES), np.nan)
    for column, late in enumerate((arrivals - arrivals[:, [_REFERENCE]]).T):
        late = late[np.isfinite(late)]
        if len(late) >= _FEWEST_HITS and np.subtract(*np.percentile(late, [75, 25])) <= _WIDEST:
            out[column] = np.median(late)
    return out


def _hits(groove: Path, drum: Drum) -> Doubles:
    """Return (hits, 7): when each lonely hit of ``drum`` arrives, in samples; NaN where it does not stand out."""
    with (groove / "hits.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    times = np.array([float(row["time_s"]) for row in rows])
    apart = times[None] - times[:, None]
    close = ((apart > -_BEFORE_S) & (apart < _AFTER_S)).sum(axis=1) > 1
    lonely = np.array([row["drum"] == drum for row in rows]) & ~close
    band = signal.butter(4, _BAND_HZ, "band", fs=RATE, output="sos")
    envelopes = []
    for name in _NAMES:
        heard = signal.sosfilt(band, _read(groove / f"{name}.ogg"))
        envelope = np.convolve(np.abs(signal.hilbert(heard)), np.full(5, 0.2), "same")
        starts = np.round(times[lonely] * RATE).astype(np.int64) + _WINDOW[0]
        whole = (starts >= 0) & (starts + _WINDOW[1] - _WINDOW[0] <= len(envelope))
        envelopes.append([envelope[at : at + _WINDOW[1] - _WINDOW[0]] for at in starts[whole]])
    hits: Doubles = np.array(envelopes).reshape(len(_NAMES), -1, _WINDOW[1] - _WINDOW[0]).transpose(1, 0, 2)
    limit = _SHARE * hits[:, :, 100:].max(axis=-1)
    stands_out = hits[:, :, :200].max(axis=-1) < 0.7 * limit
    return np.asarray(np.where(stands_out, np.argmax(hits > limit[:, :, None], axis=-1), np.nan))


def _kick_over_snare_db(room: Room, kick: Floats, snare: Floats) -> Doubles:
    """Return (7,): level of the kick over the snare in each microphone of the kit in ``room``, in dB."""
    kernels = responses(on_stage(room), range(len(_NAMES)), RATE)
    rows = np.arange(len(_NAMES))
    of_kick = convolve(kick[None], kernels[:, :1])
    of_snare = convolve(snare[None], kernels[rows, np.maximum(rows, 1)][:, None])
    of_kick[0] += kick
    of_snare[1:] += snare
    return np.asarray(10.0 * np.log10(np.mean(of_kick**2, axis=1) / np.mean(of_snare**2, axis=1)))


def _arrivals(stage: Room, drum: Drum) -> Doubles:
    """Return (7,): when ``drum`` arrives in each microphone of the kit on ``stage``, after the front one."""
    kernels = np.abs(responses(stage, range(len(_NAMES)), RATE))
    own = np.linalg.norm(stage.sources - stage.microphones, axis=1) / SOUND_SPEED * RATE
    out = np.empty(len(_NAMES))
    for row in range(len(_NAMES)):
        column = 0 if drum == "kick" else max(row, 1)
        heard = kernels[row, column]
        first = 0 if column == row else int(np.argmax(heard > 0.5 * heard.max()))
        out[row] = own[row] + first + (0 if column == row else int(np.argmax(heard[first : first + 4])))
    return np.asarray(out - out[_REFERENCE])


def _grooves(folder: Path) -> list[Path]:
    """Return the folders of the grooves."""
    found = sorted(path.parent for path in folder.glob("*/hits.csv"))
    if not found:
        raise InputError(f"{folder} holds no grooves; expected folders with a hits.csv, as in multimic_drums")
    return found


def _levels(folder: Path) -> dict[tuple[str, str], dict[str, float]]:
    """Return the level in dBFS of every drum that plays, by groove and microphone."""
    path = folder / "levels.csv"
    if not path.is_file():
        raise InputError(f"{path} does not exist; expected the levels of every drum, as in multimic_drums")
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    ending = "_dbfs"
    return {
        (row["groove"], row["microphone"]): {
            name.removesuffix(ending): float(level)
            for name, level in row.items()
            if name.endswith(ending) and level
        }
        for row in rows
    }


def _read(path: Path) -> npt.NDArray[Any]:
    audio, _ = sf.read(path, dtype="float32")
    return np.asarray(audio)

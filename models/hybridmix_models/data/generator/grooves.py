"""Human drumming from the Groove MIDI Dataset (Gillick et al. 2019, CC BY 4.0), one list of notes per drum."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np

from hybridmix.errors import InputError
from hybridmix_models.data.generator.notes import Note
from hybridmix_models.data.generator.palette import DRUMS, SetName, SplitName

__all__ = ["LEFT_OUT", "Groove", "GrooveFile", "groove_files", "read_groove"]

#: The files behind the validation and the test groove of the seven-microphone recordings.
LEFT_OUT = (
    "drummer1/session3/6_dance-disco_120_beat_4-4.mid",
    "drummer9/session1/2_rock_100_beat_4-4.mid",
)
#: Who plays on Synthetic-B, and nowhere else.
_DRUMMERS_B = ("drummer5", "drummer9")
#: Shortest file taken, s.
_SHORTEST_S = 20.0
#: A drum that is hit less often is left out of a song.
_FEWEST_HITS = 4
#: How long a drum key is held, s: every sound rings out.
_HELD_S = 0.5


@dataclass(frozen=True, slots=True)
class GrooveFile:
    """A performance of the dataset."""

    #: Path below the dataset's folder.
    name: str
    path: Path
    bpm: float
    duration_s: float

    @property
    def bar_s(self) -> float:
        """Length of a bar; all files taken are in 4/4."""
        return 240.0 / self.bpm


@dataclass(frozen=True, slots=True)
class Groove:
    """A stretch of a performance that begins with a bar."""

    file: GrooveFile
    drums: dict[str, list[Note]]


def groove_files(folder: Path, set_name: SetName, split: SplitName) -> list[GrooveFile]:
    """List the files of ``folder`` (the dataset) that a split may use, sorted by name; no two splits share one.

    Synthetic-A trains on the official training files; its validation and test songs share out the official
    validation files. Synthetic-B has the drummers 5 and 9 to itself.
    """
    table = folder / "info.csv"
    if not table.is_file():
        raise InputError(
            f"{table}: the drum grooves are not there; expected the Groove MIDI Dataset with its info.csv: "
            "give its parent folder with --data"
        )
    with table.open(encoding="utf-8", newline="") as lines:
        rows = sorted(csv.DictReader(lines), key=lambda row: row["midi_filename"])
    usable = [
        row
        for row in rows
        if row["beat_type"] == "beat"
        and row["time_signature"] == "4-4"
        and float(row["duration"]) >= _SHORTEST_S
        and row["midi_filename"] not in LEFT_OUT
        and (row["drummer"] in _DRUMMERS_B) == (set_name == "synthetic-b")
    ]
    if set_name == "synthetic-a":
        if split == "training":
            usable = [row for row in usable if row["split"] == "train"]
        else:
            held_out = [row for row in usable if row["split"] == "validation"]
            usable = held_out[split == "test" :: 2]
    files = [
        GrooveFile(
            row["midi_filename"], folder / row["midi_filename"], float(row["bpm"]), float(row["duration"])
        )
        for row in usable
    ]
    if not files:
        raise InputError(
            f"{table}: no groove of 4/4 and {_SHORTEST_S:.0f} s for {set_name} {split}; "
            "expected the training and validation files of the Groove MIDI Dataset"
        )
    return files


def read_groove(file: GrooveFile, seconds: float, rng: np.random.Generator) -> Groove:
    """Read ``seconds`` of ``file`` from a bar drawn by ``rng``, or from its first bar where it is shorter."""
    starts = int(max(0.0, file.duration_s - seconds) / file.bar_s)
    begin = int(rng.integers(starts + 1)) * file.bar_s
    drums: dict[str, list[Note]] = {drum: [] for drum in DRUMS}
    now = 0.0
    try:
        messages = list(mido.MidiFile(file.path))
    except (OSError, EOFError, ValueError) as error:
        raise InputError(
            f"{file.path}: cannot be read as MIDI ({error}); expected a file of the Groove MIDI Dataset: "
            "fetch it again"
        ) from error
    for message in messages:
        now += message.time
        if message.type != "note_on" or not message.velocity or not begin <= now < begin + seconds:
            continue
        for drum, keys in DRUMS.items():
            if message.note in keys:
                drums[drum].append(Note(now - begin, _HELD_S, keys[message.note], message.velocity))
    return Groove(file, {drum: notes for drum, notes in drums.items() if len(notes) >= _FEWEST_HITS})

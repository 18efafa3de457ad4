"""Human drumming as slots: how far from the grid of sixteenths the strongest hit of each slot was played.

Performances are those of the Groove MIDI Dataset (Gillick et al. 2019, CC BY 4.0), played to a click.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
import numpy.typing as npt

from hybridmix.errors import InputError
from hybridmix.processors.slots import TOLERANCE_MS
from hybridmix_models.data.generator.grooves import LEFT_OUT
from hybridmix_models.data.generator.palette import DRUMS

__all__ = ["Performance", "read_performances"]

Doubles = npt.NDArray[np.float64]

#: Shortest performance taken, s, and the most of one that is taken, s: no drummer is heard for hours.
SHORTEST_S, LONGEST_S = 20.0, 120.0
_KEYS = {key for keys in DRUMS.values() for key in keys}


@dataclass(frozen=True, slots=True)
class Performance:
    """One performance."""

    drummer: str
    #: Path below the dataset's folder.
    name: str
    bpm: float
    #: (slots,): deviation of the strongest hit from its slot, ms, positive where it is late; NaN where nobody
    #: played a sixteenth: nobody hit, or the strongest hit lies further from the slot than `TOLERANCE_MS`.
    deviation_ms: Doubles

    @property
    def slot_ms(self) -> float:
        """Length of a sixteenth."""
        return 15000.0 / self.bpm


def read_performances(
    folder: Path, progress: Callable[[str], None] = lambda _: None, most: int | None = None
) -> list[Performance]:
    """Read the performances of ``folder`` (the dataset) in 4/4, from 20 s on, by name; ``most`` of each drummer.

    Those behind recordings that are used for evaluation are left out. ``progress`` is called with each name.

    Raises:
        InputError: the dataset is not there or cannot be read.
    """
    table = folder / "info.csv"
    if not table.is_file():
        raise InputError(
            f"{table} does not exist; expected the Groove MIDI Dataset with its info.csv: give its folder"
        )
    with table.open(encoding="utf-8", newline="") as lines:
        rows = sorted(csv.DictReader(lines), key=lambda row: row["midi_filename"])
    found: list[Performance] = []
    for row in rows:
        name = row["midi_filename"]
        if row["beat_type"] != "beat" or row["time_signature"] != "4-4" or name in LEFT_OUT:
            continue
        if float(row["duration"]) < SHORTEST_S or not (folder / name).is_file():
            continue
        if most is not None and sum(one.drummer == row["drummer"] for one in found) >= most:
            continue
        found.append(_read(folder / name, name, row["drummer"], float(row["bpm"])))
        progress(name)
    return found


def _read(path: Path, name: str, drummer: str, bpm: float) -> Performance:
    """Read one file."""
    try:
        messages = list(mido.MidiFile(path))
    except (OSError, EOFError, ValueError) as error:
        raise InputError(
            f"{path}: cannot be read as MIDI ({error}); expected a file of the Groove MIDI Dataset: fetch it again"
        ) from error
    slot_s = 15.0 / bpm
    strongest: dict[int, tuple[int, float]] = {}
    now = 0.0
    for message in messages:
        now += message.time
        if now > LONGEST_S:
            break
        if message.type == "note_on" and message.velocity and message.note in _KEYS:
            slot = round(now / slot_s)
            if slot not in strongest or message.velocity > strongest[slot][0]:
                strongest[slot] = (message.velocity, 1000.0 * (now - slot * slot_s))
    deviation = np.full(max(strongest, default=0) + 1, np.nan)
    for slot, (_, late) in strongest.items():
        deviation[slot] = late if abs(late) <= TOLERANCE_MS else np.nan
    return Performance(drummer, name, bpm, deviation)

"""Measured impulse responses with their decay times: for tests alone."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile as sf
import soxr

from hybridmix.errors import InputError
from hybridmix_models.data.types import RATE
from hybridmix_models.room.decay import direct_at
from hybridmix_models.room.network import OCTAVES_HZ

__all__ = ["Measured", "read"]

Doubles = npt.NDArray[np.float64]

_TABLE = "t30.csv"
#: A decay time counts where the response has so much range, dB.
_RANGE_DB = 45.0
#: What is kept before the direct sound, s.
_BEFORE_S = 0.0025


@dataclass(frozen=True, slots=True)
class Measured:
    """One response at `RATE` that begins just before its direct sound."""

    name: str
    #: (samples,).
    response: Doubles
    #: T30 in s per octave from 125 Hz to 8 kHz, (7,); NaN where the range does not do.
    t30_s: Doubles


def read(folder: Path) -> list[Measured]:
    """Return the responses that ``t30.csv`` in ``folder`` lists, first channels.

    Raises:
        InputError: the table or a file is missing or is not what it should be.
    """
    table = folder / _TABLE
    try:
        with table.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        return [_measured(folder / row["file"], row) for row in rows]
    except (OSError, KeyError, ValueError, sf.LibsndfileError) as error:
        raise InputError(
            f"{table}: cannot be used ({error}); expected a table with file, t30_125 to t30_8000 and range_db_125 to "
            "range_db_8000 beside its responses: give its folder by --data"
        ) from None


def _measured(path: Path, row: dict[str, str]) -> Measured:
    audio, rate = sf.read(path, always_2d=True)
    response = np.asarray(soxr.resample(audio[:, 0], rate, RATE), np.float64)
    times = []
    for hertz in OCTAVES_HZ:
        time, span = (row[f"{name}_{hertz:.0f}"] for name in ("t30", "range_db"))
        times.append(float(time) if time and span and float(span) >= _RANGE_DB else np.nan)
    begin = max(0, direct_at(response) - round(_BEFORE_S * RATE))
    return Measured(path.stem, response[begin:], np.array(times))

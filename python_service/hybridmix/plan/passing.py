"""The record of a pass with Learn: what a plan needs to know of it, a row per frame and member, and the plan of it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
import numpy as np
import numpy.typing as npt

from hybridmix.plan import curves
from hybridmix.plan.chords import CHORDS
from hybridmix.plan.making import Asked, Heard, tables, track_plan
from hybridmix.processors.groove import HEARD
from hybridmix.wire import parameters
from hybridmix.wire.limits import FRAMES_PER_SECOND

__all__ = ["POINTS", "RECORD", "SENT", "plans"]

Doubles = npt.NDArray[np.float64]
Records = npt.NDArray[np.void]

#: Samples of each track that are kept of a frame: left and right, where the sum of the group is largest in each hop.
POINTS = 10
#: What was sent, by parameter, and what groove heard, as fields of a record.
SENT = (*(one.name for one in parameters.load().parameters), *HEARD)
#: ``end`` is the frame's, in samples; ``member`` counts those of the pass; of what was not ``whole`` no level is known;
#: ``asked`` are the fields of `Asked`; parameters by name what was sent, and
#: `hybridmix.processors.groove.HEARD`, NaN where nothing was; ``chords`` what `hybridmix.plan.chords` heard.
RECORD = np.dtype(
    [
        ("end", "<i8"),
        ("member", "<u2"),
        ("whole", "?"),
        *((name, "<f4") for name in SENT),
        ("energy", "<f4"),
        ("power", "<f8"),
        ("true_peak", "<f4"),
        ("asked", "<f4", (len(Asked._fields),)),
        ("points", "<f4", (POINTS,)),
        ("chords", "<f4", (CHORDS,)),
    ]
)
#: What the sum of the tracks stays below; what room, filters and compression may add to what is known of it.
_CEILING_DBFS, _MARGIN_DB = -1.0, 0.5


def plans(records: Records, rate: int) -> dict[int, bytes]:
    """Return the plan of every member of a pass at ``rate`` Hz, as the state of its plugin has it."""
    frame = rate // FRAMES_PER_SECOND
    index = records["end"] // frame - 1
    begin = int(index.min())
    count = int(index.max()) - begin + 1
    members = [int(one) for one in np.unique(records["member"])]
    rows = {member: records[records["member"] == member] for member in members}
    heard = {member: _heard(rows[member], frame, begin, count) for member in members}
    values = tables(heard, begin=begin)
    if np.isfinite(records["trim_db"]).any():
        trim = np.full(count, _trim_db(rows, values, frame, begin, count))
        for table in values.values():
            table["trim_db"] = trim
    made = {}
    for member in members:
        made[member] = msgspec.json.encode(track_plan(heard[member], values[member], begin))
    return made


def _heard(rows: Records, frame: int, begin: int, count: int) -> Heard:
    index = rows["end"] // frame - 1 - begin

    def frames(name: str, otherwise: float) -> Doubles:
        table = np.full(count, otherwise)
        table[index] = rows[name]
        return table

    chords = np.zeros((count, CHORDS))
    chords[index] = rows["chords"]
    power = np.full(count, np.nan)
    whole = rows["whole"]
    power[index[whole]] = rows["power"][whole]
    power[: index.min()] = power[index.max() + 1 :] = 0.0
    # What did not come in time sounded like what came before.
    known = curves.held(power)
    asked = Asked(*rows["asked"][np.flatnonzero(whole)[-1]].tolist())
    return Heard(
        asked=asked._replace(role=round(asked.role), breath_sustained=round(asked.breath_sustained)),
        power=np.zeros(count) if known is None else known,
        true_peak=float(rows["true_peak"].max()),
        energy=frames("energy", 0.0),
        sent={name: frames(name, np.nan) for name in SENT},
        chords=chords,
    )


def _trim_db(
    rows: Mapping[int, Records],
    values: Mapping[int, Mapping[str, Doubles]],
    frame: int,
    begin: int,
    count: int,
) -> float:
    """Return the trim that keeps the sum of the tracks below the ceiling for the whole song.

    The sum is known where it was largest during the pass; there it is taken anew, with what the plan says.
    """
    reached, begun = np.zeros((2, count, POINTS))
    for member, found in rows.items():
        level = np.zeros(count)
        for name in ("gain_db", "staging_db", "breath_db"):
            level = level + values[member].get(name, 0.0)
        amplitude = 10.0 ** (level / 20.0)
        amplitude = amplitude * np.sqrt(1.0 + np.square(values[member].get("reverb_send", 0.0)))
        index = found["end"] // frame - 1 - begin
        reached[index] += found["points"] * amplitude[index, np.newaxis]
        begun[index] += found["points"] * amplitude[np.maximum(index - 1, 0), np.newaxis]
    peak = max(float(np.abs(reached).max()), float(np.abs(begun).max()))
    over = 20.0 * math.log10(max(peak, 1e-9)) - _CEILING_DBFS + _MARGIN_DB
    low = parameters.load().named("trim_db").min
    return max(low, math.floor(-100.0 * over) / 100.0) if over > 0.0 else 0.0

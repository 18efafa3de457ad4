"""The reasons of a whole render: of each section, over the seconds in which it was at work on a track."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from hybridmix.batch.report import TrackReason, TrackReport
from hybridmix.engine.reasons import explain
from hybridmix.engine.trace import Second

__all__ = ["reasons"]


def reasons(track: TrackReport, trim_db: float | None, seconds: Iterable[Second]) -> list[TrackReason]:
    """Return why each section did what it did on ``track``, in the order in which they began.

    ``trim_db`` is the lowest of the group, ``seconds`` those of this track.
    """
    by_section: dict[str, list[Mapping[str, float]]] = {}
    for second in seconds:
        by_section.setdefault(second.section, []).append(second.values)
    found = []
    for section, values in by_section.items():
        mean = {name: sum(one[name] for one in values) / len(values) for name in values[0]}
        reported = {
            name: value
            for name, value in _reported(section, track, trim_db, mean).items()
            if value is not None
        }
        reason = explain(section, mean | reported)
        found.append(TrackReason(**msgspec.structs.asdict(reason), seconds=len(values)))
    return found


def _reported(
    section: str, track: TrackReport, trim_db: float | None, mean: Mapping[str, float]
) -> dict[str, float | None]:
    """Return the values of ``section`` that the report has elsewhere: what is read twice is the same number."""
    if section == "gain":
        return {"in_lufs": track.before.lufs, "low_db": track.gain_db.min, "high_db": track.gain_db.max}
    if section == "headroom" and trim_db is not None:
        return {"trim_db": trim_db, "peak_dbfs": mean["aim_dbfs"] - trim_db}
    if section == "dip":
        return {"dip_db": track.dip_db.min}
    if section == "staging":
        return {"level_db": track.level_dbfs, "trim_db": track.staging_db.end}
    if section == "density" and track.density_mix.max is not None:
        return {"mix_percent": 100.0 * track.density_mix.max}
    if section == "breath" and track.breath_db.min is not None and track.breath_db.max is not None:
        return {"ride_db": max(-track.breath_db.min, track.breath_db.max)}
    return {}

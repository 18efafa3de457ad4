"""What a report says of a track in words: an AI stem's delivery level, and what kept staging from the session's."""

from __future__ import annotations

from collections.abc import Sequence

from hybridmix.presets import Role
from hybridmix.processors.staging import CEILING_DBTP

__all__ = ["delivery", "held_back"]

#: What generators are expected to deliver, and how far off the loudness may be.
_LUFS, _PEAK_DBFS, _WITHIN_LU = -14.0, -1.0, 0.5
#: A trim this much lower than asked for was held back; true peaks may be so much above sample peaks.
_LEAST_DB, _BETWEEN_SAMPLES_DB = 0.3, 1.0


def delivery(role: Role | None, lufs: float | None, peak_dbfs: float | None) -> Sequence[str]:
    """Return what is off about an AI stem as recorded: integrated loudness in LUFS, sample peak in dBFS, None if silent."""
    found = []
    if role == "ai_stem" and lufs is not None and abs(lufs - _LUFS) > _WITHIN_LU:
        side = "above" if lufs > _LUFS else "below"
        found.append(f"AI stem at {lufs:.1f} LUFS: {abs(lufs - _LUFS):.1f} LU {side} {_LUFS:g} LUFS")
    if role == "ai_stem" and peak_dbfs is not None and peak_dbfs > _PEAK_DBFS:
        found.append(f"AI stem peaks at {peak_dbfs:.1f} dBFS: above {_PEAK_DBFS:g} dBFS")
    return found


def held_back(
    level_dbfs: float | None, peak_dbfs: float | None, target_db: float, trim_db: float | None
) -> Sequence[str]:
    """Return why a track is not at the session's level, from its own level and peak as recorded and its trim at the end."""
    if level_dbfs is None or peak_dbfs is None or trim_db is None:
        return []
    missing = target_db - level_dbfs - trim_db
    if missing < _LEAST_DB or peak_dbfs + trim_db < CEILING_DBTP - _BETWEEN_SAMPLES_DB:
        return []
    return [
        f"staging held back by {missing:.1f} dB, to {level_dbfs + trim_db:.1f} dBFS RMS: "
        f"true peaks would pass {CEILING_DBTP:g} dBTP"
    ]

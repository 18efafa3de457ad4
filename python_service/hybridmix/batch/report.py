"""What a render says about itself: ``report.json``."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec

from hybridmix.engine.reasons import Reason

__all__ = [
    "Counters",
    "GainRange",
    "GrooveReport",
    "Level",
    "MixLevel",
    "Report",
    "TrackReason",
    "TrackReport",
    "write",
]


class Level(msgspec.Struct, frozen=True):
    """Integrated loudness in LUFS and sample peak in dBFS; ``None`` for silence.

    Before the plugin the service measures the loudness: in an incomplete render it is ``None`` too.
    """

    lufs: float | None
    peak_dbfs: float | None


class MixLevel(msgspec.Struct, frozen=True):
    """Level of the mix, with its true peak in dBTP and how many samples a 24-bit file clipped."""

    lufs: float | None
    peak_dbfs: float | None
    true_peak_dbtp: float | None
    clipped_samples: int


class GainRange(msgspec.Struct, frozen=True):
    """Gains of a track in dB, the group trim excluded: what it starts with and what the service sent.

    ``None`` where there are none. ``start`` is the first: the learned one, else what was sent about half a second in.
    """

    start: float | None
    min: float | None
    max: float | None
    end: float | None


class TrackReason(Reason, frozen=True):
    """Why a section did what it did, over the ``seconds`` in which it was at work.

    Values that the report has elsewhere are those; of what else a section knows, the mean over these seconds.
    """

    seconds: int


class TrackReport(msgspec.Struct, frozen=True):
    """One track before and after."""

    label: str
    role: str | None
    path: str | None
    before: Level
    after: Level
    gain_db: GainRange
    #: Depth of its dip, as ``gain_db``; ``None`` where it had none.
    dip_db: GainRange
    #: Gain of its breath, as ``gain_db``; ``None`` where it had none.
    breath_db: GainRange
    #: Trim of staging, as ``gain_db``; ``None`` where it had none. ``gain_db`` is what was given without it.
    staging_db: GainRange
    #: Share of the compressed copy, as ``gain_db``; ``None`` where it had no density.
    density_mix: GainRange
    #: How late groove had it play, ms, as ``gain_db``; ``None`` where it did not.
    groove_ms: GainRange
    #: Level as recorded in dBFS RMS, where it was staged.
    level_dbfs: float | None
    #: What is worth knowing about it, in words.
    findings: list[str]
    #: Why the sections that were at work did what they did.
    reasons: list[TrackReason]
    #: Its send to the room, 1 for as much energy as its own; ``None`` where it had none.
    reverb_send: GainRange


class GrooveReport(msgspec.Struct, frozen=True):
    """What groove heard, at the end: ``None`` where it was not there."""

    #: How late the drummer plays on the whole, within plus and minus 20 ms; part of every shift.
    constant_ms: float | None
    #: Slots of a sixteenth in which somebody played, of the last 256.
    slots: int | None
    tempo_bpm: float | None
    #: Why nothing moves; empty where it does.
    idle: str | None


class Counters(msgspec.Struct, frozen=True):
    """What was not as it should be; all 0 in a complete render (see docs/service-behaviour.md)."""

    late: int
    dropped: int
    stale: int
    masked: int
    skipped: int
    gap: int
    absent: int
    incomplete: int


class Report(msgspec.Struct, frozen=True):
    """The whole report; levels in LUFS, dBFS, dBTP; times in s."""

    hybridmix: str
    session: str
    model: str
    model_sha256: dict[str, str]
    sample_rate: int
    control_delay_ms: int
    block: int
    duration_s: float
    tracks: list[TrackReport]
    mix: MixLevel
    trim_db_min: float | None
    groove: GrooveReport
    counters: Counters
    complete: bool
    #: What to change so that the render becomes complete; empty when it is.
    advice: str
    render_s: float
    x_realtime: float
    files: list[str]
    #: Values came from a plan.
    frozen: bool = False


def finite(value: float, digits: int = 2) -> float | None:
    """Return ``value`` rounded, or ``None`` where it is not finite (silence)."""
    return round(value, digits) if math.isfinite(value) else None


def write(report: Report, path: Path) -> None:
    """Write ``report`` as JSON at ``path``, in one step."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    partial.replace(path)

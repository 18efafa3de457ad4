"""What a render measures while it runs, and the report made of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from hybridmix import __version__
from hybridmix.batch import findings, why
from hybridmix.batch.audio import Audio
from hybridmix.batch.meter import Levels, Meter, Peaks, TruePeak
from hybridmix.batch.picture import Curve
from hybridmix.batch.report import (
    Counters,
    GainRange,
    GrooveReport,
    Level,
    MixLevel,
    Report,
    TrackReport,
    finite,
)
from hybridmix.batch.session_file import Session
from hybridmix.batch.strip import Strip
from hybridmix.batch.track import MixTrack
from hybridmix.engine import trace
from hybridmix.engine.trace import Second
from hybridmix.measures.loudness import Energies, integrated, short_term
from hybridmix.presets import Preset

__all__ = ["Measurement", "Observer", "Sinks", "Source"]


@dataclass(frozen=True)
class Sinks:
    """Where finished blocks go: by label, and the mix. Blocks have shape ``(channels, frames)``."""

    stems: dict[str, Callable[[Audio], None]]
    mix: Callable[[Audio], None]


@dataclass(frozen=True)
class Measurement:
    """The report of a render and the curves of its picture."""

    report: Report
    gains: dict[str, Curve]
    trim: Curve
    loudness: Curve
    #: What was recorded of each track, by label (`hybridmix.engine.trace`).
    records: dict[str, npt.NDArray[Any]]


class Source(Protocol):
    """Where the values of a render come from: its private service, or the record of a plan."""

    trace: Path

    def status(self) -> dict[str, Any]:
        """Return counters and members, as ``hybridmix status --json`` has them."""

    def wait_for(self, done: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """Return the status once it is ``done``."""

    def traced(self, skip: int) -> npt.NDArray[Any]:
        """Return what was recorded after the first ``skip`` records."""

    def seconds(self, epoch: int | None) -> list[Second]:
        """Return what the sections did in ``epoch``, second by second."""


class Played(Protocol):
    """The session that was rendered, as its report needs to know it."""

    settings: Session
    #: Samples per block.
    block: int

    @property
    def tracks(self) -> Sequence[MixTrack]:
        """Return the tracks that were played."""

    @property
    def frozen(self) -> bool:
        """Return whether values came from a plan."""

    def settings_of(self, track: MixTrack) -> Preset:
        """Return what ``track`` was set to."""

    def unfit(self) -> list[str]:
        """Return the labels of tracks that were not what their plan was made from."""


class Observer:
    """Levels of every track before and after, of the mix, and what the service did meanwhile."""

    def __init__(self, service: Source, rate: int, strips: Sequence[Strip]) -> None:
        self._service = service
        self._rate = rate
        self._counters_before = _counters(service.status())
        self._trace_skip = trace.count(service.trace)
        self._heard = Peaks([strip.channels for strip in strips])
        #: Of every strip that is staged.
        self._levels = [Levels(rate, strip.channels) if strip.shim.is_staged else None for strip in strips]
        #: One stream per track, and the mix as the last.
        self._after = Meter(rate, [*(strip.channels for strip in strips), 2])
        self._true_peak = TruePeak(rate)
        self._instances = {strip.shim.label: strip.shim.instance for strip in strips}
        self._starts = {strip.shim.label: strip.shim.start_values for strip in strips}

    def heard(self, inputs: Sequence[Audio]) -> None:
        """Note peaks and levels of what the plugins heard, in their order; loudness is the service's to measure."""
        self._heard.add(np.concatenate(inputs))
        for levels, block in zip(self._levels, inputs, strict=True):
            if levels is not None:
                levels.add(block)

    def left(self, stems: Sequence[Audio], mix: Audio) -> None:
        """Note what left the strips, in their order, and its sum."""
        self._after.add([*stems, mix])
        self._true_peak.add(mix)

    def finish(self, session: Played, frames: int, seconds: float) -> Measurement:
        """Ask the service for its counters and values and write the report."""
        status = self._service.wait_for(
            lambda status: self._reported(status, frames), "the plugins' final report"
        )
        counters = {name: value - self._counters_before[name] for name, value in _counters(status).items()}
        rows = self._service.traced(self._trace_skip)
        if rows.size:
            # Not what was rehearsed before, of which the last may be computed late.
            rows = rows[rows["epoch"] == rows["epoch"].max()]
        mine = {label: rows[rows["member"] == instance.bytes] for label, instance in self._instances.items()}
        gains = {label: self._curve(label, _known(one), "gain_db") for label, one in mine.items()}
        trim = self._curve(session.tracks[0].label, mine[session.tracks[0].label], "trim_db")
        complete = not any(counters[name] for name in counters if name != "absent")
        needed = max((member["needed_delay_ms"] for member in _members(status)), default=0.0)
        lowest = _range(trim).min
        tracks = [
            self._track(session, index, mine[track.label], frames, complete=complete)
            for index, track in enumerate(session.tracks)
        ]
        done = self._service.seconds(int(rows["epoch"].max()) if rows.size else None)
        report = Report(
            hybridmix=__version__,
            session=session.settings.name,
            model=session.settings.model,
            model_sha256=status["models"],
            sample_rate=self._rate,
            control_delay_ms=session.settings.control_delay_ms,
            block=session.block,
            duration_s=round(frames / self._rate, 3),
            tracks=[self._explained(track, lowest, done) for track in tracks],
            mix=MixLevel(
                *self._level(-1),
                true_peak_dbtp=finite(self._true_peak.finish()),
                clipped_samples=0,
            ),
            trim_db_min=lowest,
            groove=_groove(status),
            counters=Counters(**counters),
            complete=complete,
            advice="" if complete else _advice(session, needed),
            render_s=round(seconds, 3),
            x_realtime=round(frames / self._rate / seconds, 2),
            files=[],
            frozen=session.frozen,
        )
        return Measurement(
            report=report,
            gains=gains,
            trim=trim,
            loudness=_loudness(self._after.energies(-1)),
            records=mine,
        )

    def _explained(self, track: TrackReport, trim_db: float | None, done: Sequence[Second]) -> TrackReport:
        """Return ``track`` with the reasons of its sections."""
        own = [second for second in done if second.member == self._instances[track.label]]
        return msgspec.structs.replace(track, reasons=why.reasons(track, trim_db, own))

    def _track(
        self, session: Played, index: int, rows: npt.NDArray[Any], frames: int, *, complete: bool
    ) -> TrackReport:
        """Report on the track ``index`` of ``session``, of which the service has the records ``rows``."""
        track = session.tracks[index]
        settings = session.settings_of(track)
        dip, ride, staged, mix, send, shift = (
            _range(self._curve(track.label, _sent(rows, name), name))
            for name in ("dip_db", "breath_db", "staging_db", "density_mix", "reverb_send", "groove_ms")
        )
        # Frames that nobody waited for were not measured: half a figure would be a wrong one.
        lufs = finite(integrated(self._energies(rows, frames))) if complete else None
        peak = finite(self._heard.dbfs(index))
        levels = self._levels[index]
        level = finite(levels.dbfs()) if levels is not None else None
        found = [*findings.delivery(settings.role, lufs, peak)]
        if (
            settings.staging_amount == settings.overall_amount == 1.0
            and settings.staging_level_db is not None
        ):
            found += findings.held_back(level, peak, settings.staging_level_db, staged.end)
        return TrackReport(
            label=track.label,
            role=settings.role,
            path=str(track.audio) if isinstance(track.audio, Path) else None,
            before=Level(lufs, peak),
            after=Level(*self._level(index)),
            gain_db=_range(self._curve(track.label, _known(rows), "gain_db")),
            dip_db=dip,
            breath_db=ride,
            staging_db=staged,
            density_mix=mix,
            groove_ms=shift,
            reverb_send=send,
            level_dbfs=level,
            findings=found,
            reasons=[],
        )

    def _reported(self, status: dict[str, Any], frames: int) -> bool:
        """Whether every plugin has told the service about its last block."""
        members = {member["instance"]: member for member in _members(status)}
        return all(
            str(instance) in members and (members[str(instance)]["reported"] or 0) >= frames
            for instance in self._instances.values()
        )

    def _level(self, stream: int) -> tuple[float | None, float | None]:
        """Return loudness in LUFS and sample peak in dBFS of ``stream`` as it left."""
        return finite(integrated(self._after.energies(stream))), finite(self._after.peaks.dbfs(stream))

    def _energies(self, rows: npt.NDArray[Any], frames: int) -> Energies:
        """Return the energies of 100 ms that the service measured of one track over ``frames`` samples."""
        length = self._rate // 20
        energies = np.zeros(2 * (frames // (2 * length)) + 2)
        index = rows["end"] // length - 1
        inside = (index >= 0) & (index < energies.size)
        energies[index[inside]] = rows["energy"][inside]
        return np.asarray(energies.reshape(-1, 2).mean(axis=1))

    def _curve(self, label: str, rows: npt.NDArray[Any], name: str) -> Curve:
        """Return what the plugin of ``label`` started with, where that was learned, and what was sent."""
        learned = [self._starts[label][name]] if name in self._starts[label] else []
        return (
            np.concatenate([np.zeros(len(learned)), rows["apply_at"] / self._rate]),
            np.concatenate([learned, rows[name]]),
        )


def _groove(status: dict[str, Any]) -> GrooveReport:
    # A frozen render has no group, and no groove.
    said = status["groups"][0]["processors"].get("groove", {}) if status["groups"] else {}
    return GrooveReport(**{name: said.get(name) for name in GrooveReport.__struct_fields__})


def _members(status: dict[str, Any]) -> list[dict[str, Any]]:
    return [member for group in status["groups"] for member in group["members"]]


def _counters(status: dict[str, Any]) -> dict[str, int]:
    """Return what the service and the plugins have counted so far."""
    return {name: status["totals"][name] for name in Counters.__struct_fields__}


def _advice(session: Played, needed_ms: float) -> str:
    if unfit := session.unfit():
        return f"the plan no longer fits {', '.join(unfit)}, from there on mixed without it; learn again."
    if needed_ms > session.settings.control_delay_ms:
        return (
            f"blocks of {session.block} samples need a control delay of {needed_ms:.0f} ms and the session has "
            f"{session.settings.control_delay_ms}; raise control_delay_ms or leave out block."
        )
    return "the service could not answer every frame; render again on a less busy machine."


def _range(curve: Curve) -> GainRange:
    _, values = curve
    if not values.size:
        return GainRange(None, None, None, None)
    return GainRange(
        start=finite(float(values[0])),
        min=finite(float(values.min())),
        max=finite(float(values.max())),
        end=finite(float(values[-1])),
    )


def _known(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the records whose gain was sent."""
    return np.asarray(rows[rows["flags"] & trace.FLAG_KNOWN != 0])


def _sent(rows: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """Return the records whose value ``name`` was sent."""
    return np.asarray(rows[np.isfinite(rows[name])])


def _loudness(energies: Energies) -> Curve:
    values = short_term(energies)
    return np.asarray(3.0 + 0.1 * np.arange(values.size)), np.asarray(np.maximum(values, -70.0))

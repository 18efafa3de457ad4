"""What a render measures while it runs, and the report made of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hybridmix import __version__
from hybridmix.batch.audio import Audio
from hybridmix.batch.meter import Meter
from hybridmix.batch.picture import Curve
from hybridmix.batch.private_service import PrivateService
from hybridmix.batch.report import Counters, GainRange, Level, MixLevel, Report, TrackReport, finite
from hybridmix.batch.strip import Strip
from hybridmix.engine import trace

if TYPE_CHECKING:
    from hybridmix.batch.mix_session import MixSession

__all__ = ["Measurement", "Observer", "Sinks"]


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


class Observer:
    """Levels of every track before and after, of the mix, and what the service did meanwhile."""

    def __init__(self, service: PrivateService, rate: int, strips: Sequence[Strip]) -> None:
        self._service = service
        self._rate = rate
        self._counters_before = _counters(service.status())
        self._trace_skip = trace.count(service.trace)
        self._before = {strip.shim.label: _Batched(Meter(rate, strip.channels), rate) for strip in strips}
        self._after = {strip.shim.label: _Batched(Meter(rate, strip.channels), rate) for strip in strips}
        self._mix = _Batched(Meter(rate, 2, true_peak=True), rate)
        self._instances = {strip.shim.label: strip.shim.instance for strip in strips}

    def heard(self, label: str, block: Audio) -> None:
        """Note what the plugin of ``label`` heard."""
        self._before[label].add(block)

    def stem(self, label: str, block: Audio) -> None:
        """Note what left the strip of ``label``."""
        self._after[label].add(block)

    def mix(self, block: Audio) -> None:
        """Note the sum."""
        self._mix.add(block)

    def finish(self, session: MixSession, frames: int, seconds: float) -> Measurement:
        """Ask the service for its counters and values and write the report."""
        status = self._service.wait_for(
            lambda status: self._reported(status, frames), "the plugins' final report"
        )
        counters = {name: value - self._counters_before[name] for name, value in _counters(status).items()}
        rows = trace.read(self._service.trace)[self._trace_skip :]
        mine = {label: rows[rows["member"] == instance.bytes] for label, instance in self._instances.items()}
        complete = not any(counters[name] for name in counters if name != "absent")
        needed = max((member["needed_delay_ms"] for member in _members(status)), default=0.0)
        for meter in (*self._before.values(), *self._after.values(), self._mix):
            meter.flush()
        report = Report(
            hybridmix=__version__,
            session=session.settings.name,
            model=session.settings.model,
            model_sha256=status["models"],
            sample_rate=self._rate,
            control_delay_ms=session.settings.control_delay_ms,
            block=session.block,
            duration_s=round(frames / self._rate, 3),
            tracks=[
                TrackReport(
                    label=track.label,
                    role=track.role,
                    path=str(track.audio) if isinstance(track.audio, Path) else None,
                    before=_level(self._before[track.label].meter),
                    after=_level(self._after[track.label].meter),
                    gain_db=_range(mine[track.label]["gain_db"]),
                )
                for track in session.tracks
            ],
            mix=MixLevel(
                lufs=finite(self._mix.meter.integrated_lufs()),
                peak_dbfs=finite(self._mix.meter.peak_dbfs),
                true_peak_dbtp=finite(self._mix.meter.true_peak_dbtp()),
                clipped_samples=0,
            ),
            trim_db_min=_range(rows["trim_db"]).min,
            counters=Counters(**counters),
            complete=complete,
            advice="" if complete else _advice(session, needed),
            render_s=round(seconds, 3),
            x_realtime=round(frames / self._rate / seconds, 2),
            files=[],
        )
        return Measurement(
            report=report,
            gains={label: self._curve(rows, "gain_db") for label, rows in mine.items()},
            trim=self._curve(next(iter(mine.values())), "trim_db"),
            loudness=_loudness(self._mix.meter),
        )

    def _reported(self, status: dict[str, Any], frames: int) -> bool:
        """Whether every plugin has told the service about its last block."""
        members = {member["instance"]: member for member in _members(status)}
        return all(
            str(instance) in members and members[str(instance)]["position"] >= frames
            for instance in self._instances.values()
        )

    def _curve(self, rows: npt.NDArray[Any], name: str) -> Curve:
        known = rows[np.isfinite(rows[name])]
        return known["apply_at"] / self._rate, known[name].astype(np.float64)


class _Batched:
    """Feeds a meter seconds instead of blocks: the same figures for a fraction of the calls."""

    def __init__(self, meter: Meter, frames: int) -> None:
        self.meter = meter
        self._frames = frames
        self._blocks: list[Audio] = []
        self._count = 0

    def add(self, block: Audio) -> None:
        self._blocks.append(block)
        self._count += block.shape[1]
        if self._count >= self._frames:
            self.flush()

    def flush(self) -> None:
        if self._blocks:
            self.meter.add(np.concatenate(self._blocks, axis=1))
        self._blocks = []
        self._count = 0


def _members(status: dict[str, Any]) -> list[dict[str, Any]]:
    return [member for group in status["groups"] for member in group["members"]]


def _counters(status: dict[str, Any]) -> dict[str, int]:
    """Sum the counters of the service's groups and of the plugins."""
    names = ("stale", "masked", "skipped", "gap", "absent", "incomplete")
    sums = {name: sum(group["counters"][name] for group in status["groups"]) for name in names}
    members = _members(status)
    return sums | {name: sum(member[name] for member in members) for name in ("late", "dropped")}


def _advice(session: MixSession, needed_ms: float) -> str:
    if needed_ms > session.settings.control_delay_ms:
        return (
            f"blocks of {session.block} samples need a control delay of {needed_ms:.0f} ms and the session has "
            f"{session.settings.control_delay_ms}; raise control_delay_ms or leave out block."
        )
    return "the service could not answer every frame; render again on a less busy machine."


def _level(meter: Meter) -> Level:
    return Level(lufs=finite(meter.integrated_lufs()), peak_dbfs=finite(meter.peak_dbfs))


def _range(values: npt.NDArray[np.float32]) -> GainRange:
    known = values[np.isfinite(values)]
    if not known.size:
        return GainRange(None, None, None, None)
    return GainRange(
        start=finite(float(known[0])),
        min=finite(float(known.min())),
        max=finite(float(known.max())),
        end=finite(float(known[-1])),
    )


def _loudness(meter: Meter) -> Curve:
    values = meter.short_term_lufs()
    return 3.0 + 0.1 * np.arange(values.size), np.maximum(values, -70.0)

"""``learn``: the plan of a session, made with the song known (docs/plan.md).

A pass in lockstep collects what the service decides. The second pass plays the plan without a trim: what the sum then
is, is known, and one trim for the whole song keeps it below -1 dBFS.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from hybridmix import __version__
from hybridmix.batch.audio import Audio
from hybridmix.batch.mix_session import MixSession
from hybridmix.batch.report import Report
from hybridmix.errors import DegradedError, InputError
from hybridmix.plan import breath, curves
from hybridmix.plan.coding import MAX_FRAMES
from hybridmix.plan.document import LEVEL, Learned, PlanFile, TrackPlan, series, steps
from hybridmix.plan.levels import Levels
from hybridmix.presets import ROLES
from hybridmix.wire import parameters
from hybridmix.wire.limits import FRAMES_PER_SECOND

__all__ = ["learn"]

Doubles = npt.NDArray[np.float64]
Progress = Callable[[float], None]

_MINUTE = 60 * FRAMES_PER_SECOND
#: What the sum of the tracks stays below.
_CEILING_DBFS = -1.0


def learn(session: MixSession, progress: Progress | None = None) -> PlanFile:
    """Return the plan of ``session``, which is not entered for it.

    Args:
        session: what to learn; a plan that it names is not used.
        progress: called with the fraction done, 0 to 1.

    Raises:
        InputError: a track cannot be used, or the session is too long for a plan.
        DegradedError: the pass was incomplete, so that a plan of it would be a wrong one.
    """
    with session.planned_by(None) as listening:
        frames = -(-FRAMES_PER_SECOND * listening.frames // listening.rate)
        if frames > MAX_FRAMES:
            raise InputError(
                f"the session lasts {frames // _MINUTE} minutes; a plan holds {MAX_FRAMES // _MINUTE}: learn it in parts."
            )
        heard = _Heard(listening, frames)
        report = listening.listen(heard.add, _part(progress, 0.0, 0.7))
        if not report.complete:
            raise DegradedError(f"the pass was incomplete, so nothing was learned: {report.advice}")
        tables = heard.tables(listening)
        settings = listening.planned_settings()
    plan = PlanFile(
        hybridmix=__version__,
        session=session.settings.name,
        model=session.settings.model,
        sample_rate=listening.rate,
        tracks={
            label: Learned(
                TrackPlan(
                    frames=frames,
                    level=series(heard.levels[label].dbfs(frames), LEVEL),
                    values={
                        name: series(table, steps(name)) for name, table in sorted(tables[label].items())
                    },
                ),
                settings[label],
            )
            for label in tables
        },
    )
    if not any("trim_db" in learned.plan.values for learned in plan.tracks.values()):
        return plan
    untrimmed = _trimmed(plan, 0.0)
    with session.planned_by(untrimmed) as playing:
        report = playing.listen(lambda _: None, _part(progress, 0.7, 1.0))
    return _trimmed(plan, _trim_db(report))


def _part(progress: Progress | None, begin: float, end: float) -> Progress | None:
    """Return a progress of its own for a part of the work."""
    if progress is None:
        return None
    return lambda done: progress(begin + (end - begin) * done)


def _trim_db(report: Report) -> float:
    """Return the trim that brings the sum of ``report`` below the ceiling, with what rounding may add."""
    peak = report.mix.peak_dbfs
    if peak is None or peak <= _CEILING_DBFS - 0.01:
        return 0.0
    low = parameters.load().named("trim_db").min
    return max(low, math.floor(100.0 * (_CEILING_DBFS - peak) - 1.0) / 100.0)


def _trimmed(plan: PlanFile, trim_db: float) -> PlanFile:
    """Return ``plan`` with one trim for the whole song."""

    def one(learned: Learned) -> Learned:
        trim = series(np.full(learned.plan.frames, trim_db), steps("trim_db"))
        values = {**learned.plan.values, "trim_db": trim}
        return msgspec.structs.replace(learned, plan=msgspec.structs.replace(learned.plan, values=values))

    return msgspec.structs.replace(plan, tracks={label: one(track) for label, track in plan.tracks.items()})


class _Heard:
    """What a pass collects of every track: its level, and what the service measured and decided."""

    def __init__(self, session: MixSession, frames: int) -> None:
        self._frames = frames
        self._frame = session.rate // FRAMES_PER_SECOND
        self.levels: dict[str, Levels] = {}

    def add(self, inputs: Mapping[str, Audio]) -> None:
        """Note what the plugins heard, by label."""
        for label, block in inputs.items():
            if label not in self.levels:
                self.levels[label] = Levels(self._frame, len(block))
            self.levels[label].add(block)

    def tables(self, session: MixSession) -> dict[str, dict[str, Doubles]]:
        """Return, by label and parameter, what each track is to move to, (frames,), after the pass."""
        rows = {label: self._rows(found) for label, found in session.records().items()}
        sent = {label: self._sent(found) for label, found in rows.items()}
        if session.settings.start == "learned":
            listened = round(session.settings.learn_s * FRAMES_PER_SECOND)
            for label, found in sent.items():
                sounds = curves.sounding(self.levels[label].dbfs(self._frames))
                found["gain_db"] = curves.converged(found["gain_db"], sounds, listened)
        tables = {
            label: {
                name: table for name, one in found.items() if (table := curves.placed(name, one)) is not None
            }
            for label, found in sent.items()
        }
        self._breathe(session, rows, tables)
        return tables

    def _rows(self, found: npt.NDArray[Any]) -> npt.NDArray[Any]:
        index = found["end"] // self._frame - 1
        return np.asarray(found[(index >= 0) & (index < self._frames)])

    def _sent(self, rows: npt.NDArray[Any]) -> dict[str, Doubles]:
        """Return what was sent in each frame by parameter, NaN where nothing was."""
        index = rows["end"] // self._frame - 1
        sent = {}
        for name in (parameter.name for parameter in parameters.load().parameters):
            sent[name] = np.full(self._frames, np.nan)
            sent[name][index] = rows[name]
        return sent

    def _breathe(
        self, session: MixSession, rows: Mapping[str, npt.NDArray[Any]], tables: dict[str, dict[str, Doubles]]
    ) -> None:
        """Put breath with the song known in the place of what was foreseen."""
        settings = session.planned_settings()
        energies = {label: np.zeros(self._frames) for label in rows}
        for label, found in rows.items():
            energies[label][found["end"] // self._frame - 1] = found["energy"]
        live = self._movement([energies[label] for label in rows if _is(settings[label], "live_source")])
        for label, values in tables.items():
            own = settings[label]
            asked = own["breath_amount"] if _is(own, "ai_stem") else 0.0
            curve = None
            if live is not None and asked > 0.0:
                curve = breath.ridden(energies[label], live, asked / 100.0, own["breath_depth"])
            if curve is None:
                values.pop("breath_db", None)
            else:
                values["breath_db"] = curve

    def _movement(self, energies: Sequence[Doubles]) -> Doubles | None:
        """Return the mean movement of live sources, in dB of each band; None where none can be told."""
        found = [movement for one in energies if (movement := breath.movement_db(one)) is not None]
        return np.exp(np.log(np.maximum(found, 1e-3)).mean(axis=0)) if found else None


def _is(settings: Mapping[str, float], role: Any) -> bool:
    return settings["role"] == ROLES[role]

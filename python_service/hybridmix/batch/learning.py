"""``learn``: the plan of a session, made with the song known (docs/plan.md).

A pass in lockstep collects what the service decides, and `hybridmix.plan.making` makes the plan of it. A second pass plays the plan without a trim: what the sum then
is, is known, and one trim for the whole song keeps it below -1 dBFS.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, get_args

import msgspec
import numpy as np
import numpy.typing as npt

from hybridmix import __version__
from hybridmix.batch.audio import Audio
from hybridmix.batch.mix_session import MixSession
from hybridmix.batch.report import Report
from hybridmix.errors import DegradedError, InputError
from hybridmix.plan.chords import Chords
from hybridmix.plan.coding import MAX_FRAMES
from hybridmix.plan.document import Learned, PlanFile, series, steps
from hybridmix.plan.levels import Levels
from hybridmix.plan.making import Asked, Heard, plans
from hybridmix.plan.passing import SENT
from hybridmix.presets import GrooveLimit
from hybridmix.wire import parameters
from hybridmix.wire.limits import FRAMES_PER_SECOND, MAX_GROOVE_CONSTANT_MS

__all__ = ["learn"]

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
        heard = _Pass(listening, frames)
        report = listening.listen(heard.add, _part(progress, 0.0, 0.7))
        if not report.complete:
            raise DegradedError(f"the pass was incomplete, so nothing was learned: {report.advice}")
        learned = session.settings.start == "learned"
        settled = round(session.settings.learn_s * FRAMES_PER_SECOND) if learned else 0
        made = plans(heard.tracks(listening), settled)
        settings = listening.planned_settings()
    plan = PlanFile(
        hybridmix=__version__,
        session=session.settings.name,
        model=session.settings.model,
        sample_rate=listening.rate,
        tracks={label: Learned(one, settings[label]) for label, one in made.items()},
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


class _Pass:
    """What a pass tells of every track: what came in, and what the service measured and decided."""

    def __init__(self, session: MixSession, frames: int) -> None:
        self._frames = frames
        self._frame = session.rate // FRAMES_PER_SECOND
        self._levels: dict[str, Levels] = {}
        settings = session.planned_settings()
        self._chords = {label: Chords(self._frame) for label, one in settings.items() if one["breath_fades"]}

    def add(self, inputs: Mapping[str, Audio]) -> None:
        """Note what the plugins heard, by label."""
        for label, block in inputs.items():
            if label not in self._levels:
                self._levels[label] = Levels(self._frame, len(block))
            self._levels[label].add(block)
            if label in self._chords:
                self._chords[label].add(block)

    def tracks(self, session: MixSession) -> dict[str, Heard]:
        """Return everything, by label, after the pass."""
        settings = session.planned_settings()
        return {label: self._track(label, rows, settings[label]) for label, rows in session.records().items()}

    def _track(self, label: str, rows: npt.NDArray[Any], settings: Mapping[str, float]) -> Heard:
        index = rows["end"] // self._frame - 1
        inside = (index >= 0) & (index < self._frames)
        rows, index = rows[inside], index[inside]

        def frames(name: str, otherwise: float) -> npt.NDArray[np.float64]:
            table = np.full(self._frames, otherwise)
            table[index] = rows[name]
            return table

        levels = self._levels[label]
        return Heard(
            asked=_asked(settings),
            power=levels.powers(self._frames),
            true_peak=levels.true_peak,
            energy=frames("energy", 0.0),
            sent={name: frames(name, np.nan) for name in SENT},
            chords=self._chords[label].heard(self._frames) if label in self._chords else None,
        )


def _asked(settings: Mapping[str, float]) -> Asked:
    """Return what the plugin tells the service of ``settings``, to the same bit."""
    overall = np.float32(settings["overall_amount"] / 100.0)

    def share(name: str) -> float:
        return float(overall * np.float32(settings[name] / 100.0))

    return Asked(
        role=round(settings["role"]),
        amount=share("amount"),
        breath_amount=share("breath_amount"),
        breath_depth_db=float(np.float32(settings["breath_depth"])),
        staging_amount=share("staging_amount"),
        staging_level_db=float(np.float32(settings["staging_level"])),
        groove_amount=share("groove_amount"),
        groove_limit_ms=get_args(GrooveLimit)[round(settings["groove_limit"])],
        groove_constant_ms=0.0 if settings["groove_constant"] else MAX_GROOVE_CONSTANT_MS,
        breath_sustained=round(settings["breath_sustained"]),
        breath_fades=settings["breath_fades"],
    )

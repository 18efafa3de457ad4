"""The seam of a session: what ``hybridmix seam --json`` prints."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import msgspec

from hybridmix.batch import MixSession
from hybridmix.seam import buses
from hybridmix.seam.buses import Buses, Said
from hybridmix.seam.causes import Distance, measure

__all__ = ["Before", "Seam", "of"]


class Seam(msgspec.Struct, frozen=True):
    """Distances between AI stems and live sources, and of whom."""

    session: str
    ai_stems: list[str]
    live_sources: list[str]
    #: Audible tracks without a role.
    without_role: list[str]
    causes: list[Distance]
    #: Whether the mix had every frame of every track, else what to change.
    complete: bool
    advice: str


class Before(StrEnum):
    """What a mix is compared with."""

    #: The files as they are.
    recorded = "recorded"
    #: The same mix with every section off: gain and trim alone.
    levels = "levels"


def of(
    session: MixSession,
    folder: Path | None = None,
    before: Before = Before.recorded,
    progress: Callable[[float], None] | None = None,
) -> Seam:
    """Return the seam of ``session``, which was not entered, as it was rendered into ``folder``; None mixes it now.

    ``progress`` is called with the fraction mixed, 0 to 1, in each pass.

    Raises:
        InputError: the session has not both sides, or the folder is no render of it.
    """
    buses.sides(session)
    said = buses.said_of(folder) if folder is not None else None
    was = (
        _mixed(session.levels_alone(), progress)[0] if before is Before.levels else buses.as_recorded(session)
    )
    if said is None or folder is None:
        now, said = _mixed(session, progress)
    else:
        now = buses.rendered(session, folder)
    return _seam(session, was, now, said)


def _mixed(session: MixSession, progress: Callable[[float], None] | None) -> tuple[Buses, Said]:
    with session:
        now, report = buses.mixed(session, progress)
    return now, Said(report.complete, report.advice)


def _seam(session: MixSession, before: Buses, after: Buses, said: Said) -> Seam:
    sides = buses.sides(session)
    known = {label for labels in sides.values() for label in labels}
    return Seam(
        session=session.settings.name,
        ai_stems=sides["ai_stem"],
        live_sources=sides["live_source"],
        without_role=[track.label for track in session.tracks if track.label not in known],
        causes=measure(before, after),
        complete=said.complete,
        advice=said.advice,
    )

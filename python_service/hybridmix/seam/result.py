"""The seam of a session: what ``hybridmix seam --json`` prints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from hybridmix.batch import MixSession
from hybridmix.seam import buses
from hybridmix.seam.buses import Buses
from hybridmix.seam.causes import Distance, measure

__all__ = ["Seam", "of_folder", "of_session"]


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


def of_session(session: MixSession, progress: Callable[[float], None] | None = None) -> Seam:
    """Mix ``session``, not entered yet, and return its seam.

    ``progress`` is called with the fraction mixed, 0 to 1. Raises InputError for a session without both sides.
    """
    buses.sides(session)
    before = buses.as_recorded(session)
    with session:
        after, report = buses.mixed(session, progress)
    return _seam(session, before, after, complete=report.complete, advice=report.advice)


def of_folder(session: MixSession, folder: Path) -> Seam:
    """Return the seam of ``session`` as it was rendered into ``folder``.

    Raises:
        InputError: the session has not both sides, or the folder is no render of it.
    """
    buses.sides(session)
    rendered = buses.said_of(folder)
    after = buses.rendered(session, folder)
    return _seam(
        session, buses.as_recorded(session), after, complete=rendered.complete, advice=rendered.advice
    )


def _seam(session: MixSession, before: Buses, after: Buses, *, complete: bool, advice: str) -> Seam:
    sides = buses.sides(session)
    known = {label for labels in sides.values() for label in labels}
    return Seam(
        session=session.settings.name,
        ai_stems=sides["ai_stem"],
        live_sources=sides["live_source"],
        without_role=[track.label for track in session.tracks if track.label not in known],
        causes=measure(before, after),
        complete=complete,
        advice=advice,
    )

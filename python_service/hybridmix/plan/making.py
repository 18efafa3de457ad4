"""The plan of a group, from what one causal pass told of every track: the same whoever played the pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from hybridmix.plan import breath, chords, curves, groove
from hybridmix.plan.document import LEVEL, Series, TrackPlan, series, steps
from hybridmix.plan.levels import dbfs
from hybridmix.processors.staging import whole_song
from hybridmix.processors.swell import STILL, swell
from hybridmix.wire import parameters
from hybridmix.wire.header import Role

__all__ = ["SETTLED", "Asked", "Heard", "plans", "tables", "track_plan"]

Doubles = npt.NDArray[np.float64]
Track = TypeVar("Track")

#: What was reached after so many frames of sound (6 s) holds from the start.
SETTLED = 120
#: What a track settles to; everything else begins as it was, or where it was first known.
_SETTLING = ("gain_db", "density_threshold_db", "density_mix")


class Asked(NamedTuple):
    """The user's settings that a plan depends on beyond what was sent; shares are 0 to 1, of the overall amount too."""

    role: int
    amount: float
    breath_amount: float
    breath_depth_db: float
    staging_amount: float
    staging_level_db: float
    groove_amount: float
    groove_limit_ms: float
    groove_constant_ms: float
    #: What breath gives a sustained tone (`hybridmix.processors.swell`).
    breath_sustained: int = STILL
    #: Whether it fades where chords change.
    breath_fades: float = 0.0


@dataclass(frozen=True)
class Heard:
    """What a pass told of one track; all (T,), one per frame of 50 ms."""

    asked: Asked
    #: Mean square of the input over samples and channels, 0 where nothing came; and its true peak, full scale 1.
    power: Doubles
    true_peak: float
    #: K-weighted mean square, summed over the channels.
    energy: Doubles
    #: What was sent for each frame by parameter, and what groove heard of it (`hybridmix.processors.groove.HEARD`); NaN
    #: where nothing was.
    sent: Mapping[str, Doubles]
    #: Of a track that fades where chords change: what `hybridmix.plan.chords` heard, (T, 3).
    chords: Doubles | None = None


def plans(tracks: Mapping[Track, Heard], settled: int = SETTLED, begin: int = 0) -> dict[Track, TrackPlan]:
    """Return the plan of every one of ``tracks``, which begins with frame ``begin``; see `tables` for ``settled``."""
    made = tables(tracks, settled, begin)
    return {track: track_plan(heard, made[track], begin) for track, heard in tracks.items()}


def track_plan(heard: Heard, values: Mapping[str, Doubles], begin: int = 0) -> TrackPlan:
    """Return the plan that moves a track, ``heard`` as it was, to ``values`` by parameter, (T,) each."""
    return TrackPlan(
        frames=len(heard.power),
        level=series(dbfs(heard.power), LEVEL),
        values={name: series(table, steps(name)) for name, table in sorted(values.items())},
        begin=begin,
        fades=_fades(heard, values.get("breath_db")),
    )


def tables(
    tracks: Mapping[Track, Heard], settled: int = SETTLED, begin: int = 0
) -> dict[Track, dict[str, Doubles]]:
    """Return, by track and parameter, what each is to move to, (T,), from frame ``begin`` on.

    What moves slowly begins where it was after ``settled`` frames of sound; 0 leaves the start as it was. The trim of
    the group is that of the pass: what comes out of a plan is not known before it is played.
    """
    live = _movement([heard.energy for heard in tracks.values() if heard.asked.role == Role.LIVE_SOURCE])
    played = groove.played([heard.sent for heard in tracks.values() if heard.asked.role == Role.LIVE_SOURCE])
    made = {}
    for track, heard in tracks.items():
        sent = {name: heard.sent[name] for name in _NAMES if name in heard.sent}
        if (staged := _staged(heard)) is not None:
            sent |= staged
        if settled:
            sounds = curves.sounding(dbfs(heard.power))
            sent |= {
                name: curves.converged(sent[name], sounds, settled) for name in _SETTLING if name in sent
            }
        placed = {name: curves.placed(name, one) for name, one in sent.items()}
        placed["breath_db"] = _breath(heard, live, begin)
        made[track] = {name: table for name, table in placed.items() if table is not None}
        made[track] |= _groove(heard, played)
    return made


_NAMES = tuple(one.name for one in parameters.load().parameters if one.section != "groove")


def _staged(heard: Heard) -> dict[str, Doubles] | None:
    """Return staging as the whole track asks for it, with the gain that is told without it; None where it is off."""
    asked, trims = heard.asked, curves.held(heard.sent.get("staging_db", np.zeros(0)))
    if trims is None or asked.staging_amount <= 0.0:
        return None
    exact = asked.staging_amount * whole_song(heard.power, heard.true_peak, asked.staging_level_db).db
    gain = heard.sent["gain_db"] + asked.amount * (trims - exact)
    return {"staging_db": np.full(len(trims), exact), "gain_db": gain}


def _breath(heard: Heard, live: Doubles | None, begin: int) -> Doubles | None:
    """Return breath with the song known, beside ``live`` sources that move so much; None where there is none."""
    asked = heard.asked
    if live is None or asked.role != Role.AI_STEM or asked.breath_amount <= 0.0:
        return None
    movement = swell(asked.breath_sustained, begin + np.arange(len(heard.energy)))
    return breath.ridden(heard.energy, live, asked.breath_amount, asked.breath_depth_db, movement)


def _fades(heard: Heard, breath_db: Doubles | None) -> Series | msgspec.UnsetType:
    """Return what fades where the chords of an AI stem change, beside ``breath_db``; unset where nothing does."""
    asked = heard.asked
    if heard.chords is None or not asked.breath_fades or asked.role != Role.AI_STEM:
        return msgspec.UNSET
    limit = asked.breath_amount * asked.breath_depth_db
    fades = chords.fades_db(heard.chords, breath_db, limit)
    return series(fades, steps("breath_db")) if fades.any() else msgspec.UNSET


def _groove(heard: Heard, played: Mapping[int, float]) -> dict[str, Doubles]:
    """Return groove that follows what was ``played``, as far as the track asks for it."""
    asked = heard.asked
    if asked.role != Role.AI_STEM or asked.groove_amount <= 0.0:
        return {}
    shifts = groove.shifts(played, limit_ms=asked.groove_limit_ms, constant_limit_ms=asked.groove_constant_ms)
    return groove.tables(heard.sent, {slot: asked.groove_amount * shift for slot, shift in shifts.items()})


def _movement(energies: Sequence[Doubles]) -> Doubles | None:
    """Return the mean movement of live sources, in dB of each band; None where none can be told."""
    found = [movement for one in energies if (movement := breath.movement_db(one)) is not None]
    return np.exp(np.log(np.maximum(found, 1e-3)).mean(axis=0)) if found else None

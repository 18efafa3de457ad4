"""One room from what many tracks heard of it: weighed by how sure they are, or none at all.

Pure functions of estimates; where they come from and who is told is the business of `hybridmix.processors.room`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hybridmix.engine.gain import Floats

__all__ = [
    "BELIEVED",
    "JUDGED",
    "LONGEST_S",
    "OCTAVES",
    "Estimates",
    "Room",
    "combine",
    "describe",
    "fuse",
    "sends",
]

#: Octaves from 125 Hz to 8 kHz; those whose spread says whether a room is believed, 250 Hz to 4 kHz.
OCTAVES = 7
JUDGED = slice(1, 6)
#: A room is believed where the mean spread of ln T60 over these is at most so much: 60 % of what was validated.
BELIEVED = 0.38
#: Beyond this a reverberation time is only known to be at least as long, s.
LONGEST_S = 3.0
#: A track that is drier than this tells of no room, dB.
_DRIEST_DB = 22.0

Doubles = npt.NDArray[np.float64]


class Estimates(NamedTuple):
    """What the network says of n tracks."""

    #: (n, 7) s, and the spreads b of Laplace distributions of their natural logarithms.
    t60_s: Floats
    t60_spread: Floats
    #: (n,) dB.
    drr_db: Floats
    drr_spread_db: Floats
    #: (n,) ms, and the spread of its natural logarithm.
    predelay_ms: Floats
    predelay_spread: Floats

    def of(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Estimates:
        """Return those of ``rows``, flags (n,) or numbers."""
        return Estimates(*(field[rows] for field in self))


class Room(NamedTuple):
    """What a group takes its room to be."""

    #: (7,) s.
    t60_s: Doubles
    #: Mean spread of ln T60 over 250 Hz to 4 kHz.
    spread: float
    drr_db: float
    predelay_ms: float

    @property
    def middle_s(self) -> float:
        """Reverberation time of the middle, 500 Hz to 2 kHz, s."""
        return float(np.exp(np.log(self.t60_s[2:5]).mean()))

    def towards(self, newer: Room, share: float) -> Room:
        """Return a room ``share`` of the way to a ``newer`` one."""

        def between(one: Doubles | float, other: Doubles | float) -> Doubles:
            return np.asarray(np.exp((1.0 - share) * np.log(one) + share * np.log(other)))

        return Room(
            between(self.t60_s, newer.t60_s),
            newer.spread,
            (1.0 - share) * self.drr_db + share * newer.drr_db,
            float(between(self.predelay_ms, newer.predelay_ms)),
        )


def fuse(heard: Estimates) -> Room | None:
    """Return the room that ``heard`` tracks are in; None where they do not tell."""
    heard = heard.of(heard.drr_db < _DRIEST_DB)
    if not len(heard.drr_db):
        return None
    room = combine(heard)
    return room if room.spread <= BELIEVED else None


def combine(heard: Estimates) -> Room:
    """Return what ``heard`` tracks, one or more, say together, believed or not.

    Logarithms weighed by 1/b² per octave. Tracks share a room and a network, so their errors are not independent: the
    spread is that of the tracks on average, and grows where they disagree.
    """
    weight = 1.0 / np.square(heard.t60_spread.astype(np.float64))
    total = weight.sum(axis=0)
    each = np.log(heard.t60_s.astype(np.float64))
    middle = (weight * each).sum(axis=0) / total
    apart = (weight * np.square(each - middle)).sum(axis=0)
    spread = np.sqrt((len(each) + apart) / total)
    return Room(
        np.exp(middle),
        float(spread[JUDGED].mean()),
        _weighed(heard.drr_db, heard.drr_spread_db),
        float(np.exp(_weighed(np.log(np.maximum(heard.predelay_ms, 0.1)), heard.predelay_spread))),
    )


def sends(room: Room, own: Estimates) -> Doubles:
    """Return by how much each track has to sound in ``room``, (n,): 1 for as much energy as its own.

    What a track brings itself, where its estimate is believed, is not added again.
    """
    wanted = 10.0 ** (-room.drr_db / 10.0)
    sure = own.t60_spread[:, JUDGED].mean(axis=1) <= BELIEVED
    there = np.where(sure, 10.0 ** (-own.drr_db.astype(np.float64) / 10.0), 0.0)
    return np.asarray(np.sqrt(np.clip(wanted - there, 0.0, None)))


def describe(room: Room | None, *, heard: bool) -> str:
    """Say in a sentence what the room is, and whether it is ``heard`` now or held."""
    if room is None:
        return "no room yet: the live tracks do not tell"
    middle = room.middle_s
    length = (
        f"{LONGEST_S:g} s or more" if middle > LONGEST_S else f"{middle:.2f} s ± {middle * room.spread:.2f}"
    )
    held = "" if heard else "; held, the live tracks do not tell now"
    return f"live T60 {length}, direct to reverberant {room.drr_db:.1f} dB{held}"


def _weighed(values: Floats, spreads: Floats) -> float:
    weight = 1.0 / np.square(spreads.astype(np.float64))
    return float((weight * values).sum() / weight.sum())

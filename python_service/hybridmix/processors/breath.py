"""Breath: the gain that gives AI stems the movement of their group's live sources, by ``breath.onnx``.

It runs only while some AI stem of the group has an amount above 0, and tells nobody anything before one had.
"""

from __future__ import annotations

import numpy as np

from hybridmix.engine.gain import Flags, Floats, Slots, run
from hybridmix.engine.models import Session
from hybridmix.processors.said import Said
from hybridmix.processors.states import States
from hybridmix.processors.swell import FLICKER, LFO, STILL, swell
from hybridmix.processors.why import LEAST_DB, Sent, Why
from hybridmix.wire import parameters
from hybridmix.wire.limits import FRAMES_PER_SECOND

__all__ = ["Breath"]

_INPUTS = frozenset(
    {"energy", "is_ai", "is_live", "amount", "depth_db", "delay_s", "both_ways", "fills", "swell"}
)
_OUTPUT = "breath_db"
#: From here on the rule takes a live source for a model: frames that it was heard for, frames that it rests.
_HEARD, _RESTS = 10.0, 40.0
#: What movement is told from none, dB squared.
_LEAST = 1e-3


class Breath:
    """Gain of every AI stem; one slot per member."""

    def __init__(self, session: Session, rate: int) -> None:
        """Set up for control delays in samples at ``rate`` Hz. Raises InputError for a model that is not breath."""
        self._states = States(session)
        session.require(_INPUTS | self._states.names, self._states.outputs | {_OUTPUT})
        self._session = session
        self._rate = rate
        #: Members that were told a gain: they are told when it goes.
        self._told: Flags = np.zeros(0, np.bool_)
        #: What it may say, dB.
        self._range = parameters.load().named(_OUTPUT).range

    def reset(self) -> None:
        """Forget how everybody moved."""
        self._states.reset()

    def clear(self, slot: int) -> None:
        """Forget the member of ``slot``, growing to hold it where needed."""
        self._states.clear(slot)
        if slot >= len(self._told):
            self._told = np.concatenate([self._told, np.zeros(slot + 1 - len(self._told), np.bool_)])
        self._told[slot] = False

    def begin(self, slot: int) -> None:
        """The member of ``slot`` began with a gain of its own: it is told when that is not wanted."""
        self._told[slot] = True

    def step(
        self,
        slots: Slots,
        energy: Floats,
        present: Flags,
        *,
        is_ai: Flags,
        is_live: Flags,
        amount: Floats,
        depth_db: Floats,
        delay: Floats,
        both_ways: Flags,
        sustained: Slots,
        end: int,
    ) -> Said | None:
        """Return the gains of a frame; None where nobody is told anything.

        One row per member, sorted as everywhere, (n,) each: the K-weighted mean square of the frame, and whether it
        came; who is what; the users' amounts, 0 to 1, and depths, dB; control delays, samples; whether they compress too,
        and what a sustained tone takes on (`hybridmix.processors.swell`). The frame ends at sample ``end`` of the
        timeline. Raises ModelError.
        """
        on = is_ai & (amount > 0.0)
        told = self._told[slots] | on
        if not told.any():
            return None
        self._told[slots] = told
        db = np.zeros(len(slots), np.float32)
        rows = np.flatnonzero(present & (is_ai | is_live))
        if not on.any():
            # Nobody listens any more: whoever switches it on again begins anew.
            for slot in slots.tolist():
                self._states.clear(slot)
        elif rows.size:
            given = {
                "energy": energy[rows],
                "is_ai": is_ai[rows],
                "is_live": is_live[rows],
                "amount": amount[rows],
                "depth_db": depth_db[rows],
                "delay_s": (delay[rows] / self._rate).astype(np.float32),
                "both_ways": both_ways[rows],
                "fills": sustained[rows] != STILL,
                "swell": self._swells(sustained[rows], end),
            }
            out = run(self._session, given | self._states.of(slots[rows]))
            self._states.keep(slots[rows], out)
            db[rows] = np.clip(out[_OUTPUT], *self._range)
        return Said({_OUTPUT: db}, told & present)

    def _swells(self, sustained: Slots, end: int) -> Floats:
        """Return what rows that take on ``sustained`` (n,) swell by in the frame that ends at ``end``, (n, 6)."""
        frame = [end * FRAMES_PER_SECOND // self._rate]
        kinds = np.concatenate([swell(kind, frame) for kind in (STILL, FLICKER, LFO)])
        return kinds[sustained].astype(np.float32)

    def explain(self, slots: Slots, sent: Sent, is_live: Flags, depth_db: Floats, both_ways: Flags) -> Why:
        """Return why the members of ``slots`` are ridden: how much the live sources move where they move more, or other."""
        ridden = np.fmax.reduce(np.abs(sent[_OUTPUT]))
        states = self._states.of(slots)
        own = states["own"].astype(np.float64)
        models = is_live & (states["count"] >= _HEARD) & (states["quiet"] < _RESTS)
        live = np.exp(np.log(own[models] + _LEAST).mean(axis=0)) if models.any() else np.zeros(own.shape[1])
        lacking = (live > own + _LEAST) | (both_ways[:, np.newaxis] & models.any() & (own > live + _LEAST))
        values = {
            "live_db": np.sqrt((lacking * live).sum(axis=1)),
            "own_db": np.sqrt((lacking * own).sum(axis=1)),
            "ride_db": ridden,
            "depth_db": depth_db,
        }
        return Why("breath", (ridden >= LEAST_DB) & lacking.any(axis=1), values)

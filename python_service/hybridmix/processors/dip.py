"""The dip: where and by how much the AI stems of a group make room for its live sources, by ``dip.onnx``.

It runs only while some AI stem of the group has an amount above 0, and tells nobody anything before one had.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybridmix.engine.gain import Flags, Floats, Slots, run
from hybridmix.engine.hops import Frame
from hybridmix.engine.models import Arrays, Session
from hybridmix.features import To16k
from hybridmix.processors.said import Said
from hybridmix.processors.states import States
from hybridmix.processors.why import LEAST_DB, Sent, Why
from hybridmix.wire import parameters

__all__ = ["Dip"]

_INPUTS = frozenset({"audio", "gain_db", "is_ai", "is_live", "amount", "budget_lu"})
_OUTPUTS = ("dip_db", "dip_hz")


class Dip:
    """Depth and centre of every AI stem's bell; one slot per member."""

    def __init__(self, session: Session, rate: int) -> None:
        """Set up for audio at ``rate`` Hz. Raises InputError for a model that is not the dip."""
        self._states = States(session)
        session.require(_INPUTS | self._states.names, self._states.outputs | {*_OUTPUTS})
        self._session = session
        self._resampler = To16k(rate)
        self._frame = 5 * self._resampler.hop
        self._neutral_hz = parameters.load().named("dip_hz").neutral
        #: What the resampler keeps.
        self._past: Floats = np.zeros((0, self._resampler.past), np.float32)
        #: Members that were told a depth: they are told when it goes.
        self._told: Flags = np.zeros(0, np.bool_)

    def reset(self) -> None:
        """Forget what was heard of everybody."""
        self._states.reset()
        self._past[...] = 0.0

    def clear(self, slot: int) -> None:
        """Forget the member of ``slot``, growing to hold it where needed."""
        self._states.clear(slot)
        if slot >= len(self._told):
            more = slot + 1 - len(self._told)
            self._told = np.concatenate([self._told, np.zeros(more, np.bool_)])
            self._past = np.concatenate([self._past, np.zeros((more, self._resampler.past), np.float32)])
        self._told[slot] = False
        self._past[slot] = 0.0

    def begin(self, slot: int) -> None:
        """Begin a run of the member in ``slot``: the sound before it does not belong to it."""
        self._past[slot] = 0.0
        self._states.still("past", slot)

    def step(
        self,
        slots: Slots,
        frames: Sequence[Frame | None],
        gain_db: Floats,
        *,
        is_ai: Flags,
        is_live: Flags,
        amount: Floats,
        budget_lu: Floats,
    ) -> Said | None:
        """Return depths and centres of a frame; None where nobody is told anything.

        One row per member, sorted as everywhere: the ``frames``, None for those that did not come; the gains they
        get (n,), dB; who is what (n,); the users' amounts (n,), 0 to 1, and budgets (n,), LU. Raises ModelError.
        """
        on = is_ai & (amount > 0.0)
        told = self._told[slots] | on
        if not told.any():
            return None
        self._told[slots] = told
        present = np.array([frame is not None for frame in frames], np.bool_)
        depth = np.zeros(len(frames), np.float32)
        centre = np.full(len(frames), self._neutral_hz, np.float32)
        rows = np.flatnonzero(present & (is_ai | is_live))
        if on.any() and rows.size:
            out = self._run(
                slots[rows],
                [frames[row] for row in rows.tolist()],
                {
                    "gain_db": gain_db[rows],
                    "is_ai": is_ai[rows],
                    "is_live": is_live[rows],
                    "amount": amount[rows],
                    "budget_lu": budget_lu[rows],
                },
            )
            decided = rows[is_ai[rows]]
            depth[decided] = out["dip_db"][is_ai[rows]]
            centre[decided] = out["dip_hz"][is_ai[rows]]
        if not on.any():
            # Nobody listens any more: whoever switches it on again begins at 0 dB.
            self._states.still("cut", slots)
        return Said({"dip_db": depth, "dip_hz": centre}, told & present)

    def explain(self, slots: Slots, sent: Sent, budget_lu: Floats) -> Why:
        """Return why the members of ``slots`` are cut: where, and what that costs of the ``budget_lu`` (n,)."""
        depth, centre = sent["dip_db"], sent["dip_hz"]
        deepest, cut = np.fmin.reduce(depth), np.nan_to_num(-depth)
        states = self._states.of(slots)
        given = np.maximum(states["given"], np.finfo(np.float32).tiny)
        left = np.clip(1.0 - states["lost"] / given, 1e-3, 1.0)
        values = {
            "dip_db": deepest,
            "dip_hz": (cut * np.nan_to_num(centre)).sum(axis=0) / np.maximum(cut.sum(axis=0), LEAST_DB),
            "cost_lu": -10.0 * np.log10(left),
            "budget_lu": budget_lu,
        }
        return Why("dip", deepest <= -LEAST_DB, values)

    def _run(self, slots: Slots, frames: Sequence[Frame | None], given: Arrays) -> Arrays:
        """Advance the model by the frames of ``slots``, none of which is None."""
        mono = np.zeros((len(slots), self._frame), np.float32)
        for row, frame in zip(mono, frames, strict=True):
            if frame is not None:
                np.mean(frame.audio, axis=0, out=row)
        audio, past = self._resampler.resample(mono, self._past[slots])
        out = run(self._session, {"audio": audio, **given, **self._states.of(slots)})
        self._past[slots] = past
        self._states.keep(slots, out)
        return out

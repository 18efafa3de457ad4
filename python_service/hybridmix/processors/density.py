"""Density: the settings of the live sources' parallel compression, by ``density.onnx``.

It runs only while some live source of the group has an amount above 0, and tells nobody anything before one had.
"""

from __future__ import annotations

import numpy as np

from hybridmix.engine.gain import Flags, Floats, Slots, run
from hybridmix.engine.models import Session
from hybridmix.processors.said import Said
from hybridmix.processors.states import States
from hybridmix.processors.why import Sent, Why
from hybridmix.wire import parameters

__all__ = ["Density"]

_INPUTS = frozenset({"energy", "level_db", "staging_db", "is_live", "amount"})
_THRESHOLD, _MIX = "density_threshold_db", "density_mix"


class Density:
    """Threshold and mix of every live source; one slot per member."""

    def __init__(self, session: Session) -> None:
        """Set up for ``session``. Raises InputError for a model that is not density."""
        self._states = States(session)
        session.require(_INPUTS | self._states.names, self._states.outputs | {_THRESHOLD, _MIX})
        self._session = session
        #: Members that were told a mix: they are told when it goes.
        self._told: Flags = np.zeros(0, np.bool_)
        schema = parameters.load()
        self._ranges = {name: schema.named(name).range for name in (_THRESHOLD, _MIX)}
        self._neutral_db = schema.named(_THRESHOLD).neutral

    def reset(self) -> None:
        """Forget how everybody's loudness ranged."""
        self._states.reset()

    def clear(self, slot: int) -> None:
        """Forget the member of ``slot``, growing to hold it where needed."""
        self._states.clear(slot)
        if slot >= len(self._told):
            self._told = np.concatenate([self._told, np.zeros(slot + 1 - len(self._told), np.bool_)])
        self._told[slot] = False

    def begin(self, slot: int) -> None:
        """Begin a run of the member in ``slot``: no short-term window spans two runs."""
        self._states.still("filled", slot)

    def wanted(self, is_live: Flags, amount: Floats) -> bool:
        """Whether somebody wants it, so that levels have to be known."""
        return bool((is_live & (amount > 0.0)).any())

    def step(
        self,
        slots: Slots,
        energy: Floats,
        level_db: Floats,
        staging_db: Floats,
        present: Flags,
        *,
        is_live: Flags,
        amount: Floats,
    ) -> Said | None:
        """Return the settings of a frame; None where nobody is told anything.

        One row per member, sorted as everywhere, (n,) each: the K-weighted mean square of the frame; the levels so far,
        dBFS, and the trims before the compression, dB; who came and who is live; the users' amounts, 0 to 1. Raises
        ModelError.
        """
        on = is_live & (amount > 0.0)
        told = self._told[slots] | on
        if not told.any():
            return None
        self._told[slots] = told
        values = {
            _THRESHOLD: np.full(len(slots), self._neutral_db, np.float32),
            _MIX: np.zeros(len(slots), np.float32),
        }
        rows = np.flatnonzero(present & is_live)
        if on.any() and rows.size:
            out = run(
                self._session,
                {
                    "energy": energy[rows],
                    "level_db": level_db[rows],
                    "staging_db": staging_db[rows],
                    "is_live": is_live[rows],
                    "amount": amount[rows],
                    **self._states.of(slots[rows]),
                },
            )
            self._states.keep(slots[rows], out)
            for name, into in values.items():
                into[rows] = np.clip(out[name], *self._ranges[name])
        return Said(values, told & present)

    def explain(self, sent: Sent) -> Why:
        """Return what the members are compressed by: the largest mix of the second, and its threshold."""
        mix, threshold = np.fmax.reduce(sent[_MIX]), np.fmax.reduce(sent[_THRESHOLD])
        return Why("density", mix > 0.0, {"mix_percent": 100.0 * mix, "threshold_db": threshold})

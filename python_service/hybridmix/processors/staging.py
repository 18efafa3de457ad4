"""Staging: the static trim of every track, by ``staging.onnx``; and the same for a song that is known as a whole.

It runs only while some track of the group has an amount above 0, or something else needs to know levels, and tells
nobody anything before one had an amount.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hybridmix.engine.gain import Flags, Floats, Slots, run
from hybridmix.engine.hops import Frame
from hybridmix.engine.models import Session
from hybridmix.features.levels import PAST, PEAK_BOUND, Doubles, level_dbfs, power, true_peak
from hybridmix.processors.said import Said
from hybridmix.processors.states import States
from hybridmix.processors.why import LEAST_DB, Why
from hybridmix.wire import parameters

__all__ = ["CEILING_DBTP", "Staged", "Staging", "Trim", "whole_song"]

#: No true peak is taken above this.
CEILING_DBTP = -1.0
_INPUTS = frozenset({"power", "peak", "there", "amount", "target_db"})
_OUTPUT, _LEVEL = "staging_db", "level_db"
#: A trim that a run begins with counts like so many frames of sound (6 s) at the level that it suits.
_BEGUN_FRAMES = 120.0
#: Levels of the model's histogram, and what its levels are counted from, dBFS.
_LOWEST_DB, _STEP_DB, _SILENCE_DB = -62.0, 0.5, -120.0


class Trim(NamedTuple):
    """What a whole track needs."""

    db: float
    #: Its level as recorded, dBFS; -inf where it is silent.
    level_dbfs: float
    #: What keeps it from the level asked for: ``peak``, ``range``, or nothing.
    limited: str


class Staged(NamedTuple):
    """What staging says of a frame."""

    said: Said | None
    #: (n,): level of each track so far, dBFS; -120 where it is not known.
    level_db: Floats


def whole_song(powers: Doubles, peak: float, target_db: float) -> Trim:
    """Return the trim of a track that is known as a whole.

    ``powers`` are the mean squares of its frames of 50 ms (T,), `hybridmix.features.levels.power`; ``peak`` its true
    peak, full scale 1; ``target_db`` the level to be brought to, dBFS. Where nothing limits it, the level afterwards is
    ``target_db``.
    """
    found = level_dbfs(powers)
    if not math.isfinite(found):
        return Trim(0.0, found, "")
    declared = parameters.load().named(_OUTPUT)
    wanted = target_db - found
    # Plans keep hundredths: none of them is to pass the ceiling.
    ceiling = math.floor(100.0 * (CEILING_DBTP - 20.0 * math.log10(peak))) / 100.0 if peak > 0.0 else math.inf
    trim = min(max(min(wanted, ceiling), declared.min), declared.max)
    limited = "" if trim == wanted else "peak" if trim == ceiling else "range"
    return Trim(trim, found, limited)


class Staging:
    """Level and trim of every track; one slot per member."""

    def __init__(self, session: Session) -> None:
        """Set up for ``session``. Raises InputError for a model that is not staging."""
        self._states = States(session)
        session.require(_INPUTS | self._states.names, self._states.outputs | {_OUTPUT, _LEVEL})
        self._session = session
        #: The samples before, for the true peak.
        self._past: Floats = np.zeros((0, 2, PAST), np.float32)
        #: What was sent last, dB; and who was told anything, and is told when it goes.
        self._sent: Floats = np.zeros(0, np.float32)
        self._told: Flags = np.zeros(0, np.bool_)
        self._range = parameters.load().named(_OUTPUT).range

    def reset(self) -> None:
        """Forget how loud everybody was."""
        self._states.reset()
        self._past[...] = 0.0
        self._sent[...] = 0.0

    def clear(self, slot: int) -> None:
        """Forget the member of ``slot``, growing to hold it where needed."""
        self._states.clear(slot)
        if slot >= len(self._told):
            more = slot + 1 - len(self._told)
            self._past = np.concatenate([self._past, np.zeros((more, 2, PAST), np.float32)])
            self._sent = np.concatenate([self._sent, np.zeros(more, np.float32)])
            self._told = np.concatenate([self._told, np.zeros(more, np.bool_)])
        self._past[slot], self._sent[slot], self._told[slot] = 0.0, 0.0, False

    def begin(self, slot: int, trim_db: float | None, amount: float, target_db: float) -> None:
        """Begin a run of the member in ``slot``: at ``trim_db``, None where it begins at no trim of its own.

        Where nothing is known yet, that trim counts as what some seconds of sound asked for.
        """
        self._past[slot] = 0.0
        if trim_db is None:
            return
        self._told[slot], self._sent[slot] = True, trim_db
        state = self._states.of(np.array([slot], np.intp))
        if amount <= 0.0 or state["counts"].any():
            return
        whole = min(max(trim_db / amount, self._range[0]), self._range[1])
        level = target_db - whole
        counts = state["counts"][0]
        bin_ = min(max(round((level - _LOWEST_DB) / _STEP_DB), 0), len(counts) - 1)
        begun = {name: values.copy() for name, values in state.items()}
        begun["counts"][0, bin_] = _BEGUN_FRAMES
        begun["sums"][0, bin_] = _BEGUN_FRAMES * 10.0 ** (level / 10.0)
        begun["loudest"][0] = begun["level"][0] = level - _SILENCE_DB
        begun["trim"][0] = whole
        self._states.keep(
            np.array([slot], np.intp), {f"{name}_out": values for name, values in begun.items()}
        )

    def sent_db(self, slots: Slots) -> Floats:
        """Return the trims that members have by now, (n,) dB."""
        return self._sent[slots]

    def step(
        self, slots: Slots, frames: Sequence[Frame | None], *, amount: Floats, target_db: Floats, level: bool
    ) -> Staged | None:
        """Return trims and levels of a frame; None where nobody is told anything and no ``level`` is asked for.

        One row per member, sorted as everywhere: the ``frames``, None for those that did not come; the users' amounts
        (n,), 0 to 1, and the levels that they want (n,), dBFS. Raises ModelError.
        """
        on = amount > 0.0
        told = self._told[slots] | on
        if not told.any() and not level:
            return None
        self._told[slots] = told
        db, levels = np.zeros(len(slots), np.float32), np.full(len(slots), _SILENCE_DB, np.float32)
        rows = np.array([row for row, frame in enumerate(frames) if frame is not None], np.intp)
        if (on.any() or level) and rows.size:
            db[rows], levels[rows] = self._run(
                slots[rows], [frames[row] for row in rows], amount[rows], target_db[rows]
            )
        present = np.zeros(len(slots), np.bool_)
        present[rows] = True
        sends = told & present
        self._sent[slots] = np.where(sends, db, self._sent[slots])
        said = Said({_OUTPUT: db}, sends) if told.any() else None
        return Staged(said, levels)

    def explain(self, slots: Slots) -> Why:
        """Return why the members of ``slots`` are trimmed: how loud they come in."""
        trim = self.sent_db(slots)
        level = self._states.of(slots)["level"] + np.float32(_SILENCE_DB)
        return Why("staging", np.abs(trim) >= LEAST_DB, {"level_db": level, "trim_db": trim})

    def _run(
        self, slots: Slots, frames: Sequence[Frame | None], amount: Floats, target_db: Floats
    ) -> tuple[Floats, Floats]:
        """Advance the model by the frames of ``slots``, none of which is None."""
        state = self._states.of(slots)
        powers, peaks = np.zeros(len(slots), np.float32), np.zeros(len(slots), np.float32)
        for row, (slot, frame) in enumerate(zip(slots.tolist(), frames, strict=True)):
            if frame is None:
                continue
            audio = frame.audio
            powers[row] = min(power(audio), 1e6)
            past = self._past[slot, : len(audio)]
            largest = max(float(np.abs(audio).max()), float(np.abs(past).max()))
            # Most frames cannot hold a greater true peak than was heard already.
            if largest * PEAK_BOUND > state["highest"][row]:
                peaks[row] = min(true_peak(audio, past), 1e3)
            self._past[slot, : len(audio)] = audio[:, -PAST:]
        out = run(
            self._session,
            {
                "power": powers,
                "peak": peaks,
                "there": np.ones(len(slots), np.bool_),
                "amount": amount,
                "target_db": target_db,
                **state,
            },
        )
        self._states.keep(slots, out)
        return np.clip(out[_OUTPUT], *self._range), out[_LEVEL]

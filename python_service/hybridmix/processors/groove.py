"""Groove: where in its slot the group's drummer will play, by ``groove.onnx``, and when the AI stems are told.

It runs only while some AI stem of the group has an amount above 0, and tells nobody anything before one had.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from hybridmix.engine.gain import Flags, Floats, Slots, run
from hybridmix.engine.hops import Frame
from hybridmix.engine.models import Arrays, Session
from hybridmix.features import Onsets
from hybridmix.processors.heard_beat import HeardBeat
from hybridmix.processors.said import Said
from hybridmix.processors.slots import SLOTS, Beat, History
from hybridmix.processors.why import Sent, Why
from hybridmix.wire import parameters
from hybridmix.wire.limits import FRAMES_PER_SECOND

__all__ = ["AHEAD", "HEARD", "Groove"]

#: What is recorded of a frame: of the strongest hit that it tells of a member the number of the slot, how late it was and
#: its strength; the number of the slot that begins in the frame, and how long after the frame does. NaN for none.
HEARD = ("hit_slot", "hit_ms", "hit_strength", "slot", "slot_ms")

_INPUTS = frozenset({"deviation_ms", "known", "ahead", "amount", "limit_ms", "constant_limit_ms"})
_OUTPUTS = frozenset({"groove_ms", "constant_ms"})
#: Distances to the newest slot that the model has weights for.
AHEAD = 4
#: A hit that is not told so long after its slot is not there: it may be late, and is told a little later still.
_TOLD_S = 0.05
#: Before so many slots are known nothing moves.
_FEWEST = 8
#: What the strength of a bass's notes counts: less than the weakest hit of a drum, so that they stand for the slots
#: without one.
_BASS = 1e-4


class Groove:
    """Shift of every AI stem; one slot of memory per member, one history for the group."""

    def __init__(self, session: Session, rate: int) -> None:
        """Set up for audio at ``rate`` Hz. Raises InputError for a model that is not groove."""
        session.require(_INPUTS, _OUTPUTS)
        self._session = session
        self._rate = rate
        self._onsets = Onsets(rate)
        self._history = History()
        self._beat: Beat | None = None
        #: For where the host says none.
        self._heard = HeardBeat(rate)
        #: Hits of live sources from before the beat was known: sample and strength.
        self._early: deque[tuple[float, float]] = deque(maxlen=SLOTS)
        #: Members that were told a shift: they are told when it goes.
        self._told: Flags = np.zeros(0, np.bool_)
        self._range = parameters.load().named("groove_ms").range
        #: Of the last frame: what the drummer is away from the grid on the whole, ms, and why nothing moves.
        self._constant_ms = 0.0
        self._why = "no AI stem asks for it"
        #: What was heard in it, see `HEARD`.
        self._record: dict[str, Floats] = {}

    def reset(self) -> None:
        """Forget what was heard of everybody."""
        self._onsets.reset()
        self._history = History()
        self._beat = None
        self._heard.reset()
        self._early.clear()

    def clear(self, slot: int) -> None:
        """Forget the member of ``slot``, growing to hold it where needed."""
        self._onsets.clear(slot)
        self._heard.clear(slot)
        if slot >= len(self._told):
            self._told = np.concatenate([self._told, np.zeros(slot + 1 - len(self._told), np.bool_)])
        self._told[slot] = False

    def begin(self, slot: int) -> None:
        """Begin a run of the member in ``slot``: the sound before it does not belong to it."""
        self._onsets.begin(slot)
        self._heard.begin(slot)

    def heard(self) -> dict[str, Floats]:
        """Return what a plan needs to know of the last frame, see `HEARD`; (n,) each, nothing where groove is off."""
        return self._record

    def status(self) -> dict[str, Any]:
        """Return what `hybridmix status` says of it: constant in ms, slots known, tempo, and why nothing moves."""
        return {
            "constant_ms": round(self._constant_ms, 2),
            "slots": self._history.count,
            "tempo_bpm": round(self._beat.tempo, 3) if self._beat is not None else None,
            "idle": self._why,
        }

    def explain(self, sent: Sent) -> Why:
        """Return why members play late, or early: how late the drummer does."""
        shift = sent["groove_ms"]
        low, high = np.nan_to_num(np.fmin.reduce(shift)), np.nan_to_num(np.fmax.reduce(shift))
        constant = np.full(len(low), self._constant_ms)
        at_work = (low != 0.0) | (high != 0.0)
        return Why("groove", at_work, {"constant_ms": constant, "low_ms": low, "high_ms": high})

    def step(
        self,
        slots: Slots,
        frames: Sequence[Frame | None],
        end: int,
        *,
        is_ai: Flags,
        is_live: Flags,
        is_drums: Flags,
        is_bass: Flags,
        amount: Floats,
        limit_ms: Floats,
        constant_limit_ms: Floats,
        delay: Floats,
    ) -> Said | None:
        """Return the shifts that follow from a frame which ends at ``end``; None where nobody is told anything.

        One row per member, sorted as everywhere: the ``frames``, None for those that did not come; who is what (n,),
        and where some live sources are said to be drums or a bass, nobody else is listened to; the users' amounts (n,),
        0 to 1, limits (n,), 0 to 20 ms; control delays (n,), samples. Raises ModelError.
        """
        on = is_ai & (amount > 0.0)
        self._record = {}
        if not on.any():
            return self._stop(slots, frames)
        self._told[slots] |= on
        self._follow(slots, frames, on, end)
        self._record = {name: np.full(len(slots), np.nan, np.float32) for name in HEARD}
        said = is_live & (is_drums | is_bass)
        sources = said if said.any() else is_live
        live = np.array([row for row, one in enumerate(sources.tolist()) if one and frames[row]], np.intp)
        there = [frame for row in live.tolist() if (frame := frames[row]) is not None]
        self._hear(slots[live], there, live, is_bass[live] & ~is_drums[live])
        self._why = self._reason(bool(live.size))
        if self._beat is None:
            return None
        if (due := self._beat.due(end - self._rate // FRAMES_PER_SECOND)) is not None:
            self._record["slot"][:], self._record["slot_ms"][:] = due
        rows, slot_ms, given = self._due(np.flatnonzero(on).tolist(), end, delay)
        if not rows:
            return None
        users = {"amount": amount, "limit_ms": limit_ms, "constant_limit_ms": constant_limit_ms}
        out = run(self._session, given | {name: values[rows] for name, values in users.items()})
        asked = float(amount[rows[0]])
        self._constant_ms = float(out["constant_ms"][0]) / asked
        told = np.zeros(len(slots), np.bool_)
        told[rows] = True
        shift, begins = np.zeros(len(slots), np.float32), np.zeros(len(slots), np.float32)
        if not self._why:
            shift[rows] = np.clip(out["groove_ms"], *self._range)
        begins[rows] = slot_ms
        return Said({"groove_ms": shift, "groove_slot_ms": begins}, told)

    def _stop(self, slots: Slots, frames: Sequence[Frame | None]) -> Said | None:
        """Nobody listens: forget, and tell those that were told a shift that there is none."""
        self._why = "no AI stem asks for it"
        present = np.array([frame is not None for frame in frames], np.bool_)
        told = self._told[slots] & present
        if self._history.count or self._beat is not None:
            self.reset()
        if not told.any():
            return None
        self._told[slots[told]] = False
        zero = np.zeros(len(slots), np.float32)
        return Said({"groove_ms": zero, "groove_slot_ms": zero}, told)

    def _follow(self, slots: Slots, frames: Sequence[Frame | None], on: Flags, end: int) -> None:
        """Take the beat from the first member that has one, else from what the AI stems play."""
        pulse = next((frame.pulse for frame in frames if frame is not None and frame.pulse), None)
        beat = Beat.at(pulse, end, self._rate) if pulse is not None else None
        if pulse is None or beat is None:
            self._listen(slots, frames, on, end)
        elif self._beat is None or not self._beat.goes_on(pulse, end):
            self._heard.reset()
            self._beat = beat
            self._history.jump(beat.last_slot(end))

    def _listen(self, slots: Slots, frames: Sequence[Frame | None], on: Flags, end: int) -> None:
        """Take the beat of the AI stems that ask, as far as it is heard by now."""
        rows = np.array([row for row, asks in enumerate(on.tolist()) if asks and frames[row]], np.intp)
        if rows.size:
            there = [frame for row in rows.tolist() if (frame := frames[row]) is not None]
            self._heard.hear(slots[rows], there, end)
        begins = self._beat is None
        self._beat = self._heard.beat
        if begins and self._beat is not None:
            self._history.jump(self._beat.last_slot(end))
            for position, strength in self._early:
                self._history.note(*self._beat.place(position), strength)
            self._early.clear()

    def _hear(self, slots: Slots, frames: Sequence[Frame], rows: Slots, bass: Flags) -> None:
        """Note the hits that ``frames`` of live sources, which are ``rows`` of the group, some of them ``bass``, tell."""
        if not frames:
            return
        mono = np.stack([frame.audio.mean(axis=0) for frame in frames])
        told = self._onsets.step(slots, mono, bass)
        for frame, hits, row, weight in zip(
            frames, told, rows.tolist(), np.where(bass, _BASS, 1.0).tolist(), strict=True
        ):
            for hit in hits:
                position, strength = frame.end + hit.at_s * self._rate, weight * hit.strength
                if self._beat is None:
                    self._early.append((position, strength))
                    continue
                slot, late_ms = self._beat.place(position)
                self._history.note(slot, late_ms, strength)
                if not self._record["hit_strength"][row] >= strength:
                    for name, value in zip(HEARD, (slot, late_ms, strength), strict=False):
                        self._record[name][row] = value

    def _reason(self, live: bool) -> str:
        """Return why nothing moves; empty where it does."""
        if self._beat is None:
            return "the host says no tempo, and no steady beat is heard; set Groove Tempo"
        if not live:
            return "no live source is there"
        return "" if self._history.count >= _FEWEST else "too few hits so far"

    def _due(self, rows: Sequence[int], end: int, delay: Floats) -> tuple[list[int], list[float], Arrays]:
        """Return which of ``rows`` are told a slot in this frame, when it begins (ms), and what the model hears."""
        assert self._beat is not None
        due: list[int] = []
        begins: list[float] = []
        given: list[tuple[np.ndarray, np.ndarray, float]] = []
        newest = self._beat.last_slot(end - round(_TOLD_S * self._rate))
        for row in rows:
            apply_at = end + int(delay[row])
            found = self._beat.due(apply_at)
            if found is None:
                continue
            slot, after_ms = found
            ahead = slot - min(max(newest, self._history.newest, slot - AHEAD), slot - 1)
            due.append(row)
            begins.append(after_ms)
            given.append((*self._history.until(slot - ahead), float(ahead)))
        arrays: Arrays = {}
        if due:
            arrays = {
                "deviation_ms": np.stack([one[0] for one in given]).astype(np.float32),
                "known": np.stack([one[1] for one in given]),
                "ahead": np.array([one[2] for one in given], np.float32),
            }
        return due, begins, arrays

"""The room: reverberation times, pre-delay and send level that put AI stems where the live sources are, by ``room.onnx``.

The network estimates every live track's room; `hybridmix.processors.room_fusion` makes one of them, or keeps the last
that it believed. It runs only while some AI stem of the group has an amount above 0, and tells nobody anything before
one had.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hybridmix.engine.gain import Flags, Floats, Slots, run
from hybridmix.engine.hops import Frame
from hybridmix.engine.models import Session
from hybridmix.features import To16k
from hybridmix.processors import room_fusion
from hybridmix.processors.room_fusion import Estimates, Room
from hybridmix.processors.said import Said
from hybridmix.processors.states import States
from hybridmix.processors.why import Sent, Why
from hybridmix.wire import parameters
from hybridmix.wire.limits import FRAMES_PER_SECOND

__all__ = ["RoomMatch"]

_INPUTS = frozenset({"audio"})
_SEND, _PREDELAY = "reverb_send", "predelay_ms"
#: By octave, ids ascending.
_T60 = ("t60_125_s", "t60_250_s", "t60_500_s", "t60_1000_s", "t60_2000_s", "t60_4000_s", "t60_8000_s")
#: Share of a new room that is taken over every second.
_SHARE = 0.3
#: A send below this does nothing: -60 dB.
_INAUDIBLE = 1e-3


class RoomMatch:
    """One room for all AI stems of a group, and each one's send; one slot per member."""

    def __init__(self, session: Session, rate: int) -> None:
        """Set up for audio at ``rate`` Hz. Raises InputError for a model that is not the room's."""
        self._states = States(session)
        session.require(_INPUTS | self._states.names, self._states.outputs | {*Estimates._fields})
        self._session = session
        self._resampler = To16k(rate)
        self._frame = 5 * self._resampler.hop
        self._past: Floats = np.zeros((0, self._resampler.past), np.float32)
        schema = parameters.load()
        self._send = schema.named(_SEND)
        self._ids = [schema.named(name).id for name in (*_T60, _PREDELAY)]
        self._ranges = np.array([schema.named(name).range for name in (*_T60, _PREDELAY)])
        #: Members that were told a send: they are told when it goes; and those who know the room.
        self._told: Flags = np.zeros(0, np.bool_)
        self._informed: Flags = np.zeros(0, np.bool_)
        #: Each one's send at an amount of 1.
        self._level: Floats = np.zeros(0, np.float32)
        #: The room that was believed last; None before the first.
        self.room: Room | None = None
        #: It is that of the last second.
        self.heard = False
        #: Some AI stem wants it.
        self.asked = False

    @property
    def said(self) -> str:
        """What is known of the room, in words; empty where nobody asks."""
        return room_fusion.describe(self.room, heard=self.heard) if self.asked else ""

    def reset(self) -> None:
        """Forget what was heard of everybody."""
        self._states.reset()
        self._past[...] = 0.0
        self._level[...] = 0.0
        self._informed[...] = False
        self.room, self.heard = None, False

    def clear(self, slot: int) -> None:
        """Forget the member of ``slot``, growing to hold it where needed."""
        self._states.clear(slot)
        if slot >= len(self._told):
            more = slot + 1 - len(self._told)
            self._told, self._informed = (
                np.concatenate([flags, np.zeros(more, np.bool_)]) for flags in (self._told, self._informed)
            )
            self._level = np.concatenate([self._level, np.zeros(more, np.float32)])
            self._past = np.concatenate([self._past, np.zeros((more, self._resampler.past), np.float32)])
        self._told[slot] = self._informed[slot] = False
        self._level[slot] = 0.0
        self._past[slot] = 0.0

    def begin(self, slot: int, start: Mapping[int, float], amount: float) -> None:
        """Begin a run of the member in ``slot`` with ``start`` values at ``amount``: a room among them is believed."""
        self._past[slot] = 0.0
        self._informed[slot] = False
        if start.get(self._send.id, 0.0) <= 0.0:
            return
        self._told[slot] = True
        if amount <= 0.0:
            return
        self._level[slot] = min(start[self._send.id] / amount, self._send.max)
        if self.room is None and all(number in start for number in self._ids):
            *t60, predelay = (start[number] for number in self._ids)
            drr_db = -20.0 * float(np.log10(self._level[slot]))
            self.room = Room(np.array(t60), room_fusion.BELIEVED, drr_db, max(predelay, 0.1))

    def step(
        self,
        slots: Slots,
        frames: Sequence[Frame | None],
        end: int,
        *,
        is_ai: Flags,
        is_live: Flags,
        amount: Floats,
    ) -> list[Said]:
        """Return what is said of the frame that ends at sample ``end``: sends, and now and then the room.

        One row per member, sorted as everywhere: the ``frames``, None for those that did not come; who is what (n,);
        the users' amounts (n,), 0 to 1. Raises ModelError.
        """
        on = is_ai & (amount > 0.0)
        self.asked = bool(on.any())
        told = self._told[slots] | on
        if not told.any():
            return []
        self._told[slots] = told
        present = np.array([frame is not None for frame in frames], np.bool_)
        if self.asked:
            self._listen(slots, frames, end, present & is_live, present & on)
        else:
            # Nobody asks any more: whoever does again begins anew, in the room that was known.
            for slot in slots.tolist():
                self._states.clear(slot)
            self.heard = False
        return self._say(slots, end, present & told, on, amount)

    def explain(self, sent: Sent) -> Why:
        """Why the room was ``sent`` during a second."""
        send = np.nan_to_num(np.fmax.reduce(sent[_SEND], axis=0))
        at_work = send > _INAUDIBLE
        room = self.room
        middle = 0.0 if room is None else room.middle_s
        each = {
            "t60_s": middle,
            "spread_s": 0.0 if room is None else middle * room.spread,
            "drr_db": 0.0 if room is None else room.drr_db,
        }
        values = {name: np.full(len(send), value) for name, value in each.items()}
        values["send_db"] = 20.0 * np.log10(np.maximum(send, _INAUDIBLE))
        return Why("room", at_work & (room is not None), values)

    def _listen(
        self, slots: Slots, frames: Sequence[Frame | None], end: int, live: Flags, stems: Flags
    ) -> None:
        """Advance the network by the frames of ``live`` tracks and ``stems``, and once a second the room."""
        rows = np.flatnonzero(live | stems)
        if not rows.size:
            return
        said = self._run(slots[rows], [frames[row] for row in rows.tolist()])
        if end // self._frame % FRAMES_PER_SECOND:
            return
        room = room_fusion.fuse(said.of(live[rows]))
        self.heard = room is not None
        if room is not None:
            self.room = room if self.room is None else self.room.towards(room, _SHARE)
        if self.room is not None:
            own = stems[rows]
            level = np.clip(room_fusion.sends(self.room, said.of(own)), *self._send.range)
            at = slots[rows][own]
            known = self._level[at] > 0.0
            self._level[at] = np.where(known, self._level[at] + _SHARE * (level - self._level[at]), level)

    def _say(self, slots: Slots, end: int, told: Flags, on: Flags, amount: Floats) -> list[Said]:
        """Sends in every frame; the room where somebody does not know it, and once a second."""
        wanted = np.where(on, amount * self._level[slots], 0.0).astype(np.float32)
        if self.room is None:
            return [Said({_SEND: wanted}, told & ~on)]
        said = [Said({_SEND: wanted}, told)]
        new = told & (~self._informed[slots] | (end // self._frame % FRAMES_PER_SECOND == 0))
        if new.any():
            self._informed[slots[new]] = True
            values = np.clip([*self.room.t60_s, self.room.predelay_ms], *self._ranges.T).astype(np.float32)
            names = (*_T60, _PREDELAY)
            room = {name: np.full(len(slots), value) for name, value in zip(names, values, strict=True)}
            said.append(Said(room, new))
        return said

    def _run(self, slots: Slots, frames: Sequence[Frame | None]) -> Estimates:
        """Advance the model by the frames of ``slots``, none of which is None."""
        mono = np.zeros((len(slots), self._frame), np.float32)
        for row, frame in zip(mono, frames, strict=True):
            if frame is not None:
                np.mean(frame.audio, axis=0, out=row)
        audio, past = self._resampler.resample(mono, self._past[slots])
        out = run(self._session, {"audio": audio, **self._states.of(slots)})
        self._past[slots] = past
        self._states.keep(slots, out)
        return Estimates(*(out[name] for name in Estimates._fields))

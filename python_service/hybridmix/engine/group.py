"""One group's engine: hops in, values out, all slow state in between.

It is told by the timeline what to compute, in which order and with whom; it knows no clock and no
socket. The same calls give the same bits.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import numpy as np
import numpy.typing as npt

from hybridmix.engine.diary import Diary, Page
from hybridmix.engine.ears import STRIDE
from hybridmix.engine.formation import Formation, Kept
from hybridmix.engine.gain import Floats, ModelError
from hybridmix.engine.hearing import Hearing
from hybridmix.engine.hops import Frame, Pulse, Sheet, UserValues
from hybridmix.engine.layout import energies, levels_db, side_by_side
from hybridmix.engine.learner import Heard, Learner
from hybridmix.engine.lineup import Lineup
from hybridmix.engine.logs import event
from hybridmix.engine.models import Models
from hybridmix.engine.names import MAX_BOOST_DB
from hybridmix.engine.reasons import Reason
from hybridmix.engine.rules import make_rules
from hybridmix.engine.safety import Safety
from hybridmix.engine.trace import TraceWriter
from hybridmix.processors.rack import Rack
from hybridmix.processors.said import Said, Value
from hybridmix.processors.why import Sent, Why
from hybridmix.timeline import Compute, Row, Standing
from hybridmix.wire import parameters
from hybridmix.wire.limits import FRAMES_PER_SECOND

__all__ = ["Engine"]

log = logging.getLogger(__name__)

#: Computed frames that can still be asked for (12.8 s): members that come later get nothing new.
MAX_ANSWERS = 256

_Result = TypeVar("_Result")


class _Answer(NamedTuple):
    """Values of one computed frame."""

    #: Place of each member that was in it.
    rows: dict[UUID, int]
    #: What each is told.
    told: list[list[Value]]
    #: What all others are told: the group's trim, where there is one.
    rest: list[Value]


class Engine:
    """State and models of one group at one sample rate."""

    def __init__(
        self,
        rate: int,
        models: Models,
        trace: TraceWriter | None = None,
        max_boost_db: float = MAX_BOOST_DB,
    ) -> None:
        """Set up for audio at ``rate`` Hz, a multiple of 100.

        ``trace`` gets a record per computed frame and member; no model may raise a track by more than
        ``max_boost_db``. Raises InputError for models that are not what their names say.
        """
        self._frame = rate // FRAMES_PER_SECOND
        self._rate = rate
        self._hearing = Hearing(rate)
        self.models = models
        self._rule, self._headroom = make_rules(models, rate)
        self._rack = Rack(models, rate)
        self._safety = Safety(max_boost_db)
        #: Counts how often the model was changed: what follows is a new source of gains.
        self._edition = 0
        self._trace = trace
        self._diary = Diary(self._frame, trace)
        #: Keeps what plans are made of.
        self.learner = Learner(rate)
        self._members: dict[UUID, Kept] = {}
        #: Of the last frame; None where something in it may have changed.
        self._lineup: Lineup | None = None
        self._free: list[int] = []
        self._answers: OrderedDict[tuple[int, int], _Answer] = OrderedDict()
        schema = parameters.load()
        self._gain = schema.named("gain_db")
        self._trim = schema.named("trim_db")
        self._staging = schema.named("staging_db")
        #: What failed in the last frame.
        self._failures: list[ModelError] = []
        #: Frames whose values were held because a model failed.
        self.held = 0
        #: Whether the last frame was held.
        self.holding = False

    def register(self, member: UUID) -> None:
        """Make room for ``member``, with neutral state."""
        slot = self._free.pop() if self._free else len(self._members)
        self._rule.clear(slot)
        self._safety.clear(slot)
        self._rack.clear(slot)
        self._diary.clear(slot)
        self._hearing.make_room(slot)
        self._members[member] = Kept(slot, self._frame, member.int % STRIDE)
        self._lineup = None

    def forget(self, member: UUID) -> None:
        """Drop everything kept for ``member``."""
        self._free.append(self._members.pop(member).slot)
        self._lineup = None

    def accepts(self, member: UUID) -> bool:
        """Whether there is room for another BLOCK of ``member``."""
        return not self._members[member].store.full

    def push(
        self,
        member: UUID,
        run: int,
        position: int,
        audio: npt.NDArray[np.float32],
        user: UserValues,
        pulse: Pulse | None = None,
    ) -> None:
        """Store hops: ``audio`` (channels, frames), finite, beginning at ``position`` samples.

        ``pulse`` is what the host counts, where it does.
        """
        kept = self._members[member]
        self._hearing.note(kept, kept.store.push(run, position, audio, user, pulse))

    def form(self, members: Sequence[UUID], runs: Sequence[int], users: Sequence[UserValues]) -> Formation:
        """A formation of ``members``, each in its run and with its user's values, for `push_together`."""
        self.hear()  # whose hops came in this very round has no channels yet
        order = sorted(range(len(members)), key=lambda index: members[index].bytes)
        return Formation([self._members[member] for member in members], runs, users, order, self._frame)

    def push_together(
        self, formation: Formation, position: int, audio: Floats, pulse: Pulse | None = None
    ) -> None:
        """Store and hear hops of a formation that is ready: ``audio`` (rows, frames), as `push` takes them."""
        self._hearing.hear_together(formation, position, audio, pulse)

    def hear(self) -> None:
        """Compute the features of everything that arrived: the less is left to do in `compute`."""
        self._hearing.hear()

    def feed(self, member: UUID, end: int) -> None:
        """Pass over the frame of ``member`` that ends at ``end``: its energies were computed when it came."""
        kept = self._members[member]
        if (frame := kept.store.take(end)) is not None:
            kept.user = frame.user
            self._rule.deliver(kept.slot, kept.turn, frame.audio)

    @property
    def stood_in(self) -> int:
        """Frames in which equal loudness stood in for the model, for some member or all."""
        return self._rule.stood_in

    @property
    def standing_in(self) -> bool:
        """Whether it did in the last frame."""
        return self._rule.standing_in

    @property
    def processors(self) -> dict[str, Any]:
        """What the processors say of the group as a whole, by name."""
        return self._rack.status()

    @property
    def room(self) -> str:
        """What is known of the live sources' room, in words; empty where nobody asks."""
        return self._rack.room

    def work(self) -> None:
        """Do what the next frame needs and no answer waits for: called when the answers are out."""
        self._rule.work()
        self._safety.work()
        self._diary.work(self._explain)
        self.learner.work()
        if self._trace is not None:
            self._trace.work()

    def reasons(self, member: UUID) -> list[tuple[bool, Reason]]:
        """Return what each section last did for ``member``, and whether that was in the last second of frames."""
        return self._diary.reasons(self._members[member].slot)

    def aim(self, member: UUID, aim_db: float) -> None:
        """Add ``aim_db`` to what the model says of ``member``, from the next frame on; its gain glides there."""
        kept = self._members[member]
        if aim_db != kept.aim_db:
            kept.aim_db = aim_db
            self._lineup = None
            self._safety.glide(kept.slot)

    def switch(self, models: Models) -> None:
        """Mix by other ``models`` from the next frame on; gains glide there. Raises InputError."""
        rule, headroom = make_rules(models, self._rate)
        rack = self._rack if self._rack.serves(models) else Rack(models, self._rate)
        for kept in self._members.values():
            rule.clear(kept.slot)
            if rack is not self._rack:
                rack.clear(kept.slot)
        self._rack = rack
        if headroom is None or self._headroom is None:
            self._headroom = headroom
        self._rule, self.models = rule, models
        self._edition += 1

    def compute(self, action: Compute) -> None:
        """Compute the values of one frame; `values` has them from then on."""
        self.hear()
        self.work()
        if action.fresh:
            self._rule.reset()
            self._safety.reset()
            if self._headroom is not None:
                self._headroom.reset()
            self._rack.reset()
        lineup = self._lineup
        if lineup is None or not lineup.serves(action.rows):
            lineup = self._lineup = Lineup(action.rows, self._members)
        members = lineup.members
        frames = self._take(members, action.rows)
        begun = []
        for kept, frame in zip(members, frames, strict=True):
            if frame is not None and frame.run != kept.run:
                kept.run = frame.run
                begun.append(kept)
                self._rack.begin(kept.slot, frame.user)
        lineup.read_users()
        self._rack.look(lineup)
        sheet = Sheet.of(frames)
        energy = energies(frames, sheet, self._frame)
        present = np.array([frame is not None for frame in frames], np.bool_)
        self._failures = []
        staged = self._unless_it_fails(lambda: self._rack.stage(lineup, frames))
        trims = self._rack.staging_db(lineup.slots)
        ride = self._unless_it_fails(lambda: self._rack.ride(lineup, energy, present, action.end))
        room = self._unless_it_fails(lambda: self._rack.surround(lineup, frames, action.end)) or []
        louder = _louder_db(energy, ride, room)
        decided = self._unless_it_fails(
            lambda: self._decide(lineup, frames, sheet, energy, present, begun, action.fresh, trims, louder)
        )
        gains, known, trim = decided or (np.zeros_like(energy), np.zeros_like(present), None)
        dip = self._unless_it_fails(lambda: self._rack.make_room(lineup, frames, gains + trims))
        dense = self._unless_it_fails(lambda: self._rack.thicken(lineup, energy, staged, present))
        groove = self._unless_it_fails(lambda: self._rack.follow(lineup, frames, action.end))
        self._hold()
        rest = [] if trim is None else [(self._trim.id, trim)]
        gain = self._gain.id
        told = [
            [(gain, value), *rest] if sent else rest
            for value, sent in zip(gains.tolist(), known.tolist(), strict=True)
        ]
        # In the order of their ids.
        first = (dip, ride, staged.said if staged else None, dense, self._rack.cut_lows(lineup, present))
        every = (*first, *room, groove)
        processed = [said for said in every if said is not None]
        self._diary.note(Page(action, lineup, energy, gains, known, trim, processed))
        for said in processed:
            told = said.add_to(told)
        self._answers[action.epoch, action.end] = _Answer(lineup.rows, told, rest)
        if len(self._answers) > MAX_ANSWERS:
            self._answers.popitem(last=False)
        learns = self.learner.wants(frames)
        if learns or self._trace is not None:
            sent: dict[str, npt.ArrayLike] = {"gain_db": np.where(known, gains, np.nan)}
            if trim is not None:
                sent["trim_db"] = trim
            for said in processed:
                sent |= said.sent()
            sent |= self._rack.heard()
            if learns:
                self.learner.note(Heard(action, frames, energy, sent, gains + trims + louder))
            if self._trace is not None:
                delays = [kept.user.delay for kept in members]
                self._trace.note(action, delays, energy, sent)

    def values(self, epoch: int, end: int, member: UUID) -> Sequence[Value]:
        """Parameter ids and values, ids ascending, of the computed frame ``end`` for ``member``.

        What is not listed holds: a member that did not count in the frame gets the group's trim alone.
        """
        answer = self._answers.get((epoch, end))
        if answer is None:
            return []
        row = answer.rows.get(member)
        return answer.rest if row is None else answer.told[row]

    def _explain(self, lineup: Lineup, sent: Sent) -> list[Why]:
        """Why the processors do what was ``sent`` during a second; a model that fails has no reason."""
        whys = self._rack.explain(lineup, sent)
        if self._headroom is not None and "trim_db" in sent:
            with suppress(ModelError):
                whys.append(self._headroom.explain(sent))
        return whys

    def _take(self, members: Sequence[Kept], rows: Sequence[Row]) -> list[Frame | None]:
        """Take the frame of each of ``rows`` that is whole, with the user's settings that came with it."""
        whole, hears = Standing.WHOLE, self._rule.hears
        frames: list[Frame | None] = []
        for kept, row in zip(members, rows, strict=True):
            frame = kept.store.take(row.end) if row.standing is whole else None
            frames.append(frame)
            if frame is not None:
                kept.user = frame.user
                if hears:
                    self._rule.deliver(kept.slot, kept.turn, frame.audio)
        return frames

    def _begin(self, members: Sequence[Kept], fresh: bool) -> None:
        """Begin the runs of ``members`` from their start values, where nothing is known.

        Start values are as the plugin applies them, so the user's part is taken off and staging's put back; the trim is
        that of the group, so the lowest holds, and only where the whole group begins.
        """
        slots, gains, trims = [], [], []
        for kept in members:
            user, start = kept.user, dict(kept.user.start)
            if self._gain.id in start and user.amount > 0.0:
                slots.append(kept.slot)
                asked = (start[self._gain.id] - user.offset_db) / user.amount + start.get(
                    self._staging.id, 0.0
                )
                gains.append(min(max(asked, self._gain.min), self._gain.max))
            if self._trim.id in start:
                trims.append(start[self._trim.id])
        if slots:
            at, begun = np.array(slots, np.intp), np.array(gains, np.float32)
            self._rule.begin(at, begun)
            self._safety.begin(at, begun)
        if fresh and trims and self._headroom is not None:
            self._headroom.begin(min(trims))

    def _decide(
        self,
        lineup: Lineup,
        frames: Sequence[Frame | None],
        sheet: Sheet | None,
        energy: Floats,
        present: npt.NDArray[np.bool_],
        begun: Sequence[Kept],
        fresh: bool,
        trims: Floats,
        louder: Floats,
    ) -> tuple[Floats, npt.NDArray[np.bool_], float | None]:
        self._begin(begun, fresh)
        audio = side_by_side(frames, sheet, self._frame)
        slots = lineup.slots
        level = levels_db(audio, frames, self._frame) if self._rule.hears else None
        said = self._rule.step(slots, energy, present, level)
        said = said._replace(source=said.source + 2 * self._edition)
        bleed = energy if self._rule.hears else None
        gains, known = self._safety.step(slots, said, lineup.aim_db, lineup.locked, self._rule.slew_db, bleed)
        # A plugin whose gain is not known yet, and that was not told one to start with, is at 0 dB.
        # The model's aim is meant for the track as recorded: what staging does of it already is left to staging.
        asked = (gains - trims) * lineup.amount + lineup.offset_db
        asked = np.clip(asked, self._gain.min, self._gain.max)
        gains = np.where(known, asked, 0.0).astype(np.float32, copy=False)
        if self._headroom is None:
            return gains, known, None
        trim = self._headroom.step(audio, gains + trims + louder)
        return gains, known, min(max(trim, self._trim.min), self._trim.max)

    def _unless_it_fails(self, step: Callable[[], _Result]) -> _Result | None:
        """What ``step`` returns; None, and noted for `_hold`, where a model fails."""
        try:
            return step()
        except ModelError as error:
            self._failures.append(error)
            return None

    def _hold(self) -> None:
        """Note whether something holds in this frame because its model failed."""
        if self._failures:
            self.held += 1
            if not self.holding:
                log.error(event("model failed, values held", reason=self._failures[0]))
        self.holding = bool(self._failures)


def _louder_db(energy: Floats, ride: Said | None, room: Sequence[Said]) -> Floats:
    """By how much breath and room make each track louder beyond its gain, dB."""
    louder = np.zeros_like(energy)
    if ride is not None:
        louder += ride.values["breath_db"]
    for said in room:
        if "reverb_send" in said.values:
            louder += (10.0 * np.log10(1.0 + np.square(said.values["reverb_send"]))).astype(np.float32)
    return louder

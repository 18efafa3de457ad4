"""The timeline of one group: hops come in, frames to compute and answers to send come out.

The caller says what arrived and what time it is (any monotonic clock, in seconds) and executes the returned
actions in order. Nothing here reads a clock, so a run of the same calls gives the same actions.

Where the rules left a choice:

* A frame exists once some member has delivered its end. Positions that everybody jumps over have no frames.
* A run's position is rounded up to the next hop, so that the host's block size, which decides whether a run
  is announced or begins with audio, cannot decide from which frame on a late starter counts.
* Lost hops are counted where they are noticed (``gap``); the member's row in a frame with a hole is stale.
* A member that was absent, and whose late blocks show that it should have counted in frames computed without
  it, is counted then (``stale``, in a Sync frame ``masked``): counters at 0 really mean that nothing differs.
* An absent member makes a Sync frame incomplete if its last run held audio of that frame, in Sync and on the same
  kind of clock. That is track-by-track rendering, where every member is heard but never together; a track that the
  host left out is not, nor one that starts late in every render.
* A run that plays shares no epoch with one that rests: one counts on the timeline, the other on a clock, and where
  these are near it is by chance, as when a host that starts calls a track first that it did not call at rest.
* A run that goes on about where the member's last one ended, while others play on past that place in the old
  epoch, was no move of the transport: one plugin was reset. It rejoins that epoch as a late starter, instead
  of staying alone in an epoch of its own until the transport moves.
* A WAIT covers the whole of every older epoch, and a deadline forces older epochs first, since their frames
  come first. Frames of a Sync run that is still owed an answer hold a deadline back, for the time of the
  backstop at most.
* Members of another process are waited for until their own bridge sends WAIT, they leave, or the backstop.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from uuid import UUID

import msgspec

from hybridmix.timeline.actions import Action, Reply
from hybridmix.timeline.counters import Counters
from hybridmix.timeline.epoch import Epoch, Member, Run
from hybridmix.timeline.frame import answer_late, close_frame
from hybridmix.timeline.roster import Roster

__all__ = ["BACKSTOP_S", "HOPS_PER_FRAME", "Timeline"]

HOPS_PER_FRAME = 5
BACKSTOP_S = 9.5
"""How long a Sync wait may last; half a second less than the plugin's own patience, so that what the service
can still say arrives while somebody listens."""
COMPUTE_MARGIN_S = 0.008
"""Part of D set aside for computing a frame and sending it."""
MAX_PENDING = 256
"""Frames (12.8 s) and epochs that may wait; beyond, the oldest is computed with what there is."""
POSITION_LIMIT = 2**63 - 1


class Timeline:
    """One group at one sample rate.

    ``frame`` is the number of samples of an F2 frame (``rate / 20``), ``rate`` in Hz. Positions are samples,
    any signed 64-bit integer. No call raises for what a peer sent: what cannot be used is counted as refused.
    """

    def __init__(self, frame: int, rate: int) -> None:
        self.frame = frame
        self.rate = rate
        self.counters = Counters()
        self._hop = frame // HOPS_PER_FRAME
        self._roster = Roster(frame, rate)
        self._waiting: set[UUID] = set()

    def register(self, member: UUID, process: Hashable) -> list[Action]:
        """Add a member to the roster; ``process`` names the connection whose WAITs speak for it."""
        actions = self.unregister(member)
        self._roster.add(member, process)
        return actions

    def unregister(self, member: UUID) -> list[Action]:
        """Forget a member: it is in no row from now on, and nobody waits for it."""
        actions: list[Action] = []
        if self._roster.remove(member):
            self._waiting.discard(member)
            self._advance(actions)
        return actions

    # ------------------------------------------------------------------ stream

    def deliver(
        self,
        member: UUID,
        run: int,
        position: int,
        frames: int,
        *,
        begin: bool,
        start: bool,
        playing: bool,
        sync: bool,
        gap: bool,
        delay: int,
        lead: int,
        now: float,
    ) -> list[Action]:
        """Take one BLOCK: ``frames`` samples (whole hops, or 0 to announce a run) from ``position`` on.

        ``begin``, ``start``, ``playing``, ``sync`` and ``gap`` are the BLOCK's flags; ``delay`` is D and ``lead`` the
        largest lead the member has measured, both in samples; ``now`` in seconds.
        """
        entry = self._roster.members.get(member)
        if entry is None or not self._usable(entry, run, position, frames, delay):
            self.counters.refused += 1
            return []
        actions: list[Action] = []
        current = entry.run
        moved = entry.given_up
        entry.given_up = False
        entry.heard = now
        if current is None or current.number != run:
            current = self._begin(entry, run, position, start, playing, delay, actions)
            gap = gap or not begin
            moved = True
        if current.delay != delay or current.lead != lead:
            current.delay, current.lead = delay, lead
            self._roster.settle(current.epoch)
        current.playing, current.sync = playing, sync
        if current.masked:
            current.masked = False
            moved = True
        if gap or (frames and position > current.front):
            self.counters.gap += 1
            current.clean_from = max(current.front, position + -position % self._hop)
        if moved:
            self._roster.recheck()
        if frames:
            epoch = current.epoch
            end = current.front = position + frames
            epoch.front = max(epoch.front, end)
            boundary = position - position % self.frame + self.frame
            while boundary <= end:
                self._frame_ended(current, boundary, now, actions)
                boundary += self.frame
                moved = True
            missing = epoch.missing
            if missing and member in missing and end >= epoch.order[0]:
                missing.discard(member)
                moved = True
            if epoch is not self._roster.epochs[-1] and self._call_back(current, now, actions):
                moved = True
        if moved:
            self._advance(actions)
            self._bound(actions)
        return actions

    def entries(self, members: Sequence[UUID]) -> list[Member]:
        """The records of registered ``members``, for `go_on`."""
        return [self._roster.members[member] for member in members]

    def go_on(
        self,
        entries: Sequence[Member],
        runs: Sequence[int],
        position: int,
        frames: int,
        *,
        lead: int,
        now: float,
    ) -> list[Action] | None:
        """Take one BLOCK of each of ``entries`` at once, where each goes on as `deliver` last left it.

        The actions are those of `deliver` for one after the other, with the flags, delay and run that each
        had. None, with nothing changed, where one of them does not simply go on: then it must be asked.
        """
        epoch = entries[0].run.epoch if entries and entries[0].run is not None else None
        if epoch is None or not frames or epoch is not self._roster.epochs[-1]:
            return None
        boundary = position - position % self.frame + self.frame
        if (epoch.computed is not None and boundary <= epoch.computed) or position % self._hop:
            return None
        going: list[Run] = []
        for entry, number in zip(entries, runs, strict=True):
            run = entry.run
            if run is None or run.number != number or run.epoch is not epoch or run.front != position:
                return None
            if run.masked or run.lead != lead or entry.given_up:
                return None
            going.append(run)
        end = position + frames
        if end > POSITION_LIMIT - self.rate or frames % self._hop:
            return None
        for entry, run in zip(entries, going, strict=True):
            entry.heard = now
            run.front = end
        epoch.front = max(epoch.front, end)
        actions: list[Action] = []
        moved = boundary <= end
        while boundary <= end:
            self._frames_ended(epoch, going, boundary, now)
            boundary += self.frame
        if moved and epoch.missing is None and len(going) == len(self._roster.members):
            epoch.missing = set()  # everybody is here and has just delivered it
        elif epoch.missing and end >= epoch.order[0]:
            moved = True
            epoch.missing.difference_update(run.member for run in going)
        if moved:
            self._advance(actions)
            self._bound(actions)
        return actions

    def wait(self, member: UUID, run: int, frame_end: int, now: float) -> list[Action]:
        """Take a WAIT: this member cannot go on without the answer to the frame that ends at ``frame_end``.

        Its bridge has sent everything it had, so members of the same process that are still missing there are
        left out of frames up to that one.
        """
        entry = self._roster.members.get(member)
        if entry is None or entry.run is None or entry.run.number != run:
            return []
        actions: list[Action] = []
        current = entry.run
        for older in self._roster.furthest(current.epoch):
            self._call_back(older, now, actions)
        end = min(frame_end, current.front)
        entry.process.drained = max(entry.process.drained, (current.epoch.id, end))
        owed = _owed(current, end)
        if owed is not None:
            entry.waiting = (owed, now)
            self._waiting.add(member)
        self._roster.recheck()
        self._advance(actions)
        return actions

    def tick(self, now: float) -> list[Action]:
        """Compute what is due at ``now``: frames past their deadline, and waits that lasted too long."""
        actions: list[Action] = []
        for run, end, since in self._waits():
            if now >= since + BACKSTOP_S:
                self._force(run.epoch, end, actions, silent_since=since)
        patience = 0.0
        for epoch in list(self._roster.epochs):
            limit: int | None = None
            for end in epoch.order:
                frame = epoch.pending[end]
                if frame.owed_sync:
                    patience = BACKSTOP_S
                if frame.deadline is not None and now >= frame.deadline + patience:
                    limit = end
            if limit is not None:
                self._force(epoch, limit, actions, silent_since=now - patience if patience else None)
        self._advance(actions)
        return actions

    def next_deadline(self) -> float | None:
        """When to call ``tick`` next (seconds), or None while nothing is due without another message."""
        due: list[float] = []
        patience = 0.0
        for epoch in self._roster.epochs:
            for end in epoch.order:
                frame = epoch.pending[end]
                if frame.owed_sync:
                    patience = BACKSTOP_S
                if frame.deadline is not None:
                    due.append(frame.deadline + patience)
        due.extend(since + BACKSTOP_S for _, _, since in self._waits())
        return min(due, default=None)

    def skip_late(self, actions: list[Action]) -> list[Action]:
        """Turn answers that are certain to come too late into skipped ones where newer values follow.

        Call it on the actions of one round of the loop, after everything that waited was delivered. An answer
        is certainly late when the member has already streamed past the sample at which it applies. State
        still advances: only answers change. Frames that a Sync member delivered are never skipped.
        """
        if len({action.end for action in actions if isinstance(action, Reply)}) < 2:
            return actions
        seen: set[UUID] = set()
        kept: list[Action] = []
        for action in reversed(actions):
            if isinstance(action, Reply) and not action.none:
                if action.member in seen and self._too_late(action):
                    action = msgspec.structs.replace(action, none=True, skipped=True)
                    self.counters.skipped += 1
                else:
                    seen.add(action.member)
            kept.append(action)
        kept.reverse()
        return kept

    # ------------------------------------------------------------------ runs

    def _usable(self, entry: Member, run: int, position: int, frames: int, delay: int) -> bool:
        """Whether a block is on the hop grid, answerable in 64 bits, and ahead of what its run delivered."""
        if frames % self._hop or (frames and position % self._hop) or frames < 0:
            return False
        if not -POSITION_LIMIT <= position <= POSITION_LIMIT - frames - delay:
            return False
        current = entry.run
        return not frames or current is None or current.number != run or position >= current.front

    def _begin(
        self,
        entry: Member,
        number: int,
        position: int,
        start: bool,
        playing: bool,
        delay: int,
        actions: list[Action],
    ) -> Run:
        """End the member's run and begin another."""
        old = entry.run
        self._waiting.discard(entry.id)
        run = self._roster.begin(entry, number, position, start, playing, delay)
        if run.epoch.computed is not None and old is not None and old.owed:
            # The group has left the old epoch behind; its answers must not come after those of the new one.
            self._force(old.epoch, old.owed[-1][0], actions)
            run.joined_after = run.epoch.computed
        return run

    def _call_back(self, going: Run, now: float, actions: list[Action]) -> bool:
        """Bring lone restarts back to the epoch in which ``going`` goes on; whether there were any."""
        lone = self._roster.lone_restarts(going)
        for run in lone:
            for end, _, _ in self._roster.move(run, going.epoch):
                self._frame_ended(run, end, now, actions)
            entry = self._roster.members[run.member]
            if entry.waiting is not None and _owed(run, entry.waiting[0]) is None:
                entry.waiting = None
        return bool(lone)

    def _frame_ended(self, run: Run, end: int, now: float, actions: list[Action]) -> None:
        """Owe a member the answer to a frame that it has ended, or give it at once."""
        epoch = run.epoch
        if epoch.computed is not None and end <= epoch.computed:
            answer_late(run, end, self.frame, self.counters, actions)
            return
        self._frames_ended(epoch, [run], end, now)

    def _frames_ended(self, epoch: Epoch, runs: Sequence[Run], end: int, now: float) -> None:
        """Owe members of ``epoch`` the answer to a frame that they have ended and that is not computed."""
        for run in runs:
            if run.sync:
                epoch.expect(end, None).owed_sync += 1
            run.owed.append((end, run.delay, run.sync))
        if not all(run.sync for run in runs):
            room = (epoch.delay - epoch.lead) / self.rate - COMPUTE_MARGIN_S
            epoch.expect(end, now + max(0.0, room))

    # ------------------------------------------------------------------ frames

    def _waits(self) -> list[tuple[Run, int, float]]:
        """The Sync waits that have no answer yet: run, frame end, and since when; by member."""
        waits: list[tuple[Run, int, float]] = []
        for member in sorted(self._waiting, key=lambda m: m.bytes):
            entry = self._roster.members[member]
            if entry.waiting is None or entry.run is None:
                self._waiting.discard(member)
            else:
                waits.append((entry.run, *entry.waiting))
        return waits

    def _advance(self, actions: list[Action]) -> None:
        """Compute every frame that waits for nobody, older epochs first."""
        blocked = False
        for epoch in list(self._roster.epochs):
            while epoch.order and not blocked:
                if epoch.missing is None:
                    epoch.missing = self._roster.find_missing(epoch)
                if epoch.missing:
                    blocked = True
                else:
                    close_frame(epoch, self._roster.sorted, self.frame, self.counters, actions)
            if not epoch.order and not epoch.runs:
                self._roster.epochs.remove(epoch)

    def _force(
        self, epoch: Epoch, limit: int, actions: list[Action], silent_since: float | None = None
    ) -> None:
        """Compute the frames of ``epoch`` up to the end ``limit``, and all older epochs, with what there is.

        ``silent_since``: give up the members that are missing, and those of their processes that have not
        been heard since then.
        """
        for older in self._roster.epochs:
            if older.id > epoch.id:
                break
            while older.order and (older is not epoch or older.order[0] <= limit):
                if silent_since is not None:
                    self._roster.give_up(self._roster.find_missing(older), silent_since)
                close_frame(older, self._roster.sorted, self.frame, self.counters, actions)

    def _bound(self, actions: list[Action]) -> None:
        """Keep what waits within bounds, whatever the peers do."""
        for epoch in list(self._roster.epochs):
            if len(epoch.order) > MAX_PENDING:
                self._force(epoch, epoch.order[-MAX_PENDING - 1], actions)
        if len(self._roster.epochs) > MAX_PENDING:
            self._force(self._roster.epochs[-MAX_PENDING - 1], POSITION_LIMIT, actions)
            self._advance(actions)

    def _too_late(self, reply: Reply) -> bool:
        """Whether the member has streamed past the sample at which ``reply`` applies."""
        entry = self._roster.members.get(reply.member)
        run = entry.run if entry is not None else None
        if run is None or run.number != reply.run or run.epoch.id != reply.epoch:
            return False
        known = run.epoch.answered.get(reply.end)
        return known is not None and not known.sync and run.front >= reply.apply_at


def _owed(run: Run, limit: int) -> int | None:
    """The last frame end up to ``limit`` whose answer is still to be given."""
    return max((end for end, _, _ in run.owed if end <= limit), default=None)

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
* An absent member makes a Sync frame incomplete if its last run was in Sync too. That is track-by-track
  rendering, where every member is heard but never together; a track that the host left out is not.
* A WAIT covers the whole of every older epoch, and a deadline forces older epochs first, since their frames
  come first. Frames of a Sync run that is still owed an answer hold a deadline back, for the time of the
  backstop at most.
* Members of another process are waited for until their own bridge sends WAIT, they leave, or the backstop.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Hashable
from uuid import UUID

from hybridmix.timeline.actions import Action, Reply
from hybridmix.timeline.counters import Counters
from hybridmix.timeline.epoch import Epoch, Member, Process, Run
from hybridmix.timeline.frame import answer_late, close_frame

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
        self._members: dict[UUID, Member] = {}
        self._sorted: list[Member] = []
        self._processes: dict[Hashable, Process] = {}
        self._epochs: list[Epoch] = []
        self._next_epoch = 0
        self._waiting: set[UUID] = set()

    # ------------------------------------------------------------------ roster

    def register(self, member: UUID, process: Hashable) -> list[Action]:
        """Add a member to the roster; ``process`` names the connection whose WAITs speak for it."""
        actions = self.unregister(member) if member in self._members else []
        bridge = self._processes.setdefault(process, Process(process))
        bridge.members.add(member)
        entry = Member(member, member.bytes, bridge, heard=float("-inf"))
        self._members[member] = entry
        insort(self._sorted, entry, key=lambda m: m.key)
        self._recheck()
        return actions

    def unregister(self, member: UUID) -> list[Action]:
        """Forget a member: it is in no row from now on, and nobody waits for it."""
        entry = self._members.pop(member, None)
        if entry is None:
            return []
        self._sorted.remove(entry)
        self._waiting.discard(member)
        bridge = entry.process
        bridge.members.discard(member)
        if not bridge.members:
            del self._processes[bridge.key]
        if entry.run is not None:
            self._end(entry.run)
        for epoch in self._epochs:
            epoch.absent.discard(member)
            epoch.ended = [run for run in epoch.ended if run.member != member]
        self._recheck()
        actions: list[Action] = []
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
        sync: bool,
        gap: bool,
        delay: int,
        lead: int,
        now: float,
    ) -> list[Action]:
        """Take one BLOCK: ``frames`` samples (whole hops, or 0 to announce a run) from ``position`` on.

        ``begin``, ``start``, ``sync`` and ``gap`` are the BLOCK's flags; ``delay`` is D and ``lead`` the
        largest lead the member has measured, both in samples; ``now`` in seconds.
        """
        entry = self._members.get(member)
        if entry is None or not self._usable(entry, run, position, frames, delay):
            self.counters.refused += 1
            return []
        actions: list[Action] = []
        current = entry.run
        moved = entry.given_up
        entry.given_up = False
        entry.heard = now
        if current is None or current.number != run:
            current = self._begin(entry, run, position, start, sync, delay, lead, actions)
            gap = gap or not begin
            moved = True
        epoch = current.epoch
        if current.delay != delay or current.lead != lead:
            current.delay, current.lead = delay, lead
            self._settle(epoch)
        current.sync = sync
        if current.masked:
            current.masked = False
            moved = True
        if gap or (frames and position > current.front):
            self.counters.gap += 1
            current.clean_from = max(current.front, position + -position % self._hop)
        if moved:
            self._recheck()
        if frames:
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
        if moved:
            self._advance(actions)
            self._bound(actions)
        return actions

    def wait(self, member: UUID, run: int, frame_end: int, now: float) -> list[Action]:
        """Take a WAIT: this member cannot go on without the answer to the frame that ends at ``frame_end``.

        Its bridge has sent everything it had, so members of the same process that are still missing there are
        left out of frames up to that one.
        """
        entry = self._members.get(member)
        if entry is None or entry.run is None or entry.run.number != run:
            return []
        current = entry.run
        end = min(frame_end, current.front)
        entry.process.drained = max(entry.process.drained, (current.epoch.id, end))
        if any(owed <= end for owed, _, _ in current.owed):
            entry.waiting = (end, now)
            self._waiting.add(member)
        self._recheck()
        actions: list[Action] = []
        self._advance(actions)
        return actions

    def tick(self, now: float) -> list[Action]:
        """Compute what is due at ``now``: frames past their deadline, and waits that lasted too long."""
        actions: list[Action] = []
        for run, end, since in self._waits():
            if now >= since + BACKSTOP_S:
                self._force(run.epoch, end, actions, silent_since=since)
        patience = 0.0
        for epoch in list(self._epochs):
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
        for epoch in self._epochs:
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
        seen: set[UUID] = set()
        kept: list[Action] = []
        for action in reversed(actions):
            if isinstance(action, Reply) and not action.none:
                if action.member in seen and self._too_late(action):
                    action = action._replace(none=True, skipped=True)
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
        sync: bool,
        delay: int,
        lead: int,
        actions: list[Action],
    ) -> Run:
        """End the member's run and begin another, in the epoch where it belongs."""
        old = entry.run
        if old is not None:
            self._end(old)
        self._waiting.discard(entry.id)
        entry.waiting = None
        epoch = None
        for candidate in reversed(self._epochs):
            if candidate.id <= entry.epoch:
                break
            if abs(candidate.front - position) <= self.rate // 2:
                epoch = candidate
                break
        if epoch is None:
            epoch = Epoch(self._next_epoch, front=position)
            self._next_epoch += 1
            self._epochs.append(epoch)
        if epoch.computed is not None and old is not None and old.owed:
            # The group has left the old epoch behind; its answers must not come after those of the new one.
            self._force(old.epoch, old.owed[-1][0], actions)
        grid = position + -position % self._hop
        whole_from = position + -position % self.frame
        late = epoch.first_end is not None and grid >= epoch.first_end
        entry.run = run = Run(
            entry.id,
            number,
            epoch,
            neutral=start,
            start=grid,
            warmup=delay,
            joined_after=epoch.computed,
            counts_from=grid + delay if late else grid,
            clean_from=grid,
            front=grid,
            last_whole=whole_from,
            delay=delay,
            lead=lead,
            sync=sync,
        )
        entry.epoch = epoch.id
        epoch.runs += 1
        epoch.absent.discard(entry.id)
        self._settle(epoch)
        return run

    def _end(self, run: Run) -> None:
        """Note that nothing more comes of a run; what it delivered still counts and is still answered."""
        epoch = run.epoch
        run.ended = True
        epoch.runs -= 1
        epoch.release(run)
        if run.owed:
            epoch.ended.append(run)

    def _settle(self, epoch: Epoch) -> None:
        """Find the largest lead and the smallest D of the runs that go on in ``epoch``."""
        runs = [m.run for m in self._sorted if m.run is not None and m.run.epoch is epoch]
        epoch.lead = max(run.lead for run in runs)
        epoch.delay = min(run.delay for run in runs)

    def _frame_ended(self, run: Run, end: int, now: float, actions: list[Action]) -> None:
        """Owe a member the answer to a frame that it has ended, or give it at once."""
        epoch = run.epoch
        if epoch.computed is not None and end <= epoch.computed:
            answer_late(run, end, self.frame, self.counters, actions)
            return
        deadline = None
        if not run.sync:
            room = (epoch.delay - epoch.lead) / self.rate - COMPUTE_MARGIN_S
            deadline = now + max(0.0, room)
        frame = epoch.expect(end, deadline)
        frame.owed_sync += run.sync
        run.owed.append((end, run.delay, run.sync))

    # ------------------------------------------------------------------ frames

    def _waits(self) -> list[tuple[Run, int, float]]:
        """The Sync waits that have no answer yet: run, frame end, and since when; by member."""
        waits: list[tuple[Run, int, float]] = []
        for member in sorted(self._waiting, key=lambda m: m.bytes):
            entry = self._members[member]
            if entry.waiting is None or entry.run is None:
                self._waiting.discard(member)
            else:
                waits.append((entry.run, *entry.waiting))
        return waits

    def _recheck(self) -> None:
        """Make every epoch find out again for whom it waits."""
        for epoch in self._epochs:
            epoch.missing = None

    def _find_missing(self, epoch: Epoch) -> set[UUID]:
        """The members without which the oldest pending frame of ``epoch`` is not computed yet."""
        end = epoch.order[0]
        begins = end - self.frame
        here = (epoch.id, end)
        missing: set[UUID] = set()
        for entry in self._sorted:
            if entry.epoch > epoch.id or entry.given_up or entry.process.drained >= here:
                continue
            run = entry.run
            if run is not None and run.epoch is epoch:
                if run.front < end and begins >= self._counts_from(run) and not run.masked:
                    missing.add(entry.id)
            elif entry.id not in epoch.absent:
                missing.add(entry.id)
        return missing

    def _counts_from(self, run: Run) -> int:
        """Where the first frame may begin in which ``run`` counts."""
        epoch = run.epoch
        first_end = epoch.first_end if epoch.first_end is not None else epoch.order[0]
        return run.start + run.warmup if run.start >= first_end else run.start

    def _advance(self, actions: list[Action]) -> None:
        """Compute every frame that waits for nobody, older epochs first."""
        blocked = False
        for epoch in list(self._epochs):
            while epoch.order and not blocked:
                if epoch.missing is None:
                    epoch.missing = self._find_missing(epoch)
                if epoch.missing:
                    blocked = True
                else:
                    close_frame(epoch, self._sorted, self.frame, self.counters, actions)
            if not epoch.order and not epoch.runs:
                self._epochs.remove(epoch)

    def _force(
        self, epoch: Epoch, limit: int, actions: list[Action], silent_since: float | None = None
    ) -> None:
        """Compute the frames of ``epoch`` up to the end ``limit``, and all older epochs, with what there is.

        ``silent_since``: give up the members that are missing, and those of their processes that have not
        been heard since then.
        """
        for older in self._epochs:
            if older.id > epoch.id:
                break
            while older.order and (older is not epoch or older.order[0] <= limit):
                if silent_since is not None:
                    self._give_up(self._find_missing(older), silent_since)
                close_frame(older, self._sorted, self.frame, self.counters, actions)

    def _give_up(self, missing: set[UUID], silent_since: float) -> None:
        """Wait no more for ``missing``, nor for the silent members of the same processes."""
        for member in missing:
            entry = self._members[member]
            entry.given_up = True
            for other in entry.process.members:
                neighbour = self._members[other]
                if neighbour.heard <= silent_since:
                    neighbour.given_up = True

    def _bound(self, actions: list[Action]) -> None:
        """Keep what waits within bounds, whatever the peers do."""
        for epoch in list(self._epochs):
            if len(epoch.order) > MAX_PENDING:
                self._force(epoch, epoch.order[-MAX_PENDING - 1], actions)
        if len(self._epochs) > MAX_PENDING:
            self._force(self._epochs[-MAX_PENDING - 1], POSITION_LIMIT, actions)
            self._advance(actions)

    def _too_late(self, reply: Reply) -> bool:
        """Whether the member has streamed past the sample at which ``reply`` applies."""
        run = self._members[reply.member].run if reply.member in self._members else None
        if run is None or run.number != reply.run or run.epoch.id != reply.epoch:
            return False
        known = run.epoch.answered.get(reply.end)
        return known is not None and not known.sync and run.front >= reply.apply_at

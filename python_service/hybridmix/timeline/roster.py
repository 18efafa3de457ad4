"""Who belongs to the group, which runs share an epoch, and for whom a frame waits."""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Hashable
from uuid import UUID

from hybridmix.timeline.epoch import Epoch, Member, Process, Run

__all__ = ["Roster"]


class Roster:
    """Members, processes, runs and epochs of one group. ``frame`` in samples, ``rate`` in Hz."""

    def __init__(self, frame: int, rate: int) -> None:
        self.members: dict[UUID, Member] = {}
        self.sorted: list[Member] = []
        """By the bytes of the UUID."""
        self.epochs: list[Epoch] = []
        """Ascending; an epoch goes when all its runs have ended and nothing in it is pending."""
        self._frame = frame
        self._hop = rate // 100
        self._reach = rate // 2
        self._processes: dict[Hashable, Process] = {}
        self._next_epoch = 0

    def add(self, member: UUID, process: Hashable) -> None:
        """Enter a member that is not in the roster."""
        bridge = self._processes.setdefault(process, Process(process))
        bridge.members.add(member)
        entry = Member(member, member.bytes, bridge, heard=float("-inf"))
        self.members[member] = entry
        insort(self.sorted, entry, key=lambda m: m.key)
        self.recheck()

    def remove(self, member: UUID) -> bool:
        """Forget a member and all it delivered; whether it was there."""
        entry = self.members.pop(member, None)
        if entry is None:
            return False
        self.sorted.remove(entry)
        bridge = entry.process
        bridge.members.discard(member)
        if not bridge.members:
            del self._processes[bridge.key]
        if entry.run is not None:
            self._end(entry.run)
        for epoch in self.epochs:
            epoch.absent.discard(member)
            epoch.ended = [run for run in epoch.ended if run.member != member]
        self.recheck()
        return True

    # ------------------------------------------------------------------ runs

    def begin(self, entry: Member, number: int, position: int, start: bool, playing: bool, delay: int) -> Run:
        """End the member's run and begin another, in the epoch where it belongs.

        That is the newest one in which the member has not been, whose newest position is within half a second,
        and which plays, or rests, as it does; or else a new one.
        """
        old = entry.run
        if old is not None:
            self._end(old)
        entry.waiting = None
        epoch = None
        for candidate in reversed(self.epochs):
            if candidate.id <= entry.epoch:
                break
            if candidate.playing == playing and abs(candidate.front - position) <= self._reach:
                epoch = candidate
                break
        if epoch is None:
            epoch = Epoch(self._next_epoch, position, playing)
            self._next_epoch += 1
            self.epochs.append(epoch)
        grid = position + -position % self._hop
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
            last_whole=position + -position % self._frame,
            delay=delay,
            left=self._left(old),
        )
        entry.epoch = epoch.id
        epoch.runs += 1
        epoch.absent.discard(entry.id)
        return run

    def settle(self, epoch: Epoch) -> None:
        """Find the largest lead and the smallest D of the runs that go on in ``epoch``."""
        runs = [m.run for m in self.sorted if m.run is not None and m.run.epoch is epoch]
        epoch.lead = max((run.lead for run in runs), default=0)
        epoch.delay = min((run.delay for run in runs), default=0)

    def _end(self, run: Run) -> None:
        """Note that nothing more comes of a run; what it delivered still counts and is still answered."""
        run.epoch.runs -= 1
        run.epoch.release(run)
        if run.owed:
            run.epoch.ended.append(run)

    def _left(self, old: Run | None) -> tuple[Epoch, int] | None:
        """The epoch that a member leaves behind with others in it, and how far it had come there."""
        if old is None:
            return None
        if old.epoch.runs:
            return old.epoch, old.front
        return None if old.owed else old.left

    # ------------------------------------------------------------------ lone restarts

    def lone_restarts(self, going: Run) -> list[Run]:
        """The runs that belong into the epoch in which ``going`` goes on, although they opened another.

        Sure signs that the transport did not move: ``going`` has come a frame past the place where the other
        member left this epoch, and past its first whole frame since, at positions near to each other; and no
        more members left than stayed. What the member had delivered here must be settled first.
        """
        epoch = going.epoch
        lone: list[Run] = []
        for entry in self.sorted:
            run = entry.run
            if run is None or run.left is None or run.left[0] is not epoch or run.epoch.id <= epoch.id:
                continue
            if run.epoch.playing != epoch.playing:
                continue
            sure = max(run.left[1], run.start + -run.start % self._frame) + self._frame
            near = abs(epoch.front - run.front) <= self._reach
            owed = any(ended.member == entry.id for ended in epoch.ended)
            if going.front >= sure and near and not owed and run.epoch.runs <= epoch.runs:
                lone.append(run)
        return lone

    def furthest(self, newer: Epoch) -> list[Run]:
        """Of every epoch older than ``newer`` the run that has come furthest and goes on."""
        furthest: dict[int, Run] = {}
        if newer is not self.epochs[0]:
            for entry in self.sorted:
                run = entry.run
                if run is not None and run.epoch.id < newer.id:
                    best = furthest.setdefault(run.epoch.id, run)
                    if run.front > best.front:
                        furthest[run.epoch.id] = run
        return list(furthest.values())

    def move(self, run: Run, epoch: Epoch) -> deque[tuple[int, int, bool]]:
        """Let a run join ``epoch`` late instead of the one it is in; returns the frame ends it is owed."""
        old = run.epoch
        entry = self.members[run.member]
        old.runs -= 1
        old.release(run)
        owed, run.owed = run.owed, deque()
        going = [m.run for m in self.sorted if m.run is not None and m.run.epoch is old]
        still = {end for other in going + old.ended for end, _, _ in other.owed}
        old.drop({end for end, _, _ in owed} - still)
        if entry.process.drained[0] == old.id:
            entry.process.drained = (epoch.id, entry.process.drained[1])
        entry.epoch = epoch.id
        run.epoch = epoch
        run.joined_after = epoch.computed
        settled = run.start if old.computed is None else old.computed
        run.counts_from = max(run.start + run.warmup, run.left[1] if run.left else run.start, settled)
        run.left = None
        epoch.runs += 1
        epoch.absent.discard(run.member)
        self.settle(epoch)
        self.recheck()
        return owed

    # ------------------------------------------------------------------ waiting

    def recheck(self) -> None:
        """Make every epoch find out again for whom it waits."""
        for epoch in self.epochs:
            epoch.missing = None

    def find_missing(self, epoch: Epoch) -> set[UUID]:
        """The members without which the oldest pending frame of ``epoch`` is not computed yet."""
        end = epoch.order[0]
        begins = end - self._frame
        here = (epoch.id, end)
        first_end = end if epoch.first_end is None else epoch.first_end
        missing: set[UUID] = set()
        for entry in self.sorted:
            if entry.epoch > epoch.id or entry.given_up or entry.process.drained >= here:
                continue
            run = entry.run
            if run is not None and run.epoch is epoch:
                late = epoch.first_end is None and run.start >= first_end
                counts_from = run.start + run.warmup if late else run.counts_from
                if run.front < end and begins >= counts_from and not run.masked:
                    missing.add(entry.id)
            elif entry.id not in epoch.absent:
                missing.add(entry.id)
        return missing

    def give_up(self, missing: set[UUID], silent_since: float) -> None:
        """Wait no more for ``missing``, nor for the silent members of the same processes."""
        for member in missing:
            entry = self.members[member]
            entry.given_up = True
            for other in entry.process.members:
                neighbour = self.members[other]
                if neighbour.heard <= silent_since:
                    neighbour.given_up = True

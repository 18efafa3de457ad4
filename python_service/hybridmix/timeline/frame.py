"""One frame of one epoch: who counts in it, what is computed, who is answered."""

from __future__ import annotations

from collections.abc import Sequence

from hybridmix.timeline.actions import Action, Compute, Feed, Reply, Row, Standing
from hybridmix.timeline.counters import Counters
from hybridmix.timeline.epoch import Answered, Epoch, Member, Pending, Run

__all__ = ["STALE_FRAMES", "answer_late", "close_frame"]

STALE_FRAMES = 10
"""Half a second: how long earlier features serve for a member that is late."""


def close_frame(
    epoch: Epoch, members: Sequence[Member], length: int, counters: Counters, actions: list[Action]
) -> None:
    """Compute the oldest pending frame of ``epoch`` with what there is, and answer those that ended it.

    ``members`` is the whole roster, sorted by key; ``length`` the samples of a frame.
    """
    end, frame = epoch.take()
    if epoch.first_end is None:
        _open(epoch, members, end)
    begins = end - length
    rows: list[Row] = []
    feeds: list[Action] = []
    answers: list[tuple[Run, int]] = []
    absent: list[Member] = []
    incomplete = False
    neutral = True
    for member in members:
        run = member.run
        if run is None or run.epoch is not epoch:
            if member.epoch < epoch.id:
                absent.append(member)
            continue
        delivered = bool(run.owed) and run.owed[0][0] == end
        whole = delivered and begins >= run.counts_from and begins >= run.clean_from
        if delivered:
            answers.append((run, run.owed.popleft()[1]))
            if whole:
                run.last_whole = end
                rows.append(Row(run.member, Standing.WHOLE, end))
                neutral &= run.neutral
            else:
                feeds.append(Feed(run.member, run.number, end))
            if member.waiting is not None and end >= member.waiting[0]:
                member.waiting = None
        if not whole and begins >= run.counts_from:
            row = _stand_in(run, end, length, frame, counters)
            if row is not None:
                rows.append(row)
                neutral &= run.neutral
            incomplete |= frame.sync and run.front < end
    if epoch.ended:
        neutral &= _close_ended(epoch, end, begins, rows, feeds, answers)
    if rows:
        playing = any(run.playing for run, _ in answers)
        for member in absent:
            _note_absent(epoch, member, counters)
            incomplete |= frame.sync and _was_rendered(member.run, begins, end, playing)
        counters.frames += 1
        first = not epoch.stepped
        epoch.stepped = True
        actions.append(
            Compute(epoch.id, end, first and neutral, first and not neutral, tuple(rows), incomplete)
        )
    actions.extend(feeds)
    none = not rows
    for run, delay in answers:
        empty = none or begins < run.counts_from
        actions.append(Reply(run.member, run.number, end, end + delay, epoch.id, empty, incomplete, False))
    counters.incomplete += incomplete
    epoch.computed = end
    epoch.remember(end, Answered(none, incomplete, frame.sync))


def answer_late(run: Run, end: int, length: int, counters: Counters, actions: list[Action]) -> None:
    """Answer a frame that was computed before this member ended it; its features advance all the same."""
    epoch = run.epoch
    known = epoch.answered.get(end)
    begins = end - length
    incomplete = known is not None and known.incomplete
    unheard = run.joined_after is not None and end <= run.joined_after
    if unheard and begins >= run.counts_from and begins >= run.clean_from:
        if known is not None and known.sync:
            counters.masked += 1
            incomplete = True
        else:
            counters.stale += 1
    if begins >= run.start and begins >= run.clean_from:
        run.last_whole = end
    none = known is None or known.none or begins < run.counts_from
    actions.append(Feed(run.member, run.number, end))
    actions.append(Reply(run.member, run.number, end, end + run.delay, epoch.id, none, incomplete, False))


def _open(epoch: Epoch, members: Sequence[Member], end: int) -> None:
    """Fix the end of the epoch's first frame: runs that begin later join late."""
    epoch.first_end = end
    going = [member.run for member in members if member.run is not None and member.run.epoch is epoch]
    for run in going + epoch.ended:
        if run.start >= end:
            run.counts_from = run.start + run.warmup


def _note_absent(epoch: Epoch, member: Member, counters: Counters) -> None:
    """Note a registered member that is not in the epoch."""
    if member.id not in epoch.absent:
        epoch.absent.add(member.id)
        counters.absent += 1


def _was_rendered(last: Run | None, begins: int, end: int, playing: bool) -> bool:
    """Whether the ``last`` run of a member was a render that held audio of the frame."""
    if last is None or not last.sync or last.playing is not playing:
        return False
    return last.start < end and last.front > begins


def _stand_in(run: Run, end: int, length: int, frame: Pending, counters: Counters) -> Row | None:
    """The row of a member that should have counted and did not deliver the whole frame."""
    lost = run.front >= end
    if frame.sync and not lost:
        counters.masked += 1
        return None
    if end - run.last_whole > STALE_FRAMES * length:
        if not lost:
            run.masked = True
            counters.masked += 1
        return None
    counters.stale += not lost
    return Row(run.member, Standing.STALE, run.last_whole)


def _close_ended(
    epoch: Epoch, end: int, begins: int, rows: list[Row], feeds: list[Action], answers: list[tuple[Run, int]]
) -> bool:
    """Add what ended runs had delivered of the frame; whether those that count all began from a stop."""
    neutral = True
    for run in epoch.ended:
        if run.owed and run.owed[0][0] == end:
            answers.append((run, run.owed.popleft()[1]))
            if begins >= run.counts_from and begins >= run.clean_from:
                rows.append(Row(run.member, Standing.WHOLE, end))
                neutral &= run.neutral
            else:
                feeds.append(Feed(run.member, run.number, end))
    epoch.ended = [run for run in epoch.ended if run.owed]
    rows.sort(key=lambda row: row.member.bytes)
    return neutral

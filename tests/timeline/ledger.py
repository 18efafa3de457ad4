"""Keeps the books of a timeline: everything delivered is settled once, in order, and answered once."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from uuid import UUID

from hybridmix.timeline import Action, Compute, Feed, Reply, Standing


@dataclass
class Account:
    """What one member delivered and is owed: (run, frame end), in the order of delivery."""

    unsettled: deque[tuple[int, int]] = field(default_factory=deque)
    unanswered: deque[tuple[int, int]] = field(default_factory=deque)


class Ledger:
    """Fails as soon as the actions of a timeline break what it promises."""

    def __init__(self, frame: int) -> None:
        self.frame = frame
        self.accounts: dict[UUID, Account] = {}
        self.stepped: dict[int, int] = {}

    def join(self, member: UUID) -> None:
        self.accounts[member] = Account()

    def leave(self, member: UUID) -> None:
        self.accounts.pop(member, None)

    def deliver(self, member: UUID, run: int, position: int, frames: int) -> None:
        """Enter the frame ends of a block that the timeline is about to take."""
        end = position - position % self.frame + self.frame
        while end <= position + frames:
            self.accounts[member].unsettled.append((run, end))
            self.accounts[member].unanswered.append((run, end))
            end += self.frame

    def check(self, actions: list[Action]) -> None:
        """Settle what the actions settle."""
        for action in actions:
            if isinstance(action, Compute):
                self._step(action)
            elif isinstance(action, Feed):
                assert self.accounts[action.member].unsettled.popleft() == (action.run, action.end)
            else:
                self._answer(action)

    def _step(self, step: Compute) -> None:
        assert step.rows
        assert [row.member.bytes for row in step.rows] == sorted({row.member.bytes for row in step.rows})
        first = step.epoch not in self.stepped
        assert first == (step.fresh or step.jumped)
        assert not (step.fresh and step.jumped)
        assert first or step.end > self.stepped[step.epoch]
        self.stepped[step.epoch] = step.end
        for row in step.rows:
            if row.standing is Standing.WHOLE:
                assert row.end == step.end
                assert self.accounts[row.member].unsettled.popleft()[1] == step.end
            else:
                assert row.end < step.end

    def _answer(self, answer: Reply) -> None:
        account = self.accounts[answer.member]
        assert account.unanswered.popleft() == (answer.run, answer.end)
        assert len(account.unanswered) >= len(account.unsettled)
        assert answer.none or answer.epoch in self.stepped

    @property
    def open(self) -> int:
        """How many delivered frame ends have no answer yet."""
        return sum(len(account.unanswered) for account in self.accounts.values())

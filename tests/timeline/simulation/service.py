"""The service: the real timeline, and a model whose every value depends on everything before it."""

from __future__ import annotations

import zlib
from random import Random
from uuid import UUID

from hybridmix.timeline import Action, Compute, Feed, Reply, Standing, Timeline

from ..ledger import Ledger
from .events import Events
from .scripts import Begins
from .shim import Block, Bridge


def mixed(*parts: object) -> int:
    return zlib.crc32(repr(parts).encode())


class Service:
    """One group. Values are check sums over rows, features and state, so one difference shows for ever."""

    def __init__(self, events: Events, random: Random, rate: int, compute_s: float) -> None:
        self.events = events
        self.random = random
        self.timeline = Timeline(rate // 20, rate)
        self.ledger = Ledger(rate // 20)
        self.compute_s = compute_s
        self.steps: list[Compute] = []
        self._bridges: dict[UUID, Bridge] = {}
        self._features: dict[UUID, int] = {}
        self._runs: dict[UUID, int] = {}
        self._values: dict[tuple[int, int], int] = {}
        self._state = 0
        self._busy = 0.0
        self._due: float | None = None

    # ------------------------------------------------------------------ messages

    def join(self, member: UUID, bridge: Bridge) -> None:
        self._bridges[member] = bridge
        self._features.setdefault(member, 0)
        self.ledger.join(member)
        self._execute(self.timeline.register(member, id(bridge)))

    def leave(self, member: UUID) -> None:
        actions = self.timeline.unregister(member)
        self.ledger.leave(member)
        self._execute(actions)

    def block(self, block: Block) -> None:
        if block.member not in self.ledger.accounts:
            return
        if self._runs.get(block.member) != block.run:
            self._runs[block.member] = block.run
            if block.begins is Begins.START:
                self._features[block.member] = 0
        self.ledger.deliver(block.member, block.run, block.position, block.frames)
        actions = self.timeline.deliver(
            block.member,
            block.run,
            block.position,
            block.frames,
            begin=block.begins is not None,
            start=block.begins is Begins.START,
            playing=True,
            sync=block.sync,
            gap=False,
            delay=block.delay,
            lead=block.lead,
            now=self.events.now,
        )
        self._execute(actions)

    def wait(self, member: UUID, run: int, end: int) -> None:
        self._execute(self.timeline.wait(member, run, end, self.events.now))

    # ------------------------------------------------------------------ the loop

    def _execute(self, actions: list[Action]) -> None:
        self.ledger.check(actions)
        for action in actions:
            if isinstance(action, Compute):
                self._compute(action)
            elif isinstance(action, Feed):
                self._feed(action)
            else:
                self._reply(action)
        due = self.timeline.next_deadline()
        if due is not None and (self._due is None or due < self._due or self._due < self.events.now):
            self._due = due
            self.events.at(due, self._tick)

    def _tick(self) -> None:
        self._due = None
        self._execute(self.timeline.tick(self.events.now))

    def _feed(self, action: Feed) -> None:
        self._features[action.member] = mixed(self._features[action.member], action.end)

    def _compute(self, step: Compute) -> None:
        self._values[step.epoch, step.end] = self._values_of(step)
        self._busy = max(self._busy, self.events.now) + self.compute_s
        self.steps.append(step)

    def _values_of(self, step: Compute) -> int:
        if step.fresh:
            self._state = 0
        parts: list[object] = [self._state, step.end, step.jumped]
        for row in step.rows:
            if row.standing is Standing.WHOLE:
                self._features[row.member] = mixed(self._features[row.member], row.end)
            parts.append((row.member.int, row.standing.name, self._features[row.member]))
        self._state = mixed(*parts)
        return self._state

    def _reply(self, reply: Reply) -> None:
        if reply.member not in self.ledger.accounts:
            return
        bridge = self._bridges[reply.member]
        shim = bridge.shims[reply.member]
        value = None if reply.none else self._values[reply.epoch, reply.end]

        def arrive() -> None:
            if not bridge.stopped and shim.params(reply.run, reply.end, value, reply.incomplete):
                shim.resumed()

        bridge.down.send(arrive, ready=self._busy)

"""Hosts: who is called when. Live ones follow the clock, offline ones go as fast as their workers can."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from .events import Events
from .scripts import Call, Script
from .shim import Shim


@dataclass(frozen=True)
class LiveHost:
    """A device period per turn. The members are called one after another within ``load`` of the period, in an
    order that changes from turn to turn if ``shuffled``, ``workers`` at a time. At the end all of them leave.

    ``burst``: a device period is this many calls long, and each member gets all of them in a row.
    """

    load: float = 0.5
    workers: int = 1
    burst: int = 1
    shuffled: bool = False

    def play(
        self, events: Events, random: Random, shims: list[Shim], scripts: list[Script], rate: int
    ) -> None:
        time = 0.0
        turns = max(len(script) for script in scripts)
        for first in range(0, turns, self.burst):
            calls = [script[first : first + self.burst] for script in scripts]
            period = max(sum(call.size for call in part) for part in calls) / rate
            order = list(range(len(shims)))
            if self.shuffled:
                random.shuffle(order)
            for place, number in enumerate(order):
                slot = self.load * period / -(-len(shims) // self.workers)
                for index, call in enumerate(calls[number]):
                    if call.size:
                        begin = time + (place // self.workers + index / self.burst) * slot
                        events.at(begin, lambda s=shims[number], c=call: s.process(c))  # type: ignore[misc]
            time += period
        for shim in shims:
            shim.finished_at = time
            events.at(time, lambda s=shim: s.bridge.tell("leave", s))  # type: ignore[misc]


@dataclass(frozen=True)
class OfflineHost:
    """Workers take members' next blocks; no member is more than ``ahead`` blocks before another.

    ``one_by_one``: a member renders its whole script before the next one begins. ``apart``: every process is a
    host of its own, with its own workers.
    """

    workers: int = 1
    ahead: int = 0
    one_by_one: bool = False
    apart: bool = False
    shuffled: bool = True

    def play(self, events: Events, random: Random, shims: list[Shim], scripts: list[Script]) -> None:
        hosts: dict[int, list[int]] = {}
        for number, shim in enumerate(shims):
            hosts.setdefault(id(shim.bridge) if self.apart else 0, []).append(number)
        for numbers in hosts.values():
            part = [shims[number] for number in numbers]
            _Render(self, events, random, part, [scripts[number] for number in numbers]).schedule()


class _Render:
    def __init__(
        self, host: OfflineHost, events: Events, random: Random, shims: list[Shim], scripts: list[Script]
    ) -> None:
        self.host = host
        self.events = events
        self.random = random
        self.shims = shims
        self.scripts = scripts
        self.done = [0] * len(shims)
        self.busy = [False] * len(shims)
        self.free = host.workers
        self.order: dict[int, list[int]] = {}
        for number, shim in enumerate(shims):
            shim.resumed = lambda number=number: self._resumed(number)  # type: ignore[misc]

    def schedule(self) -> None:
        while self.free and (number := self._next()) is not None:
            self.busy[number] = True
            self.free -= 1
            self.events.at(
                self.events.now + self.random.uniform(10e-6, 100e-6),
                lambda n=number: self._begin(n),  # type: ignore[misc]
            )

    def _next(self) -> int | None:
        left = [number for number, script in enumerate(self.scripts) if self.done[number] < len(script)]
        if not left:
            return None
        if self.host.one_by_one:
            return None if self.busy[left[0]] else left[0]
        slowest = min(self.done[number] for number in left)
        if slowest not in self.order:
            self.order = {slowest: self.random.sample(range(len(self.shims)), len(self.shims))}
        ready = [
            number
            for number in (self.order[slowest] if self.host.shuffled else left)
            if number in left and not self.busy[number] and self.done[number] <= slowest + self.host.ahead
        ]
        if self.host.ahead and self.random.random() < 0.5:
            ready.sort(key=lambda number: -self.done[number])
        return ready[0] if ready else None

    def _begin(self, number: int) -> None:
        call: Call = self.scripts[number][self.done[number]]
        if not call.size or self.shims[number].process(call):
            self._finish(number)

    def _resumed(self, number: int) -> None:
        self.shims[number].apply()
        self._finish(number)

    def _finish(self, number: int) -> None:
        self.events.at(self.events.now + self.random.uniform(10e-6, 100e-6), lambda: self._end(number))

    def _end(self, number: int) -> None:
        self.done[number] += 1
        if self.done[number] == len(self.scripts[number]):
            self.shims[number].finished_at = self.events.now
        self.busy[number] = False
        self.free += 1
        self.schedule()

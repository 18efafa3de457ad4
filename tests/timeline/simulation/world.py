"""A whole session: hosts, processes, connections and the service, run to its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from hybridmix.timeline import Counters

from .events import Channel, Events
from .hosts import LiveHost, OfflineHost
from .scripts import Script
from .service import Service
from .shim import Applied, Bridge, Shim

RATE = 48_000
EXACT = ("stale", "masked", "skipped", "gap", "incomplete")
"""Counters that must be 0 where a live pass and a bounce are to be equal."""


@dataclass(frozen=True)
class Network:
    """Delays of each direction, and what a step of the models costs (seconds)."""

    shortest: float = 0.3e-3
    longest: float = 3e-3
    compute: float = 1.2e-3


@dataclass(repr=False)
class World:
    """A session: one script per member, and how it is played.

    ``processes``: the process of each member. ``joins``: members that register just before their first block
    instead of before everything; ``leaves``: members that leave when their script ends. ``happens``: things that
    befall the session, by time in seconds.
    """

    scripts: Sequence[Script]
    host: LiveHost | OfflineHost
    delay: int
    seed: int = 1
    processes: Sequence[int] | None = None
    joins: Sequence[int] = ()
    network: Network = Network()
    happens: Sequence[tuple[float, Callable[[World], None]]] = ()
    serve: Callable[[Events, Random, int, float], Service] = Service
    events: Events = field(default_factory=Events)
    shims: list[Shim] = field(default_factory=list)
    bridges: list[Bridge] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.service = self.serve(self.events, self.random, RATE, self.network.compute)
        processes = self.processes or [0] * len(self.scripts)
        net = (self.network.shortest, self.network.longest)
        for _ in range(max(processes) + 1):
            up, down = (Channel(self.events, self.random, *net) for _ in range(2))
            self.bridges.append(Bridge(self.events, self.random, up, down, self.service))
        sync = isinstance(self.host, OfflineHost)
        for number, process in enumerate(processes):
            shim = Shim(UUID(int=number + 1), self.bridges[process], RATE, self.delay, sync)
            shim.joined = number not in self.joins
            self.shims.append(shim)
            if shim.joined:
                self.service.join(shim.member, shim.bridge)

    def __repr__(self) -> str:
        changes = [[call for call in script if call.begins or not call.size] for script in self.scripts]
        blocks = max(call.size for script in self.scripts for call in script)
        return f"World({self.host}, {blocks=}, {self.delay=}, {self.seed=}, {self.processes=}, {changes=})"

    def run(self) -> World:
        """Play to the end."""
        for time, happen in self.happens:
            self.events.at(time, lambda happen=happen: happen(self))  # type: ignore[misc]
        scripts = [list(script) for script in self.scripts]
        if isinstance(self.host, LiveHost):
            self.host.play(self.events, self.random, self.shims, scripts, RATE)
        else:
            self.host.play(self.events, self.random, self.shims, scripts)
        self.events.run()
        return self

    def close(self, process: int) -> None:
        """The process dies: its connection closes."""
        bridge = self.bridges[process]
        bridge.stopped = True
        for shim in bridge.shims.values():
            bridge.up.send(lambda shim=shim: self.service.leave(shim.member))  # type: ignore[misc]

    def stop(self, process: int) -> None:
        """The process hangs: neither sends nor receives, with its connection open."""
        self.bridges[process].stopped = True

    # ------------------------------------------------------------------ what came of it

    @property
    def counters(self) -> Counters:
        return self.service.timeline.counters

    @property
    def flaws(self) -> dict[str, int]:
        """Everything that is not 0 and must be for an exact pass."""
        flaws = {name: getattr(self.counters, name) for name in EXACT}
        flaws["late"] = sum(shim.late for shim in self.shims)
        flaws["gave_up"] = sum(shim.gave_up for shim in self.shims)
        return {name: count for name, count in flaws.items() if count}

    def done(self, *members: int) -> bool:
        """Whether these members have gone through their whole scripts."""
        return all(self.shims[member].finished_at is not None for member in members)

    @property
    def done_at(self) -> float | None:
        """When the last member was done."""
        times = [shim.finished_at for shim in self.shims if shim.finished_at is not None]
        return max(times) if len(times) == len(self.shims) else None

    @property
    def applied(self) -> list[list[Applied]]:
        """Per member, every value that took effect."""
        return [shim.applied for shim in self.shims]

    @property
    def lead(self) -> int:
        return max(shim.lead for shim in self.shims)

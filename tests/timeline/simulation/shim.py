"""The plugin's side, as far as scheduling goes: hops, runs, waits, and values that apply at a sample."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Protocol
from uuid import UUID

from .events import Channel, Events
from .scripts import Begins, Call

PATIENCE_S = 10.0


@dataclass(frozen=True)
class Block:
    """A BLOCK as it travels."""

    member: UUID
    run: int
    position: int
    frames: int
    begins: Begins | None
    delay: int
    lead: int
    sync: bool


class ServicePort(Protocol):
    """What the service takes from a bridge."""

    def join(self, member: UUID, bridge: Bridge) -> None: ...
    def leave(self, member: UUID) -> None: ...
    def block(self, block: Block) -> None: ...
    def wait(self, member: UUID, run: int, end: int) -> None: ...


@dataclass(frozen=True)
class Applied:
    """A value that took effect."""

    run: int
    sample: int
    end: int
    value: int


class Bridge:
    """One per process: sends each member's hops in order; no run is announced before what was pushed before it."""

    def __init__(
        self, events: Events, random: Random, up: Channel, down: Channel, service: ServicePort
    ) -> None:
        self.events = events
        self.random = random
        self.up = up
        self.down = down
        self.service = service
        self.shims: dict[UUID, Shim] = {}
        self.stopped = False
        """Neither sends nor receives: a stopped or hung process."""
        self._ring: list[Block] = []
        self._woken = False

    def push(self, blocks: list[Block]) -> None:
        self._ring.extend(blocks)
        if blocks and not self._woken:
            self._woken = True
            self.events.at(self.events.now + self.random.uniform(20e-6, 200e-6), self._wake)

    def wait(self, shim: Shim, run: int, end: int) -> None:
        if self.stopped:
            return
        self._drain()
        self.up.send(lambda: self.service.wait(shim.member, run, end))

    def tell(self, message: str, shim: Shim) -> None:
        """JOIN or LEAVE, behind what was pushed before."""
        self._drain()
        if message == "join":
            self.up.send(lambda: self.service.join(shim.member, self))
        else:
            self.up.send(lambda: self.service.leave(shim.member))

    def _wake(self) -> None:
        self._woken = False
        self._drain()

    def _drain(self) -> None:
        ring, self._ring = self._ring, []
        if not self.stopped:
            for block in self._in_some_order(ring):
                self.up.send(lambda block=block: self.service.block(block))  # type: ignore[misc]

    def _in_some_order(self, ring: list[Block]) -> Iterator[Block]:
        """Any order in which the plugin's bursts may send the ``ring``: hops of different members overtake each other."""
        while ring:
            oldest: dict[UUID, int] = {}
            for index, block in enumerate(ring):
                oldest.setdefault(block.member, index)
            free = [index for index in oldest.values() if index == 0 or ring[index].begins is None]
            yield ring.pop(self.random.choice(free))


class Shim:
    """One instance."""

    def __init__(self, member: UUID, bridge: Bridge, rate: int, delay: int, sync: bool) -> None:
        self.member = member
        self.bridge = bridge
        self.rate = rate
        self.delay = delay
        self.sync = sync
        self.run = 0
        self.end = 0
        self.block_start = 0
        self.lead = 0
        self.burst = 0
        self._seen: dict[UUID, tuple[int, int]] = {}
        self.active = False
        self.tells_skew = False
        self.joined = True
        self.finished_at: float | None = None
        """When the host was done with it."""
        self.resumed: Callable[[], None] = self.apply
        """What the host does when a wait has ended."""
        self.applied: list[Applied] = []
        self.late = self.waits = self.incomplete = self.gave_up = 0
        self._next_hop = 0
        self._owed: deque[int] = deque()
        self._values: dict[int, int] = {}
        self._patient = True
        self._wanted: int | None = None
        bridge.shims[member] = self

    @property
    def waiting(self) -> bool:
        return self._wanted is not None

    @property
    def reported(self) -> int:
        """What a live BLOCK says of the host: bursts, and the skew too where ``tells_skew`` is set."""
        return max(self.burst, self.lead) if self.tells_skew else self.burst

    def process(self, call: Call) -> bool:
        """Begin a block; False where the audio thread has to wait for an answer before it goes on."""
        if not self.joined:
            self.joined = True
            self.bridge.tell("join", self)
        if call.begins is not None:
            self.run += 1
            self._owed.clear()
            self._values.clear()
            self.active = True
        self.block_start, self.end = call.position, call.position + call.size
        if call.begins is not Begins.JUMP:
            self._measure()
        self._push(call)
        if self.sync and self._patient and (wanted := self._unanswered()) is not None:
            self.waits += 1
            self._wanted = wanted
            self.bridge.wait(self, self.run, wanted)
            wait = (self.run, wanted, self.waits)
            self.bridge.events.at(self.bridge.events.now + PATIENCE_S, lambda: self._lose_patience(*wait))
            return False
        self.apply()
        return True

    def params(self, run: int, end: int, value: int | None, incomplete: bool) -> bool:
        """Take an answer; True when the audio thread has waited for it and goes on."""
        if run != self.run:
            return False
        assert self._owed.popleft() == end
        self._patient = True
        self.incomplete += incomplete
        if value is not None:
            self._values[end] = value
        if self._wanted is not None and end >= self._wanted:
            self._wanted = None
            return True
        return False

    def apply(self) -> None:
        """Apply every value whose sample lies in this block, or has passed."""
        for end in sorted(self._values):
            sample = end + self.delay
            if sample < self.end:
                self.late += sample < self.block_start
                value = self._values.pop(end)
                self.applied.append(Applied(self.run, max(sample, self.block_start), end, value))

    def _unanswered(self) -> int | None:
        """The newest frame end of this run without an answer that must be there for this block."""
        return max((end for end in self._owed if end + self.delay < self.end), default=None)

    def _lose_patience(self, run: int, wanted: int, wait: int) -> None:
        if self._wanted == wanted and self.run == run and self.waits == wait:
            self.gave_up += 1
            self._patient = False
            self._wanted = None
            self.resumed()

    def _measure(self) -> None:
        """How far this block ends past the slowest other member of the process, and the largest burst: what
        others stream between two calls of this one, at least a call."""
        self.burst = max(self.burst, self.end - self.block_start)
        for other in self.bridge.shims.values():
            if other is self or not other.active:
                continue
            if self.end - other.end <= self.rate // 2:
                self.lead = max(self.lead, self.end - other.end)
            run, end = self._seen.get(other.member, (0, 0))
            if run == other.run:
                self.burst = max(self.burst, other.end - end)
            self._seen[other.member] = (other.run, other.end)

    def _push(self, call: Call) -> None:
        hop = self.rate // 100
        frame = hop * 5
        if call.begins is not None:
            self._next_hop = call.position + -call.position % hop
        hops = max(0, (self.end - self._next_hop) // hop)
        begins = call.begins
        blocks: list[Block] = []
        size = min(hops, 64) if self.sync else 1
        while hops > 0:
            length = min(size, hops) * hop
            blocks.append(self._block(self._next_hop, length, begins))
            first = self._next_hop - self._next_hop % frame + frame
            self._next_hop += length
            self._owed.extend(range(first, self._next_hop + 1, frame))
            hops -= length // hop
            begins = None
        if begins is not None:
            blocks.append(self._block(call.position, 0, begins))
        self.bridge.push(blocks)

    def _block(self, position: int, frames: int, begins: Begins | None) -> Block:
        lead = self.lead if self.sync else max(shim.reported for shim in self.bridge.shims.values())
        return Block(self.member, self.run, position, frames, begins, self.delay, lead, self.sync)

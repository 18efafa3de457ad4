"""Whatever arrives, in whatever order: everything is settled once, in order, and no wait lasts for ever."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybridmix.timeline import KEPT_FRAMES, Action, Timeline

from .driving import FRAME, HOP, RATE, D, member_id
from .ledger import Ledger

MEMBERS = 4
NUMBERS = st.integers(0, MEMBERS - 1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("stream"), NUMBERS, st.integers(1, 64)),
        st.tuples(st.just("stream"), NUMBERS, st.integers(1, 6)),
        st.tuples(st.just("lose"), NUMBERS, st.integers(1, 8)),
        st.tuples(st.just("begin"), NUMBERS, st.integers(-30_000, 60_000)),
        st.tuples(st.just("restart"), NUMBERS, st.integers(-500, 500)),
        st.tuples(st.just("far"), NUMBERS, st.sampled_from([-(2**63) + 1, -(2**40), 2**40, 2**63 - 2**20])),
        st.tuples(st.just("wait"), NUMBERS, st.integers(-FRAME, 3 * FRAME)),
        st.tuples(st.just("mode"), NUMBERS, st.integers(0, 1)),
        st.tuples(st.just("leave"), NUMBERS, st.just(0)),
        st.tuples(st.just("join"), NUMBERS, st.integers(0, 1)),
        st.tuples(st.just("later"), st.just(0), st.integers(1, 12_000)),
        st.tuples(st.just("nonsense"), NUMBERS, st.integers(-(2**70), 2**70)),
    ),
    max_size=120,
)


@dataclass
class Peer:
    """What a member's client knows."""

    run: int = 0
    position: int = 0
    sync: bool = False
    lost: bool = False


@dataclass
class Group:
    """A timeline, its clients, and the ledger that watches it."""

    timeline: Timeline = field(default_factory=lambda: Timeline(FRAME, RATE))
    ledger: Ledger = field(default_factory=lambda: Ledger(FRAME))
    peers: dict[int, Peer] = field(default_factory=dict)
    seen: list[Action] = field(default_factory=list)
    now: float = 0.0

    def join(self, number: int, process: int) -> None:
        if number not in self.peers:
            self.peers[number] = Peer()
            self.ledger.join(member_id(number))
            self.ledger.check(self.timeline.register(member_id(number), process))

    def leave(self, number: int) -> None:
        if self.peers.pop(number, None) is not None:
            actions = self.timeline.unregister(member_id(number))
            self.ledger.leave(member_id(number))
            self.ledger.check(actions)

    def begin(self, number: int, position: int, start: bool) -> None:
        if (peer := self.peers.get(number)) is not None:
            peer.run += 1
            peer.position = position + -position % HOP
            peer.lost = False
            self.deliver(number, position, 0, begin=True, start=start)

    def stream(self, number: int, hops: int) -> None:
        peer = self.peers.get(number)
        if peer is None or not peer.run or peer.position + hops * HOP + D >= 2**63:
            return
        self.ledger.deliver(member_id(number), peer.run, peer.position, hops * HOP)
        self.deliver(number, peer.position, hops * HOP, gap=peer.lost)
        peer.position += hops * HOP
        peer.lost = False

    def deliver(
        self,
        number: int,
        position: int,
        frames: int,
        begin: bool = False,
        start: bool = False,
        gap: bool = False,
    ) -> None:
        peer = self.peers[number]
        actions = self.timeline.deliver(
            member_id(number),
            peer.run,
            position,
            frames,
            begin=begin,
            start=start,
            playing=True,
            sync=peer.sync,
            gap=gap,
            delay=D,
            lead=512,
            now=self.now,
        )
        self.check(actions)

    def wait(self, number: int, ahead: int) -> None:
        if (peer := self.peers.get(number)) is not None:
            self.check(self.timeline.wait(member_id(number), peer.run, peer.position + ahead, self.now))

    def check(self, actions: list[Action]) -> None:
        actions = actions + self.timeline.tick(self.now)
        self.ledger.check(actions)
        self.seen += actions

    def go(self, kind: str, number: int, value: int) -> None:
        peer = self.peers.get(number)
        match kind:
            case "stream":
                self.stream(number, value)
            case "lose" if peer is not None and peer.position < 2**62:
                peer.position += value * HOP
                peer.lost = True
            case "begin" | "far":
                self.begin(number, value, start=value % 2 == 0)
            case "restart" if peer is not None and abs(peer.position) < 2**62:
                self.begin(number, peer.position + value, start=value % 2 == 0)
            case "wait":
                self.wait(number, value)
            case "mode" if peer is not None:
                peer.sync = bool(value)
            case "leave":
                self.leave(number)
            case "join":
                self.join(number, value)
            case "later":
                self.now += value / 1000
                self.check([])
            case "nonsense" if peer is not None and peer.run:
                before = self.timeline.counters.refused
                self.deliver(number, value - value % HOP + 1, HOP)
                assert self.timeline.counters.refused == before + 1

    def settle(self) -> None:
        """Let every client wait for what it is owed, and then time pass."""
        for number in self.peers:
            self.wait(number, 0)
        for _ in range(1000):
            due = self.timeline.next_deadline()
            if due is None:
                return
            self.now = max(self.now, due)
            self.check([])
        raise AssertionError("something is due for ever")

    def owed(self, number: int) -> list[tuple[int, int]]:
        """What a member's current run has delivered and has no answer to."""
        account = self.ledger.accounts[member_id(number)]
        return [(run, end) for run, end in account.unanswered if run == self.peers[number].run]


def played(steps: list[tuple[str, int, int]]) -> Group:
    """A group of two processes in which everybody plays, after these steps."""
    group = Group()
    for number in range(MEMBERS):
        group.join(number, number // 2)
        group.begin(number, 0, start=True)
    for step in steps:
        group.go(*step)
    return group


@given(STEPS)
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_every_frame_end_is_settled_and_answered_once_in_order_and_no_wait_lasts(
    steps: list[tuple[str, int, int]],
) -> None:
    group = played(steps)
    group.settle()
    for number in group.peers:
        assert group.owed(number) == []


@given(STEPS, st.integers(0, MEMBERS - 1))
@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_memory_stays_bounded_and_everybody_may_leave(steps: list[tuple[str, int, int]], loud: int) -> None:
    group = played(steps)
    group.join(loud, 0)
    group.peers[loud].sync = True
    for turn in range(300):
        group.begin(loud, turn % 7 * 2400, start=False)
        group.stream(loud, 11)
    epochs = group.timeline._roster.epochs
    assert len(epochs) <= 2 * 256
    assert all(len(epoch.answered) <= KEPT_FRAMES for epoch in epochs)
    assert sum(len(epoch.order) for epoch in epochs) <= 3 * 256
    for number in list(group.peers):
        group.leave(number)
    assert group.timeline._roster.epochs == []
    assert group.timeline.next_deadline() is None


@given(STEPS)
@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_the_same_messages_give_the_same_actions(steps: list[tuple[str, int, int]]) -> None:
    groups = [played(steps) for _ in range(2)]
    assert groups[0].seen == groups[1].seen
    assert groups[0].timeline.counters == groups[1].timeline.counters


def test_a_uuid_is_sorted_by_its_bytes_not_by_when_it_came() -> None:
    timeline = Timeline(FRAME, RATE)
    ids = [UUID(bytes=bytes([255 - n]) * 16) for n in range(20)]
    for member in ids:
        timeline.register(member, 0)
    assert [entry.id for entry in timeline._roster.sorted] == sorted(ids, key=lambda m: m.bytes)

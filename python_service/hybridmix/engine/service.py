"""The protocol: what every message does, to whom it may be done, and what is answered.

No socket and no clock in here: messages and times come in, `Send` takes what goes out. One call follows
the other on one thread, so the same messages at the same times give the same answers.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from uuid import UUID

from hybridmix import __version__
from hybridmix.engine.complaints import Complaints
from hybridmix.engine.hops import UserValues
from hybridmix.engine.lessons import Lessons
from hybridmix.engine.logs import event
from hybridmix.engine.members import Group, Member, Registry
from hybridmix.engine.peers import MAX_PEERS, Gate, Peer, RefusalError
from hybridmix.engine.rounds import execute
from hybridmix.engine.together import Together, pulse_of
from hybridmix.processors.swell import FLICKER, LFO, STILL
from hybridmix.wire import (
    Flags,
    Header,
    Kind,
    Message,
    WireError,
    decode,
    encode,
    encode_control,
)
from hybridmix.wire import messages as m
from hybridmix.wire.batches import Block, Settings, is_blocks, read_blocks, read_together, write_params
from hybridmix.wire.limits import FRAMES_PER_SECOND, HOPS_PER_SECOND, PROTOCOL

__all__ = ["CREDITS", "REHEARSAL_S", "Send", "Service"]

log = logging.getLogger(__name__)

#: BLOCKs in flight per instance: twice what a host sends at once in blocks of 8192 at 48 kHz, and at
#: most 320 ms of live audio that a stopped service finds when it wakes up.
CREDITS = 32

#: Credit goes back when so many BLOCKs of an instance may have been taken, not after each: that would be a message
#: and two threads woken for nothing.
_CREDIT_EVERY = CREDITS // 4

#: So long before a live frame is expected its code is run once for nothing (see `rehearsal`): a host's blocks
#: come up to a hop early, and must not find it at that.
REHEARSAL_S = 0.004

#: Sends the frames of a message to a peer; False where the peer is gone.
Send = Callable[[bytes, list[bytes]], bool]


class Service:
    """Everything the service knows about its peers, members and groups."""

    def __init__(
        self,
        gate: Gate,
        registry: Registry,
        send: Send,
        schema: str,
        models: dict[str, str],
        report: Callable[[], dict[str, object]],
    ) -> None:
        """``schema`` and ``models`` are hashes for WELCOME; ``report`` builds the answer to STATUS."""
        self._gate = gate
        self._send = send
        self._schema = schema
        self._models = models
        self._report = report
        self._credit_due: dict[bytes, Peer] = {}
        self._lost: list[Peer] = []
        self._lessons = Lessons(registry, self._deliver)
        self.registry = registry
        self.peers: dict[bytes, Peer] = {}
        #: When to rehearse for the next frame (monotonic seconds); None where none is expected soon.
        self.rehearse_at: float | None = None
        #: Events since the start, by name.
        self.counters: Counter[str] = Counter()
        self._complaints = Complaints(self.counters, self._answer)
        self._open = {
            Kind.WAIT: self._wait,
            Kind.PING: self._ping,
            Kind.STATS: self._stats,
            Kind.JOIN: self._join,
            Kind.LEAVE: self._leave,
            Kind.STATUS: self._status,
            Kind.HELLO: self._hello,
            Kind.AUTH: self._auth,
            Kind.BYE: self._bye,
        }
        self._closed = {Kind.HELLO: self._hello, Kind.AUTH: self._auth, Kind.BYE: self._bye}

    # -- what comes in ---------------------------------------------------------------------------------

    def receive(self, identity: bytes, frames: list[bytes], now: float) -> None:
        """Take one message of the connection ``identity`` at ``now`` (monotonic seconds)."""
        peer = self.peers.get(identity)
        if peer is None:
            peer = self.peers[identity] = Peer(identity, now, now)
        peer.heard = now
        try:
            if peer.proved and is_blocks(frames):
                if not self._together(peer, frames, now):
                    self._blocks(peer, read_blocks(frames), now)
                return
            message = decode(frames)
            handler = (self._open if peer.proved else self._closed).get(message.header.kind)
            if handler is None:
                self._complaints.unexpected(peer, message.header.kind, now)
            else:
                handler(peer, message, now)
        except WireError as error:
            self._take(peer, self._complaints.bad_message(peer, frames, error, now))
        except RefusalError as refusal:
            self._complaints.refuse(peer, refusal, now)

    def lost(self, peer: Peer, reason: str) -> None:
        """Forget ``peer``, whose connection is closed, and everything it had joined."""
        if self.peers.pop(peer.identity, None) is None:
            return
        self._credit_due.pop(peer.identity, None)
        self._leave_all(peer)
        if peer.proved:
            log.info(event("peer left", client=peer.client, pid=peer.pid, reason=reason))

    def tick(self, now: float) -> None:
        """End a round: compute, answer, give credit back, forget peers that turned out to be gone.

        The answers of a round go out together, because only then is it known which are too late to matter.
        """
        for group in list(self.registry.groups.values()):
            deadline = group.timeline.next_deadline()
            if deadline is not None and deadline <= now:
                group.due.extend(group.timeline.tick(now))
            if group.due:
                self._execute(group)
            group.engine.hear()
        for peer in self._credit_due.values():
            self._credit(peer)
        self._credit_due.clear()
        for group in self.registry.groups.values():
            group.engine.work()
        self._lessons.go_on()
        while self._lost:
            self.lost(self._lost.pop(), "connection closed")

    def every_second(self) -> None:
        """To be called about once a second."""
        for group in self.registry.groups.values():
            group.engine.learner.second()

    def close(self) -> None:
        """Give up passes, and plans that are not made."""
        self._lessons.close()

    def next_deadline(self) -> float | None:
        """When `tick` must be called at the latest, or None."""
        deadlines = [group.timeline.next_deadline() for group in self.registry.groups.values()]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def probe(self, peers: Iterable[Peer]) -> None:
        """Find out which of ``peers`` are gone: a CREDIT that repeats the last one cannot reach them."""
        for peer in list(peers):
            if peer.proved:
                self._credit(peer)

    def say_goodbye(self, reason: str) -> None:
        """Tell every proved peer that the service stops."""
        for peer in list(self.peers.values()):
            if peer.proved:
                self._send(peer.identity, encode_control(m.Bye(reason)))

    # -- handshake -------------------------------------------------------------------------------------

    def _hello(self, peer: Peer, message: Message, now: float) -> None:  # noqa: ARG002
        hello = message.control
        assert isinstance(hello, m.Hello)
        self._leave_all(peer)
        if len(self.peers) > MAX_PEERS:
            raise RefusalError(
                "full", f"{MAX_PEERS} connections are open; expected fewer: close other programs."
            )
        self._answer(peer, self._gate.challenge(peer, hello))

    def _auth(self, peer: Peer, message: Message, now: float) -> None:  # noqa: ARG002
        auth = message.control
        assert isinstance(auth, m.Auth)
        self._gate.verify(peer, auth)
        peer.taken = peer.owed = 0
        log.info(event("peer joined", client=peer.client, pid=peer.pid))
        self._answer(
            peer, m.Welcome(PROTOCOL, f"hybridmix {__version__}", self._schema, self._models, CREDITS)
        )

    def _bye(self, peer: Peer, message: Message, now: float) -> None:  # noqa: ARG002
        bye = message.control
        self.lost(peer, bye.reason if isinstance(bye, m.Bye) else "bye")

    # -- members ---------------------------------------------------------------------------------------

    def _join(self, peer: Peer, message: Message, now: float) -> None:  # noqa: ARG002
        join = message.control
        assert isinstance(join, m.Join)
        member = next((one for one in peer.members.values() if one.join.handle == join.handle), None)
        if member is not None and member.id != join.instance:
            # The state was restored after activation: another identity took the place of the first.
            self._remove(peer, member)
            member = None
        if member is None:
            member = self._enter(peer, join)
        else:
            session = join.session or member.session
            if not self._regroup(member, (session, join.group, join.rate)):
                raise _full(join.group)
            member.join = join
            self.registry.aim(member)
        self._answer(peer, m.Joined(join.handle, member.id, member.session))

    def _enter(self, peer: Peer, join: m.Join) -> Member:
        holder = self.registry.members.get(join.instance)
        if holder is not None and holder.peer != peer.identity:
            # A host that was killed and started again may be here before its old connection is noticed.
            self.probe([self.peers[holder.peer]])
            while self._lost:
                self.lost(self._lost.pop(), "connection closed")
        session = self.registry.session_for(join.session, peer.session)
        joined = self.registry.join(peer.identity, join, session)
        if joined is None:
            raise _full(join.group)
        member, actions = joined
        peer.session = peer.session or session
        peer.members[member.id] = member
        log.info(
            event(
                "member joined",
                instance=member.id,
                label=join.label or join.track_name,
                group=join.group,
                session=session,
                rate=join.rate,
                channels=join.channels,
                pid=peer.pid,
            )
        )
        member.group.due.extend(actions)
        return member

    def _leave(self, peer: Peer, message: Message, now: float) -> None:  # noqa: ARG002
        if (member := peer.members.get(message.header.instance)) is not None:
            self._remove(peer, member)

    def _leave_all(self, peer: Peer) -> None:
        for member in list(peer.members.values()):
            self._remove(peer, member)

    def _remove(self, peer: Peer, member: Member) -> None:
        self._execute(member.group)
        peer.together = None
        del peer.members[member.id]
        member.group.due.extend(self.registry.leave(member))
        log.info(event("member left", instance=member.id, label=member.join.label or member.join.track_name))

    def _regroup(self, member: Member, key: tuple[UUID, int, int]) -> bool:
        """Put ``member`` into the group of ``key``; False where that is full."""
        if key == member.group.key:
            return True
        left = member.group
        self._execute(left)
        moved = self.registry.move(member, key)
        if moved is None:
            return False
        there, here = moved
        left.due.extend(there)
        member.group.due.extend(here)
        return True

    # -- audio and values ------------------------------------------------------------------------------

    def _together(self, peer: Peer, frames: list[bytes], now: float) -> bool:
        """Take BLOCKs of members that all go on; False, with nothing changed, where they must be asked."""
        message = read_together(frames)
        if message is None:
            return False
        if peer.together is None or peer.together.settings is not message.settings:
            peer.together = Together.of(message.settings, peer.members)
        if peer.together is None or not peer.together.go_on(message, now):
            return False
        self._take(peer, len(message.settings), 1)
        self._expect(message.settings[0], message.position + message.audio.shape[1], message.lead, now)
        return True

    def _blocks(self, peer: Peer, blocks: list[Block], now: float) -> None:
        self._take(peer, len(blocks))
        members = peer.members
        for block in blocks:
            member = members.get(block.settings.instance)
            if member is None:
                self.counters["blocks_unjoined"] += 1
            else:
                self._block(member, block, now)
        last = blocks[-1]
        self._expect(last.settings, last.position + last.audio.shape[1], last.lead, now)

    def _expect(self, settings: Settings, position: int, lead: int, now: float) -> None:
        """Note when to rehearse, if the block that follows the one up to ``position`` ends a frame live."""
        frame = settings.rate // FRAMES_PER_SECOND
        ahead = max(lead, settings.rate // HOPS_PER_SECOND)
        if not settings.flags & Flags.SYNC and position % frame + ahead >= frame:
            self.rehearse_at = now + ahead / settings.rate - REHEARSAL_S

    def _block(self, member: Member, block: Block, now: float) -> None:
        settings, position, lead, audio, start = block[:5]
        group = member.group
        session, number, rate = group.key
        if settings.group != number or settings.rate != rate:
            if not self._regroup(member, (session, settings.group, settings.rate)):
                self.counters["blocks_group_full"] += 1
                return
            group = member.group
        run, frames = settings.run, audio.shape[1]
        begin = run != member.run
        if not begin and position < member.position:
            self.counters["blocks_out_of_order"] += 1
            return
        if frames and not group.engine.accepts(member.id):
            self._execute(group)
            if not group.engine.accepts(member.id):
                self.counters["blocks_over_limit"] += 1
                return
        if begin:
            member.start = start
        if settings is not member.settings:
            member.settings, member.role = settings, settings.role
            locked = bool(settings.flags & Flags.LOCKED)
            member.user = UserValues(
                *(settings.amount, settings.offset_db, settings.delay, member.start, locked),
                *(settings.role, settings.dip_amount, settings.dip_budget_lu),
                *(settings.breath_amount, settings.breath_depth_db),
                *(settings.staging_amount, settings.staging_level_db),
                *(settings.density_amount, settings.high_pass_amount, settings.room_amount),
                *(settings.groove_amount, settings.groove_limit_ms, settings.groove_constant_ms),
                bool(settings.flags & Flags.LEARNS and settings.flags & Flags.PLAYING),
                bool(settings.flags & Flags.BREATH_BOTH),
                _sustained(settings.flags),
                bool(settings.flags & Flags.BREATH_FADES),
                *(bool(settings.flags & Flags.GROOVE_DRUMS), bool(settings.flags & Flags.GROOVE_BASS)),
            )
        member.run, member.position = run, position + frames
        if frames:
            group.engine.push(member.id, run, position, audio, member.user, pulse_of(block))
        flags = settings.flags
        actions = group.timeline.deliver(
            member.id,
            run,
            position,
            frames,
            begin=begin,
            start=begin and bool(flags & Flags.START),
            playing=bool(flags & Flags.PLAYING),
            sync=bool(flags & Flags.SYNC),
            gap=bool(flags & Flags.GAP),
            delay=settings.delay,
            lead=lead,
            now=now,
        )
        if actions:
            group.due.extend(actions)

    def _wait(self, peer: Peer, message: Message, now: float) -> None:
        header = message.header
        if (member := peer.members.get(header.instance)) is not None:
            group = member.group
            group.due.extend(group.timeline.wait(member.id, header.run, header.position, now))

    def _execute(self, group: Group) -> None:
        """Do what the timeline asked for in this round, and answer with one message per connection."""
        for peer, answers in execute(group).items():
            for frames in write_params(answers):
                self._deliver(peer, frames)

    # -- the rest --------------------------------------------------------------------------------------

    def _ping(self, peer: Peer, message: Message, now: float) -> None:  # noqa: ARG002
        self._deliver(peer.identity, encode(Header(Kind.PONG, sequence=message.header.sequence)))

    def _stats(self, peer: Peer, message: Message, now: float) -> None:  # noqa: ARG002
        stats = message.control
        assert isinstance(stats, m.Stats)
        peer.round_trip = stats.rtt_ms
        for one in stats.instances:
            if (member := peer.members.get(one.instance)) is not None:
                member.stats = one

    def _status(self, peer: Peer, message: Message, now: float) -> None:  # noqa: ARG002
        self._answer(peer, self._report())

    def _take(self, peer: Peer, blocks: int, each: int | None = None) -> None:
        """Count the BLOCKs of a message: at most ``each`` of one instance, where that is known."""
        peer.taken += blocks
        peer.owed += blocks if each is None else each
        if peer.owed >= _CREDIT_EVERY:
            self._credit_due[peer.identity] = peer

    def _credit(self, peer: Peer) -> None:
        peer.owed = 0
        self._deliver(peer.identity, encode(Header(Kind.CREDIT, sequence=peer.taken)))

    def _answer(self, peer: Peer, control: m.Control) -> None:
        self._deliver(peer.identity, encode_control(control))

    def _deliver(self, identity: bytes, frames: list[bytes]) -> None:
        if not self._send(identity, frames) and (peer := self.peers.get(identity)) is not None:
            self._lost.append(peer)


def _sustained(flags: int) -> int:
    """Return what breath gives a sustained tone of a member with these ``flags``."""
    if flags & Flags.BREATH_LFO:
        return LFO
    return FLICKER if flags & Flags.BREATH_FLICKER else STILL


def _full(group: int) -> RefusalError:
    return RefusalError("full", f"group {group} has 128 members; expected fewer: use another group.")

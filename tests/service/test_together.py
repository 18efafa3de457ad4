"""BLOCKs that come together give the same answers, bit for bit, as the same BLOCKs one by one."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import numpy.typing as npt
import pytest

from hybridmix.engine.config import MODELS_FOLDER
from hybridmix.engine.group import Engine
from hybridmix.engine.members import Registry
from hybridmix.engine.models import Models, load_models
from hybridmix.engine.peers import Gate, Peer
from hybridmix.engine.rehearsal import Rehearsal
from hybridmix.engine.service import REHEARSAL_S, Service
from hybridmix.engine.together import Together
from hybridmix.wire import Flags, Kind, decode
from hybridmix.wire import join as one_message
from hybridmix.wire.batches import Together as Message

from .networks import write
from .running import HOP, RATE, block, join

Audio = npt.NDArray[np.float32]
Values = dict[tuple[UUID, int, int], tuple[int, int, list[tuple[int, float]]]]

_PEER = b"peer"
_SESSION = UUID(int=99)


@pytest.fixture(scope="module", params=["equal-loudness", "alm-mr-plus"])
def models(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Models:
    if request.param == "equal-loudness":
        return load_models(request.param, MODELS_FOLDER)
    return load_models(request.param, write(tmp_path_factory.mktemp("networks"), request.param))


class Desk:
    """A service without sockets, its members joined, and what it answered."""

    def __init__(self, models: Models, channels: list[int]) -> None:
        self.sent: list[list[bytes]] = []
        registry = Registry(lambda key: Engine(key[2], models))
        self.service = Service(Gate(""), registry, self._send, "", {}, dict)
        peer = self.service.peers[_PEER] = Peer(_PEER, 0.0, 0.0, proved=True)
        # Neither the order of the packets nor that of joining is that of the identities.
        self.members = [UUID(int=1 + (7 * number) % 31) for number in range(len(channels))]
        for handle, (member, count) in enumerate(zip(self.members, channels, strict=True)):
            joined = registry.join(_PEER, join(handle, member, _SESSION, channels=count), _SESSION)
            assert joined is not None
            peer.members[member] = joined[0]

    def _send(self, identity: bytes, frames: list[bytes]) -> bool:
        assert identity == _PEER
        self.sent.append(frames)
        return True

    def take(self, messages: list[list[bytes]], now: float) -> None:
        for frames in messages:
            self.service.receive(_PEER, frames, now)
        self.service.tick(now)

    def answers(self) -> Values:
        """Flags, apply_at and values of every PARAMS by member, run and frame end."""
        read: Values = {}
        for frames in self.sent:
            for packet in decode(frames).packets:
                if packet.header.kind == Kind.PARAMS:
                    header = packet.header
                    key = (header.instance, header.run, header.position)
                    assert key not in read
                    read[key] = (header.flags, header.apply_at, list(packet.values))
        return read


def _performance(members: list[UUID], channels: list[int], seed: int) -> list[list[list[bytes]]]:
    """Rounds of BLOCKs: hops of all members, some alone, with new settings, lost hops, jumps and pauses."""
    rng = np.random.default_rng(seed)
    count = len(members)
    tones = [rng.normal(0.0, 10.0 ** rng.uniform(-2.5, -0.5), (channel, 4096 * HOP)) for channel in channels]
    amounts, run, position = [1.0] * count, 1, 0
    begun: set[int] = set()
    rounds: list[list[list[bytes]]] = []
    for _ in range(140):
        event = rng.random()
        if event < 0.02:
            run, position, begun = run + 1, HOP * int(rng.integers(0, 400)), set()
        if event > 0.97:
            amounts[int(rng.integers(count))] = float(rng.choice([0.0, 0.5, 1.0]))
        hops = int(rng.choice([1, 1, 1, 2, 6]))
        out = int(rng.integers(count)) if 0.02 < event < 0.05 else -1
        packets = []
        for index, member in enumerate(members):
            if index == out:
                begun.discard(index)
                continue
            flags = 0 if index in begun else Flags.RUN_BEGIN | (Flags.START if position == 0 else Flags.GAP)
            begun.add(index)
            audio = tones[index][:, position : position + hops * HOP].astype(np.float32)
            packets.append(block(member, audio, position, run=run, flags=flags, amount=amounts[index]))
        rounds.append(packets)
        position += hops * HOP
    return rounds


@pytest.mark.parametrize("channels", [[2] * 6, [1] * 5, [2, 1, 2, 1, 1]])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_message_of_many_blocks_is_as_many_messages(
    models: Models, channels: list[int], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[bool] = []
    original = Together.go_on

    def counted(self: Together, message: Message, now: float) -> bool:
        taken.append(original(self, message, now))
        return taken[-1]

    monkeypatch.setattr(Together, "go_on", counted)
    together, alone, split = (Desk(models, channels) for _ in range(3))
    rng = np.random.default_rng(seed)
    for number, packets in enumerate(_performance(together.members, channels, seed)):
        now = 0.01 * number
        together.take([one_message(packets)], now)
        alone.take(packets, now)
        cut = int(rng.integers(1, len(packets)))
        split.take([one_message(packets[:cut]), one_message(packets[cut:])], now)
    answers = together.answers()
    assert len(answers) > 40 * len(channels)
    assert answers == alone.answers() == split.answers()
    assert sum(taken) > 60  # the fast way was the usual one, and did not always apply
    assert not all(taken)


def test_members_may_go_together_before_their_first_hops_were_heard(models: Models) -> None:
    together, alone = Desk(models, [2, 1]), Desk(models, [2, 1])
    noise = np.random.default_rng(1).normal(0.0, 0.1, (2, 30 * HOP)).astype(np.float32)
    rounds = [
        [
            block(member, noise[:channels, at : at + 5 * HOP], at, flags=0 if at else Flags.RUN_BEGIN)
            for member, channels in zip(together.members, (2, 1), strict=True)
        ]
        for at in range(0, 30 * HOP, 5 * HOP)
    ]
    together.take([one_message(packets) for packets in rounds], 0.0)
    alone.take([packet for packets in rounds for packet in packets], 0.0)
    assert together.answers() == alone.answers()


def test_frames_of_one_message_lie_side_by_side(models: Models) -> None:
    desk = Desk(models, [2] * 4)
    for number, packets in enumerate(_performance(desk.members, [2] * 4, 1)[:3]):
        desk.take([one_message(packets)], 0.01 * number)
    (group,) = desk.service.registry.groups.values()
    newest = [group.engine._members[member].store.newest for member in desk.members]
    assert len({id(frame.sheet) for frame in newest if frame is not None}) == 1


def test_a_message_that_stops_short_is_refused_as_ever(models: Models) -> None:
    desk = Desk(models, [1, 1])
    rounds = _performance(desk.members, [1, 1], 1)
    for packets in rounds[:4]:
        desk.take([one_message(packets)], 0.0)
    head, payload = one_message(rounds[4])
    desk.take([[head, payload[:-4]]], 0.0)
    assert desk.service.counters["messages_bad"] == 1


def test_a_rehearsal_changes_no_answer(models: Models) -> None:
    plain, rehearsed = Desk(models, [2, 2]), Desk(models, [2, 2])
    rehearsal = Rehearsal(models)
    for number, packets in enumerate(_performance(plain.members, [2, 2], 4)):
        plain.take([one_message(packets)], 0.01 * number)
        rehearsal.play(0.01 * number)
        rehearsed.take([one_message(packets)], 0.01 * number)
    assert rehearsed.answers() == plain.answers()


@pytest.mark.parametrize(("hop", "expected"), [(2, None), (3, 0.01 - REHEARSAL_S)])
def test_a_rehearsal_is_due_shortly_before_the_block_that_ends_a_frame(
    models: Models, hop: int, expected: float | None
) -> None:
    desk = Desk(models, [1])
    silence = np.zeros((1, HOP), np.float32)
    for number in range(hop + 1):
        flags = Flags.RUN_BEGIN | Flags.START if number == 0 else 0
        desk.take([block(desk.members[0], silence, number * HOP, flags=flags)], 5.0)
    due = desk.service.rehearse_at
    assert due == (None if expected is None else pytest.approx(5.0 + expected, abs=1e-9))
    assert HOP == RATE // 100

"""Audio in, values out, over real sockets; and what happens to messages that are not right."""

from __future__ import annotations

import signal
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest

from hybridmix.engine import trace
from hybridmix.engine.client import Client
from hybridmix.engine.service import CREDITS
from hybridmix.errors import HybridMixError
from hybridmix.wire import Flags, Header, Kind, Message, decode, encode, encode_control
from hybridmix.wire import join as join_packets
from hybridmix.wire import messages as m

from .running import (
    FRAME,
    HOP,
    RATE,
    Peer,
    Process,
    block,
    discovery,
    eventually,
    join,
    members,
    serving,
    start,
)


def _noise(seed: int, hops: int, channels: int = 2) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(seed).normal(0.0, 0.1, (channels, hops * HOP)).astype(np.float32)


def _params(client: Client, count: int) -> list[Message]:
    return [client.expect(Kind.PARAMS) for _ in range(count)]


def test_every_frame_is_answered_with_the_sample_at_which_it_applies(client: Client) -> None:
    instance = client.join(join()).instance
    client.send(start(instance))
    for hop in range(50):
        client.send(block(instance, _noise(hop, 1), hop * HOP, flags=Flags.SYNC))
    answers = _params(client, 10)
    assert [answer.header.position for answer in answers] == [FRAME * (index + 1) for index in range(10)]
    assert all(answer.header.apply_at - answer.header.position == RATE * 40 // 1000 for answer in answers)
    assert all(answer.header.instance == instance and answer.header.run == 1 for answer in answers)
    # A gain rests on 8 active frames; until then the plugin holds what it has.
    assert [len(answer.values) for answer in answers] == [1] * 7 + [2] * 3
    assert -30.0 < dict(answers[-1].values)[1] < 0.0


def test_live_answers_that_come_too_late_are_skipped_and_the_state_is_the_same(client: Client) -> None:
    live, sync = client.join(join(0, group=1)).instance, client.join(join(1, group=2)).instance
    last = {}
    for instance, group, flag in ((live, 1, 0), (sync, 2, Flags.SYNC)):
        client.send(start(instance, group=group))
        client.send(block(instance, _noise(0, 60), 0, flags=flag, group=group))
        last[instance] = _params(client, 12)
    flags = [answer.header.flags for answer in last[live]]
    assert flags[0] == Flags.NONE | Flags.SKIPPED
    assert flags[-1] == 0
    assert last[live][-1].values == last[sync][-1].values
    assert client.status()["totals"]["skipped"] == flags.count(Flags.NONE | Flags.SKIPPED)


def test_the_hops_of_a_process_come_in_one_message_and_their_values_leave_in_one(proved: Peer) -> None:
    instances = []
    for number in range(4):
        proved.send(encode_control(wanted := join(number)))
        instances.append(wanted.instance)
        proved.next(Kind.JOINED)
    proved.send(join_packets([start(instance) for instance in instances]))
    proved.send(join_packets([block(instance, _noise(1, 5), 0, flags=Flags.SYNC) for instance in instances]))
    while (answer := decode(proved.socket.recv_multipart())).header.kind is not Kind.PARAMS:
        pass
    assert [packet.header.instance for packet in answer.packets] == sorted(
        instances, key=lambda instance: instance.bytes
    )
    assert {packet.header.position for packet in answer.packets} == {FRAME}
    assert proved.next(Kind.CREDIT).header.sequence == 8


def test_a_message_with_one_bad_packet_changes_nothing_and_returns_all_its_credit(client: Client) -> None:
    instance = client.join(join()).instance
    good = [start(instance), block(instance, _noise(0, 5), 0, flags=Flags.SYNC)]
    head, payload = join_packets([*good, block(instance, _noise(1, 1), FRAME)])
    for _ in range(3):
        client.send([head, payload[:-4] + np.float32("nan").tobytes()])
    assert client.expect(Kind.CREDIT).header.sequence == 9
    status = client.status()
    assert status["counters"]["messages_bad"] == 3
    assert status["totals"]["frames"] == 0
    client.send(join_packets(good))
    assert client.expect(Kind.PARAMS).header.position == FRAME


def test_blocks_of_many_hops_are_answered_frame_by_frame(client: Client) -> None:
    instance = client.join(join()).instance
    client.send(start(instance))
    client.send(block(instance, _noise(0, 64), 0, flags=Flags.SYNC))
    assert [answer.header.position for answer in _params(client, 12)] == [
        FRAME * (index + 1) for index in range(12)
    ]


def test_mono_and_stereo_and_every_rate_of_a_process_stand_side_by_side(client: Client) -> None:
    joined = {
        rate: client.join(join(rate, rate=rate, channels=1)).instance for rate in (44100, 96000, 192000)
    }
    for rate, instance in joined.items():
        client.send(start(instance, rate=rate))
        audio = np.zeros((1, rate // 20), np.float32)
        client.send(block(instance, audio, 0, rate=rate))
    assert {answer.header.instance: answer.header.position for answer in _params(client, 3)} == {
        instance: rate // 20 for rate, instance in joined.items()
    }
    assert sorted(group["rate"] for group in client.status()["groups"]) == [44100, 96000, 192000]


def test_credit_comes_back_when_a_block_is_taken_not_when_its_frame_is_complete(client: Client) -> None:
    waited_for, instance = client.join(join(0)).instance, client.join(join(1)).instance
    client.send(start(waited_for))
    client.send(start(instance))
    for hop in range(CREDITS // 4):
        client.send(block(instance, _noise(hop, 1), hop * HOP, flags=Flags.SYNC))
    assert client.welcome.credits == CREDITS
    assert client.expect(Kind.CREDIT).header.sequence >= CREDITS // 4


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_block_that_is_not_finite_is_refused_and_its_credit_returned(client: Client, value: float) -> None:
    instance = client.join(join()).instance
    client.send(start(instance))
    head, payload = block(instance, _noise(0, 1), 0)
    for _ in range(7):
        client.send([head, np.float32(value).tobytes() + payload[4:]])
    assert client.expect(Kind.CREDIT).header.sequence == 8
    report = client.status()
    assert report["counters"]["messages_bad"] == 7
    assert report["groups"][0]["counters"]["frames"] == 0


def test_unknown_kinds_are_counted_and_ignored(client: Client) -> None:
    head, payload = encode(Header(Kind.PING, sequence=1))
    client.send([head[:8] + (999).to_bytes(2, "little") + head[10:], payload])
    assert client.status()["counters"] == {"messages_unknown": 1}


@pytest.mark.parametrize("frames", [[], [b""], [b"HMIX"], [b"\xff" * 112, b""], [b"a", b"b", b"c"]])
def test_garbage_is_counted_and_ignored(client: Client, frames: list[bytes]) -> None:
    client.send(frames or [b""])
    assert client.status()["counters"] == {"messages_bad": 1}


def test_blocks_of_strangers_and_blocks_out_of_order_are_counted(client: Client) -> None:
    client.send(block(uuid4(), _noise(0, 1), 0, flags=Flags.RUN_BEGIN))
    instance = client.join(join()).instance
    client.send(start(instance))
    client.send(block(instance, _noise(0, 5), 0))
    client.send(block(instance, _noise(0, 5), 0))
    assert client.status()["counters"] == {"blocks_out_of_order": 1, "blocks_unjoined": 1}


def test_the_group_in_the_block_moves_the_member(client: Client) -> None:
    instance = client.join(join()).instance
    client.send(start(instance))
    client.send(block(instance, _noise(0, 5), 0))
    client.send(block(instance, _noise(0, 5), FRAME, group=3))
    assert [answer.header.position for answer in _params(client, 2)] == [FRAME, 2 * FRAME]
    assert [group["group"] for group in client.status()["groups"]] == [3]
    assert client.status()["totals"]["frames"] == 2


def test_a_group_without_one_of_its_members_is_not_held_up_in_live(client: Client) -> None:
    present, missing = client.join(join(0)).instance, client.join(join(1)).instance
    client.send(start(present))
    client.send(start(missing))
    client.send(block(present, _noise(0, 5), 0))
    assert client.expect(Kind.PARAMS).header.instance == present


def test_a_wait_is_answered_although_a_member_is_missing(client: Client) -> None:
    waiting, missing = client.join(join(0)).instance, client.join(join(1)).instance
    for instance in (waiting, missing):
        client.send(start(instance))
        client.send(block(instance, _noise(0, 5), 0, flags=Flags.SYNC))
    _params(client, 2)
    client.send(block(waiting, _noise(1, 5), FRAME, flags=Flags.SYNC))
    client.send(encode(Header(Kind.WAIT, instance=waiting, run=1, position=2 * FRAME)))
    answer = client.expect(Kind.PARAMS)
    assert answer.header.position == 2 * FRAME
    assert answer.header.flags & Flags.INCOMPLETE
    assert client.status()["totals"]["incomplete"] == 1


def test_what_the_plugin_reports_is_shown(client: Client) -> None:
    instance = client.join(join(label="bass")).instance
    client.send(start(instance))
    stats = m.InstanceStats(instance, 3, 2, 1, "mixing", 4800, 1, 960, 1920)
    client.send(encode_control(m.Stats([stats], m.RoundTrip(0.5, 1.5, 2.5, 100))))
    shown = members(client)[str(instance)]
    assert {
        key: shown[key] for key in ("label", "role", "rate", "status", "late", "dropped", "incomplete")
    } == {
        "label": "bass",
        "role": "unset",
        "rate": RATE,
        "status": "mixing",
        "late": 3,
        "dropped": 2,
        "incomplete": 1,
    }
    assert (shown["reported"], shown["lead_ms"], shown["needed_delay_ms"]) == (4800, 20.0, 40.0)
    report = client.status()
    assert report["peers"][0]["rtt_ms"] == {"p50": 0.5, "p99": 1.5, "p99_9": 2.5, "count": 100}
    assert (report["totals"]["late"], report["totals"]["dropped"]) == (3, 2)
    client.send(start(instance, run=2))
    assert members(client)[str(instance)]["reported"] is None, "that was of the run before"


def test_the_trace_is_written_while_it_serves(folder: Path, parent: Path) -> None:
    path = parent / "trace.bin"
    with serving(folder, trace=path, model="raw"), Client(folder) as client:
        instance = client.join(join()).instance
        client.send(start(instance))
        client.send(block(instance, _noise(0, 10), 0, offset_db=-6.0))
        _params(client, 2)
        assert eventually(lambda: trace.count(path) == 2)
    records = trace.read(path)
    assert records["end"].tolist() == [FRAME, 2 * FRAME]
    assert records["gain_db"].tolist() == [-6.0, -6.0]
    assert np.isnan(records["trim_db"]).all()
    assert UUID(bytes=bytes(records["member"][0]).ljust(16, b"\0")) == instance


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(folder: Path, number: signal.Signals) -> None:
    with Process(folder, "--model", "raw") as process, Client(folder, timeout=15.0) as client:
        assert process.first_line == f"ready: ipc://{folder}/service.sock (pid {process.process.pid})\n"
        client.join(join())
        process.process.send_signal(number)
        with pytest.raises(HybridMixError, match="the service stopped"):
            client.expect(Kind.PARAMS)
        code, log = process.end(0)
        assert code == 0
    assert [path.name for path in folder.iterdir()] == ["service.lock"]
    assert "Traceback" not in log
    lines = log.splitlines()
    assert lines[0].split(" ", 1)[1].startswith(f"level=INFO event=ready endpoint=ipc://{folder}")
    assert lines[-1].endswith(f"event=stopped reason={number.name}")
    assert not discovery_exists(folder)


def discovery_exists(folder: Path) -> bool:
    try:
        discovery(folder)
    except FileNotFoundError:
        return False
    return True

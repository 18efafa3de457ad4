"""The client against libzmq: what it says is understood, and what libzmq says is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import zmq
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils.monitor import recv_monitor_message

from .driving import Client, EchoServer, router, send_unasked

Start = Callable[..., Client]

SIZES = [0, 1, 2, 255, 256, 257, 65_535, 65_536, 1 << 20]
"""Both sides of every boundary of the framing, and the largest frame allowed."""


def body(size: int) -> bytes:
    return bytes(range(251)) * (size // 251) + bytes(range(size % 251))


def test_frames_of_every_size_class_arrive_both_ways(endpoint: str, client: Start) -> None:
    with router(endpoint) as server:
        peer = client("--identity", "me")
        peer.expect("ready")
        for size in SIZES:
            peer.send(body(size))
            assert server.recv_multipart() == [b"me", body(size)], size
            server.send_multipart([b"me", body(size)])
            assert peer.message() == [body(size)], size


def test_multipart_messages_keep_their_parts_both_ways(endpoint: str, client: Start) -> None:
    cases = [[b"", b""], [b"a", b"", body(300)], [body(255), body(256), body(1), b""]]
    with router(endpoint) as server:
        peer = client("--identity", "me")
        peer.expect("ready")
        for parts in cases:
            peer.send(*parts)
            assert server.recv_multipart() == [b"me", *parts]
            server.send_multipart([b"me", *parts])
            assert peer.message() == parts


def test_many_messages_arrive_in_order_through_a_small_inbox(endpoint: str, client: Start) -> None:
    count = 20_000
    with router(endpoint) as server:
        peer = client("--identity", "me", "--rx-limit", "3")
        peer.expect("ready")
        peer.tell("pause")
        peer.expect("paused")
        for number in range(count):
            send_unasked(server, b"me", number.to_bytes(4, "big"), bytes(100))
        # Not reading is our own doing: the peer is not taken for dead however long it lasts.
        assert peer.quiet(1.5) == []
        peer.tell("resume")
        assert [int.from_bytes(peer.message()[0], "big") for _ in range(count)] == list(range(count))


@pytest.mark.parametrize("parts", [[bytes((1 << 20) + 1)], [b"x"] * 5], ids=["frame", "parts"])
def test_what_exceeds_the_limits_ends_the_connection_and_the_next_one_works(
    endpoint: str, client: Start, parts: list[bytes]
) -> None:
    with router(endpoint, ROUTER_HANDOVER=1) as server:
        peer = client("--identity", "me")
        peer.expect("ready")
        send_unasked(server, b"me", *parts)
        assert "peer" in peer.expect("lost")
        assert peer.expect("ready") == "ready 2"
        peer.send(b"still here")
        assert server.recv_multipart() == [b"me", b"still here"]


def test_a_routers_heartbeats_are_answered(endpoint: str, client: Start) -> None:
    options = {"HEARTBEAT_IVL": 100, "HEARTBEAT_TIMEOUT": 300, "HEARTBEAT_TTL": 500}
    with router(endpoint, **options) as server, server.get_monitor_socket(zmq.EVENT_DISCONNECTED) as monitor:
        # Our own heartbeats are so slow that only the answers keep the connection.
        peer = client("--heartbeat", "60000", "120000")
        peer.expect("ready")
        assert peer.quiet(1.5) == []
        assert not monitor.poll(0)
        server.disable_monitor()


def test_our_heartbeats_are_answered(endpoint: str, client: Start) -> None:
    with router(endpoint):
        peer = client("--heartbeat", "50", "400")
        peer.expect("ready")
        assert peer.quiet(1.5) == []


def test_the_server_sees_a_close_at_once_and_what_was_sent_before(endpoint: str, client: Start) -> None:
    with router(endpoint) as server, server.get_monitor_socket(zmq.EVENT_DISCONNECTED) as monitor:
        peer = client("--identity", "me")
        peer.expect("ready")
        peer.send(b"bye")
        peer.tell("close")
        assert int(peer.expect("closed").split(" ")[1]) <= 50_000
        assert server.recv_multipart() == [b"me", b"bye"]
        assert monitor.poll(5000)
        recv_monitor_message(monitor)
        server.disable_monitor()


def test_a_server_killed_again_and_again_is_found_again_within_a_second(endpoint: str, client: Start) -> None:
    with EchoServer(endpoint) as server:
        peer = client("--identity", "me")
        peer.expect("ready")
        before = peer.numbers("stats", "stats")
        for generation in range(2, 7):
            server.kill()
            peer.expect("lost")
            time.sleep(0.05 * generation)
            server.start()
            accepting = time.monotonic()
            assert peer.expect("ready") == f"ready {generation}"
            assert time.monotonic() - accepting < 1.0
            peer.send(b"generation", str(generation).encode())
            assert peer.message() == [b"generation", str(generation).encode()]
        after = peer.numbers("stats", "stats")
        assert (after["threads"], after["fds"]) == (before["threads"], before["fds"])


def test_a_server_that_is_stopped_costs_neither_time_nor_memory(endpoint: str, client: Start) -> None:
    with EchoServer(endpoint) as server:
        peer = client("--identity", "me")
        peer.expect("ready")
        before = peer.numbers("stats", "stats")
        server.stop()
        flood = peer.numbers("flood 4096 3000", "flooded", within=20)
        assert flood["sent"] > 100, "messages went on until the buffer was full or the peer given up"
        assert flood["refused"] > 100
        assert flood["longest_us"] < 500_000, "no send waited for the server"
        assert flood["rss_kb"] - before["rss_kb"] < 8 * 1024
        assert any("silent" in line for line in peer.history)
        server.go_on()
        peer.expect("ready")
        while "message" not in peer.history[-1]:
            peer.send(b"back")
            peer.expect("message")
        after = peer.numbers("stats", "stats")
        assert after["fds"] == before["fds"]


def plain_server(context: zmq.Context[Any], endpoint: str) -> zmq.Socket[bytes]:
    socket: zmq.Socket[bytes] = context.socket(zmq.ROUTER)
    socket.linger = 0
    socket.plain_server = True
    socket.rcvtimeo = 10_000
    socket.bind(endpoint)
    return socket


def test_plain_lets_the_right_password_in_and_no_other(endpoint: str, client: Start) -> None:
    with zmq.Context() as context:
        authenticator = ThreadAuthenticator(context)
        authenticator.start()
        try:
            authenticator.configure_plain(passwords={"hybridmix": "right"})
            with plain_server(context, endpoint) as server:
                right = client("--identity", "me", "--plain", "hybridmix", "right")
                right.expect("ready")
                right.send(b"hello")
                assert server.recv_multipart() == [b"me", b"hello"]
                for user, password in [("hybridmix", "wrong"), ("hybridmix", ""), ("other", "right")]:
                    wrong = client("--plain", user, password)
                    assert wrong.expect("failed", "ready") == "failed the peer refused the connection: 400"
                assert client().expect("failed", "ready") in (
                    "failed the peer uses the mechanism PLAIN, expected NULL",
                    "failed the peer closed the connection during the handshake",
                )
        finally:
            authenticator.stop()


def test_a_null_server_is_not_what_a_client_with_a_password_wants(endpoint: str, client: Start) -> None:
    with router(endpoint):
        # libzmq may hang up on our greeting before it has written all of its own.
        assert client("--plain", "hybridmix", "secret").expect("failed", "ready") in (
            "failed the peer uses the mechanism NULL, expected PLAIN",
            "failed the peer closed the connection during the handshake",
        )


def test_a_socket_type_that_does_not_match_is_named(endpoint: str, client: Start) -> None:
    with zmq.Context() as context, context.socket(zmq.PUB) as socket:
        socket.linger = 0
        socket.bind(endpoint)
        # libzmq may hang up on a DEALER before it names itself.
        event = client().expect("failed", "ready")
        assert event in (
            "failed the peer is a PUB socket, expected ROUTER, DEALER or REP",
            "failed the peer closed the connection during the handshake",
        )

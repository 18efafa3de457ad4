"""The client against peers that do everything wrong: it says what, stays alive, and finds the next good one."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .driving import READY, Client, greeting, router

Start = Callable[..., Client]


@contextmanager
def bad_peer(endpoint: str, says: bytes, *, hangs_up: bool) -> Iterator[list[bytes]]:
    """Say the same to everyone who connects, then hang up or stay; yields what was heard."""
    kind, address = endpoint.split("://")
    if kind == "ipc":
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(address)
        listener.listen()
    else:
        host, port = address.split(":")
        listener = socket.create_server((host, int(port)))
    heard: list[bytes] = []
    connections: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            try:
                connection.settimeout(0.2)
                heard.append(connection.recv(4096))
                connection.sendall(says)
                if hangs_up:
                    connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield heard
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for connection in connections:
            connection.close()
        if kind == "ipc":
            Path(address).unlink()


HANDSHAKE = greeting() + READY
CASES = {
    "garbage": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no signature"),
    "zeros": (bytes(200), "no signature"),
    "old version": (greeting(version=b"\x02\x00"), "speaks ZMTP 2.0, expected 3.1 or later"),
    "other mechanism": (greeting(b"CURVE"), "uses the mechanism CURVE, expected NULL"),
    "unprintable mechanism": (greeting(b"\x1b[2J\xff"), r"uses the mechanism \x1b[2J\xff"),
    "a message for READY": (greeting() + b"\x00\x05READY", "before the handshake was complete"),
    "another command for READY": (greeting() + b"\x04\x08\x07WELCOME", "WELCOME, expected READY"),
    "a malformed READY": (greeting() + b"\x04\x08\x05READY\x0bS", "malformed READY"),
    "an empty READY": (greeting() + b"\x04\x06\x05READY", "names no socket type"),
    "a refusal": (greeting() + b"\x04\x0e\x05ERROR\x07go away", "refused the connection: go away"),
    "a huge READY": (greeting() + b"\x06" + (1 << 40).to_bytes(8, "big"), "at most 8192"),
    "a huge frame": (
        HANDSHAKE + b"\x02" + b"\xff" * 8 + b"x" * 99,
        "announced a frame of 1844674407370955",
    ),
    "reserved flags": (HANDSHAKE + b"\x80\x00", "flags 0x80"),
    "too many parts": (HANDSHAKE + b"\x01\x00" * 9, "more than 4 parts"),
    "a malformed ping": (HANDSHAKE + b"\x04\x05\x04PING", "malformed PING"),
    "an empty command": (HANDSHAKE + b"\x04\x00", "malformed command"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_peer_is_named_and_left_and_a_good_one_found(endpoint: str, client: Start, case: str) -> None:
    says, reason = CASES[case]
    with bad_peer(endpoint, says, hangs_up=False):
        peer = client("--identity", "me")
        assert reason in peer.expect("failed", "lost")
        assert peer.alive()
    with router(endpoint) as server:
        peer.expect("ready")
        peer.send(b"hello")
        assert server.recv_multipart() == [b"me", b"hello"]


@pytest.mark.parametrize("cut", [0, 1, 40, 64, 70, len(HANDSHAKE), len(HANDSHAKE) + 1, len(HANDSHAKE) + 50])
def test_a_peer_that_hangs_up_anywhere_is_left(endpoint: str, client: Start, cut: int) -> None:
    stream = HANDSHAKE + b"\x02" + (1 << 20).to_bytes(8, "big") + bytes(100)
    with bad_peer(endpoint, stream[:cut], hangs_up=True):
        peer = client()
        if cut < len(HANDSHAKE):
            assert "closed the connection during the handshake" in peer.expect("failed", "ready")
        else:
            assert "the connection" in peer.expect("failed", "lost")
        assert not any(line.startswith("message") for line in peer.quiet(0.3))
        assert peer.alive()


@pytest.mark.parametrize(
    "says", [b"", greeting()[:30], greeting()], ids=["silent", "half a greeting", "no READY"]
)
def test_a_peer_that_says_nothing_more_is_left_after_a_second(
    endpoint: str, client: Start, says: bytes
) -> None:
    with bad_peer(endpoint, says, hangs_up=False):
        peer = client()
        begin = time.monotonic()
        assert peer.expect("failed") == "failed the peer did not complete the handshake within 1000 ms"
        assert time.monotonic() - begin > 0.5


def test_a_peer_that_answers_no_heartbeat_is_left_after_a_second(endpoint: str, client: Start) -> None:
    with bad_peer(endpoint, HANDSHAKE, hangs_up=False):
        peer = client()
        peer.expect("ready")
        begin = time.monotonic()
        assert peer.expect("lost") == "lost the peer was silent for 1000 ms"
        assert 0.5 < time.monotonic() - begin < 5.0


def test_a_peer_that_completes_the_handshake_and_hangs_up_is_not_hammered(
    endpoint: str, client: Start
) -> None:
    with bad_peer(endpoint, HANDSHAKE, hangs_up=True) as heard:
        peer = client()
        peer.quiet(2.0)
        assert 3 <= len(heard) <= 20
        assert peer.alive()


def test_nothing_but_the_greeting_is_said_to_a_stranger(endpoint: str, client: Start) -> None:
    with bad_peer(endpoint, b"HTTP", hangs_up=True) as heard:
        client("--plain", "hybridmix", "secret").expect("failed")
        assert heard
        assert all(said == greeting(b"PLAIN").replace(b"\x01\x7f", b"\x00\x7f") for said in heard)

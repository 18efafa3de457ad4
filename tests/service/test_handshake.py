"""Who is let in, and what anybody else hears."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import zmq

from hybridmix.engine.client import Client
from hybridmix.engine.discovery import Discovery, Lock, open_folder, publish
from hybridmix.engine.names import RULES
from hybridmix.engine.server import Server
from hybridmix.errors import HybridMixError
from hybridmix.wire import Header, Kind, decode, encode, encode_control, proof
from hybridmix.wire import messages as m
from hybridmix.wire.limits import PROTOCOL

from .running import Peer, discovery, eventually, join, serving


def test_both_sides_prove_that_they_know_the_token(client: Client, folder: Path) -> None:
    assert client.welcome.protocol == PROTOCOL
    assert client.status()["service"]["pid"] == os.getpid()
    assert set(client.welcome.models) == set(RULES)
    assert discovery(folder).token not in repr(client.status())


def test_the_service_proves_itself_first(peer: Peer, folder: Path) -> None:
    nonce = proof.fresh()
    challenge = peer.hello(nonce)
    assert challenge.proof == proof.service(discovery(folder).token, nonce, challenge.nonce)


def test_a_wrong_token_is_refused(peer: Peer) -> None:
    nonce = proof.fresh()
    challenge = peer.hello(nonce)
    peer.send(encode_control(m.Auth(proof.client("00" * 32, challenge.nonce, nonce))))
    assert peer.refused().code == "auth"
    peer.send(encode_control(m.StatusRequest()))
    assert peer.silent()


def test_a_proof_that_was_overheard_is_worth_nothing(peer: Peer, server: Server, folder: Path) -> None:
    token, nonce = discovery(folder).token, proof.fresh()
    challenge = peer.hello(nonce)
    overheard = encode_control(m.Auth(proof.client(token, challenge.nonce, nonce)))
    peer.send(overheard)
    peer.next(Kind.WELCOME)
    with Peer(server.endpoint) as thief:
        thief.send(overheard)
        assert thief.refused().code == "auth"
        thief.hello(nonce)
        thief.send(overheard)
        assert thief.refused().code == "auth"


def test_a_second_proof_for_the_same_challenge_is_refused(peer: Peer, folder: Path) -> None:
    nonce = proof.fresh()
    challenge = peer.hello(nonce)
    peer.send(encode_control(m.Auth("00" * 32)))
    assert peer.refused().code == "auth"
    peer.send(encode_control(m.Auth(proof.client(discovery(folder).token, challenge.nonce, nonce))))
    assert peer.refused().code == "auth"


def test_another_major_version_is_refused_with_both_versions(peer: Peer) -> None:
    peer.send(encode_control(m.Hello((2, 0), "shim 9", 1, proof.fresh())))
    refusal = peer.refused()
    assert refusal.code == "version"
    assert refusal.message.startswith("shim 9 speaks protocol 2, hybridmix 0.1.0 speaks 1.0; expected")


def test_a_header_of_another_major_version_is_refused(peer: Peer) -> None:
    head, payload = encode_control(m.Hello(PROTOCOL, "shim 9", 1, proof.fresh()))
    peer.send([head[:4] + b"\x02" + head[5:], payload])
    assert peer.refused().code == "version"


@pytest.mark.parametrize(
    "message",
    [
        lambda: encode_control(m.StatusRequest()),
        lambda: encode_control(join()),
        lambda: encode(Header(Kind.PING, sequence=1)),
        lambda: [b"garbage", b""],
        lambda: [b"x"],
    ],
    ids=["STATUS", "JOIN", "PING", "garbage", "one frame"],
)
def test_nothing_is_answered_before_the_proof(peer: Peer, message: Callable[[], list[bytes]]) -> None:
    peer.send(message())
    assert peer.silent()


def test_failures_are_logged_once(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "hybridmix"):
        for _ in range(5):
            peer.hello()
            peer.send(encode_control(m.Auth("00" * 32)))
            assert peer.refused().code == "auth"
    assert len([record for record in caplog.records if "code=auth" in record.message]) == 1


def test_a_service_without_the_token_gets_nothing_but_hello(folder: Path) -> None:
    open_folder(folder)
    lock = Lock(folder)
    endpoint = f"ipc://{folder}/service.sock"
    publish(folder, Discovery(protocol=PROTOCOL, endpoint=endpoint, pid=1, token=proof.fresh(), version="0"))
    context = zmq.Context()
    with context.socket(zmq.ROUTER) as squatter:
        squatter.bind(endpoint)
        listener = _Squatter(squatter)
        listener.start()
        with pytest.raises(HybridMixError, match="could not prove that it is yours"):
            Client(folder, timeout=2.0)
        listener.join()
        assert listener.heard == ["HELLO"]
    context.term()
    lock.release()


def test_plain_is_needed_on_tcp(folder: Path) -> None:
    with serving(folder, tcp=0) as server, Client(folder) as client:
        assert server.endpoint.startswith("tcp://127.0.0.1:")
        assert client.status()["service"]["endpoint"] == server.endpoint
        with Peer(server.endpoint) as stranger, Peer(server.endpoint, password="00" * 32) as liar:
            for one in (stranger, liar):
                # Its connection may be closed before there is anything to send on.
                with contextlib.suppress(zmq.Again):
                    one.send(encode_control(m.Hello(PROTOCOL, "stranger", 1, proof.fresh())))
                assert one.receive(0.5) is None


def test_a_connection_that_comes_back_takes_the_place_of_its_old_one(server: Server, folder: Path) -> None:
    token, name = discovery(folder).token, b"p" * 17
    first = join(0)
    with Peer(server.endpoint, name) as old, Client(folder) as watcher:
        old.prove(token)
        old.send(encode_control(first))
        old.next(Kind.JOINED)
        with Peer(server.endpoint, name) as new:
            new.prove(token)
            assert eventually(lambda: watcher.status()["groups"] == [])
            new.send(encode_control(first))
            joined = new.next(Kind.JOINED).control
            assert isinstance(joined, m.Joined)
            assert joined.instance == first.instance


class _Squatter(threading.Thread):
    """Answers HELLO with a proof made up, and writes down what it hears for half a second."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        super().__init__()
        self._socket = socket
        self.heard: list[str] = []

    def run(self) -> None:
        while self._socket.poll(500 if self.heard else 3000):
            identity, *frames = self._socket.recv_multipart()
            message = decode(frames)
            self.heard.append(message.header.kind.name)
            answer = encode_control(m.Challenge(PROTOCOL, proof.fresh(), proof.fresh()))
            self._socket.send_multipart([identity, *answer])

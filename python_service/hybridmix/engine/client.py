"""A client of the service in Python: for the command line, for batch and for benchmarks.

The plugin has its own client, in Rust; both shake hands in the same way, and neither says anything but
HELLO before the service has proved that it knows the token.
"""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import zmq

from hybridmix import __version__
from hybridmix.engine.discovery import Discovery, find
from hybridmix.engine.sockets import USERNAME
from hybridmix.errors import HybridMixError
from hybridmix.wire import Kind, Message, decode, encode_control, proof
from hybridmix.wire import messages as m
from hybridmix.wire.limits import MAX_PAYLOAD, PROTOCOL

__all__ = ["Client"]


class Client:
    """One connection to the service; a context manager. Not for use from several threads."""

    def __init__(self, runtime_dir: Path, *, name: str = "hybridmix-client", timeout: float = 3.0) -> None:
        """Find the service of ``runtime_dir``, connect, shake hands; ``timeout`` in seconds.

        Raises InputError for a folder that cannot be trusted, HybridMixError where no service runs, it does
        not answer, cannot prove itself or refuses.
        """
        self.discovery: Discovery = find(runtime_dir)
        self._timeout = timeout
        #: Packets that came in one message with others, each as a message of its own.
        self._further: deque[Message] = deque()
        self._context = zmq.Context()
        self.socket: zmq.Socket[bytes] = self._context.socket(zmq.DEALER)
        try:
            self._connect()
            self.welcome = self._shake_hands(name)
        except BaseException:
            self.close()
            raise

    def send(self, frames: Sequence[bytes]) -> None:
        """Send the frames of one message. Raises HybridMixError where that would block for too long."""
        try:
            self.socket.send_multipart(frames)
        except zmq.Again:
            raise self._silent() from None

    def receive(self, timeout: float | None = None) -> Message | None:
        """The next packet, or None after ``timeout`` seconds (None: the client's own). Raises WireError."""
        if self._further:
            return self._further.popleft()
        patience = self._timeout if timeout is None else timeout
        if not self.socket.poll(math.ceil(max(0.0, patience) * 1e3)):
            return None
        first, *more = decode(self.socket.recv_multipart()).packets
        self._further.extend(more)
        return first

    def expect(self, kind: Kind) -> Message:
        """The next message of ``kind``; others before it are dropped.

        Raises HybridMixError for REFUSE, BYE, or when nothing comes in time.
        """
        give_up = time.monotonic() + self._timeout
        while (left := give_up - time.monotonic()) > 0:
            message = self.receive(left)
            if message is None:
                break
            if message.header.kind is kind:
                return message
            control = message.control if message.header.kind is not Kind.PARAMS else None
            if isinstance(control, m.Refuse):
                raise HybridMixError(f"the service refused ({control.code}): {control.message}")
            if message.header.kind is Kind.BYE:
                raise HybridMixError("the service stopped; start it with: hybridmix serve")
        raise self._silent()

    def join(self, join: m.Join) -> m.Joined:
        """Join an instance; returns what it is called from now on."""
        self.send(encode_control(join))
        joined = self.expect(Kind.JOINED).control
        assert isinstance(joined, m.Joined)
        return joined

    def status(self) -> dict[str, Any]:
        """The service's report; ``docs/service-behaviour.md`` names the keys."""
        self.send(encode_control(m.StatusRequest()))
        report = self.expect(Kind.REPORT).control
        assert isinstance(report, dict)
        return report

    def close(self) -> None:
        """Say goodbye and close the connection."""
        if not self.socket.closed and hasattr(self, "welcome"):
            with contextlib.suppress(zmq.Again):  # the service is gone already
                self.socket.send_multipart(encode_control(m.Bye("done")), zmq.NOBLOCK)
        self.socket.close(linger=100)
        self._context.term()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _connect(self) -> None:
        socket = self.socket
        # An unguessable name: nobody else can take over this connection in the service.
        socket.setsockopt(zmq.IDENTITY, b"c" + secrets.token_bytes(16))
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.IMMEDIATE, 1)
        socket.setsockopt(zmq.SNDTIMEO, int(self._timeout * 1e3))
        socket.setsockopt(zmq.MAXMSGSIZE, MAX_PAYLOAD)
        if self.discovery.endpoint.startswith("tcp:"):
            socket.setsockopt_string(zmq.PLAIN_USERNAME, USERNAME)
            socket.setsockopt_string(zmq.PLAIN_PASSWORD, proof.plain_password(self.discovery.token))
        socket.connect(self.discovery.endpoint)

    def _shake_hands(self, name: str) -> m.Welcome:
        token, nonce = self.discovery.token, proof.fresh()
        self.send(encode_control(m.Hello(PROTOCOL, f"{name} {__version__}", os.getpid(), nonce)))
        challenge = self.expect(Kind.CHALLENGE).control
        assert isinstance(challenge, m.Challenge)
        if not proof.matches(proof.service(token, nonce, challenge.nonce), challenge.proof):
            raise HybridMixError(
                f"the service at {self.discovery.endpoint} could not prove that it is yours; nothing was sent: "
                "stop the other program, then start: hybridmix serve"
            )
        self.send(encode_control(m.Auth(proof.client(token, challenge.nonce, nonce))))
        welcome = self.expect(Kind.WELCOME).control
        assert isinstance(welcome, m.Welcome)
        return welcome

    def _silent(self) -> HybridMixError:
        return HybridMixError(
            f"the service (pid {self.discovery.pid}) did not answer within {self._timeout:g} s; "
            "stop it and start it again with: hybridmix serve"
        )

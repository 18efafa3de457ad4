"""The sockets of the service: one ROUTER, its monitor, and the door keeper that tcp needs."""

from __future__ import annotations

import contextlib
import errno
import hmac
import math
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import zmq

from hybridmix.engine.discovery import SOCKET
from hybridmix.errors import InputError
from hybridmix.wire import proof
from hybridmix.wire.limits import HEADER_SIZE, MAX_PAYLOAD

__all__ = ["USERNAME", "Sockets"]

USERNAME = "hybridmix"
#: Messages taken per round before anything is computed; keeps a flood from one peer from starving others.
MAX_DRAIN = 64
#: And bytes of headers in them, since a message may carry many packets: some 1000.
MAX_DRAIN_HEADERS = 1000 * HEADER_SIZE
#: Plain integers: the arithmetic of the library's enumerations would cost more than sending.
_NOBLOCK = int(zmq.NOBLOCK)
_MORE = int(zmq.NOBLOCK | zmq.SNDMORE)
_ZAP = "inproc://zeromq.zap.01"
#: Messages queued per connection: answers are small and must not be lost; BLOCKs may wait in the sender.
_SEND_QUEUE = 8192
_RECEIVE_QUEUE = 256


class Sockets:
    """Opens on construction; `close` ends it. One thread."""

    def __init__(self, folder: Path, tcp: int | None, token: str) -> None:
        """Bind in ``folder``, or on 127.0.0.1 port ``tcp``. Raises InputError for a port in use."""
        self._context = zmq.Context()
        self._router = self._context.socket(zmq.ROUTER)
        self._monitor = self._router.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self._zap: zmq.Socket[bytes] | None = None
        # Anything that must end a wait (a signal, another thread) writes a byte here.
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._configure()
        try:
            if tcp is None:
                self.endpoint = f"ipc://{folder / SOCKET}"
                mask = os.umask(0o077)
                try:
                    self._router.bind(self.endpoint)
                finally:
                    os.umask(mask)
            else:
                self._keep_door(token)
                self._router.bind(f"tcp://127.0.0.1:{tcp or '*'}")
                self.endpoint = self._router.getsockopt_string(zmq.LAST_ENDPOINT)
        except zmq.ZMQError as error:
            self.close()
            if tcp is None:
                raise InputError(
                    f"socket {folder / SOCKET} cannot be opened ({error}); set HYBRIDMIX_RUNTIME_DIR to another folder."
                ) from error
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be opened ({error})"
            raise InputError(
                f"TCP port {tcp} on 127.0.0.1 {reason}; expected a free one: choose another with --tcp PORT, "
                "or --tcp 0 for any."
            ) from error
        self._poller = zmq.Poller()
        for one in (self._router, self._monitor, self._zap, self._woken):
            if one is not None:
                self._poller.register(one, zmq.POLLIN)

    @property
    def waker(self) -> socket.socket:
        """Write a byte to it to end a wait; safe from signals and other threads."""
        return self._waker

    def wait(self, seconds: float) -> bool:
        """Wait until something happens, at most ``seconds``; True where a connection may have closed."""
        ready = dict(self._poller.poll(math.ceil(max(0.0, seconds) * 1e3)))
        if self._woken.fileno() in ready:
            with contextlib.suppress(BlockingIOError):
                self._woken.recv(64)
        if self._zap in ready:
            self._answer_door()
        closed = False
        while self._monitor in ready:
            try:
                self._monitor.recv_multipart(zmq.NOBLOCK)
                closed = True
            except zmq.Again:
                break
        return closed

    def receive(self) -> Iterator[list[bytes]]:
        """What has arrived, identity first: some 1000 packets in at most MAX_DRAIN messages, without waiting."""
        headers = 0
        for _ in range(MAX_DRAIN):
            try:
                frame = self._router.recv(_NOBLOCK, copy=False)
            except zmq.Again:
                return
            parts = [frame.bytes]
            while frame.more:
                frame = self._router.recv(_NOBLOCK, copy=False)
                parts.append(frame.bytes)
            yield parts
            headers += len(parts[1]) if len(parts) > 1 else 0
            if headers > MAX_DRAIN_HEADERS:
                return

    def send(self, identity: bytes, frames: list[bytes]) -> bool:
        """Queue a message for ``identity``; False where it is not connected any more."""
        try:
            self._router.send(identity, _MORE)
            self._router.send(frames[0], _MORE)
            self._router.send(frames[1], _NOBLOCK)
        except zmq.Again:
            # Only a peer that does not read can fill its queue; it counts as gone, and may come back.
            return False
        except zmq.ZMQError as error:
            if error.errno == errno.EHOSTUNREACH:
                return False
            raise
        return True

    def close(self, linger_ms: int = 0) -> None:
        """Close everything; queued messages get ``linger_ms`` to leave."""
        self._router.disable_monitor()
        self._monitor.close(linger=0)
        self._router.close(linger=linger_ms)
        if self._zap is not None:
            self._zap.close(linger=0)
        self._context.term()
        self._woken.close()
        self._waker.close()

    def _configure(self) -> None:
        router = self._router
        router.setsockopt(zmq.LINGER, 0)
        router.setsockopt(zmq.SNDHWM, _SEND_QUEUE)
        router.setsockopt(zmq.RCVHWM, _RECEIVE_QUEUE)
        router.setsockopt(zmq.MAXMSGSIZE, MAX_PAYLOAD)
        # A message to a peer that is gone is an error we want to hear of, not a silent loss.
        router.setsockopt(zmq.ROUTER_MANDATORY, 1)
        # A client that comes back before its old connection timed out takes its place.
        router.setsockopt(zmq.ROUTER_HANDOVER, 1)
        router.setsockopt(zmq.HANDSHAKE_IVL, 2000)
        router.setsockopt(zmq.HEARTBEAT_IVL, 500)
        router.setsockopt(zmq.HEARTBEAT_TIMEOUT, 2000)

    def _keep_door(self, token: str) -> None:
        """Ask for user name and password (PLAIN) on every tcp connection; the answers are given here."""
        self._password = proof.plain_password(token).encode()
        self._zap = self._context.socket(zmq.REP)
        self._zap.setsockopt(zmq.LINGER, 0)
        self._zap.bind(_ZAP)
        self._router.setsockopt(zmq.PLAIN_SERVER, 1)
        self._router.setsockopt(zmq.ZAP_DOMAIN, b"hybridmix")

    def _answer_door(self) -> None:
        """One request of ZeroMQ's authentication protocol (RFC 27)."""
        assert self._zap is not None
        request = self._zap.recv_multipart()
        version, number = request[0], request[1]
        credentials = request[6:]
        right = (
            request[5] == b"PLAIN"
            and len(credentials) == 2
            and credentials[0] == USERNAME.encode()
            and hmac.compare_digest(credentials[1], self._password)
        )
        status = [b"200", b"OK"] if right else [b"400", b"wrong password"]
        self._zap.send_multipart([version, number, *status, USERNAME.encode() if right else b"", b""])

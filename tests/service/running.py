"""A service to talk to, in a thread or as a process, and peers that say whatever a test wants."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import UUID, uuid4

import msgspec
import numpy as np
import numpy.typing as npt
import zmq

from hybridmix.engine.client import Client
from hybridmix.engine.config import Config
from hybridmix.engine.discovery import Discovery
from hybridmix.engine.server import Server
from hybridmix.wire import (
    Flags,
    Header,
    Kind,
    Message,
    decode,
    encode,
    encode_control,
    encode_values,
    proof,
)
from hybridmix.wire import messages as m
from hybridmix.wire.limits import PROTOCOL

RATE = 48000
HOP = RATE // 100
FRAME = RATE // 20


@contextlib.contextmanager
def serving(folder: Path, **settings: Any) -> Iterator[Server]:
    """A service in a thread of this process, with real sockets; by equal loudness where a test names no model."""
    with Server(Config(runtime_dir=folder, **{"model": "equal-loudness", **settings})) as server:
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield server
        finally:
            server.stop()
            thread.join()


class Process:
    """``hybridmix serve`` as a process of its own."""

    def __init__(self, folder: Path, *options: str, **environ: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hybridmix", "serve", "--runtime-dir", str(folder), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environ,
        )
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline()

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal; returns the exit code and everything that was logged."""
        self.process.send_signal(number)
        _, log = self.process.communicate(timeout=20)
        return self.process.returncode, log

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def discovery(folder: Path) -> Discovery:
    """What the service published, token included."""
    return msgspec.json.decode((folder / "service.json").read_bytes(), type=Discovery)


class Peer:
    """A bare DEALER that does nothing by itself."""

    def __init__(self, endpoint: str, identity: bytes | None = None, password: str | None = None) -> None:
        #: Packets that came in one message with others.
        self.further: deque[Message] = deque()
        self.context = zmq.Context()
        self.socket: zmq.Socket[bytes] = self.context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.SNDTIMEO, 500)
        if identity is not None:
            self.socket.setsockopt(zmq.IDENTITY, identity)
        if password is not None:
            self.socket.setsockopt_string(zmq.PLAIN_USERNAME, "hybridmix")
            self.socket.setsockopt_string(zmq.PLAIN_PASSWORD, password)
        self.socket.connect(endpoint)

    def send(self, frames: Sequence[bytes]) -> None:
        self.socket.send_multipart(frames)

    def receive(self, timeout: float = 5.0) -> Message | None:
        if self.further:
            return self.further.popleft()
        if not self.socket.poll(int(timeout * 1e3)):
            return None
        first, *more = decode(self.socket.recv_multipart()).packets
        self.further.extend(more)
        return first

    def next(self, kind: Kind, timeout: float = 5.0) -> Message:
        """The next message of ``kind``; what comes before is dropped."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            message = self.receive(left)
            if message is not None and message.header.kind is kind:
                return message
        raise AssertionError(f"no {kind.name} within {timeout} s")

    def silent(self, seconds: float = 0.3) -> bool:
        """Whether nothing but CREDIT comes for ``seconds``."""
        message = self.receive(seconds)
        return message is None or message.header.kind is Kind.CREDIT

    def hello(self, nonce: str | None = None, protocol: tuple[int, int] = PROTOCOL) -> m.Challenge:
        self.send(encode_control(m.Hello(protocol, "test 1", os.getpid(), nonce or proof.fresh())))
        challenge = self.next(Kind.CHALLENGE).control
        assert isinstance(challenge, m.Challenge)
        return challenge

    def prove(self, token: str) -> m.Welcome:
        """The whole handshake."""
        nonce = proof.fresh()
        challenge = self.hello(nonce)
        self.send(encode_control(m.Auth(proof.client(token, challenge.nonce, nonce))))
        welcome = self.next(Kind.WELCOME).control
        assert isinstance(welcome, m.Welcome)
        return welcome

    def refused(self) -> m.Refuse:
        refusal = self.next(Kind.REFUSE).control
        assert isinstance(refusal, m.Refuse)
        return refusal

    def close(self) -> None:
        self.socket.close()
        self.context.term()

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def join(
    handle: int = 0,
    instance: UUID | None = None,
    session: UUID | None = None,
    *,
    group: int = 1,
    label: str = "track",
    rate: int = RATE,
    channels: int = 2,
) -> m.Join:
    """A JOIN with everything that a test does not care about filled in."""
    return m.Join(handle, instance or uuid4(), session, group, label, "", rate, channels, 40)


def block(
    instance: UUID,
    audio: npt.NDArray[np.float32],
    position: int,
    *,
    run: int = 1,
    flags: int = 0,
    group: int = 1,
    rate: int = RATE,
    amount: float = 1.0,
    offset_db: float = 0.0,
    values: Sequence[tuple[int, float]] = (),
) -> list[bytes]:
    """A BLOCK with ``audio`` (channels, frames) at ``position`` samples, start ``values`` and D = 40 ms."""
    header = Header(
        Kind.BLOCK,
        group,
        flags,
        instance,
        run,
        rate,
        position=position,
        frames=audio.shape[1],
        channels=audio.shape[0],
        delay=rate * 40 // 1000,
        amount=amount,
        offset_db=offset_db,
        count=len(values),
    )
    return encode(header, audio.astype("<f4").tobytes() + encode_values(values))


def start(
    instance: UUID,
    *,
    run: int = 1,
    group: int = 1,
    rate: int = RATE,
    position: int = 0,
    values: Sequence[tuple[int, float]] = (),
) -> list[bytes]:
    """The announcement of a run from a stop at ``position``, with start ``values`` by parameter id."""
    silence, flags = np.zeros((2, 0), np.float32), Flags.RUN_BEGIN | Flags.START
    return block(instance, silence, position, run=run, flags=flags, group=group, rate=rate, values=values)


def eventually(condition: Callable[[], bool], timeout: float = 5.0) -> bool:
    """Whether ``condition`` comes true within ``timeout`` seconds."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def members(client: Client) -> dict[str, dict[str, Any]]:
    """Members of every group by instance, as the status shows them."""
    return {one["instance"]: one for group in client.status()["groups"] for one in group["members"]}

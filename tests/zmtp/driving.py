"""The client under test as a process, and the peers it meets."""

from __future__ import annotations

import contextlib
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import zmq

READY = b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06ROUTER"
"""A ROUTER's READY command without an identity."""


def greeting(mechanism: bytes = b"NULL", version: bytes = b"\x03\x01") -> bytes:
    """A peer's greeting of 64 bytes."""
    return (b"\xff" + bytes(7) + b"\x01\x7f" + version + mechanism).ljust(64, b"\0")


class Client:
    """``zmtp_peer`` as a child process: commands in, events out, one a line."""

    def __init__(self, program: Path, endpoint: str, *options: str) -> None:
        self.process = subprocess.Popen(
            [program, endpoint, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.history: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdin.close()
        self.process.stdout.close()

    def tell(self, command: str) -> None:
        """Give a command."""
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")

    def send(self, *parts: bytes) -> None:
        """Send a message and see it accepted."""
        self.tell("send " + " ".join(part.hex() or "-" for part in parts))
        assert self.expect("sent", "refused") == "sent"

    def expect(self, *events: str, within: float = 10.0) -> str:
        """The next event that begins with one of ``events``; others before it are passed over."""
        end = time.monotonic() + within
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                shown = [line[:200] for line in self.history[-10:]]
                raise AssertionError(f"no event {events} within {within} s, but {shown}") from None
            self.history.append(line)
            if line.split(" ")[0] in events:
                return line

    def message(self) -> list[bytes]:
        """The next message received."""
        words = self.expect("message").split(" ")[1:]
        return [b"" if word == "-" else bytes.fromhex(word) for word in words]

    def quiet(self, seconds: float) -> list[str]:
        """Everything that happens within ``seconds``."""
        time.sleep(seconds)
        events = []
        with contextlib.suppress(queue.Empty):
            while True:
                events.append(self._lines.get_nowait())
        return events

    def numbers(self, command: str, event: str, within: float = 10.0) -> dict[str, int]:
        """Give a command that is answered by numbers with names."""
        self.tell(command)
        pairs = (word.split("=") for word in self.expect(event, within=within).split(" ")[1:])
        return {name: int(value) for name, value in pairs}

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None


@contextlib.contextmanager
def router(endpoint: str, **options: int) -> Iterator[zmq.Socket[bytes]]:
    """A libzmq ROUTER of this process; ``options`` are set before it binds."""
    with zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
        socket.linger = 0
        socket.rcvtimeo = socket.sndtimeo = 10_000
        for name, value in {"SNDHWM": 0, "ROUTER_MANDATORY": 1, **options}.items():
            socket.setsockopt(getattr(zmq, name), value)
        socket.bind(endpoint)
        yield socket


def send_unasked(server: zmq.Socket[bytes], identity: bytes, *parts: bytes) -> None:
    """Send to a peer that has said nothing yet: a ROUTER answers READY a moment before it knows the identity."""
    end = time.monotonic() + 10.0
    while True:
        try:
            server.send_multipart([identity, *parts])
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH or time.monotonic() > end:
                raise
            time.sleep(0.001)
        else:
            return


class EchoServer:
    """A ROUTER in a process of its own that returns every message, to be stopped and killed."""

    SOURCE = """
import sys, zmq
socket = zmq.Context().socket(zmq.ROUTER)
socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
socket.bind(sys.argv[1])
print("bound", flush=True)
while True:
    socket.send_multipart(socket.recv_multipart())
"""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.start()

    def start(self) -> None:
        """Start, and return once it accepts."""
        command = [sys.executable, "-c", self.SOURCE, self.endpoint]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "bound\n"

    def kill(self) -> None:
        """End it without a chance to say so."""
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self) -> None:
        """Halt it: its sockets stay open, nothing answers."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """End the halt."""
        self.process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.kill()

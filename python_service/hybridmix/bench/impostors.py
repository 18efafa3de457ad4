"""Peers that are not the service, for ``hybridmix bench faults``: garbage, and another protocol version."""

from __future__ import annotations

import fcntl
import json
import os
import random
import secrets
import socket
import struct
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import zmq

__all__ = ["GarbageMessages", "GarbageStream", "OtherVersion"]

_HELLO = 1
_CHALLENGE = 2


class _Impostor(ABC):
    """Holds the lock and the discovery file of ``folder`` as a service would, and runs a thread at its endpoint."""

    protocol = (1, 0)

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket_path = folder / "service.sock"
        self._stop = threading.Event()
        self._lock: IO[str] | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._lock = (self._folder / "service.lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._lock.write(str(os.getpid()))
        self._lock.flush()
        self._socket_path.unlink(missing_ok=True)
        self._thread.start()
        discovery = {
            "protocol": list(self.protocol),
            "endpoint": f"ipc://{self._socket_path}",
            "pid": os.getpid(),
            "token": secrets.token_hex(32),
            "version": "impostor",
        }
        file = self._folder / "service.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(discovery))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        (self._folder / "service.json").unlink(missing_ok=True)
        self._socket_path.unlink(missing_ok=True)
        assert self._lock is not None
        self._lock.close()

    @abstractmethod
    def _run(self) -> None:
        """Be the peer until ``_stop`` is set."""


class GarbageStream(_Impostor):
    """Accepts and sends random bytes that are no ZMTP."""

    def _run(self) -> None:
        rng = random.Random(1)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self._socket_path))
            listener.listen()
            listener.settimeout(0.1)
            while not self._stop.is_set():
                try:
                    peer, _ = listener.accept()
                except TimeoutError:
                    continue
                with peer:
                    peer.settimeout(0.1)
                    try:
                        for _ in range(20):
                            peer.sendall(rng.randbytes(rng.randrange(1, 5000)))
                    except OSError:
                        continue


class GarbageMessages(_Impostor):
    """A real ROUTER that answers everything with random frames."""

    def _run(self) -> None:
        rng = random.Random(2)
        with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
            router.linger = 0
            router.bind(f"ipc://{self._socket_path}")
            while not self._stop.is_set():
                if router.poll(50):
                    peer = router.recv_multipart()[0]
                    for _ in range(20):
                        parts = [rng.randbytes(rng.randrange(0, 400)) for _ in range(rng.randrange(1, 4))]
                        router.send_multipart([peer, *parts])


class OtherVersion(_Impostor):
    """Speaks the next major version: answers HELLO with a header that says so."""

    protocol = (2, 0)

    def _run(self) -> None:
        with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
            router.linger = 0
            router.bind(f"ipc://{self._socket_path}")
            while not self._stop.is_set():
                if router.poll(50):
                    peer = router.recv_multipart()[0]
                    header = struct.pack("<4sBBHH", b"HMIX", 2, 0, 112, _CHALLENGE).ljust(112, b"\0")
                    router.send_multipart([peer, header, b"{}"])
                    time.sleep(0.01)

"""A scripted service on a real socket, and the probe: the plugin's core without a host."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import zmq

from hybridmix.engine.discovery import Discovery, Lock, open_folder, publish, withdraw
from hybridmix.wire import (
    Flags,
    Header,
    Kind,
    Message,
    decode,
    encode,
    encode_control,
    encode_values,
    messages,
    parameters,
    proof,
)

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 20.0

Snapshot = dict[str, Any]


class ScriptedService:
    """Speaks the protocol as told; does nothing while it is not pumped, but its library answers heartbeats."""

    def __init__(self, folder: Path, *, credits: int = 32, token: str | None = None) -> None:
        """Announce itself in ``folder``. With ``token`` it knows another secret than it announces."""
        self.folder = open_folder(folder)
        self._lock = Lock(self.folder)
        withdraw(self.folder)
        announced = proof.fresh()
        self.token = token or announced
        self.credits = credits
        self.session = uuid4()
        self.crediting = self.answering = self.ponging = self.joining = True
        #: Gain in PARAMS.
        self.gain_db = -6.0
        self.refusal: messages.Refuse | None = None
        #: Identities that the service gives out instead of those asked for.
        self.renamed: dict[UUID, UUID] = {}
        self.received: list[Message] = []
        #: BLOCKs in each message that carried any.
        self.packets: list[int] = []
        self.clients: list[bytes] = []
        self.taken = 0
        self._held: list[list[bytes]] = []
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.linger = 0
        self.endpoint = f"ipc://{self.folder}/service.sock"
        self._socket.bind(self.endpoint)
        (self.folder / "service.sock").chmod(0o600)
        publish(
            self.folder,
            Discovery(protocol=(1, 0), endpoint=self.endpoint, pid=os.getpid(), token=announced, version="0"),
        )

    def close(self, *, withdrawn: bool = True) -> None:
        """Die without a word; unless ``withdrawn``, like one that was killed."""
        self._socket.close()
        self._context.term()
        if withdrawn:
            withdraw(self.folder)
        self._lock.release()

    def pump(self) -> None:
        """Take what has arrived, for at most 10 ms."""
        if not self._socket.poll(10):
            return
        for _ in range(64):
            try:
                client, *frames = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            packets = decode(frames).packets
            if packets[0].header.kind is Kind.BLOCK:
                self.packets.append(len(packets))
            for message in packets:
                self.received.append(message)
                self._answer(client, message)

    def of(self, *kinds: Kind) -> list[Message]:
        """What arrived of these kinds, in order."""
        return [message for message in self.received if message.header.kind in kinds]

    def blocks(self, instance: str | None = None) -> list[Header]:
        """Headers of the BLOCKs that arrived, of all instances or of one."""
        wanted = UUID(instance) if instance else None
        headers = [message.header for message in self.of(Kind.BLOCK)]
        return [header for header in headers if wanted is None or header.instance == wanted]

    def send(self, frames: list[bytes]) -> None:
        """Send to the newest client."""
        self._socket.send_multipart([self.clients[-1], *frames])

    def credits_back(self) -> None:
        """Return the credit of every BLOCK taken so far."""
        self.send(encode(Header(Kind.CREDIT, sequence=self.taken)))

    def let_join(self) -> None:
        """Answer the oldest JOIN that came while it was not ``joining``."""
        self.send(self._held.pop(0))

    def _answer(self, client: bytes, message: Message) -> None:
        control = message.control
        if isinstance(control, messages.Hello):
            self.clients.append(client)
            self.taken = 0
            if self.refusal is not None:
                self.send(encode_control(self.refusal))
                return
            nonce = proof.fresh()
            self.send(
                encode_control(
                    messages.Challenge((1, 0), nonce, proof.service(self.token, control.nonce, nonce))
                )
            )
        elif isinstance(control, messages.Auth):
            schema = parameters.load().sha256
            self.send(encode_control(messages.Welcome((1, 0), "scripted", schema, {}, self.credits)))
        elif isinstance(control, messages.Join):
            instance = self.renamed.get(control.instance, control.instance)
            self._held.append(encode_control(messages.Joined(control.handle, instance, self.session)))
            if self.joining:
                self.let_join()
        elif message.header.kind is Kind.PING and self.ponging:
            self.send(encode(Header(Kind.PONG, sequence=message.header.sequence)))
        elif message.header.kind is Kind.BLOCK:
            self.taken += 1
            if self.crediting:
                self.send(encode(Header(Kind.CREDIT, sequence=self.taken)))
            if self.answering:
                self._values(message.header)

    def _values(self, block: Header) -> None:
        frame = block.rate // 20
        payload = encode_values([(1, self.gain_db), (2, 0.0)])
        for end in range(frame * (block.position // frame + 1), block.position + block.frames + 1, frame):
            header = Header(
                Kind.PARAMS,
                instance=block.instance,
                run=block.run,
                position=end,
                apply_at=end + block.delay,
                count=2,
            )
            self.send(encode(header, payload))


class Probe:
    """A process with instances of the plugin's core; `snapshot` is the newest line it printed."""

    def __init__(self, program: Path, folder: Path, **settings: object) -> None:
        """Start it; ``settings`` as in ``bridge_probe.rs``."""
        arguments = [f"{name}={value}" for name, value in settings.items()]
        self._process = subprocess.Popen(
            [program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "HYBRIDMIX_RUNTIME_DIR": str(folder)},
            text=True,
        )
        self.pid = self._process.pid
        self._lines: collections.deque[Snapshot] = collections.deque(maxlen=1000)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(json.loads(line))

    @property
    def snapshot(self) -> Snapshot | None:
        return self._lines[-1] if self._lines else None

    def history(self) -> list[Snapshot]:
        """Every line that it printed, oldest first."""
        return list(self._lines)

    def tell(self, line: str) -> None:
        """Have it do something, as in ``bridge_probe.rs``."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def running(self) -> bool:
        return self._process.poll() is None

    def wait(self, services: tuple[ScriptedService, ...] = ()) -> Snapshot:
        """Its last line, once it has ended by itself."""
        _until(lambda: not self.running(), services)
        self._reader.join()
        last = self.snapshot
        assert self._process.returncode == 0
        assert last is not None
        assert "detach_ms" in last
        return last

    def close(self) -> None:
        """End it, if it still runs."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(timeout=PATIENCE_S)
        self._reader.join()
        self._process.stdout.close()


class Stage:
    """One runtime folder, the probes and services of a test, and the patience to watch them."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self.folder = folder
        self.services: list[ScriptedService] = []
        self._probes: list[Probe] = []

    def serve(self, **settings: Any) -> ScriptedService:
        """Start a scripted service."""
        service = ScriptedService(self.folder, **settings)
        self.services.append(service)
        return service

    def stop(self, service: ScriptedService, *, withdrawn: bool = True) -> None:
        """End a scripted service; see `ScriptedService.close`."""
        self.services.remove(service)
        service.close(withdrawn=withdrawn)

    def probe(self, **settings: object) -> Probe:
        """Start a probe."""
        probe = Probe(self._program, self.folder, **settings)
        self._probes.append(probe)
        return probe

    def until(self, condition: Callable[[], object]) -> None:
        """Pump the services until ``condition`` holds."""
        _until(condition, tuple(self.services))

    def seen(self, probe: Probe, condition: Callable[[Snapshot], object]) -> Snapshot:
        """The first snapshot of ``probe`` for which ``condition`` holds."""
        found: list[Snapshot] = []

        def look() -> bool:
            if (snapshot := probe.snapshot) is not None and condition(snapshot):
                found.append(snapshot)
            return bool(found)

        self.until(look)
        return found[0]

    def finish(self, probe: Probe) -> Snapshot:
        """The last line of a probe that ends by itself."""
        return probe.wait(tuple(self.services))

    def rest(self, seconds: float) -> None:
        """Pump the services for some time."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > end)

    def close(self) -> None:
        # A render that waits for a service ends when that does.
        for service in self.services:
            service.close()
        for probe in self._probes:
            probe.close()


def staged(program: Path, folder: Path) -> Iterator[Stage]:
    """A stage that is struck at the end."""
    stage = Stage(program, folder)
    try:
        yield stage
    finally:
        stage.close()


def joined(snapshot: Snapshot) -> bool:
    """Every instance is joined."""
    return all(instance["up"] for instance in snapshot["instances"])


def mixing(snapshot: Snapshot) -> bool:
    """Every instance shows that values arrive."""
    return all(instance["status"] == 6 for instance in snapshot["instances"])


def begins(header: Header) -> bool:
    """The BLOCK announces a run."""
    return bool(header.flags & Flags.RUN_BEGIN)


def _until(condition: Callable[[], object], services: tuple[ScriptedService, ...]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        for service in services:
            service.pump()
        if not services:
            time.sleep(0.01)

"""The service as a process: folder, lock, sockets, one loop on one thread, and a clean end."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

from hybridmix import __version__
from hybridmix.engine.choices import Choices
from hybridmix.engine.config import Config
from hybridmix.engine.discovery import Discovery, Lock, open_folder, publish, withdraw
from hybridmix.engine.group import Engine
from hybridmix.engine.logs import event
from hybridmix.engine.members import GroupKey, Registry
from hybridmix.engine.meter import Meter
from hybridmix.engine.models import load_models
from hybridmix.engine.peers import Gate
from hybridmix.engine.rehearsal import Rehearsal
from hybridmix.engine.report import build_report
from hybridmix.engine.service import Service
from hybridmix.engine.sockets import Sockets
from hybridmix.engine.trace import TraceWriter
from hybridmix.engine.warm import warm
from hybridmix.wire import parameters, proof
from hybridmix.wire.limits import PROTOCOL

__all__ = ["Server", "stopped_by_signals"]

log = logging.getLogger(__name__)

#: A peer whose connection says nothing and cannot be reached is found within this time.
_PROBE_S = 1.0
#: The news that some connection closed may come before its name is forgotten: look for so long.
_SUSPICION_S = 0.1
#: A connection that has not proved itself is forgotten after this time.
_UNPROVED_S = 10.0
#: The collector runs in the loop this seldom; messages make no cycles, so it finds next to nothing.
_COLLECT_S = 60.0
#: How long goodbyes may take to leave.
_GOODBYE_MS = 200


class Server:
    """Owns the folder from construction to `close`; `run` serves until `stop`."""

    def __init__(self, config: Config) -> None:
        """Take the folder, open the models and the endpoint, publish it.

        Raises InputError for settings that cannot be used, HybridMixError where a service runs already.
        """
        self._config = config
        self._models = load_models(config.model, config.models_dir)
        self._folder = open_folder(config.runtime_dir)
        with contextlib.ExitStack() as undo:
            lock = Lock(self._folder)
            undo.callback(lock.release)
            withdraw(self._folder)
            self._trace = TraceWriter(config.trace) if config.trace is not None else None
            if self._trace is not None:
                undo.callback(self._trace.close)
            warm(self._models)
            self._choices = Choices(config, self._models)
            self._choices.changed()
            token = proof.fresh()
            self._sockets = Sockets(self._folder, config.tcp, token)
            undo.callback(lambda: self._sockets.close(_GOODBYE_MS))
            self.endpoint = self._sockets.endpoint
            self._meter = Meter()
            self._service = Service(
                Gate(token),
                Registry(self._make_engine, self._aim_db),
                self._sockets.send,
                parameters.load().sha256,
                self._models.hashes,
                self._report,
            )
            publish(
                self._folder,
                Discovery(
                    protocol=PROTOCOL,
                    endpoint=self.endpoint,
                    pid=os.getpid(),
                    token=token,
                    version=__version__,
                ),
            )
            undo.callback(withdraw, self._folder)
            self._undo = undo.pop_all()
        self._rehearsal = Rehearsal(self._models)
        self._stopping = ""
        self._suspicious_until = 0.0

    def stop(self, reason: str = "stopped") -> None:
        """End `run` soon; safe from signal handlers and other threads."""
        self._stopping = reason
        with contextlib.suppress(OSError):
            self._sockets.waker.send(b"\0")

    def run(self) -> None:
        """Serve until `stop`."""
        log.info(event("ready", endpoint=self.endpoint, pid=os.getpid(), model=self._models.name))
        seconds = collected = time.monotonic()
        with _collector_outside():
            while not self._stopping:
                self._turn()
                now = time.monotonic()
                if now - seconds >= _PROBE_S:
                    seconds = now
                    self._every_second(now)
                if now - collected >= _COLLECT_S:
                    collected = now
                    gc.collect()

    def close(self) -> None:
        """Say goodbye, close everything, remove what was published. Once."""
        self._service.say_goodbye(self._stopping or "closed")
        self._service.close()
        self._undo.close()
        log.info(event("stopped", reason=self._stopping or "closed"))

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _turn(self) -> None:
        times = (self._service.next_deadline(), self._service.rehearse_at)
        wait = min([_PROBE_S, *(at - time.monotonic() for at in times if at is not None)])
        if self._suspicious_until:
            wait = min(wait, _SUSPICION_S / 5)
        closed = self._sockets.wait(wait)
        now = began = time.monotonic()
        if closed:
            self._suspicious_until = now + _SUSPICION_S
        for identity, *frames in self._sockets.receive():
            self._service.receive(identity, frames, now)
        if self._suspicious_until:
            self._service.probe(self._service.peers.values())
            if now > self._suspicious_until:
                self._suspicious_until = 0.0
        self._service.tick(now)
        self._meter.turn(time.monotonic() - began)
        if self._service.rehearse_at is not None and self._service.rehearse_at <= now:
            self._service.rehearse_at = None
            self._rehearsal.play(now)

    def _every_second(self, now: float) -> None:
        self._meter.second()
        self._service.every_second()
        peers = list(self._service.peers.values())
        self._service.probe(peer for peer in peers if now - peer.heard >= _PROBE_S)
        for peer in peers:
            if not peer.proved and now - peer.heard > _UNPROVED_S:
                self._service.lost(peer, "never proved itself")
        if self._trace is not None:
            self._trace.flush()
        if self._choices.changed():
            self._choose()

    def _make_engine(self, key: GroupKey) -> Engine:
        _, number, rate = key
        return Engine(rate, self._choices.models_of(number), self._trace, self._config.max_boost_db)

    def _aim_db(self, group: int, track: str) -> float:
        return self._choices.profile_of(group).aim_db(track)

    def _choose(self) -> None:
        """Mix every group by what is chosen for it now."""
        for (_, number, _), group in self._service.registry.groups.items():
            models = self._choices.models_of(number)
            if models is not group.engine.models:
                group.engine.switch(models)
                log.info(event("model switched", group=number, model=models.name))
            for member in group.members.values():
                self._service.registry.aim(member)

    def _report(self) -> dict[str, Any]:
        if self._trace is not None:
            # Who asks for a report may read the trace beside it.
            self._trace.flush()
        return build_report(
            self._service,
            self._meter,
            endpoint=self.endpoint,
            models=self._models,
            profile_of=self._choices.profile_of,
            now=time.monotonic(),
        )


@contextlib.contextmanager
def stopped_by_signals(stop: Callable[[str], None]) -> Iterator[None]:
    """Call ``stop`` on SIGTERM and SIGINT; the handlers before are put back at the end."""
    before = {
        number: signal.signal(number, lambda received, _: stop(signal.Signals(received).name))
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _collector_outside() -> Iterator[None]:
    """Keep the garbage collector from pausing the loop: nothing made so far is looked at again."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()

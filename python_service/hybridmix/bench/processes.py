"""The processes a measurement starts and watches: the service, the host with the real plugin."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from hybridmix.engine.client import Client
from hybridmix.engine.names import DEFAULT
from hybridmix.errors import HybridMixError, InputError

__all__ = ["HostProcess", "Service", "built"]


def built(name: str) -> Path:
    """Return what ``make plugin`` built as ``name``, relative to the build folder.

    Raises:
        InputError: it was not built.
    """
    path = Path(__file__).parents[3] / "build" / name
    if not path.exists():
        raise InputError(f"build file {path} does not exist; build it with: make plugin")
    return path


class Service:
    """``hybridmix serve`` in ``folder`` by ``model``; ``ready_at`` is when it said that it accepts (monotonic s)."""

    def __init__(self, folder: Path, model: str = DEFAULT) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "hybridmix", "serve", "--runtime-dir", str(folder)),
                *("--model", model, "--quiet"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.ready_at = time.monotonic()
        if not line.startswith(b"ready"):
            raise HybridMixError(
                f"the service did not start in {folder}; start hybridmix serve by hand to see why."
            )

    def status(self) -> dict[str, Any]:
        """Return ``hybridmix status --json`` of this service."""
        client = Client(self.folder)
        try:
            return dict(client.status())
        finally:
            client.close()

    def usage(self) -> tuple[float, float]:
        """Return CPU seconds used so far and resident memory in MB."""
        process = psutil.Process(self.process.pid)
        times = process.cpu_times()
        return times.user + times.system, process.memory_info().rss / 1e6

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send ``number`` and wait for the end."""
        self.process.send_signal(number)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


class HostProcess:
    """``hybridmix-host``: real plugins on one audio thread in real time; its lines are read as they come.

    Args:
        folder: runtime folder of the service the plugins shall find.
        tracks, seconds, block, rate: see ``hybridmix-host``.
        states: files of states or presets that tracks load in turn before they start.
    """

    def __init__(
        self,
        folder: Path,
        tracks: int,
        seconds: float,
        block: int,
        rate: int = 48000,
        states: Sequence[Path] = (),
    ) -> None:
        command = [
            *(
                str(built("bin/hybridmix-host")),
                "--plugin",
                str(built("plugin/HybridMix.clap")),
                "--tracks",
                str(tracks),
            ),
            *("--seconds", str(seconds), "--block", str(block), "--rate", str(rate)),
            *(argument for path in states for argument in ("--state", str(path))),
        ]
        self.tracks = tracks
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"HYBRIDMIX_RUNTIME_DIR": str(folder)},
        )
        #: ``(time, track, status code)`` of every change, oldest first.
        self.changes: list[tuple[float, int, int]] = []
        self.result: dict[str, Any] | None = None
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event = json.loads(line)
            with self._changed:
                if event["event"] == "status":
                    self.changes.append((event["t"], event["track"], event["status"]))
                elif event["event"] == "result":
                    self.result = event
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def resident_mb(self) -> float:
        """Return the host's resident memory in MB, 0 once it ended."""
        try:
            return float(psutil.Process(self.process.pid).memory_info().rss) / 1e6
        except psutil.Error:
            return 0.0

    def pause(self, seconds: float) -> None:
        """Wait for ``seconds``, or until the host ends."""
        self._reader.join(seconds)

    def statuses(self) -> dict[int, tuple[int, float]]:
        """Return the current status code of each track, and since when (monotonic s)."""
        with self._changed:
            return {track: (status, at) for at, track, status in self.changes}

    def wait_all(self, status: int, timeout: float) -> float | None:
        """Wait until every track shows ``status``; return when the last one did, ``None`` on time-out."""

        def reached() -> bool:
            now = {track: code for _, track, code in self.changes}
            return len(now) == self.tracks and all(code == status for code in now.values())

        with self._changed:
            if not self._changed.wait_for(reached, timeout):
                return None
            return max(at for at, _, code in self.changes if code == status)

    def finish(self) -> dict[str, Any]:
        """End the host and return its result.

        Raises:
            HybridMixError: it died without one.
        """
        assert self.process.stdin is not None
        if not self.process.stdin.closed:
            self.process.stdin.close()
        return self.wait_result(60.0)

    def wait_result(self, timeout: float) -> dict[str, Any]:
        """Wait for the end and return the result, as :meth:`finish`."""
        self.process.wait(timeout)
        self._reader.join(5.0)
        if self.result is None:
            raise HybridMixError(
                f"the benchmark host ended with code {self.process.returncode} and without a result; run it again."
            )
        return self.result

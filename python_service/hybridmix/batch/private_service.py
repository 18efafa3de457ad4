"""A service of its own for a render: started, watched and ended with it."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import numpy.typing as npt

from hybridmix.engine import trace
from hybridmix.engine.client import Client
from hybridmix.errors import HybridMixError, InputError

__all__ = ["PrivateService"]

_READY_S = 30.0
_END_S = 5.0


class PrivateService:
    """``hybridmix serve`` in a runtime folder of its own, which this process's plugins are pointed at.

    Args:
        model: gain model.
        options: more for its command line.
    """

    def __init__(self, model: str, options: Sequence[str] = ()) -> None:
        # Plugins that nobody uses any more, but that hold each other, still speak to the service of before.
        gc.collect()
        self._folder = tempfile.TemporaryDirectory(prefix="hybridmix-")
        #: Per-frame values of the render, see ``hybridmix.engine.trace``.
        self.trace = Path(self._folder.name) / "trace.bin"
        self._before = os.environ.get("HYBRIDMIX_RUNTIME_DIR")
        self._runtime = Path(self._folder.name) / "run"
        self._log = Path(self._folder.name) / "service.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "hybridmix", "serve", "--runtime-dir", str(self._runtime)),
                    *("--model", model, "--trace", str(self.trace), *options),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        try:
            self._await_ready()
        except BaseException:
            self.close()
            raise
        os.environ["HYBRIDMIX_RUNTIME_DIR"] = str(self._runtime)

    def _await_ready(self) -> None:
        """Wait for the line that says that the service accepts."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode()
        if not line.startswith("ready"):
            self._process.wait(_END_S)
            detail = self._log.read_text(errors="replace").strip().splitlines()
            said = detail[-1].removeprefix("error: ") if detail else "it said nothing; run hybridmix doctor"
            message = f"the render's service did not start: {said}"
            # What the user chose for the service is the user's input here, too.
            if self._process.returncode == InputError.exit_code:
                raise InputError(message)
            raise HybridMixError(message)

    def status(self) -> dict[str, Any]:
        """Return the service's status, as ``hybridmix status --json`` prints it.

        Raises:
            HybridMixError: the service ended or does not answer.
        """
        if self._process.poll() is not None:
            raise HybridMixError(
                f"the render's service ended with exit code {self._process.returncode}; render again."
            )
        with Client(self._runtime) as client:
            return client.status()

    def traced(self, skip: int) -> npt.NDArray[Any]:
        """Return the trace of the frames computed so far, without its first ``skip`` records."""
        self.status()  # has the service write what it holds back
        return trace.read(self.trace)[skip:]

    def seconds(self, epoch: int | None) -> list[trace.Second]:
        """Return what the sections did in ``epoch``, after `traced` had it written."""
        return [second for second in trace.read_seconds(self.trace) if second.epoch == epoch]

    def wait_for(self, done: Any, what: str) -> dict[str, Any]:
        """Poll the status until ``done(status)``; return it.

        Raises:
            HybridMixError: not within 30 s; the message names ``what`` was awaited.
        """
        end = time.monotonic() + _READY_S
        while time.monotonic() < end:
            status = self.status()
            if done(status):
                return status
            time.sleep(0.01)
        raise HybridMixError(
            f"{what} did not happen within {_READY_S:.0f} s; if this process already uses the plugin with another "
            "service, render in a process of its own."
        )

    def wait_for_members(self, instances: Collection[UUID]) -> None:
        """Wait until exactly these plugins are registered here, and every one of them knows it.

        A plugin that has not heard yet of its own registration would begin a render without waiting for values.

        Raises:
            HybridMixError: not within 30 s.
        """
        wanted = {str(instance) for instance in instances}

        def ready(status: dict[str, Any]) -> bool:
            found = [member for group in status["groups"] for member in group["members"]]
            # Only what a plugin itself has said since it was registered has a status.
            told = all(member["status"] is not None for member in found)
            return told and wanted == {member["instance"] for member in found}

        self.wait_for(ready, f"registration of the session's {len(wanted)} tracks at the render's service")

    def close(self) -> None:
        """End the service and remove its folder."""
        if self._before is None:
            os.environ.pop("HYBRIDMIX_RUNTIME_DIR", None)
        else:
            os.environ["HYBRIDMIX_RUNTIME_DIR"] = self._before
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

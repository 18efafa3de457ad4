"""Makes plans of passes in a process of their own, one after another, while the loop goes on."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID

from hybridmix.engine.learner import Pass
from hybridmix.engine.logs import event

__all__ = ["Planner"]

log = logging.getLogger(__name__)

#: No plan takes so long.
_PATIENCE_S = 600.0


class Planner:
    """Passes in, plans out; the thread only waits for the process."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "planner")
        self._asked: list[tuple[Pass, Future[list[bytes]]]] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def make(self, one: Pass) -> None:
        """Begin with the plan of ``one``, as soon as those before are made."""
        self._asked.append((one, self._pool.submit(self._work, one)))

    def made(self) -> Iterator[tuple[list[UUID], list[bytes] | None]]:
        """Yield the members of each pass that is done since the last call, and their plans; None where it failed."""
        while self._asked and self._asked[0][1].done():
            one, future = self._asked.pop(0)
            failed = future.exception()
            if failed is not None:
                log.error(event("plan could not be made", reason=failed))
            yield one.members, future.result() if failed is None else None

    def close(self) -> None:
        """Give up what is not done."""
        self._closed = True
        if (process := self._process) is not None:
            process.kill()
        self._pool.shutdown(cancel_futures=True)
        for one, _ in self._asked:
            one.file.close()

    def _work(self, one: Pass) -> list[bytes]:
        with one.file:
            os.lseek(one.file.fileno(), 0, os.SEEK_SET)
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", "hybridmix.plan.worker", str(one.rate)],
                stdin=one.file.fileno(),
                stdout=subprocess.PIPE,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )
            if self._closed:
                process.kill()
            try:
                out, _ = process.communicate(timeout=_PATIENCE_S)
            finally:
                process.kill()
                process.wait()
                self._process = None
        plans = out.splitlines()
        if process.returncode or len(plans) != len(one.members):
            raise RuntimeError(f"the process that makes plans ended with code {process.returncode}")
        return plans

"""The control timer: what the machine itself does to a thread that only sleeps."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

__all__ = ["STALL_MS", "ControlTimer"]

#: A sleep of 1 ms that overran by more than this is a stall of the machine.
STALL_MS = 20.0


class ControlTimer:
    """Sleeps 1 ms at a time, in a thread, and notes by how much too long. Use it as a context manager."""

    def __init__(self) -> None:
        #: Largest time by which a sleep was too long, in ms; set it to 0 to begin anew.
        self.worst_ms = 0.0
        #: Sleeps that overran by more than STALL_MS.
        self.stalls = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sleep, daemon=True)

    def _sleep(self) -> None:
        before = time.perf_counter()
        while not self._stop.is_set():
            time.sleep(0.001)
            now = time.perf_counter()
            over = (now - before) * 1e3 - 1.0
            self.worst_ms = max(self.worst_ms, over)
            self.stalls += over > STALL_MS
            before = now

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

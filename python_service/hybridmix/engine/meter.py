"""What the service itself costs: time per turn of its loop, share of a core, memory."""

from __future__ import annotations

import resource
import sys
import time
from collections import deque
from pathlib import Path

import numpy as np

__all__ = ["Meter", "resident_mb"]

_TURNS = 8192
_SECONDS = 10


class Meter:
    """Collects cheaply; the statistics are computed when somebody asks."""

    def __init__(self) -> None:
        """Begin with nothing measured."""
        self._turns = np.zeros(_TURNS)
        self._count = 0
        self._longest = 0.0
        self._began = time.monotonic()
        self._cpu: deque[tuple[float, float]] = deque(
            [(self._began, time.process_time())], maxlen=_SECONDS + 1
        )

    def turn(self, seconds: float) -> None:
        """One turn of the loop that had something to do took ``seconds``."""
        self._turns[self._count % _TURNS] = seconds
        self._count += 1
        self._longest = max(self._longest, seconds)

    def second(self) -> None:
        """Called about once a second."""
        self._cpu.append((time.monotonic(), time.process_time()))

    @property
    def uptime_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    def cpu_share(self) -> float:
        """Processor time over wall time (1.0: one core) of about the last ten seconds."""
        before, spent = self._cpu[0]
        return (time.process_time() - spent) / max(time.monotonic() - before, 1e-3)

    def loop_ms(self) -> dict[str, float]:
        """Distribution of the latest turns in ms, the longest ever, and how many there were."""
        turns = self._turns[: min(self._count, _TURNS)]
        p50, p99, p99_9 = np.percentile(turns, (50, 99, 99.9)).tolist() if len(turns) else (0.0, 0.0, 0.0)
        return {
            "p50": round(p50 * 1e3, 4),
            "p99": round(p99 * 1e3, 4),
            "p99_9": round(p99_9 * 1e3, 4),
            "max": round(self._longest * 1e3, 4),
            "count": self._count,
        }


def resident_mb() -> float:
    """Memory of this process in MB: now on Linux, its peak elsewhere."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize() / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3

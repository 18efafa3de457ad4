"""``hybridmix bench faults``: everything that can happen to the service while live tracks play."""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from hybridmix.bench.impostors import GarbageMessages, GarbageStream, OtherVersion
from hybridmix.bench.processes import HostProcess, Service
from hybridmix.bench.quantiles import quantiles
from hybridmix.errors import HybridMixError
from hybridmix.wire import status

__all__ = ["measure"]

_TRACKS = 8
_BLOCK = 512
#: How long each service lives: long enough for gains to move away from where the last one left them.
_LIFE_S = 1.0
#: Kills before growth is measured: allocators and thread stacks have settled.
_SETTLE = 5
_PATIENCE_S = 20.0


def measure(kills: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Run every fault with 8 live tracks; return the figures of docs/benchmarks.md.

    Args:
        kills: how often the service is killed and started anew.
        say: told what is being done.
    """
    codes = {state.name: state.code for state in status.load()}
    mixing, refused = codes["mixing"], codes["version_refused"]
    reconnects: list[float] = []
    with tempfile.TemporaryDirectory(prefix="hybridmix-") as parent:
        folder = Path(parent) / "run"
        host = HostProcess(folder, _TRACKS, 36000.0, _BLOCK)
        try:
            say("no service at the start")
            time.sleep(2.0)
            service = _start(folder, host, mixing, reconnects)
            baseline: dict[str, float] | None = None
            for kill in range(kills):
                if kill == min(_SETTLE, kills - 1):
                    baseline = _footprint(host)
                say(f"kill {kill + 1} of {kills}")
                service.kill()
                service = _start(folder, host, mixing, reconnects)
            say("stopped for 10 s")
            service.process.send_signal(signal.SIGSTOP)
            time.sleep(10.0)
            resumed = time.monotonic()
            service.process.send_signal(signal.SIGCONT)
            resume_ms = _await(host, mixing, resumed, "after the service was resumed")
            service.kill(signal.SIGTERM)
            for impostor in (GarbageStream, GarbageMessages):
                say(f"replaced by {impostor.__name__}")
                with impostor(folder):
                    time.sleep(3.0)
            say("replaced by another protocol version")
            with OtherVersion(folder):
                version_refused = host.wait_all(refused, _PATIENCE_S) is not None
            service = _start(folder, host, mixing, reconnects)
            after = _footprint(host)
            alive = host.process.poll() is None
            result = host.finish()
            service.kill(signal.SIGTERM)
        finally:
            if host.process.poll() is None:
                host.process.kill()
    audio = result["audio"]
    assert baseline is not None
    return {
        "kills": kills,
        "tracks": _TRACKS,
        "blocks": audio["blocks"],
        "silent_blocks": audio["silent_blocks"],
        "nonfinite_blocks": audio["nonfinite_blocks"],
        "max_step_db": audio["max_step_db"],
        "gain_range_db": [audio["min_gain_db"], audio["max_gain_db"]],
        "reconnect_ms": quantiles(reconnects),
        "resume_ms": round(resume_ms, 1),
        "version_refused": version_refused,
        "rss_growth_mb": round((after["rss"] - baseline["rss"]) / 1e6, 2),
        "fd_growth": int(after["fds"] - baseline["fds"]),
        "thread_growth": int(after["threads"] - baseline["threads"]),
        "host_alive": alive,
        "unload_ms": round(result["unload_ms"], 1),
        "timer_stalls": result["timer_stalls"],
        "timer_stall_ms_max": round(result["timer_stall_ms_max"], 1),
    }


def _start(folder: Path, host: HostProcess, mixing: int, reconnects: list[float]) -> Service:
    """Start a service and note how long after its endpoint accepts the last track has values again."""
    service = Service(folder)
    reconnects.append(_await(host, mixing, service.ready_at, "after the service accepted"))
    time.sleep(_LIFE_S)
    return service


def _await(host: HostProcess, mixing: int, since: float, what: str) -> float:
    """Return the ms from ``since`` until every track has shown ``mixing`` again."""
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        now = host.statuses()
        if len(now) == _TRACKS and all(code == mixing and at > since - 1.0 for code, at in now.values()):
            return max(0.0, (max(at for _, at in now.values()) - since) * 1e3)
        time.sleep(0.01)
    raise HybridMixError(
        f"not every track was mixing again within {_PATIENCE_S:.0f} s {what}; "
        f"their last states and times are {host.statuses()}: run hybridmix doctor."
    )


def _footprint(host: HostProcess) -> dict[str, float]:
    process = psutil.Process(host.process.pid)
    return {"rss": process.memory_info().rss, "fds": process.num_fds(), "threads": process.num_threads()}

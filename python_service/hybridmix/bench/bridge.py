"""``hybridmix bench bridge``: round trips of real plugins at audio cadence, beside a bare pyzmq echo."""

from __future__ import annotations

import json
import signal
import tempfile
from pathlib import Path
from typing import Any

from hybridmix.bench import echo
from hybridmix.bench.everything import DEFAULT_TEMPO, EVERYTHING
from hybridmix.bench.processes import HostProcess, Service
from hybridmix.bench.quantiles import quantiles
from hybridmix.presets.host import preset_state

__all__ = ["measure"]


def measure(
    tracks: int, seconds: float, block: int, rate: int, model: str, *, everything: bool = False
) -> dict[str, Any]:
    """Play ``tracks`` live for ``seconds``, mixed by ``model``, and return the figures of docs/benchmarks.md.

    With ``everything`` every other track is an AI stem, the others are live sources, and every section is on. The echo runs for a quarter of the time before and a quarter after, so that both see the same machine.
    """
    before = echo.round_trips(tracks, seconds / 4, block, rate)
    with tempfile.TemporaryDirectory(prefix="hybridmix-") as parent:
        service = Service(Path(parent) / "run", model)
        try:
            idle_cpu, _ = service.usage()
            states = _everything(Path(parent)) if everything else []
            host = HostProcess(service.folder, tracks, seconds, block, rate, states)
            status: dict[str, Any] = {}
            memory: list[float] = []
            host_memory: list[float] = []
            while host.process.poll() is None and host.result is None:
                seen = service.status()
                status = seen if any(group["members"] for group in seen["groups"]) else status
                memory.append(service.usage()[1])
                host_memory.append(host.resident_mb())
                host.pause(1.0)
            result = host.wait_result(30.0)
            cpu, rss = service.usage()
        finally:
            service.kill(signal.SIGTERM)
    after = echo.round_trips(tracks, seconds / 4, block, rate)
    peer = next(peer for peer in status["peers"] if peer["rtt_ms"]["count"])
    members = [member for group in status["groups"] for member in group["members"]]
    return {
        "tracks": tracks,
        "seconds": seconds,
        "block": block,
        "rate": rate,
        "model": model,
        "everything": everything,
        "rtt_ms": {name: peer["rtt_ms"][name] for name in ("p50", "p99", "p99_9", "count")},
        "echo_ms": quantiles(before + after),
        "late": result["late"],
        "late_uncontrolled": result["late_uncontrolled"],
        "dropped": sum(member["dropped"] for member in members),
        "stale": sum(group["counters"]["stale"] for group in status["groups"]),
        "masked": sum(group["counters"]["masked"] for group in status["groups"]),
        "service_cpu": round((cpu - idle_cpu) / seconds, 4),
        "service_rss_mb": round(rss, 1),
        "service_rss_growth_mb": _growth(memory),
        "host_rss_growth_mb": _growth(host_memory),
        "audio_block_ms": {
            name: round(result["audio"][f"block_ms_{name}"], 3) for name in ("p50", "p99", "p99_9")
        },
        "timer_stalls": result["timer_stalls"],
        "timer_stall_ms_max": round(result["timer_stall_ms_max"], 1),
    }


def _everything(folder: Path) -> list[Path]:
    """Write what an AI stem and a live source load to have every section on; the host's transport counts nothing."""
    paths = []
    for role in ("ai_stem", "live_source"):
        params = dict(EVERYTHING[role].params(), groove_tempo=DEFAULT_TEMPO)
        paths.append(folder / f"{role}.json")
        paths[-1].write_text(json.dumps(preset_state(params)))
    return paths


def _growth(samples: list[float]) -> float:
    """Return how far the last quarter of ``samples`` rises above the second: the first is warming up."""
    quarter = max(1, len(samples) // 4)
    return round(max(samples[-quarter:]) - max(samples[quarter : 2 * quarter] or samples), 2)

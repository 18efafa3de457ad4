"""``hybridmix status``: what the running service sees."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(epilog="Example: hybridmix status --json")(status)


def status(
    runtime_dir: Annotated[Path | None, typer.Option(help="Private folder of the service.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
) -> None:
    """Show the service's peers, groups and tracks, their values and reasons, latencies and counters."""
    from hybridmix.engine import config
    from hybridmix.engine.client import Client

    settings = config.load({"runtime_dir": runtime_dir}, os.environ)
    with Client(settings.runtime_dir, name="hybridmix-status") as client:
        report = client.status()
    if as_json:
        typer.echo(json.dumps(report, indent=2, sort_keys=True))
    else:
        _show(report)


def _show(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    service, totals = report["service"], report["totals"]
    loop = service["loop_ms"]
    console.print(
        f"hybridmix {service['version']} · pid {service['pid']} · {service['endpoint']} · "
        f"up {service['uptime_s']:.0f} s · model {service['model']} ({service['state']})"
    )
    if service["missing"]:
        console.print(f"equal loudness stands in for {service['model']}: {service['missing']}")
    console.print(
        f"cpu {service['cpu_share']:.1%} of a core · memory {service['rss_mb']:.0f} MB · loop "
        f"p50 {loop['p50']:.2f}, p99 {loop['p99']:.2f}, p99.9 {loop['p99_9']:.2f} ms"
    )
    console.print(" · ".join(f"{name} {value}" for name, value in totals.items()))
    for name, digest in report["models"].items():
        console.print(f"{name} {digest}")
    if report["counters"]:
        console.print(" · ".join(f"{name} {value}" for name, value in report["counters"].items()))
    peers = Table("client", "pid", "tracks", "round trip p50", "p99", "p99.9 ms", title="connections")
    for peer in report["peers"]:
        trip = peer["rtt_ms"]
        times = [f"{trip[key]:.2f}" if trip["count"] else "–" for key in ("p50", "p99", "p99_9")]
        peers.add_row(peer["client"], str(peer["pid"]), str(peer["members"]), *times)
    console.print(peers)
    for group in report["groups"]:
        title = f"group {group['group']} · session {group['session'][:8]} · {group['rate']} Hz"
        tracks = Table("track", "role", "status", "gain dB", "trim dB", "late", "dropped", title=title)
        for member in group["members"]:
            values = member["values"]
            tracks.add_row(
                member["label"] or member["instance"][:8],
                member["role"].replace("_", " "),
                member["status"] or "–",
                *(f"{values[name]:+.1f}" if name in values else "–" for name in ("gain_db", "trim_db")),
                str(member["late"]),
                str(member["dropped"]),
            )
        console.print(tracks)
        for member in group["members"]:
            for reason in member["reasons"]:
                rests = "" if reason["now"] else " (before; at rest now)"
                console.print(f"{member['label'] or member['instance'][:8]} · {reason['text']}{rests}")

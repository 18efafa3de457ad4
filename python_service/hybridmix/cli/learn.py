"""``hybridmix learn``: the plan of a session file, for renders and projects that need no service."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from hybridmix.cli.render import needing_batch, progress_bar

if TYPE_CHECKING:
    from hybridmix.plan.document import PlanFile

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("learn", epilog="Example: hybridmix learn session.toml")(learn)


def learn(
    session: Annotated[Path, typer.Argument(help="Session file (TOML).")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Plan file; if left out, what the session names, or beside it."),
    ] = None,
    presets: Annotated[
        Path | None,
        typer.Option("--presets", help="Also write a .vstpreset per track here, to load in a DAW."),
    ] = None,
    plugin: Annotated[
        Path | None, typer.Option("--plugin", help="HybridMix.vst3; found by itself otherwise.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Listen to a whole session and write a plan of it: what every track is told, with the song known.

    Then hybridmix render session.toml --plan session.plan.json plays it, with no service.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in the service
    with needing_batch("learning"):
        from hybridmix.batch import MixSession, frozen, learning
    from hybridmix.plan import document

    listening = MixSession.from_file(session, plugin=plugin, frozen=False)
    named = listening.settings.plan
    target = out or session.parent / (named or f"{session.stem}.plan.json")
    with progress_bar("learning") as progress:
        plan = learning.learn(listening, progress)
    document.save(plan, target)
    if presets is not None:
        frozen.write_presets(plan, presets)
    if as_json:
        typer.echo(msgspec.json.encode({"plan": str(target), **summary(plan)}).decode())
    else:
        _show(plan, session, target)


def summary(plan: PlanFile) -> dict[str, object]:
    """Return what is worth knowing of ``plan``: length, and by track its size in bytes and the range of each value."""
    tracks = {}
    for label, learned in plan.tracks.items():
        one = learned.plan
        tables = {name: series.numbers(one.frames) for name, series in one.values.items()}
        tracks[label] = {
            "bytes": len(msgspec.json.encode(one)),
            "values": {
                name: {"min": float(table.min()), "max": float(table.max())} for name, table in tables.items()
            },
        }
    seconds = max(learned.plan.frames for learned in plan.tracks.values()) / 20
    return {"session": plan.session, "model": plan.model, "duration_s": seconds, "tracks": tracks}


def _show(plan: PlanFile, session: Path, target: Path) -> None:
    console = Console(soft_wrap=True, highlight=False)
    table = Table(title=f"{plan.session}: {plan.model}, learned")
    for heading in ("track", "values", "size (kB)"):
        table.add_column(heading, justify="right" if heading.startswith("size") else "left")
    tracks = summary(plan)["tracks"]
    assert isinstance(tracks, dict)
    for label, track in tracks.items():
        ranges = [
            f"{name} {one['min']:.1f}" + (f" … {one['max']:.1f}" if one["max"] > one["min"] else "")
            for name, one in track["values"].items()
        ]
        table.add_row(label, ", ".join(ranges), f"{track['bytes'] / 1000:.1f}")
    console.print(table)
    console.print(f"plan     {target}")
    console.print(f"next     hybridmix render {session} --plan {target}")

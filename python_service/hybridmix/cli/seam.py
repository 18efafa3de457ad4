"""``hybridmix seam``: how far the AI stems are from the live sources, cause by cause."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from hybridmix.cli.render import needing_batch, progress_bar
from hybridmix.errors import DegradedError, InputError

if TYPE_CHECKING:
    from hybridmix.seam.result import Seam

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("seam")(seam)


def seam(
    session: Annotated[Path | None, typer.Argument(help="session file (TOML)")] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="measure the demo session that ships with HybridMix")
    ] = False,
    rendered: Annotated[
        Path | None,
        typer.Option("--rendered", help="folder that hybridmix render wrote; mixed anew when left out"),
    ] = None,
    before: Annotated[
        Literal["recorded", "levels"],
        typer.Option(
            "--before",
            help="compare with the files as recorded, or with a mix by levels alone, every section off",
        ),
    ] = "recorded",
    picture: Annotated[Path | None, typer.Option("--picture", help="also draw it, as a PNG")] = None,
    plugin: Annotated[
        Path | None, typer.Option("--plugin", help="HybridMix.vst3; found by itself otherwise")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Show how far the sum of the AI stems is from that of the live sources, before the mix and after it.

    Example: hybridmix seam session.toml --picture seam.png
    """
    if demo == (session is not None):
        raise InputError("expected either a session file or --demo, for example: hybridmix seam session.toml")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in the service
    with needing_batch():
        from hybridmix.batch import MixSession
        from hybridmix.seam import picture as pictures
        from hybridmix.seam import result
    with resources.as_file(resources.files("hybridmix") / "demo" / "session.toml") as demo_file:
        mixing = MixSession.from_file(session if session is not None else demo_file, plugin=plugin)
        with progress_bar("mixing") as progress:
            found = result.of(mixing, rendered, result.Before(before), progress)
    if picture is not None:
        pictures.draw(picture, found.session, found.causes)
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        _show(found)
    if not found.complete:
        raise DegradedError(f"the render is incomplete: {found.advice}")


def _show(found: Seam) -> None:
    console = Console(soft_wrap=True, highlight=False)
    table = Table(
        title=f"{found.session}: {len(found.ai_stems)} AI stems against {len(found.live_sources)} live sources"
    )
    for heading in ("cause", "before", "after", "change"):
        table.add_column(heading, justify="left" if heading == "cause" else "right")
    for one in found.causes:
        both = ("-" if value is None else f"{value:g} {one.unit}" for value in (one.before, one.after))
        change = "-"
        if one.before is None or one.after is None:
            change = one.note
        elif one.before:
            change = f"{100.0 * (abs(one.after / one.before) - 1.0):+.0f} %"
        table.add_row(one.name, *both, change)
    console.print(table)
    if found.without_role:
        console.print(f"neither  {', '.join(found.without_role)}: no role, so on neither side")

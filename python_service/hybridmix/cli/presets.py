"""``hybridmix presets``: what there is, and putting presets where hosts list them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import msgspec
import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    group = typer.Typer(
        no_args_is_help=True, help="List the presets, or give them to hosts for their browsers."
    )
    group.command("list", epilog="Example: hybridmix presets list --json")(show)
    group.command(epilog="Example: hybridmix presets install mine.json")(install)
    app.add_typer(group, name="presets")


def show(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all that each of them sets as JSON.")
    ] = False,
) -> None:
    """List the shipped presets."""
    from hybridmix import presets

    found = {name: presets.load(name) for name in presets.names()}
    if as_json:
        typer.echo(json.dumps({name: msgspec.to_builtins(preset) for name, preset in found.items()}))
        return
    width = max(len(name) for name in found)
    for name, preset in found.items():
        typer.echo(f"{name:{width}}  {preset.description}")


def install(
    preset: Annotated[
        list[str] | None,
        typer.Argument(help="Shipped presets, or .json files; all shipped ones if left out."),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--dir", help="Put them here instead of the user's folder for VST3 presets."),
    ] = None,
) -> None:
    """Write presets as .vstpreset files to where VST3 hosts list them."""
    from hybridmix import presets
    from hybridmix.presets import host

    chosen = [presets.load(name) for name in preset or presets.names()]
    for one in chosen:
        typer.echo(f"installed: {host.install(one, folder or host.folder(Path.home()))}")

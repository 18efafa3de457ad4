"""``hybridmix presets``: what there is, putting presets where hosts list them, and making them from a plugin."""

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
        no_args_is_help=True,
        help="List the presets, give them to hosts for their browsers, or make them from a plugin's state.",
    )
    group.command("list", epilog="Example: hybridmix presets list --json")(show)
    group.command(epilog="Example: hybridmix presets install mine.json")(install)
    group.command(epilog='Example: hybridmix presets save "Pad.vstpreset" mine.json --name "My pad"')(save)
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


def save(
    source: Annotated[Path, typer.Argument(help="The .vstpreset file that a host saved of the plugin.")],
    target: Annotated[Path, typer.Argument(help="The .json file to write.")],
    name: Annotated[str, typer.Option("--name", help="Name of the preset.")],
    description: Annotated[str, typer.Option("--description", help="What it is for.")] = "",
) -> None:
    """Make a preset of what a plugin is set to, for session files and scripts."""
    from hybridmix import presets
    from hybridmix.presets import host

    presets.write(presets.of_params(name, host.read(source), description), target)
    typer.echo(f"saved: {target}")

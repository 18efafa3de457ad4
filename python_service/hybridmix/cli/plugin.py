"""``hybridmix plugin``: where the plugin is, and putting it where hosts look."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register"]

_JSON = typer.Option("--json", help="Print the paths as JSON.")


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    group = typer.Typer(no_args_is_help=True, help="Install the plugin, or say where it was built.")
    group.command(epilog="Example: hybridmix plugin install")(install)
    group.command(epilog="Example: hybridmix plugin path --json")(path)
    app.add_typer(group, name="plugin")


def install(
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Put both bundles here instead of the user's plugin folders.")
    ] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Copy the VST3 and CLAP bundles to where hosts look for them."""
    from hybridmix import bundles

    for form in bundles.BUNDLES:
        bundles.built(form)
    paths = {
        form: str(bundles.install(form, folder or bundles.standard_folder(form, Path.home(), os.environ)))
        for form in bundles.BUNDLES
    }
    _show(paths, as_json, "installed: ")


def path(as_json: Annotated[bool, _JSON] = False) -> None:
    """Print where the built bundles are."""
    from hybridmix import bundles

    _show({form: str(bundles.built(form)) for form in bundles.BUNDLES}, as_json, "")


def _show(paths: dict[str, str], as_json: bool, prefix: str) -> None:
    if as_json:
        typer.echo(json.dumps(paths))
    else:
        for one in paths.values():
            typer.echo(f"{prefix}{one}")

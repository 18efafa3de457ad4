"""The ``hybridmix`` command: one module per subcommand, loaded only when it is called for."""

from __future__ import annotations

import importlib
import sys
from typing import Annotated

import typer
from rich.console import Console

from hybridmix import __version__
from hybridmix.errors import HybridMixError

__all__ = ["app", "main"]

app = typer.Typer(
    name="hybridmix",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Makes AI-generated stems and live recordings sit in one mix.",
)


def _version(show: bool) -> None:
    if show:
        typer.echo(f"hybridmix {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Makes AI-generated stems and live recordings sit in one mix."""


#: Subcommands; each lives in ``hybridmix.cli.<name>`` and adds itself through ``register(app)``.
_COMMANDS = ("serve", "status", "render", "bench", "doctor", "plugin")


def main() -> None:
    """Run the command line; errors end in one sentence on stderr and the error's exit code."""
    for name in _COMMANDS:
        importlib.import_module(f"hybridmix.cli.{name}").register(app)
    try:
        app()
    except HybridMixError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"[red]error:[/red] {error}")
        sys.exit(error.exit_code)

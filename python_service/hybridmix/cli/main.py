"""The ``hybridmix`` command: one module per subcommand."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console

from hybridmix import __version__
from hybridmix.errors import HybridMixError

__all__ = ["build", "main"]

#: Subcommands; each lives in ``hybridmix.cli.<name>`` and adds itself through ``register(app)``.
_COMMANDS = (
    *("serve", "status", "render", "learn", "seam", "bench"),
    *("doctor", "plugin", "presets", "models", "group"),
)


def _version(show: bool) -> None:
    if show:
        typer.echo(f"hybridmix {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Makes AI-generated stems and live recordings sit in one mix."""


def build() -> typer.Typer:
    """Return the whole command line."""
    app = typer.Typer(
        name="hybridmix", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
    )
    app.callback()(_root)
    for name in _COMMANDS:
        importlib.import_module(f"hybridmix.cli.{name}").register(app)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line on ``arguments`` (``sys.argv`` when left out).

    An error that the user can do something about ends in one sentence on stderr and the error's exit code.
    """
    try:
        build()(arguments)
    except HybridMixError as error:
        Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(f"error: {error}")
        sys.exit(error.exit_code)

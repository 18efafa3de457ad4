"""``hybridmix models``: data, training, evaluation; each part of the package brings its own commands."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from hybridmix.errors import InputError

__all__ = ["build", "extra"]

#: Modules of this package whose ``register(app)`` adds commands. They import what the extra brings inside the
#: commands, within ``extra()``, so that ``hybridmix --help`` works and stays quick without it.
_MODULES: tuple[str, ...] = (
    "data.song_commands",
    "data.bleed_commands",
    "training.command",
    "groove.command",
    "evaluation.command",
)


def build() -> typer.Typer:
    """Return the commands under ``hybridmix models``."""
    app = typer.Typer(no_args_is_help=True, help="Make data, train and evaluate the models.")
    app.callback()(_group)
    for name in _MODULES:
        importlib.import_module(f"hybridmix_models.{name}").register(app)
    return app


@contextmanager
def extra() -> Iterator[None]:
    """Name the package that a command lacks, and the extra that has it.

    Raises:
        InputError: a module imported inside is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise InputError(
            f"this command needs {error.name}, which is not installed; "
            "install the extra: pip install 'hybridmix[train]'"
        ) from None


def _group() -> None:
    """Make data, train and evaluate the models."""

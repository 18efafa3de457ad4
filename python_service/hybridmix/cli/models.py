"""``hybridmix models``: the commands of the package ``hybridmix_models``."""

from __future__ import annotations

import typer

from hybridmix_models import cli

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.add_typer(cli.build(), name="models")

"""``hybridmix group``: what one group is mixed by, while the service runs or before."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from hybridmix.engine.names import MODELS

__all__ = ["register"]

_EXAMPLE = "Example: hybridmix group 2 --profile vocal-forward"


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(epilog=_EXAMPLE)(group)


def group(
    number: Annotated[int, typer.Argument(help="Group, as in the plugin: 1 to 16.")],
    model: Annotated[str | None, typer.Option(help=f"Gain model: {', '.join(MODELS)}.")] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="Target profile: balanced, vocal-forward, rhythm-forward or a .json file."),
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Mix as the service was started.")] = False,
    runtime_dir: Annotated[Path | None, typer.Option(help="Private folder of the service.")] = None,
) -> None:
    """Choose the gain model and the target profile of one group; gains glide there within 2 s.

    What is not named stays as it was. Without options, show what was chosen.
    """
    from hybridmix.engine import choices, config

    folder = config.load({"runtime_dir": runtime_dir}, os.environ).runtime_dir
    before = choices.Choice() if reset else choices.read(folder).get(number, choices.Choice())
    if profile is not None and profile.endswith(".json"):
        profile = str(Path(profile).resolve())
    chosen = choices.Choice(model or before.model, profile or before.profile)
    if reset or chosen != before:
        choices.write(folder, number, chosen)
    shown = (("model", chosen.model), ("profile", chosen.profile))
    typer.echo(
        f"group {number}: " + ", ".join(f"{name} {value or 'as the service'}" for name, value in shown)
    )

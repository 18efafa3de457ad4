"""``hybridmix models generate``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hybridmix.errors import InputError
from hybridmix_models import cli

__all__ = ["register"]


class _Set(StrEnum):
    A = "synthetic-a"
    B = "synthetic-b"


class _Split(StrEnum):
    TRAINING = "training"
    VALIDATION = "validation"
    TEST = "test"


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("generate")(generate)


def generate(
    set_name: Annotated[_Set, typer.Argument(metavar="SET", help="synthetic-a or synthetic-b")],
    split: Annotated[_Split, typer.Option(help="which sounds and drum grooves")] = _Split.TEST,
    count: Annotated[int, typer.Option(min=1, help="number of songs")] = 16,
    seed: Annotated[int, typer.Option(min=0, help="the same seed gives the same songs")] = 0,
    tracks: Annotated[str, typer.Option(help="tracks per song: a number or a range")] = "4-8",
    data: Annotated[Path, typer.Option(help="folder with groove_midi")] = Path("../shared/data"),
    out: Annotated[Path, typer.Option(help="the songs are kept in SET/SPLIT below it")] = Path("build/data"),
) -> None:
    """Render sessions of known balance; a run that was interrupted goes on where it stopped.

    Example: hybridmix models generate synthetic-a --split training --count 80
    """
    with cli.extra():
        from hybridmix_models.data.generator import write_songs

    made = 0
    bounds = _bounds(tracks)
    folder = out / set_name.value / split.value
    for name, known in write_songs(
        folder, set_name.value, split.value, count, seed, tracks=bounds, data=data
    ):
        made += not known
        typer.echo(f"{name}{' (was there)' if known else ''}")
    typer.echo(f"{folder}: {made} of {count} songs made, the others were there")


def _bounds(tracks: str) -> tuple[int, int]:
    """Read ``6`` or ``4-8``."""
    first, dash, last = tracks.partition("-")
    if not first.isdigit() or (dash and not last.isdigit()):
        raise InputError(f"--tracks {tracks}: expected a number or a range of two: --tracks 4-8")
    return int(first), int(last if dash else first)

"""Commands about bleed: ``hybridmix models rooms``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

import typer

from hybridmix_models.cli import extra

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("rooms")(_rooms)


def _rooms(
    out: Annotated[Path, typer.Option(help="Folder of the bank.")] = Path("build/data/rooms"),
    seed: Annotated[int, typer.Option(help="Seed of all draws.")] = 0,
) -> None:
    """Draw the bank of simulated rooms that bleed comes from."""
    with extra():
        from hybridmix_models.data.bleed.rooms import Split, load_rooms, write_rooms

    path = write_rooms(out, seed)
    for split in get_args(Split):
        rooms = load_rooms(out, split)
        volumes, times = sorted(room.volume for room in rooms), sorted(room.rt60 for room in rooms)
        typer.echo(
            f"{split:12} {len(rooms):4} rooms, {volumes[0]:.0f} to {volumes[-1]:.0f} m³, "
            f"RT60 {times[0]:.2f} to {times[-1]:.2f} s"
        )
    typer.echo(f"wrote {path}")

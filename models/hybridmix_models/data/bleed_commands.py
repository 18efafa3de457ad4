"""Commands about bleed: ``hybridmix models rooms`` and ``hybridmix models bleed``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from hybridmix_models.cli import extra

if TYPE_CHECKING:
    from hybridmix_models.data.bleed.kit import Comparison

__all__ = ["register"]

_ROOMS = Path("build/data/rooms")


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command("rooms")(_rooms)
    app.command("bleed")(_bleed)


def _rooms(
    out: Annotated[Path, typer.Option(help="folder of the bank")] = _ROOMS,
    seed: Annotated[int, typer.Option(min=0, help="the same seed gives the same rooms")] = 0,
) -> None:
    """Draw the bank of simulated rooms that bleed comes from.

    Example: hybridmix models rooms
    """
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


def _bleed(
    data: Annotated[Path, typer.Option(help="recorded kit")] = Path("../shared/data/multimic_drums"),
    songs: Annotated[Path, typer.Option(help="songs as hybridmix models generate writes them")] = Path(
        "build/data/synthetic-a/test"
    ),
    rooms: Annotated[Path, typer.Option(help="room bank")] = _ROOMS,
    out: Annotated[Path, typer.Option(help="folder of the pictures")] = Path("docs/images"),
) -> None:
    """Print how much bleed scenes have, and simulated levels and delays beside those of a recorded kit.

    Example: hybridmix models bleed --out build/bleed
    """
    with extra():
        from hybridmix_models.data.bleed import kit, pictures, survey
        from hybridmix_models.data.bleed import rooms as bank
        from hybridmix_models.data.generator import read_songs

    test = bank.load_rooms(rooms, "test")
    known, comparison = kit.known_ratios(data), kit.compare(data, test)
    ratios = survey.survey(read_songs(songs), test)
    out.mkdir(parents=True, exist_ok=True)
    pictures.draw_room(test[0], out / "bleed-room.png")
    pictures.draw_ratios(ratios, known, out / "bleed-ratios.svg")
    pictures.draw_kit(comparison, out / "bleed-kit.svg")
    typer.echo("| own over everything else, dB | 5 % | 25 % | median | 75 % | 95 % | tracks |")
    typer.echo("|---|---|---|---|---|---|---|")
    for name, values in ratios.items():
        typer.echo(f"| {name} | {_percentiles(values, 5, 25, 50, 75, 95)} | {len(values)} |")
    for drum, values in known.items():
        typer.echo(f"| {drum}, recorded | {_percentiles(values, 0, 25, 50, 75, 100)} | {len(values)} |")
    typer.echo("")
    _print_kit(comparison)
    typer.echo("")
    for tracks in (4, 8, 20):
        typer.echo(
            f"a scene of {tracks} tracks and 20 s takes {survey.time_of_scene(tracks, test):.2f} s of a processor"
        )


def _print_kit(comparison: Comparison) -> None:
    import numpy as np

    from hybridmix_models.data.bleed.kit import MICROPHONES

    typer.echo(
        "| microphone | level, recorded | simulated | kick's delay, recorded | simulated | snare's | simulated |"
    )
    typer.echo("|---|---|---|---|---|---|---|")
    for column, name in enumerate(MICROPHONES):
        cells = [name]
        for levels, bounds in ((comparison.known_level_db, (0, 100)), (comparison.level_db, (5, 95))):
            low, high = np.percentile(levels[:, column], bounds)
            cells.append(f"{np.median(levels[:, column]):.1f} ({low:.1f} to {high:.1f})")
        for known, simulated in zip(comparison.known_delay.values(), comparison.delay.values(), strict=True):
            cells += ["–" if np.isnan(known[column]) else f"{known[column]:.0f}", f"{simulated[column]:.0f}"]
        typer.echo(f"| {' | '.join(cells)} |")


def _percentiles(values: object, *bounds: int) -> str:
    import numpy as np

    return " | ".join(f"{value:.1f}" for value in np.percentile(np.asarray(values), bounds))

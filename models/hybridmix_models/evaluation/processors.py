"""``hybridmix models evaluate --processor``: the figures and the picture of each processor."""

from __future__ import annotations

import json
from enum import StrEnum
from itertools import islice
from pathlib import Path

import typer
from rich.console import Console

from hybridmix.errors import InputError
from hybridmix.generated import checkout
from hybridmix_models.cli import extra
from hybridmix_models.evaluation.progress import bar

__all__ = ["Name", "evaluate"]


class Name(StrEnum):
    """The processors that can be measured."""

    DIP = "dip"
    BREATH = "breath"
    STAGING = "staging"
    DENSITY = "density"
    GROOVE = "groove"
    ROOM = "room"


def evaluate(
    processor: Name,
    data: Path | None,
    shared: Path,
    generated: Path,
    songs: int | None,
    *,
    as_json: bool,
    write_docs: bool,
) -> None:
    """Print the figures of ``processor``, or draw its picture.

    ``data`` is the folder that is heard; when left out responses, performances or songs below ``shared``. ``songs``
    is how many at most.

    Raises:
        InputError: the folder has not what is needed.
    """
    if processor is Name.ROOM:
        rirs = data if data is not None else shared / "rirs"
        _evaluate_room(rirs, generated, songs, as_json=as_json, write_docs=write_docs)
        return
    # Groove is measured on performances and recordings, the others on songs.
    folder = data if data is not None else shared if processor is Name.GROOVE else shared / "eif"
    if not folder.is_dir():
        raise InputError(f"folder {folder} does not exist; give another by --data")
    if write_docs:
        _draw(processor, folder, songs)
        return
    scores = {
        Name.DIP: _evaluate_dip,
        Name.BREATH: _evaluate_breath,
        Name.STAGING: _evaluate_staging,
        Name.DENSITY: _evaluate_density,
        Name.GROOVE: _evaluate_groove,
    }
    scores[processor](folder, songs, as_json=as_json)


def _draw(processor: Name, folder: Path, songs: int | None) -> None:
    """Draw the picture of ``processor`` from the last of the first ``songs`` in ``folder``, one if left out."""
    with extra():
        from hybridmix_models.evaluation import pictures

    draws = {
        Name.DIP: pictures.draw_dip,
        Name.BREATH: pictures.draw_breath,
        Name.STAGING: pictures.draw_staging,
        Name.DENSITY: pictures.draw_density,
        Name.GROOVE: pictures.draw_groove,
    }
    path = checkout() / "docs" / "images" / f"{processor}.svg"
    draws[processor](folder, songs or 1, path)
    Console(stderr=True).print(f"wrote {path}", soft_wrap=True)


def _evaluate_dip(folder: Path, songs: int | None, *, as_json: bool) -> None:
    """Print the figures of the dip over the songs in ``folder``, the first ``songs`` or all."""
    with extra():
        from hybridmix_models.evaluation.dip.pairs import read_pairs
        from hybridmix_models.evaluation.dip.score import evaluate as score
        from hybridmix_models.evaluation.dip.score import table

    pairs = list(read_pairs(folder, songs))
    with bar("pairs", len(pairs)) as advance:
        figures = score(pairs, advance)
    typer.echo(json.dumps(figures, allow_nan=False) if as_json else table(figures))


def _evaluate_breath(folder: Path, songs: int | None, *, as_json: bool) -> None:
    """Print the figures of breath over the songs in ``folder``, the first ``songs`` or all."""
    with extra():
        from hybridmix_models.data.songs import load_songs
        from hybridmix_models.evaluation.breath import pairs
        from hybridmix_models.evaluation.breath.score import evaluate as score
        from hybridmix_models.evaluation.breath.score import table

    live, ai = pairs.excerpts(islice(load_songs(folder, "all"), songs))
    if not live or not ai:
        raise InputError(
            f"{folder}: no live source ({', '.join(sorted(pairs.LIVE))}) or no stand-in for an AI stem "
            f"({', '.join(sorted(pairs.STANDIN))}) has {pairs.SECONDS} s that sound; give other songs by --data"
        )
    both = list(pairs.pairs(live, ai))
    with bar("pairs", len(both)) as advance:
        figures = score(both, advance)
    typer.echo(json.dumps(figures, allow_nan=False) if as_json else table(figures))


def _evaluate_staging(folder: Path, songs: int | None, *, as_json: bool) -> None:
    """Print the figures of staging over the stems in ``folder``, of the first ``songs`` or all."""
    with extra():
        from hybridmix_models.data.songs import load_songs
        from hybridmix_models.evaluation.staging import evaluate as score
        from hybridmix_models.evaluation.staging import table

    chosen = list(islice(load_songs(folder, "all"), songs))
    with bar("stems", sum(len(song.stems) for song in chosen)) as advance:
        figures = score(chosen, advance)
    typer.echo(json.dumps(figures, allow_nan=False) if as_json else table(figures))


def _evaluate_density(folder: Path, songs: int | None, *, as_json: bool) -> None:
    """Print the figures of density over the live stems in ``folder``, of the first ``songs`` or all."""
    with extra():
        from hybridmix_models.data.songs import load_songs
        from hybridmix_models.evaluation.density import LIVE, table
        from hybridmix_models.evaluation.density import evaluate as score

    chosen = list(islice(load_songs(folder, "all"), songs))
    if not any(stem.role in LIVE for song in chosen for stem in song.stems):
        raise InputError(f"{folder}: no live source ({', '.join(sorted(LIVE))}); give other songs by --data")
    with bar("songs", len(chosen)) as advance:
        figures = score(chosen, advance)
    typer.echo(json.dumps(figures, allow_nan=False) if as_json else table(figures))


def _evaluate_room(
    folder: Path, generated: Path, songs: int | None, *, as_json: bool, write_docs: bool
) -> None:
    """Print the figures of the room: songs of Synthetic-B below ``generated`` in the responses in ``folder``."""
    with extra():
        from hybridmix.batch.plugin import bundle_path
        from hybridmix_models.data.songs import load_songs
        from hybridmix_models.evaluation.room import measured, network
        from hybridmix_models.evaluation.room.score import evaluate as score
        from hybridmix_models.evaluation.room.score import sources, table

        if write_docs:
            from hybridmix_models.evaluation.room.picture import draw
    rooms = measured.read(folder)
    found = sources(islice(load_songs(generated / "synthetic-b", "test"), songs))
    asked = 24
    with bar("rooms", 2 * len(rooms) + asked * len(network.RATES)) as advance:
        figures = score(found, rooms, bundle_path(), asked, advance)
    if write_docs:
        # The first that is believed: one picture is enough to see what it does.
        image = checkout() / "docs" / "images" / "room.png"
        any(draw(room, found, bundle_path(), image) for room in rooms)
    typer.echo(json.dumps(figures, allow_nan=False) if as_json else table(figures))


def _evaluate_groove(folder: Path, most: int | None, *, as_json: bool) -> None:
    """Print the figures of groove: ``folder`` holds groove_midi and multimic_drums, ``most`` of each drummer."""
    with extra():
        from hybridmix_models.evaluation.groove.score import PER_DRUMMER, table
        from hybridmix_models.evaluation.groove.score import evaluate as score

    with bar("performances", 10 * (most or PER_DRUMMER)) as advance:
        figures = score(folder, most, advance)
    typer.echo(json.dumps(figures, allow_nan=False) if as_json else table(figures))

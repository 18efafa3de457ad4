"""``hybridmix models prepare``, ``pretrain`` and ``train``, and the same for the room network."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hybridmix.errors import InputError
from hybridmix_models.cli import extra

if TYPE_CHECKING:
    import torch

    from hybridmix_models.training.configs import Run
    from hybridmix_models.training.trainer import Summary

__all__ = ["register"]

_R = TypeVar("_R", bound="Run")
_Data = Annotated[Path, typer.Option("--data", help="folder that hybridmix models prepare wrote")]
_Seed = Annotated[int, typer.Option("--seed", min=0, help="the same seed gives the same model")]
_Steps = Annotated[int | None, typer.Option("--steps", min=1, help="instead of those of the configuration")]
_Minutes = Annotated[
    float | None, typer.Option("--minutes", min=0.0, help="longest time, instead of the configuration's")
]
_Threads = Annotated[
    int | None, typer.Option("--threads", min=1, help="CPU threads; torch's choice if left out")
]
_Device = Annotated[str, typer.Option("--device", help="cpu or cuda; the same bits only on the same one")]


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command("prepare")(prepare)
    app.command("pretrain")(pretrain)
    app.command("train")(train)
    app.command("prepare-room")(prepare_room)
    app.command("train-room")(train_room)


def prepare(
    songs: Annotated[
        Path, typer.Option("--songs", help="songs: a generated set, a folder with a MANIFEST.csv, MedleyDB")
    ],
    rooms: Annotated[Path, typer.Option("--rooms", help="folder that hybridmix models rooms wrote")],
    out: Annotated[Path, typer.Option("--out", help="folder for the prepared scenes")],
    scenes: Annotated[int, typer.Option("--scenes", min=3, help="performances of every training song")] = 6,
    seed: _Seed = 0,
) -> None:
    """Perform every song in simulated rooms, ready for training; goes on where it was interrupted.

    Example: hybridmix models prepare --songs build/data/synthetic-a --rooms build/data/rooms --out build/scenes
    """
    with extra():
        from hybridmix_models.training import prepare as preparing

    console = Console(stderr=True)
    splits: tuple[tuple[Literal["training", "validation"], int], ...] = (
        ("training", scenes),
        ("validation", 3),
    )
    for split, count in splits:
        made = 0
        with _bar(console, f"{split} scenes", None) as advance:
            for name, make in preparing.plan(songs, rooms, split, count, seed):
                preparing.write(out / split / name, make)
                advance()
                made += 1
        console.print(f"{split}: {made} scenes in {out / split}", soft_wrap=True)


def pretrain(
    data: _Data,
    out: Annotated[
        Path | None, typer.Option("--out", help="folder of the run; DATA/embedding if left out")
    ] = None,
    seed: _Seed = 0,
    steps: _Steps = None,
    minutes: _Minutes = None,
    threads: _Threads = None,
    device: _Device = "cpu",
) -> None:
    """Train the embedding that all gain models share, and embed all scenes with it.

    A run that was interrupted goes on where it stopped. Example: hybridmix models pretrain --data build/scenes
    """
    with extra():
        from hybridmix_models.gain.configs import build
        from hybridmix_models.training import cache, configs, trainer
        from hybridmix_models.training.embedded import Embedded, load_embedding
        from hybridmix_models.training.embedding import EmbeddingTask

    run = _adjusted(configs.EMBEDDING, steps, minutes)
    console = Console(stderr=True)
    target = _begin(threads, device, seed)
    training, validation = cache.load(data / "training"), cache.load(data / "validation")
    task = EmbeddingTask(build(run.network).embedding.to(target), run, seed, training, validation)
    folder = out if out is not None else data / "embedding"
    summary = trainer.train("embedding", task, run, folder, seed, console)
    network = build(run.network)
    load_embedding(network.embedding, folder / "best.pt")
    embedded = Embedded(network.embedding.to(target))
    with _bar(console, "embedding scenes", len(training) + len(validation)) as advance:
        embedded.fill([*training, *validation], advance)
    _end(console, summary, folder)


def train(
    name: Annotated[str, typer.Argument(help="model, for example alm-mr-plus")],
    data: _Data,
    out: Annotated[Path, typer.Option("--out", help="folder of the run")],
    embedding: Annotated[
        Path | None,
        typer.Option(
            "--embedding",
            help="best.pt of a pretraining, or the public weights of VGGish for alm-mr-paper; "
            "DATA/embedding/best.pt if left out",
        ),
    ] = None,
    seed: _Seed = 0,
    steps: _Steps = None,
    minutes: _Minutes = None,
    threads: _Threads = None,
    device: _Device = "cpu",
) -> None:
    """Train one gain model; a run that was interrupted goes on where it stopped.

    Example: hybridmix models train alm-mr-plus --data build/scenes --out build/runs/alm-mr-plus
    """
    with extra():
        from hybridmix_models.gain.configs import build
        from hybridmix_models.training import cache, configs, trainer
        from hybridmix_models.training.embedded import load_embedding
        from hybridmix_models.training.gain import GainTask

    run = _adjusted(configs.settings(name), steps, minutes)
    console = Console(stderr=True)
    target = _begin(threads, device, seed)
    network = build(run.network)
    load_embedding(network.embedding, embedding if embedding is not None else data / "embedding" / "best.pt")
    network.to(target)
    training, validation = cache.load(data / "training", run.conditions), cache.load(data / "validation")
    task = GainTask(network, run, seed, training, validation)
    if task.embedded is not None:
        with _bar(console, "embedding scenes", len(training)) as advance:
            task.embedded.fill(training, advance)
    _end(console, trainer.train(name, task, run, out, seed, console), out)


def prepare_room(
    songs: Annotated[Path, typer.Option("--songs", help="dry songs: a generated set")],
    out: Annotated[Path, typer.Option("--out", help="folder for rooms and excerpts")],
    seed: _Seed = 0,
) -> None:
    """Draw rooms, and put every dry stem into some, ready for training; goes on where it was interrupted.

    Example: hybridmix models prepare-room --songs build/data/synthetic-a --out build/room
    """
    with extra():
        from hybridmix_models.training import room_excerpts

    console = Console(stderr=True)
    splits: tuple[Literal["training", "validation"], ...] = ("training", "validation")
    for split in splits:
        for what, parts in (
            ("rooms", room_excerpts.write_rooms(out, split, seed)),
            ("excerpts", room_excerpts.write(songs, out, split, seed)),
        ):
            with _bar(console, f"{split}, parts of {what}", None) as advance:
                for _ in parts:
                    advance()
        console.print(
            f"{split}: {len(room_excerpts.load(out, split).levels)} excerpts in {out}", soft_wrap=True
        )


def train_room(
    data: Annotated[Path, typer.Option("--data", help="folder that hybridmix models prepare-room wrote")],
    out: Annotated[Path, typer.Option("--out", help="folder of the run")],
    seed: _Seed = 0,
    steps: _Steps = None,
    minutes: _Minutes = None,
    threads: _Threads = None,
) -> None:
    """Train the room network; a run that was interrupted goes on where it stopped.

    Example: hybridmix models train-room --data build/room --out build/runs/room
    """
    with extra():
        from hybridmix_models.room import RoomNetwork
        from hybridmix_models.training import configs, room_excerpts, trainer
        from hybridmix_models.training.room import RoomTask

    run = _adjusted(configs.ROOM, steps, minutes)
    console = Console(stderr=True)
    _begin(threads, "cpu", seed)
    training, validation = room_excerpts.load(data, "training"), room_excerpts.load(data, "validation")
    task = RoomTask(RoomNetwork(), run, seed, training, validation)
    _end(console, trainer.train("room", task, run, out, seed, console), out)


def _adjusted(run: _R, steps: int | None, minutes: float | None) -> _R:
    changes: dict[str, Any] = {"steps": steps, "minutes": minutes}
    return dataclasses.replace(run, **{key: value for key, value in changes.items() if value is not None})


def _begin(threads: int | None, device: str, seed: int) -> torch.device:
    """Set threads, seed and device."""
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    torch.manual_seed(seed)
    if device not in ("cpu", "cuda"):
        raise InputError(f"--device {device}: expected cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError(
            "--device cuda: torch finds no GPU; install a build of torch for yours, or leave it out"
        )
    return torch.device(device)


@contextmanager
def _bar(console: Console, text: str, total: int | None) -> Iterator[Callable[[], None]]:
    """Show a bar and give what moves it by one."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(text, total=total)
        yield lambda: bar.advance(task)


def _end(console: Console, summary: Summary, out: Path) -> None:
    best = ", ".join(f"{key.replace('_', ' ')} {value:.4g}" for key, value in summary["best"].items())
    console.print(
        f"{summary['name']}: {summary['step']} of {summary['steps']} steps in {summary['minutes']:.1f} min, "
        f"{summary['steps_per_second']:.2f} steps/s; best: {best}",
        soft_wrap=True,
    )
    if not summary["complete"]:
        console.print("the time was over before the last step; --minutes gives more, and the run goes on")
    console.print(f"look     {out / 'curves.png'}")
    console.print(f"use      {out / 'best.pt'}")

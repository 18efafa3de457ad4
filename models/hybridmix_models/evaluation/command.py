"""``hybridmix models evaluate`` and ``hybridmix models excerpts``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer
from rich.console import Console

from hybridmix.engine.names import DEFAULT
from hybridmix.errors import InputError
from hybridmix.generated import checkout
from hybridmix_models.cli import extra
from hybridmix_models.evaluation import processors
from hybridmix_models.evaluation.progress import bar

if TYPE_CHECKING:
    from hybridmix_models.evaluation.sets import SongSet

__all__ = ["register"]


class _Condition(StrEnum):
    NONE = "none"
    LIGHT = "light"
    HEAVY = "heavy"


class _Row(StrEnum):
    BASE = "base"
    STEPS = "steps"
    OPEN = "open"
    LEVELS = "levels"
    TRACKS = "tracks"


class _SplitName(StrEnum):
    TRAINING = "training"
    VALIDATION = "validation"
    TEST = "test"
    ALL = "all"


_Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model", help="a baseline, a run below --runs, or NAME=FILE; all baselines and runs if left out"
    ),
]
_Runs = Annotated[Path, typer.Option("--runs", help="folder with a folder per training run")]
_Sets = Annotated[
    list[str] | None, typer.Option("--set", help="synthetic-a, synthetic-b, eif; the first two if left out")
]
_Data = Annotated[
    Path | None, typer.Option("--data", help="other songs: a folder with a MANIFEST.csv, or of MedleyDB")
]
_Split = Annotated[_SplitName, typer.Option("--split", help="split of --data")]
_Generated = Annotated[
    Path, typer.Option("--generated", help="folder with synthetic-a, synthetic-b and rooms")
]
_Shared = Annotated[Path, typer.Option("--shared", help="folder with eif")]
_Limit = Annotated[
    int | None, typer.Option("--songs", min=1, help="the first songs of each set; all if left out")
]
_Processor = Annotated[
    processors.Name | None,
    typer.Option(
        "--processor",
        help="score this processor instead of gain models; takes --data (eif if left out), --songs, --json",
    ),
]
_Seed = Annotated[int, typer.Option("--seed", min=0, help="the same seed gives the same scenes")]


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command("evaluate")(evaluate)
    app.command("excerpts")(excerpts)
    app.command("through-plugin")(through_plugin)


def evaluate(
    model: _Models = None,
    processor: _Processor = None,
    runs: _Runs = Path("build/runs"),
    set_name: _Sets = None,
    data: _Data = None,
    split: _Split = _SplitName.TEST,
    condition: Annotated[list[_Condition] | None, typer.Option("--condition", help="all if left out")] = None,
    row: Annotated[
        list[_Row] | None, typer.Option("--row", help="all if left out; base is always there")
    ] = None,
    generated: _Generated = Path("build/data"),
    shared: _Shared = Path("../shared/data"),
    songs: _Limit = None,
    steps: Annotated[
        int, typer.Option("--steps", min=2, help="level steps per set and condition, at least")
    ] = 100,
    seed: _Seed = 0,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="processes")] = 1,
    kept: Annotated[
        Path, typer.Option("--kept", help="scores from before; what has not changed is not scored again")
    ] = Path("build/evaluation"),
    as_json: Annotated[
        bool, typer.Option("--json", help="print JSON with the keys of docs/models.md")
    ] = False,
    write_docs: Annotated[
        bool,
        typer.Option(
            "--write-docs",
            help="write docs/models.md and its pictures, or the picture of --processor",
        ),
    ] = False,
) -> None:
    """Score models and baselines by the definitions of docs/metrics.md.

    Example: hybridmix models evaluate --set synthetic-a --model raw --model alm-mr-plus --json
    """
    if processor is not None:
        processors.evaluate(processor, data, shared, generated, songs, as_json=as_json, write_docs=write_docs)
        return
    with extra():
        from hybridmix_models.data.types import Condition
        from hybridmix_models.evaluation import pages
        from hybridmix_models.evaluation.desk import Plan
        from hybridmix_models.evaluation.run import Request
        from hybridmix_models.evaluation.run import evaluate as run
        from hybridmix_models.evaluation.scenarios import PARTS

    sets = _find_sets(set_name, data, split, generated, shared)
    conditions = tuple(one for one in get_args(Condition) if condition is None or one in condition)
    rows = tuple(one for one in PARTS if row is None or one in row or one == "base")
    surveys = {one.name: one.survey(songs) for one in sets}
    request = Request(
        models=_find_models(model, runs, recorded=not all(one.generated for one in sets)),
        sets=sets,
        surveys=surveys,
        rooms=generated / "rooms",
        plan=Plan(conditions, rows, seed),
        steps=steps,
        limit=songs,
        kept=kept,
        jobs=jobs,
    )
    with bar("songs", sum(len(survey) for survey in surveys.values())) as advance:
        figures = run(request, advance)
    command = _command(
        {
            "model": model,
            "data": [str(data)] if data is not None else None,
            "set": [one.name for one in sets] if data is None else None,
            "condition": condition,
            "row": row,
            "songs": [str(songs)] if songs is not None else None,
            "seed": [str(seed)],
        }
    )
    if write_docs:
        root = checkout() / "docs"
        for path in pages.write_docs(figures, command, root / "models.md", root / "images"):
            Console(stderr=True).print(f"wrote {path}", soft_wrap=True)
    typer.echo(json.dumps(figures, allow_nan=False) if as_json else pages.table(figures, command))


def excerpts(
    out: Annotated[Path, typer.Option("--out", help="folder for the excerpts and their manifest.json")],
    model: _Models = None,
    runs: _Runs = Path("build/runs"),
    set_name: _Sets = None,
    data: _Data = None,
    split: _Split = _SplitName.TEST,
    condition: Annotated[_Condition, typer.Option("--condition", help="bleed")] = _Condition.HEAVY,
    generated: _Generated = Path("build/data"),
    shared: _Shared = Path("../shared/data"),
    songs: _Limit = 8,
    seed: _Seed = 0,
) -> None:
    """Mix the same badly staged scenes by every model, for a listening test.

    Example: hybridmix models excerpts --set synthetic-b --songs 4 --out build/excerpts
    """
    with extra():
        from hybridmix_models.data.bleed import load_rooms
        from hybridmix_models.evaluation.excerpts import write_excerpts
        from hybridmix_models.evaluation.run import make_mixers

    for one in _find_sets(set_name, data, split, generated, shared):
        survey = one.survey(songs)
        mixers = make_mixers(_find_models(model, runs, recorded=not one.generated), survey)
        rooms = load_rooms(generated / "rooms", one.rooms)
        with bar(one.name, len(survey)) as advance:
            manifest = write_excerpts(
                one.songs(songs), mixers, condition.value, rooms, seed, out / one.name, advance
            )
        typer.echo(f"wrote {manifest}")


def through_plugin(
    model: Annotated[str, typer.Option("--model", help="a model that ships and has a run")] = DEFAULT,
    runs: _Runs = Path("build/runs"),
    set_name: Annotated[str, typer.Option("--set", help="synthetic-a, synthetic-b or eif")] = "eif",
    condition: Annotated[_Condition, typer.Option("--condition", help="bleed")] = _Condition.NONE,
    generated: _Generated = Path("build/data"),
    shared: _Shared = Path("../shared/data"),
    songs: _Limit = 1,
    seed: _Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="print all figures as JSON")] = False,
) -> None:
    """Mix the demo session and songs of a set by the real plugin, and score that beside the offline evaluation.

    Example: hybridmix models through-plugin --set eif --songs 1
    """
    with extra():
        from hybridmix_models.data.bleed import load_rooms
        from hybridmix_models.evaluation.run import make_mixers
        from hybridmix_models.evaluation.scenarios import takes
        from hybridmix_models.evaluation.through_plugin import compare, demo

    one = _find_sets([set_name], None, _SplitName.TEST, generated, shared)[0]
    ((mixer, _),) = make_mixers(_find_models([model], runs, recorded=False), {})
    rooms = load_rooms(generated / "rooms", one.rooms)
    scenes = {"demo": demo()}
    for song in one.songs(songs):
        scenes[song.name] = next(iter(takes(song, (), condition.value, rooms, seed, ())))
    figures = {}
    with bar("sessions", len(scenes)) as advance:
        for name, take in scenes.items():
            figures[name] = compare(take, "demo" if name == "demo" else set_name, mixer, model)
            advance(name)
    if as_json:
        typer.echo(json.dumps({"model": model, "seed": seed, "sessions": figures}, allow_nan=False))
        return
    for name, found in figures.items():
        apart = found["difference_db"]
        typer.echo(
            f"{name}: gains apart by {apart['p50']} dB (median), {apart['p99']} (99 %), {apart['max']}"
        )
        for door in ("offline", "plugin"):
            told = found[door]
            shown = {
                "gain error, dB": told["gain_error_db"]["mean"],
                "MR-STFT": told["mr_stft"],
                "level, LU": told["level_lu"]["mean"],
                "jumps as played, 99 %, dB": told["jumps_db"]["played"]["p99"],
                "largest": told["jump_max_db"],
                "over 0 dBFS": told["over_0dbfs"],
            }
            typer.echo(f"  {door}: " + ", ".join(f"{key} {value}" for key, value in shown.items()))


def _command(options: Mapping[str, Sequence[str] | None]) -> str:
    """Return the command that gives the same figures."""
    given = [f"--{name} {value}" for name, values in options.items() for value in values or ()]
    return " ".join(["hybridmix models evaluate", *given])


def _find_models(
    names: list[str] | None, runs: Path, *, recorded: bool
) -> tuple[tuple[str, Path | None], ...]:
    """Return names with the files of their weights; rules have none."""
    from hybridmix_models.evaluation.run import BASELINES, PRIOR

    rules = (*BASELINES, PRIOR) if recorded else BASELINES
    trained = {path.parent.name: path for path in sorted(runs.glob("*/best.pt"))}
    if not names:
        return (*((name, None) for name in rules), *trained.items())
    found: list[tuple[str, Path | None]] = []
    for name in names:
        label, given, file = name.partition("=")
        if given:
            found.append((label, Path(file)))
        elif name in (*BASELINES, PRIOR):
            found.append((name, None))
        elif name in trained:
            found.append((name, trained[name]))
        else:
            raise InputError(
                f"model {name!r} is neither a baseline ({', '.join((*BASELINES, PRIOR))}) nor a run in {runs} "
                f"({', '.join(trained) or 'none'}); name one of these, or give NAME=FILE"
            )
    return tuple(found)


def _find_sets(
    names: list[str] | None, data: Path | None, split: _SplitName, generated: Path, shared: Path
) -> tuple[SongSet, ...]:
    from hybridmix_models.evaluation.sets import SongSet, find_set

    if data is not None:
        if names:
            raise InputError(f"--set {names[0]} and --data {data} exclude each other; leave one out")
        if not data.is_dir():
            raise InputError(f"folder {data} of --data does not exist; give a folder with songs")
        return (SongSet(data.resolve().name, data, split.value, "test"),)
    return tuple(find_set(name, generated, shared) for name in names or ("synthetic-a", "synthetic-b"))

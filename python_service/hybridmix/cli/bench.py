"""``hybridmix bench``: what the running system does on this machine, beside a baseline in the same run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from hybridmix.engine.config import MODELS_FOLDER
from hybridmix.engine.names import DEFAULT, require_known
from hybridmix.errors import HybridMixError, InputError

__all__ = ["register"]

_JSON = Annotated[bool, typer.Option("--json", help="print JSON with the keys of docs/benchmarks.md")]
#: The rule: bridge and batch are measured without what a network costs, which `bench models` tells.
_RULE = "equal-loudness"
_Everything = Annotated[bool, typer.Option("--everything", help="with every section on, not gain alone")]
_Model = Annotated[str, typer.Option("--model", help="gain model of the service")]

_bench = typer.Typer(no_args_is_help=True, help="Measure this machine, beside a baseline in the same run.")


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.add_typer(_bench, name="bench")


@_bench.command("bridge")
def bridge(
    tracks: Annotated[int, typer.Option(min=1, max=128, help="plugin instances in one host")] = 8,
    seconds: Annotated[float, typer.Option(min=5.0, help="how long they play")] = 30.0,
    block: Annotated[int, typer.Option(min=16, max=8192, help="samples per host block")] = 512,
    rate: Annotated[int, typer.Option(min=44100, max=192000, help="sample rate in Hz")] = 48000,
    model: _Model = _RULE,
    everything: _Everything = False,
    as_json: _JSON = False,
) -> None:
    """Round trips from a hop sent to its values received, with real plugins at audio cadence.

    Example: hybridmix bench bridge --tracks 32 --seconds 60 --json
    """
    from hybridmix.bench import bridge

    require_known(model)
    _print(bridge.measure(tracks, seconds, block, rate, model, everything=everything), as_json)


@_bench.command("render")
def render(
    tracks: Annotated[int, typer.Option(min=1, max=128, help="stereo tracks")] = 16,
    seconds: Annotated[float, typer.Option(min=5.0, help="length of the session")] = 60.0,
    model: _Model = _RULE,
    everything: _Everything = False,
    as_json: _JSON = False,
) -> None:
    """Batch rendering in x real time, beside the same loop with a plugin that passes through.

    Example: hybridmix bench render --tracks 16 --json
    """
    with _extras():
        from hybridmix.bench import render

    require_known(model)
    _print(render.measure(tracks, seconds, model, everything=everything), as_json)


@_bench.command("faults")
def faults(
    kills: Annotated[int, typer.Option(min=1, help="how often the service is killed and started anew")] = 100,
    as_json: _JSON = False,
) -> None:
    """Kill, stop, replace and restart the service while 8 live tracks play.

    Example: hybridmix bench faults --kills 20 --json
    """
    from hybridmix.bench import faults

    console = Console(stderr=True)
    with console.status("starting") as line:
        _print(faults.measure(kills, line.update), as_json)


@_bench.command("parity")
def parity(
    seconds: Annotated[float, typer.Option(min=4.0, max=20.0, help="of the demo session")] = 20.0,
    everything: _Everything = False,
    as_json: _JSON = False,
) -> None:
    """Whether a live pass and a render give the same samples, and what happens where they cannot.

    Needs minihost, from the extra dev. Example: hybridmix bench parity --seconds 8 --json
    """
    with _extras():
        from hybridmix.bench import parity

    console = Console(stderr=True)
    with console.status("starting") as line:
        figures = parity.measure(seconds, line.update, everything=everything)
    if as_json:
        typer.echo(json.dumps(figures))
    else:
        _show_parity(figures)
    if not figures["identical"]:
        raise HybridMixError(
            "not every pass gave the same samples with all counters 0; see the passes above."
        )


@_bench.command("chain")
def chain(
    seconds: Annotated[float, typer.Option(min=5.0, help="of audio, as fast as it goes")] = 600.0,
    seed: Annotated[int, typer.Option(min=0, help="what the host does follows from it")] = 1,
    model: _Model = DEFAULT,
    as_json: _JSON = False,
) -> None:
    """All sections on, and a host that starts, stops, mutes, seeks, turns amounts and loads presets at random.

    Needs minihost, from the extra dev. Example: hybridmix bench chain --seconds 60 --seed 7 --json
    """
    with _extras():
        from hybridmix.bench import chain

    require_known(model)
    console = Console(stderr=True)
    with console.status("starting") as line:
        figures = chain.measure(seconds, seed, model, line.update)
    _print(figures, as_json)
    if figures["nonfinite_samples"] or figures["outside_range"] or not figures["recovered_identical"]:
        raise HybridMixError(
            "a sample was not finite, a value outside its range, or the state was not recovered; see the figures above."
        )


@_bench.command("models")
def models(
    tracks: Annotated[
        list[int] | None, typer.Option(min=1, max=128, help="track counts; 1, 8, 32, 64 and 128 if left out")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1.0, help="how long each part takes")] = 60.0,
    network: Annotated[str, typer.Option(help="gain network")] = "alm-mr-plus",
    folder: Annotated[
        Path | None, typer.Option(help="folder with the exported files; the shipped ones if left out")
    ] = None,
    as_json: _JSON = False,
) -> None:
    """Cost of the gain network on one thread, beside the same network in plain torch.

    Needs torch, from the extra export. Example: hybridmix bench models --tracks 32 --seconds 20 --json
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in the service
    with _extras():
        from hybridmix.bench import models

    console = Console(stderr=True)
    with console.status("starting") as line:
        figures = models.measure(
            tracks or [1, 8, 32, 64, 128], seconds, folder or MODELS_FOLDER, network, line.update
        )
    _print(figures, as_json)


@_bench.command("frames")
def frames(
    tracks: Annotated[int, typer.Option(min=1, max=128, help="tracks of one group")] = 32,
    seconds: Annotated[float, typer.Option(min=5.0, help="how long they play")] = 60.0,
    model: _Model = DEFAULT,
    as_json: _JSON = False,
) -> None:
    """What a frame costs the service on one thread with every section on, beside gain alone.

    Example: hybridmix bench frames --tracks 32 --seconds 60 --json
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in the service
    with _extras():
        from hybridmix.bench import frames

    require_known(model)
    console = Console(stderr=True)
    with console.status("starting") as line:
        figures = frames.measure(tracks, seconds, model, line.update)
    _print(figures, as_json)


@contextmanager
def _extras() -> Iterator[None]:
    """Say in one sentence which package a measurement needs."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise InputError(
            f"this measurement needs {error.name}, which is not installed; install the extra: "
            "pip install -e '.[dev]'"
        ) from None


def _show_parity(figures: dict[str, Any]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for name in ("passes", "outside"):
        rows = [{key: value for key, value in row.items() if key != "sha256"} for row in figures.pop(name)]
        table = Table(*rows[0], title=name)
        for row in rows:
            table.add_row(*(str(value) for value in row.values()))
        console.print(table)
    _print(figures, as_json=False)


def _print(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(figures))
        return
    width = max(len(name) for name in figures)
    for name, value in figures.items():
        shown = (
            "  ".join(f"{key} {part}" for key, part in value.items()) if isinstance(value, dict) else value
        )
        typer.echo(f"{name:<{width}}  {shown}")

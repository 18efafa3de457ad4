"""``hybridmix render``: a session file through the real plugin, into a folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from hybridmix.errors import DegradedError, InputError

if TYPE_CHECKING:
    from hybridmix.batch.report import Report

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("render")(render)


def render(
    session: Annotated[Path | None, typer.Argument(help="session file (TOML)")] = None,
    out: Annotated[Path, typer.Option("--out", help="folder for stems, mix, report.json and mix.png")] = Path(
        "out"
    ),
    demo: Annotated[
        bool, typer.Option("--demo", help="render the demo session that ships with HybridMix")
    ] = False,
    plan: Annotated[
        Path | None,
        typer.Option("--plan", help="plan file of hybridmix learn: tracks play it, and no service is needed"),
    ] = None,
    plugin: Annotated[
        Path | None, typer.Option("--plugin", help="HybridMix.vst3; found by itself otherwise")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the report as JSON")] = False,
) -> None:
    """Mix a session with one real plugin per track and write stems, mix, report and picture.

    Example: hybridmix render session.toml --out mixed
    """
    if demo == (session is not None):
        raise InputError(
            "expected either a session file or --demo, for example: hybridmix render session.toml --out mixed"
        )
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in the service
    with needing_batch():
        from hybridmix.batch import MixSession, folder
    with resources.as_file(resources.files("hybridmix") / "demo" / "session.toml") as demo_file:
        path = session if session is not None else demo_file
        folder.check(out)
        mixing = MixSession.from_file(path, plugin=plugin, plan=plan)
        with mixing, progress_bar("mixing") as progress:
            report = mixing.render_to(out, progress)
    if as_json:
        typer.echo(msgspec.json.encode(report).decode())
    else:
        _show(report, out)
    if not report.complete:
        raise DegradedError(f"the render is incomplete: {report.advice}")


@contextmanager
def needing_batch(doing: str = "rendering") -> Iterator[None]:
    """Say how to install the extra that ``doing`` needs where an import inside fails."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise InputError(
            f"{doing} needs {error.name}, which is not installed; install the extra: pip install -e '.[batch]'"
        ) from None


@contextmanager
def progress_bar(doing: str) -> Iterator[Callable[[float], None]]:
    """Show a bar on a terminal's stderr, called ``doing``; gives what takes the fraction done, 0 to 1."""
    columns = (
        TextColumn(doing),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(doing, total=1.0)
        yield lambda done: bar.update(task, completed=done)


def _show(report: Report, out: Path) -> None:
    console = Console(soft_wrap=True, highlight=False)
    table = Table(title=f"{report.session}: {report.model}, {report.x_realtime:.0f} x real time")
    for heading in ("track", "role", "before (LUFS)", "gain (dB)", "after (LUFS)"):
        table.add_column(heading, justify="left" if heading in ("track", "role") else "right")
    for track in report.tracks:
        gain = track.gain_db
        table.add_row(
            track.label,
            {"ai_stem": "AI stem", "live_source": "live source", None: "-"}[track.role],
            _number(track.before.lufs),
            "-" if gain.min is None else f"{_number(gain.min)} … {_number(gain.max)}",
            _number(track.after.lufs),
        )
    console.print(table)
    mix = report.mix
    console.print(f"mix      {_number(mix.lufs)} LUFS, true peak {_number(mix.true_peak_dbtp)} dBTP")
    if report.trim_db_min is not None and report.trim_db_min <= -0.05:
        console.print(
            f"trim     down to {_number(report.trim_db_min)} dB on the whole group, to keep the sum below -1 dBFS"
        )
    for track in report.tracks:
        for finding in track.findings:
            console.print(f"note     {track.label}: {finding}")
    if mix.clipped_samples:
        console.print(f'clipped  {mix.clipped_samples} samples; write bits = "float" to keep them')
    for track in report.tracks:
        for reason in track.reasons:
            # What the gain and the trim do stands in the table and above.
            if reason.section not in ("gain", "headroom"):
                console.print(f"why      {track.label}: {reason.text}")
    mix_file = next(name for name in report.files if name.startswith("mix."))
    console.print(f"listen   {out / mix_file}")
    console.print(f"look     {out / 'mix.png'}")
    console.print(f"read     {out / 'report.json'}")
    console.print(
        "next     change gain_offset_db in a session file and render it, or insert HybridMix in your DAW"
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"

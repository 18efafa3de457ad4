"""``hybridmix serve``: run the service until it is told to stop."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from hybridmix.engine.names import MODELS

__all__ = ["register"]

_EXAMPLE = "Example: hybridmix serve --model equal-loudness"


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(epilog=_EXAMPLE)(serve)


def serve(
    runtime_dir: Annotated[
        Path | None, typer.Option(help="Private folder of the socket and the discovery file.")
    ] = None,
    model: Annotated[str | None, typer.Option(help=f"Gain model: {', '.join(MODELS)}.")] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="Target profile: balanced, vocal-forward, rhythm-forward or a .json file."),
    ] = None,
    max_boost_db: Annotated[
        float | None, typer.Option(help="Most that a gain model may raise a track by, in dB.")
    ] = None,
    tcp: Annotated[
        int | None, typer.Option(help="Port on 127.0.0.1 (0: any free) instead of a local socket.")
    ] = None,
    trace: Annotated[
        Path | None, typer.Option(help="File that gets one record per computed frame and track.")
    ] = None,
    quiet: Annotated[bool | None, typer.Option("--quiet", help="Log warnings and errors only.")] = None,
) -> None:
    """Run the service that the plugins connect to, until SIGTERM or Ctrl-C.

    Options win over the environment (HYBRIDMIX_RUNTIME_DIR, HYBRIDMIX_MODEL, HYBRIDMIX_PROFILE,
    HYBRIDMIX_MAX_BOOST_DB, HYBRIDMIX_TCP, HYBRIDMIX_TRACE, HYBRIDMIX_QUIET).
    """
    # Read by numpy when it is imported: threads that wait for each other cost more than the small products take.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from hybridmix.engine import config, logs
    from hybridmix.engine.server import Server, stopped_by_signals

    settings = config.load(
        {
            "runtime_dir": runtime_dir,
            "model": model,
            "profile": profile,
            "max_boost_db": max_boost_db,
            "tcp": tcp,
            "trace": trace,
            "quiet": quiet,
        },
        os.environ,
    )
    logs.setup(settings.quiet)
    with Server(settings) as server, stopped_by_signals(server.stop):
        typer.echo(f"ready: {server.endpoint} (pid {os.getpid()})")
        server.run()

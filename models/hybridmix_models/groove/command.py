"""``hybridmix models fit-groove``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from hybridmix_models.cli import extra

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("fit-groove")(fit_groove)


def fit_groove(
    data: Annotated[Path, typer.Option("--data", help="the Groove MIDI Dataset: a folder with its info.csv")],
    out: Annotated[
        Path, typer.Option("--out", help="file of the weights")
    ] = Path("models/hybridmix_models/groove/weights.json"),
    most: Annotated[
        int | None, typer.Option("--most", min=1, help="performances of each drummer; all if left out")
    ] = None,
) -> None:
    """Fit what groove foresees a slot by; ``hybridmix models evaluate --processor groove`` says how well.

    Example: hybridmix models fit-groove --data ../shared/data/groove_midi
    """
    with extra():
        from hybridmix_models.groove.fit import examples, weights
        from hybridmix_models.groove.performances import read_performances

    performances = read_performances(data, most=most)
    found = weights(examples(performances))
    drummers = sorted({one.drummer for one in performances})
    text = json.dumps({"performances": len(performances), "drummers": len(drummers), "weights": found}, indent=1)
    out.write_text(text + "\n", encoding="utf-8")
    typer.echo(f"wrote {out}: {len(performances)} performances by {len(drummers)} drummers")

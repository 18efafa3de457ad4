"""``hybridmix models fit-groove`` and ``hybridmix models groove-midi``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from hybridmix.errors import InputError
from hybridmix_models.cli import extra

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("fit-groove")(fit_groove)
    app.command("groove-midi")(groove_midi)


def fit_groove(
    data: Annotated[Path, typer.Option("--data", help="the Groove MIDI Dataset: a folder with its info.csv")],
    out: Annotated[Path, typer.Option("--out", help="file of the weights")] = Path(
        "models/hybridmix_models/groove/weights.json"
    ),
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
    text = json.dumps(
        {"performances": len(performances), "drummers": len(drummers), "weights": found}, indent=1
    )
    out.write_text(text + "\n", encoding="utf-8")
    typer.echo(f"wrote {out}: {len(performances)} performances by {len(drummers)} drummers")


def groove_midi(
    microphones: Annotated[
        list[Path], typer.Argument(help="recordings of close microphones, all from the same sample on")
    ],
    tempo: Annotated[float, typer.Option("--tempo", min=20.0, max=400.0, help="quarter notes per minute")],
    out: Annotated[Path, typer.Option("--out", help="MIDI file to write")],
    first_beat_s: Annotated[
        float, typer.Option("--first-beat", min=0.0, help="where in the recordings a bar begins, s")
    ] = 0.0,
) -> None:
    """Write the groove that a drummer plays as a bar of sixteenths, for the groove templates of a DAW.

    Example: hybridmix models groove-midi kick.wav snare.wav --tempo 96 --out groove.mid
    """
    with extra():
        import numpy as np

        from hybridmix.processors.listening import listen
        from hybridmix.processors.slots import Beat
        from hybridmix_models.data.audio import read_mono, same_length
        from hybridmix_models.data.types import RATE
        from hybridmix_models.groove.midi import profile, write

    tracks = np.stack(same_length([read_mono(path) for path in microphones]))
    late, strength = profile(*listen(tracks[:, round(first_beat_s * RATE) :], Beat(0.0, 0, tempo, RATE)))
    heard = int(np.isfinite(late).sum())
    if not heard:
        raise InputError(
            f"{microphones[0]}: no groove was found; expected close microphones of drums at {tempo:g} BPM, at least two "
            "bars: check --tempo and --first-beat"
        )
    write(out, late, strength, tempo)
    typer.echo(f"wrote {out}: {heard} of 16 sixteenths, {np.nanmean(late):+.1f} ms on the whole")

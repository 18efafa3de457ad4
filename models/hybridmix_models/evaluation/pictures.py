"""Pictures of processors at work, for their pages: ``hybridmix models evaluate --processor NAME --write-docs``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from hybridmix.features.levels import PAST, true_peak
from hybridmix.measures.loudness import loudness_range, short_term
from hybridmix.processors.staging import whole_song
from hybridmix_models.data.types import Song
from hybridmix_models.evaluation import density, staging

__all__ = ["draw_density", "draw_staging"]

_COLOURS = ("#c2491d", "#3b7ea1", "#333333", "#7a9a3a", "#8a5a9e", "#b08a2e")
_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "hybridmix",
}


def draw_staging(song: Song, path: Path) -> None:
    """Draw the live trims of the first stems of ``song`` beside those of the song known as a whole."""
    model = staging.open_model()
    with mpl.rc_context(_STYLE):
        figure = Figure((8.0, 3.4), layout="constrained")
        axes = figure.subplots()
        for stem, colour in zip(song.stems, _COLOURS, strict=False):
            trims = staging.causal_trims(model, stem.audio)
            peak = true_peak(stem.audio[np.newaxis], np.zeros((1, PAST), np.float32))
            whole = whole_song(staging.powers(stem.audio), peak, staging.LEVEL_DBFS)
            time = (np.arange(len(trims)) + 1.0) / 20.0
            label = f"{stem.name}{', held back by its peak' if whole.limited == 'peak' else ''}"
            axes.plot(time, trims, color=colour, label=label)
            axes.axhline(whole.db, color=colour, ls=":", lw=0.9)
        axes.set(
            xlabel="s",
            ylabel="trim, dB",
            title="live (lines) and with the song known (dotted)",
            xlim=(0, None),
        )
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
        _save(figure, path)


def draw_density(song: Song, path: Path) -> None:
    """Draw the short-term loudness of the live source of ``song`` that density narrows most, without and with it."""
    sources = density.live_sources(song)
    dense = density.compressed(sources, 1.0)
    pairs = [
        (density.energies(one), density.energies(other)) for one, other in zip(sources, dense, strict=True)
    ]
    most = max(pairs, key=lambda pair: loudness_range(pair[0]) - loudness_range(pair[1]))
    with mpl.rc_context(_STYLE):
        figure = Figure((8.0, 3.0), layout="constrained")
        axes = figure.subplots()
        for name, energies, colour in zip(("as recorded", "with density"), most, _COLOURS, strict=False):
            values = np.maximum(short_term(energies), -70.0)
            label = f"{name}: loudness range {loudness_range(energies):.1f} LU"
            axes.plot(3.0 + 0.1 * np.arange(len(values)), values, color=colour, label=label)
        axes.set(xlabel="s", ylabel="LUFS over 3 s", title=f"a live source of {song.name}")
        axes.legend(frameon=False, loc="lower right")
        _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})

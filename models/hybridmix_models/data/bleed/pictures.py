"""Pictures of rooms, bleed ratios, and the kit beside its recording, for docs/bleed.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hybridmix_models.data.bleed.kit import DRUMS, MICROPHONES, Comparison, Drum
from hybridmix_models.data.bleed.responses import responses
from hybridmix_models.data.bleed.rooms import Doubles, Room
from hybridmix_models.data.bleed.survey import Found
from hybridmix_models.data.types import RATE

__all__ = ["draw_kit", "draw_ratios", "draw_room"]

_LIVE, _SOFT, _DARK = "#c2491d", "#3b7ea1", "#333333"
_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "hybridmix",
}


def draw_room(room: Room, path: Path, tracks: int = 8) -> None:
    """Draw the plan of ``room``, a response, and its decay."""
    with mpl.rc_context(_STYLE):
        figure = Figure((9.0, 3.2), layout="constrained")
        plan, response, decay = figure.subplots(1, 3)
        plan.set_title(f"{room.size[0]:.1f} × {room.size[1]:.1f} × {room.size[2]:.1f} m")
        for source, microphone in zip(room.sources[:tracks], room.microphones[:tracks], strict=True):
            plan.plot([source[0], microphone[0]], [source[1], microphone[1]], color=_DARK, lw=0.8)
        plan.plot(*room.sources[:tracks, :2].T, "o", color=_LIVE, ms=5, label="source")
        plan.plot(*room.microphones[:tracks, :2].T, "^", color=_SOFT, ms=5, label="its microphone")
        plan.set(xlim=(0, room.size[0]), ylim=(0, room.size[1]), aspect="equal", xlabel="m", ylabel="m")
        plan.legend(loc="upper left", bbox_to_anchor=(0.0, -0.2), ncols=2, frameon=False)

        kernels = responses(room, range(tracks), RATE).astype(np.float64)
        time = np.arange(kernels.shape[-1]) / RATE * 1000.0
        for column, colour, name in ((0, _LIVE, "own reverberation"), (1, _SOFT, "source 2")):
            level = 20.0 * np.log10(np.abs(kernels[0, column]) + 1e-6)
            response.vlines(time[::2], -80.0, np.maximum(level[::2], -80.0), color=colour, lw=0.4)
            response.plot([], [], color=colour, label=name)
        response.plot([0.0], [0.0], "v", color=_DARK, label="own direct sound")
        response.set(xlim=(-2, 120), ylim=(-80, 5), xlabel="ms", ylabel="dB", title="microphone 1")
        response.legend(loc="upper right", frameon=False)

        left = np.cumsum(np.mean(kernels**2, axis=(0, 1))[::-1])[::-1]
        decay.plot(time, 10.0 * np.log10(left / left[0] + 1e-9), color=_SOFT, label="energy left")
        decay.plot(
            [0, room.rt60 * 1000.0], [0, -60], "--", color=_DARK, lw=0.8, label=f"RT60 {room.rt60:.2f} s"
        )
        decay.set(ylim=(-60, 3), xlim=(0, time[-1]), xlabel="ms", ylabel="dB", title="decay, all pairs")
        decay.legend(frameon=False)
        figure.savefig(path, dpi=90)


def draw_ratios(ratios: Mapping[Found, Doubles], known: Mapping[Drum, Doubles], path: Path) -> None:
    """Draw the distribution of ``ratios``, with the ``known`` ranges of the recorded kit."""
    with mpl.rc_context(_STYLE):
        figure = Figure((6.5, 3.0), layout="constrained")
        axes = figure.subplots()
        edges = np.arange(-20.0, 33.0, 2.0)
        for (name, values), colour in zip(ratios.items(), ("#999999", _SOFT, _LIVE), strict=True):
            share = np.histogram(values, edges)[0] / len(values) * 100.0
            axes.stairs(
                share, edges, color=colour, lw=1.6, label=f"{name}: median {np.median(values):.1f} dB"
            )
        top = axes.get_ylim()[1]
        for row, (drum, values) in enumerate(known.items()):
            height = top * (1.06 + 0.08 * row)
            axes.plot([values.min(), values.max()], [height, height], color=_DARK, lw=3)
            axes.text(values.max() + 0.6, height, f"{drum}, recorded", va="center", fontsize=8)
        axes.set(xlabel="own direct sound over everything else in its microphone, dB", ylabel="tracks, %")
        axes.legend(frameon=False, loc="center right", fontsize=8)
        figure.savefig(path, metadata={"Date": None})


def draw_kit(comparison: Comparison, path: Path) -> None:
    """Draw known levels and delays of the kit beside the simulated ones."""
    names = [name.removesuffix("_mic") for name in MICROPHONES]
    with mpl.rc_context(_STYLE):
        figure = Figure((9.0, 3.2), layout="constrained")
        level, delay = figure.subplots(1, 2)
        at = np.arange(len(names), dtype=np.float64)
        _bars(level, at - 0.12, comparison.known_level_db, (0, 50, 100), _DARK, "recorded: six grooves")
        _bars(level, at + 0.12, comparison.level_db, (5, 50, 95), _SOFT, "simulated: 90 % of rooms")
        level.set_xticks(at, names)
        level.set(ylabel="kick over snare, dB\nabove the same in the snare's microphone")
        level.legend(frameon=False)
        for drum, colour in zip(DRUMS, (_LIVE, _SOFT), strict=True):
            known, simulated = comparison.known_delay[drum], comparison.delay[drum]
            delay.plot(known / RATE * 1000.0, simulated / RATE * 1000.0, "o", color=colour, label=drum)
        delay.axline((0.0, 0.0), slope=1.0, color=_DARK, lw=0.8)
        delay.set(xlabel="recorded, ms after the front microphone", ylabel="simulated, ms")
        delay.legend(frameon=False)
        figure.savefig(path, metadata={"Date": None})


def _bars(
    axes: Axes, at: Doubles, values: Doubles, percentiles: Sequence[int], colour: str, name: str
) -> None:
    low, middle, high = np.percentile(values, percentiles, axis=0)
    axes.errorbar(
        at, middle, [middle - low, high - middle], fmt="o", color=colour, ms=4, capsize=2, label=name
    )

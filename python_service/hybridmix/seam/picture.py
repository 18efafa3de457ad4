"""The picture of the seam: every cause before and after the mix."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

from hybridmix.errors import InputError
from hybridmix.seam.causes import Distance

mpl.use("Agg")

from matplotlib import pyplot as plt

__all__ = ["draw"]

_COLOURS = ("0.65", "tab:blue")
#: Characters that fit into a line of a panel.
_NOTE = 22


def draw(path: Path, title: str, distances: Sequence[Distance]) -> None:
    """Draw ``distances`` at ``path`` (PNG), in one step. Raises InputError where it cannot be written."""
    figure, panels = plt.subplots(
        1, len(distances), figsize=(2.3 * len(distances), 3.6), squeeze=False, layout="constrained"
    )
    for panel, distance in zip(panels[0], distances, strict=True):
        panel.set_title(distance.name, fontsize="small")
        panel.set_ylabel(distance.unit)
        if distance.before is None or distance.after is None:
            note = textwrap.fill(distance.note, _NOTE)
            panel.text(0.5, 0.5, note, ha="center", va="center", fontsize="small", transform=panel.transAxes)
            panel.set_xticks([])
            continue
        bars = panel.bar(("before", "after"), (distance.before, distance.after), color=_COLOURS, width=0.6)
        panel.bar_label(bars, fmt="%g", fontsize="small")
        panel.axhline(0.0, color="black", linewidth=0.8)
        panel.margins(y=0.18)
        for side in ("top", "right"):
            panel.spines[side].set_visible(False)
    figure.suptitle(f"{title}: AI bus against live bus")
    partial = path.with_name(f".{path.name}.partial")
    try:
        figure.savefig(partial, format="png", dpi=110)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(
            f"picture {path} cannot be written ({error.strerror}); name a file in a folder that exists."
        ) from None
    finally:
        plt.close(figure)

"""The curves of a run as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

__all__ = ["draw"]


def draw(rows: Sequence[dict[str, float]], title: str, path: Path) -> None:
    """Draw every column of ``rows`` but ``step`` over the steps and write the picture to ``path`` (PNG)."""
    names = sorted({name for row in rows for name in row if name != "step"})
    columns = min(3, len(names))
    lines = -(-len(names) // max(columns, 1))
    figure = Figure(figsize=(4.2 * max(columns, 1), 2.4 * max(lines, 1)), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    for place, name in enumerate(names, start=1):
        axes = figure.add_subplot(lines, columns, place)
        points = [(row["step"], row[name]) for row in rows if name in row]
        steps, values = zip(*points, strict=True)
        validated = name.startswith("validation")
        axes.plot(steps, values, color="#c44e52" if validated else "#4c72b0", linewidth=1.0)
        axes.set_title(name.replace("_", " "), fontsize=9)
        axes.set_xlabel("step", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
    part = path.with_name(path.name + ".part")
    figure.savefig(part, format="png", dpi=110)
    part.replace(path)

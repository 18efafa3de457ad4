"""``mix.png``: the gain of every track and the loudness of the mix over time."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt

mpl.use("Agg")

from matplotlib import pyplot as plt

__all__ = ["Curve", "draw"]

#: Times in s and values in dB.
Curve = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def draw(path: Path, title: str, gains: dict[str, Curve], trim: Curve, loudness: Curve) -> None:
    """Draw the picture of a render at ``path`` (PNG), in one step.

    Args:
        title: name of the session.
        gains: gain per track label.
        trim: trim of the group.
        loudness: short-term loudness (3 s) of the mix in LUFS.
    """
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(11, 7), sharex=True, height_ratios=(2, 1))
    colours = mpl.colormaps["tab20"]
    for index, (label, (times, values)) in enumerate(gains.items()):
        upper.step(times, values, where="post", label=label, color=colours(index % 20), linewidth=1.4)
    upper.step(*trim, where="post", label="group trim", color="black", linestyle="--", linewidth=1.2)
    upper.set_ylabel("gain (dB)")
    upper.set_title(title)
    upper.grid(alpha=0.3)
    upper.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize="small", frameon=False)
    lower.plot(*loudness, color="black", linewidth=1.4)
    lower.set_ylabel("mix, short-term (LUFS)")
    lower.set_xlabel("time (s)")
    lower.grid(alpha=0.3)
    figure.tight_layout()
    partial = path.with_name(f".{path.name}.partial")
    figure.savefig(partial, format="png", dpi=110)
    plt.close(figure)
    partial.replace(path)

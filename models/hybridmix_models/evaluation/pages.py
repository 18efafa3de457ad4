"""The figures as people read them: tables in Markdown, pictures, and their place in docs/models.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from hybridmix.errors import InputError

__all__ = ["table", "write_docs"]

_BEGIN, _END = (
    "<!-- figures: written by hybridmix models evaluate --write-docs -->",
    "<!-- end of figures -->",
)
_CONDITIONS = ("none", "light", "heavy")
#: Colours of the lines of a picture, in the order of the models.
_COLOURS = ("#777777", "#4c72b0", "#55a868", "#8172b3", "#ccb974", "#64b5cd", "#dd8452", "#c44e52", "#000000")

Figures = Mapping[str, Any]


def write_docs(figures: Figures, command: str, page: Path, pictures: Path) -> list[Path]:
    """Write tables into ``page``, between its two marks, and pictures beside them; returns what was written.

    Raises:
        InputError: the page is missing, or has not both marks.
    """
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"page {page} cannot be read ({error.strerror}); restore it from the repository"
        ) from None
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise InputError(
            f"page {page} has no line {_BEGIN!r} followed by {_END!r}; put both where the tables belong"
        )
    drawn = _draw(figures, pictures)
    shown = "\n".join(f"![{alt}]({path.relative_to(page.parent).as_posix()})\n" for path, alt in drawn)
    page.write_text(f"{before}{begin}\n\n{table(figures, command)}\n{shown}\n{end}{after}", encoding="utf-8")
    return [page, *(path for path, _ in drawn)]


def table(figures: Figures, command: str) -> str:
    """Return all tables in Markdown, with what they rest on."""
    lines = []
    for name, about in figures["sets"].items():
        shared = f", {about['shared']}" if about["shared"] else ""
        lines += [f"### {name}", "", f"{about['count']} songs{shared}; rooms `{about['rooms']}`.", ""]
        lines += [*_errors(figures, name), "", *_behaviour(figures, name), ""]
    versions = [
        f"`{name}` {version[:12]}" for name, version in figures["weights_sha256"].items() if _is_hash(version)
    ]
    lines += [f"`{command}`"]
    lines += ["", f"Weights (SHA-256): {', '.join(versions)}."] if versions else []
    return "\n".join(lines) + "\n"


def _errors(figures: Figures, set_name: str) -> list[str]:
    """Gain error and spectral distance by condition."""
    conditions = [name for name in _CONDITIONS if name in figures["conditions"]]
    header = ["model", *(f"gain error, {name} (dB)" for name in conditions)]
    header += [f"MR-STFT, {name}" for name in conditions]
    rows = []
    for model, by_set in figures["models"].items():
        cells = [by_set.get(set_name, {}).get(name) for name in conditions]
        if any(cells):
            errors = [_interval(cell and cell["gain_error_db"]) for cell in cells]
            rows.append([f"`{model}`", *errors, *(_number(cell and cell["mr_stft"], 2) for cell in cells)])
    return _lines(header, rows)


def _behaviour(figures: Figures, set_name: str) -> list[str]:
    """Everything else, in the hardest condition that was scored."""
    condition = [name for name in _CONDITIONS if name in figures["conditions"]][-1]
    header = [
        f"model, bleed: {condition}",
        "percussion (dB)",
        "bass (dB)",
        "jumps, own p99 (dB)",
        "as played, max (dB)",
        "level (LU)",
        "over 0 dBFS",
        "recovery p50 / p90 (s)",
        "open microphone (dB)",
    ]
    rows = []
    for model, by_set in figures["models"].items():
        cell = by_set.get(set_name, {}).get(condition)
        if cell is None:
            continue
        level = _number(cell["level_lu"] and cell["level_lu"]["mean"], 1)
        rows.append(
            [
                f"`{model}`",
                _mean(cell["percussion_gain_error_db"]),
                _mean(cell["bass_gain_error_db"]),
                _number(cell["jump_p99_db"], 2),
                _number(cell["jump_max_db"], 2),
                level if cell["level_counts"] else f"({level})",
                _share(cell["over_0dbfs"]),
                _recovery(cell["recovery_s"]),
                _mean(cell["open_microphone_db"]),
            ]
        )
    return _lines(header, rows)


def _lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows)]


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def _interval(value: Mapping[str, float] | None) -> str:
    if value is None:
        return "–"
    return f"{_number(value['mean'], 2)} ({_number(value['low'], 2)} to {_number(value['high'], 2)})"


def _mean(value: Mapping[str, float] | None) -> str:
    return _number(value["mean"] if value else None, 2)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100.0 * value:.0f} %"


def _recovery(value: Mapping[str, float | None] | None) -> str:
    if value is None:
        return "–"
    return " / ".join("never" if value[name] is None else _number(value[name], 1) for name in ("p50", "p90"))


def _is_hash(text: str) -> bool:
    return len(text) == 64


def _draw(figures: Figures, folder: Path) -> list[tuple[Path, str]]:
    """Draw each set's pictures; returns their paths and what they show."""
    drawn = []
    for set_name in figures["sets"]:
        path = folder / f"models-{set_name}.png"
        picture = _picture(figures, set_name)
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        picture.savefig(part, format="png", dpi=110, metadata={"Software": None})
        part.replace(path)
        drawn.append(
            (path, f"Gain error on {set_name} by bleed, spread of the input levels, and number of tracks")
        )
    return drawn


def _picture(figures: Figures, set_name: str) -> Figure:
    """Gain error by bleed, by level spread and by number of tracks."""
    figure = Figure(figsize=(12.0, 4.4), layout="constrained")
    bleed, levels, tracks = figure.subplots(1, 3, sharey=True)
    for number, (model, by_set) in enumerate(figures["models"].items()):
        cells = by_set.get(set_name, {})
        heavy = cells.get("heavy") or {}
        colour = _COLOURS[number % len(_COLOURS)]
        by_bleed = {name: cells[name] for name in _CONDITIONS if name in cells}
        for axes, points in (
            (bleed, by_bleed),
            (levels, heavy.get("by_level_spread_db", {})),
            (tracks, heavy.get("by_tracks", {})),
        ):
            known = {name: cell["gain_error_db"] for name, cell in points.items() if cell}
            known = {name: value for name, value in known.items() if value}
            if known:
                means = [value["mean"] for value in known.values()]
                spread = [
                    [value["mean"] - value["low"] for value in known.values()],
                    [value["high"] - value["mean"] for value in known.values()],
                ]
                axes.errorbar(list(known), means, spread, label=model, color=colour, capsize=2, linewidth=1.3)
    for axes, title in (
        (bleed, "bleed"),
        (levels, "input levels, ± dB, heavy bleed"),
        (tracks, "tracks, heavy bleed"),
    ):
        axes.set_xlabel(title)
        axes.grid(alpha=0.3)
    bleed.set_ylabel("gain error (dB)")
    bleed.set_ylim(bottom=0.0)
    tracks.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize="small", frameon=False)
    return figure

"""The figures of groove: how well hits are found, and how much nearer an AI stem comes to the drummer."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hybridmix_models.data.generator.grooves import LEFT_OUT, GrooveFile
from hybridmix_models.data.generator.kit import Kit
from hybridmix_models.evaluation.groove import playing
from hybridmix_models.evaluation.groove.bass import plucked
from hybridmix_models.evaluation.groove.hits import CLOSE, Heard, recorded
from hybridmix_models.evaluation.groove.splices import pitch_cents, ratios_db
from hybridmix_models.evaluation.statistics import Interval, clustered_ratio
from hybridmix_models.groove.fit import examples, weights
from hybridmix_models.groove.performances import read_performances

__all__ = ["PER_DRUMMER", "chosen", "evaluate", "table"]

#: Performances of each drummer that are played and listened to.
PER_DRUMMER = 4
_SHORTEST_S = 20.0


def evaluate(
    shared: Path, most: int | None = None, progress: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Return the figures over ``shared``: its groove_midi, leaving one drummer out, and its multimic_drums.

    ``most`` performances of each drummer are played, `PER_DRUMMER` if left out; ``progress`` is called with the name
    of each. Raises InputError.
    """
    folder = shared / "groove_midi"
    performances = read_performances(folder)
    known = examples(performances)
    kit = Kit()
    played: list[playing.Played] = []
    drummers: list[str] = []
    for drummer, files in chosen(folder, most or PER_DRUMMER).items():
        model = playing.session(weights(known, without=drummer))
        for file in files:
            played.append(playing.play(playing.perform(file, kit), model))
            drummers.append(drummer)
            progress(file.name)
    kit_heard = [heard for one in played for heard in one.heard]
    basses = plucked()
    return {
        "processor": "groove",
        "control_delay_ms": round(1000.0 * playing.DELAY_S),
        "limit_ms": 5.0,
        "constant_limit_ms": playing.CONSTANT_MS,
        "performances_fitted": len(performances),
        "performances_played": len(played),
        "drummers": len(set(drummers)),
        "slots": sum(len(one.before) for one in played),
        **_onsets(recorded(shared / "multimic_drums")),
        "detail_onsets_sampled_kit": _onsets(kit_heard),
        "detail_onsets_bass": {
            **_figures(basses),
            "onset_by_bass": {one.drum: _figures([one]) for one in basses},
        },
        "detail_onsets_bass_as_drums": _figures(plucked(as_bass=False)),
        "asynchrony_ms_before": round(float(np.concatenate([one.before for one in played]).mean()), 3),
        **_asynchrony(played, drummers, 5.0),
        "detail_limit_10": _asynchrony(played, drummers, 10.0),
        "detail_limit_20": _asynchrony(played, drummers, 20.0),
        **ratios_db(),
        "pitch_cents": pitch_cents(),
    }


def chosen(folder: Path, most: int) -> dict[str, list[GrooveFile]]:
    """Return ``most`` performances of each drummer in 4/4, evenly from the list of their names."""
    with (folder / "info.csv").open(encoding="utf-8", newline="") as lines:
        rows = [
            row
            for row in csv.DictReader(lines)
            if row["beat_type"] == "beat"
            and row["time_signature"] == "4-4"
            and row["midi_filename"] not in LEFT_OUT
            and float(row["duration"]) >= _SHORTEST_S
            and (folder / row["midi_filename"]).is_file()
        ]
    found: dict[str, list[GrooveFile]] = {}
    for drummer in sorted({row["drummer"] for row in rows}):
        own = sorted((row for row in rows if row["drummer"] == drummer), key=lambda row: row["midi_filename"])
        chosen = np.unique(np.linspace(0, len(own) - 1, min(most, len(own))).round().astype(int))
        found[drummer] = [
            GrooveFile(name, folder / name, float(own[at]["bpm"]), float(own[at]["duration"]))
            for at in chosen.tolist()
            for name in [own[at]["midi_filename"]]
        ]
    return found


def _onsets(heard: Sequence[Heard]) -> dict[str, Any]:
    """Return the figures of kick and snare together, and by drum."""
    by_drum = {drum: _figures([one for one in heard if one.drum == drum]) for drum in CLOSE}
    return {**_figures(heard), "onset_by_drum": by_drum}


def _figures(heard: Sequence[Heard]) -> dict[str, float]:
    errors = np.abs(np.concatenate([one.errors for one in heard])) * 1000.0
    return {
        "onset_error_ms_median": round(float(np.median(errors)), 3),
        "onset_error_ms_p95": round(float(np.percentile(errors, 95)), 3),
        "onset_recall": round(len(errors) / sum(one.played for one in heard), 4),
        "onset_precision": round(len(errors) / sum(one.told for one in heard), 4),
    }


def _asynchrony(played: Sequence[playing.Played], drummers: Sequence[str], limit_ms: float) -> dict[str, Any]:
    """Return how the mean asynchrony changes, and how it does beside the running constant."""

    def change(after: Sequence[Any], before: Sequence[Any]) -> dict[str, float]:
        ratio = clustered_ratio([one.sum() for one in after], [one.sum() for one in before], drummers)
        return Interval(ratio.mean - 1.0, ratio.low - 1.0, ratio.high - 1.0).rounded()

    before = [one.before for one in played]
    constant = [one.causal[0.0] for one in played]
    causal, plan = [one.causal[limit_ms] for one in played], [one.plan[limit_ms] for one in played]
    return {
        "asynchrony_change_constant": change(constant, before),
        "asynchrony_change_causal": change(causal, before),
        "asynchrony_vs_constant_causal": change(causal, constant),
        "asynchrony_change_plan": change(plan, before),
        "asynchrony_vs_constant_plan": change(plan, constant),
    }


def table(figures: dict[str, Any]) -> str:
    """Return ``figures`` as a table of Markdown."""

    def shown(found: dict[str, float]) -> str:
        return " ".join(f"{100.0 * found[name]:.1f} %" for name in ("mean", "low", "high"))

    heard = [
        (f"{name}, {drum}", one)
        for name, part in (("recorded kit", figures), ("sampled kit", figures["detail_onsets_sampled_kit"]))
        for drum, one in (("both", part), *part["onset_by_drum"].items())
    ]
    heard.append(("sampled basses", figures["detail_onsets_bass"]))
    heard.append(("sampled basses, heard as drums", figures["detail_onsets_bass_as_drums"]))
    rows = [
        (
            f"onsets, {name}: recall, precision, median, p95",
            "{onset_recall:.2f}, {onset_precision:.2f}, "
            "{onset_error_ms_median:.2f} ms, {onset_error_ms_p95:.1f} ms".format(**one),
        )
        for name, one in heard
    ]
    for limit, part in ((5, figures), (10, figures["detail_limit_10"]), (20, figures["detail_limit_20"])):
        rows += [
            (f"±{limit} ms: {name}", shown(part[name]))
            for name in part
            if name.startswith("asynchrony_") and isinstance(part[name], dict)
        ]
    rows += [(name, f"{figures[name]} ") for name in ("sdr_db_286_ms", "sdr_db_143_ms", "pitch_cents")]
    return "\n".join(
        ["| what | figure |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)]
    )

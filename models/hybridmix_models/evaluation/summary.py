"""Scores of many scenes to the keys of ``hybridmix models evaluate --json`` (docs/models.md)."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from hybridmix_models.evaluation.movement import percentile_db
from hybridmix_models.evaluation.scenarios import CROWDS, OFFSETS_DB, SPREAD_DB, SPREADS_DB
from hybridmix_models.evaluation.score import Score
from hybridmix_models.evaluation.statistics import clustered_mean, clustered_ratio

__all__ = ["LEVEL_LU", "comparisons", "summary"]

Figures = dict[str, Any]

#: A result counts when the mean difference in loudness of its mixes from the references is within this, LU.
LEVEL_LU = 2.0
#: Track counts of the songs as they are.
_COUNTS = ((2, 3), (4, 8), (9, 14), (15, 20))


def summary(scores: Iterable[Score]) -> Figures:
    """Return ``models.<name>.<set>.<condition>`` of all ``scores``."""
    groups: dict[tuple[str, str, str], list[Score]] = defaultdict(list)
    for one in scores:
        groups[one.model, one.set_name, one.condition].append(one)
    models: Figures = {}
    for (model, set_name, condition), members in groups.items():
        models.setdefault(model, {}).setdefault(set_name, {})[condition] = _figures(members)
    return models


def comparisons(scores: Iterable[Score]) -> Figures:
    """Return ``<set>.<condition>.<figure>.<a>.<b>``: a less b over the scenes that both mixed, paired.

    Smaller is better in every figure compared, so ``ahead`` names a or b only where the interval excludes 0.
    """
    values: dict[tuple[str, str], dict[str, dict[str, Score]]] = defaultdict(lambda: defaultdict(dict))
    for one in scores:
        if one.row == "base":
            values[one.set_name, one.condition][one.model][one.song] = one
    result: Figures = {}
    for (set_name, condition), models in values.items():
        for figure, (a, b) in itertools.product(
            ("gain_error_db", "mr_stft"), itertools.permutations(models, 2)
        ):
            compared = _compared(figure, models[a], models[b])
            if compared is not None:
                ahead = {-1: a, 1: b}.get(compared.pop("sign"))
                place = result.setdefault(set_name, {}).setdefault(condition, {}).setdefault(figure, {})
                place.setdefault(a, {})[b] = compared | {"ahead": ahead}
    return result


def _compared(figure: str, first: dict[str, Score], second: dict[str, Score]) -> Figures | None:
    songs = [
        song
        for song in first.keys() & second.keys()
        if figure in first[song].figures and figure in second[song].figures
    ]
    if not songs:
        return None
    songs.sort()
    ours = [first[song].figures[figure] for song in songs]
    theirs = [second[song].figures[figure] for song in songs]
    clusters = _clusters([first[song] for song in songs])
    difference = clustered_mean([a - b for a, b in zip(ours, theirs, strict=True)], clusters)
    return {
        "difference": difference.rounded(),
        "ratio": clustered_ratio(ours, theirs, clusters).rounded() if min(theirs) > 0.0 else None,
        "scenes": len(songs),
        "sign": int(math.copysign(1, difference.mean)) if difference.excludes_zero else 0,
    }


def _figures(scores: Sequence[Score]) -> Figures:
    rows: dict[str, list[Score]] = defaultdict(list)
    for one in scores:
        rows[one.row].append(one)
    base = rows["base"]
    level = _mean(base, "level_lu")
    spectral = _mean(base, "mr_stft")
    jumps = _jumps(base)
    return {
        "scenes": len(base),
        "clusters": len(set(_clusters(base))),
        "gain_error_db": _mean(base, "gain_error_db"),
        "unlimited_gain_error_db": _mean(base, "unlimited_error_db"),
        "percussion_gain_error_db": _mean(base, "percussion_error_db"),
        "bass_gain_error_db": _mean(base, "bass_error_db"),
        "mr_stft": spectral and spectral["mean"],
        "mr_stft_interval": spectral,
        "level_lu": level,
        "level_counts": level is not None and abs(level["mean"]) <= LEVEL_LU,
        "level_within": _share([abs(one.figures["level_lu"]) <= LEVEL_LU for one in base]),
        "jump_p99_db": jumps["output"]["p99"],
        "jump_max_db": jumps["played"]["max"],
        "jumps_db": jumps,
        "over_0dbfs": _share([one.figures["over_late"] for one in base]),
        "over_0dbfs_first_2s": _share([one.figures["over_early"] for one in base]),
        "recovery_s": _recovery(rows["steps"]),
        "steps_over_0dbfs": _step_peaks(rows["steps"]),
        "open_microphone_db": _rises(rows["open"]),
        "by_level_spread_db": _by_spread(rows),
        "by_level_offset_db": {f"{offset:g}": _short(rows[f"offset {offset:g}"]) for offset in OFFSETS_DB},
        "by_tracks": _by_tracks(rows),
    }


def _by_spread(rows: dict[str, list[Score]]) -> Figures:
    scenes = {spread: rows[f"spread {spread:g}"] for spread in SPREADS_DB} | {SPREAD_DB: rows["base"]}
    return {f"{spread:g}": _short(scenes[spread]) for spread in sorted(scenes)}


def _by_tracks(rows: dict[str, list[Score]]) -> Figures:
    """Songs as they are by their track counts, and what was put together from several."""
    result = {}
    for low, high in _COUNTS:
        name = f"{low}-{high}"
        scenes = [one for one in rows["base"] if low <= one.tracks <= high]
        result[name] = _short(scenes + (rows[f"tracks {name}"] if name in CROWDS else []))
    return result


def _short(scores: Sequence[Score]) -> Figures | None:
    if not scores:
        return None
    return {
        "scenes": len(scores),
        "gain_error_db": _mean(scores, "gain_error_db"),
        "over_0dbfs": _share([one.figures["over_late"] for one in scores]),
    }


def _mean(scores: Sequence[Score], name: str) -> dict[str, float] | None:
    """Return the mean of a figure over scenes with its interval; None where no scene has it."""
    known = [one for one in scores if name in one.figures]
    return clustered_mean([one.figures[name] for one in known], _clusters(known)).rounded() if known else None


def _clusters(scores: Sequence[Score]) -> list[str]:
    """Return what is drawn as a whole: what songs share, or the songs where all share one thing."""
    clusters = [one.cluster for one in scores]
    return clusters if len(set(clusters)) > 1 else [one.song for one in scores]


def _share(flags: Sequence[float]) -> float | None:
    return round(float(np.mean(flags)), 4) if flags else None


def _jumps(scores: Sequence[Score]) -> Figures:
    """Pooled over all tracks and frames of all scenes."""
    return {
        name: {
            "p99": percentile_db([one.changes[name] for one in scores if name in one.changes], 99.0),
            "max": _largest(scores, f"{name}_max_db"),
        }
        for name in ("output", "output_entrance", "played", "played_entrance", "trim")
    }


def _largest(scores: Sequence[Score], name: str) -> float | None:
    values = [one.figures[name] for one in scores if name in one.figures]
    return round(max(values), 4) if values else None


def _recovery(scores: Sequence[Score]) -> Figures | None:
    """Quantiles of the seconds to recover; None is infinite, because JSON has no such number."""
    times = [seconds for one in scores for seconds in one.recoveries_s]
    if not times:
        return None
    p50, p90 = np.quantile(times, [0.5, 0.9], method="higher")
    return {
        "p50": round(float(p50), 3) if np.isfinite(p50) else None,
        "p90": round(float(p90), 3) if np.isfinite(p90) else None,
        "never": _share([math.isinf(seconds) for seconds in times]),
        "steps": len(times),
    }


def _step_peaks(scores: Sequence[Score]) -> Figures | None:
    if not scores:
        return None
    return {
        "share": _share([one.figures["over_late"] for one in scores]),
        "longest_s": round(max(one.figures["over_late_s"] for one in scores), 4),
        "highest_db": round(max(one.figures["over_late_db"] for one in scores), 2),
    }


def _rises(scores: Sequence[Score]) -> Figures | None:
    mean = _mean(scores, "rise_db")
    if mean is None:
        return None
    rises = [one.figures["rise_db"] for one in scores]
    return mean | {"p90": round(float(np.percentile(rises, 90)), 3), "max": round(max(rises), 3)}

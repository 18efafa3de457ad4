"""The figures of breath: how much nearer the movement comes, and what that costs (docs/metrics.md, Breath)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybridmix.engine.models import Session
from hybridmix.measures.movement import WARM_UP, distance_db, energies, movement_db, sounding
from hybridmix_models.data.types import FRAME
from hybridmix_models.evaluation.breath import playing
from hybridmix_models.evaluation.breath.pairs import Excerpt
from hybridmix_models.evaluation.sound import loudness_lufs
from hybridmix_models.evaluation.statistics import Interval, clustered_percentile, clustered_ratio

__all__ = ["DEPTH_DB", "evaluate", "table"]

DEPTH_DB = 2.5


@dataclass(frozen=True, slots=True)
class _Scored:
    """One pair: distances before and after, dB, change of loudness, LU, and of mean power, dB, largest gain, dB."""

    song: str
    before: float
    after: float
    louder: float
    stronger: float
    largest: float
    #: Whether the live source moves more in at least half of the bands.
    lacking: bool


def evaluate(
    pairs: Sequence[tuple[Excerpt, Excerpt]], progress: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Return the figures over ``pairs`` of a live source and an AI stem.

    ``progress`` is called with the name of each pair done.
    """
    model = playing.open_model()
    scored = []
    for live, ai in pairs:
        scored.append(_score(model, live, ai))
        progress(f"{live.song} {live.name} {ai.name}")
    lacking = [one for one in scored if one.lacking]
    songs = [one.song for one in scored]
    return {
        "processor": "breath",
        "depth_db": DEPTH_DB,
        "control_delay_ms": round(1000.0 * playing.DELAY_S),
        "warm_up_s": WARM_UP // 20,
        "pairs": len(scored),
        "songs": sorted(set(songs)),
        "distance_db_before": round(float(np.mean([one.before for one in scored])), 3),
        "modulation_change_causal": _change(scored).rounded(),
        "pairs_lacking": len(lacking),
        "modulation_change_causal_lacking": _change(lacking).rounded() if lacking else None,
        "loudness_change_lu_p95_causal": clustered_percentile(
            [abs(one.louder) for one in scored], songs, 95.0
        ).rounded(),
        "power_change_db_p95_causal": clustered_percentile(
            [abs(one.stronger) for one in scored], songs, 95.0
        ).rounded(),
        "largest_gain_db": round(max(one.largest for one in scored), 4),
    }


def _score(model: Session, live: Excerpt, ai: Excerpt) -> _Scored:
    given, energy = energies(live.audio), energies(ai.audio)
    gains = playing.decide(model, energy, given, DEPTH_DB)
    played = playing.played(ai.audio, gains)
    wanted, sounds = movement_db(given, sounding(given)), sounding(energy)
    heard = energies(played)
    before, after = movement_db(energy, sounds), movement_db(heard, sounds)
    settled = slice(WARM_UP * FRAME, None)
    return _Scored(
        song=live.song,
        before=distance_db(before, wanted),
        after=distance_db(after, wanted),
        louder=loudness_lufs(played[settled]) - loudness_lufs(ai.audio[settled]),
        stronger=float(10.0 * np.log10(heard[WARM_UP:].sum() / energy[WARM_UP:].sum())),
        largest=float(np.abs(gains).max()),
        lacking=bool((wanted > before).sum() >= len(wanted) / 2),
    )


def _change(scored: Sequence[_Scored]) -> Interval:
    """Return the relative change of the mean distance."""
    ratio = clustered_ratio(
        [one.after for one in scored], [one.before for one in scored], [one.song for one in scored]
    )
    return Interval(ratio.mean - 1.0, ratio.low - 1.0, ratio.high - 1.0)


def table(figures: dict[str, Any]) -> str:
    """Return ``figures`` as a table of Markdown."""

    def shown(interval: dict[str, float] | None, unit: str, scale: float) -> str:
        if interval is None:
            return "–"
        mean, low, high = (scale * interval[name] for name in ("mean", "low", "high"))
        return f"{mean:.2f} {unit} ({low:.2f} to {high:.2f})"

    return "\n".join(
        [
            f"{figures['pairs']} pairs of {len(figures['songs'])} songs, depth {figures['depth_db']:g} dB, "
            f"control delay {figures['control_delay_ms']} ms, {figures['warm_up_s']} s of warm-up",
            "| what | figure |",
            "| --- | --- |",
            f"| modulation distance before | {figures['distance_db_before']:.2f} dB |",
            f"| its change | {shown(figures['modulation_change_causal'], '%', 100.0)} |",
            f"| its change, {figures['pairs_lacking']} pairs in which the live source moves more | "
            f"{shown(figures['modulation_change_causal_lacking'], '%', 100.0)} |",
            f"| change of loudness, 95th percentile | {shown(figures['loudness_change_lu_p95_causal'], 'LU', 1.0)} |",
            f"| change of mean power, 95th percentile | {shown(figures['power_change_db_p95_causal'], 'dB', 1.0)} |",
            f"| largest gain | {figures['largest_gain_db']:.3f} dB |",
        ]
    )

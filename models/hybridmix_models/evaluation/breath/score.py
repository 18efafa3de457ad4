"""The figures of breath: how much nearer the movement comes, and what that costs (docs/metrics.md, Breath)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hybridmix.engine.models import Session
from hybridmix.measures.movement import WARM_UP, distance_db, energies, movement_db, sounding
from hybridmix.processors.swell import FLICKER, LFO, STILL
from hybridmix_models.data.types import FRAME, Floats
from hybridmix_models.evaluation.breath import playing
from hybridmix_models.evaluation.breath.pairs import Excerpt, levelled
from hybridmix_models.evaluation.freezing import frozen
from hybridmix_models.evaluation.sound import loudness_lufs
from hybridmix_models.evaluation.statistics import Interval, clustered_percentile, clustered_ratio

__all__ = ["DEPTH_DB", "evaluate", "table"]

DEPTH_DB = 2.5
#: Depth at which a plan is measured beside that.
_DEEP_DB = 5.0


class Way(NamedTuple):
    """What is asked of breath, as the service foresees it or with the song known."""

    depth_db: float = DEPTH_DB
    plan: bool = False
    both_ways: bool = False
    sustained: int = STILL


#: By the end of their keys: for the stems as they are, and for the same without the movement of their level.
WAYS = {
    "causal": Way(),
    "causal_both": Way(both_ways=True),
    "plan": Way(plan=True),
    "plan_5_db": Way(_DEEP_DB, plan=True),
}
SUSTAINED = {
    "sustained": Way(),
    "sustained_1_f": Way(sustained=FLICKER),
    "sustained_lfo": Way(sustained=LFO),
    "sustained_1_f_plan": Way(plan=True, sustained=FLICKER),
}


@dataclass(frozen=True, slots=True)
class _Played:
    """A stem as it was played: its distance, dB, change of loudness, LU, and of mean power, dB, largest gain, dB."""

    distance: float
    louder: float
    stronger: float
    largest: float


@dataclass(frozen=True, slots=True)
class _Scored:
    """One pair: the distance before, dB, and what became of it."""

    song: str
    before: float
    #: By way, see `WAYS` and `SUSTAINED`.
    played: dict[str, _Played]
    #: Whether the live source moves more in at least half of the bands.
    lacking: bool


def evaluate(
    pairs: Sequence[tuple[Excerpt, Excerpt]], progress: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Return the figures over ``pairs`` of a live source and an AI stem.

    ``progress`` is called with the name of each pair done.
    """
    model = playing.open_model()
    scored, sustained = [], []
    for live, ai in pairs:
        scored.append(_score(model, live, ai, WAYS))
        sustained.append(_score(model, live, levelled(ai), SUSTAINED))
        progress(f"{live.song} {live.name} {ai.name}")
    lacking = [one for one in scored if one.lacking]
    songs = [one.song for one in scored]
    figures: dict[str, Any] = {
        "processor": "breath",
        "depth_db": DEPTH_DB,
        "control_delay_ms": round(1000.0 * playing.DELAY_S),
        "warm_up_s": WARM_UP // 20,
        "pairs": len(scored),
        "songs": sorted(set(songs)),
        "distance_db_before": round(float(np.mean([one.before for one in scored])), 3),
        "pairs_lacking": len(lacking),
        "distance_db_before_sustained": round(float(np.mean([one.before for one in sustained])), 3),
    }
    for way in WAYS:
        figures[f"modulation_change_{way}_lacking"] = _change(lacking, way).rounded() if lacking else None
    for way in (*WAYS, *SUSTAINED):
        those = scored if way in WAYS else sustained
        played = [one.played[way] for one in those]
        figures |= {
            f"modulation_change_{way}": _change(those, way).rounded(),
            f"loudness_change_lu_p95_{way}": clustered_percentile(
                [abs(one.louder) for one in played], songs, 95.0
            ).rounded(),
            f"power_change_db_p95_{way}": clustered_percentile(
                [abs(one.stronger) for one in played], songs, 95.0
            ).rounded(),
        }
        figures[_largest(way)] = round(max(one.largest for one in played), 4)
    return figures


def _score(model: Session, live: Excerpt, ai: Excerpt, ways: Mapping[str, Way]) -> _Scored:
    given, energy = energies(live.audio), energies(ai.audio)
    wanted, sounds = movement_db(given, sounding(given)), sounding(energy)
    before = movement_db(energy, sounds)
    settled = slice(WARM_UP * FRAME, None)

    def judged(played: Floats, gains: npt.NDArray[np.float64]) -> _Played:
        heard = energies(played)
        return _Played(
            distance=distance_db(movement_db(heard, sounds), wanted),
            louder=loudness_lufs(played[settled]) - loudness_lufs(ai.audio[settled]),
            stronger=float(10.0 * np.log10(heard[WARM_UP:].sum() / energy[WARM_UP:].sum())),
            largest=float(np.abs(gains).max()),
        )

    def through(way: Way) -> _Played:
        if way.plan:
            curve = playing.planned(energy, given, way.depth_db, way.sustained)
            return judged(frozen(ai.audio, {"breath_db": curve}), curve)
        gains = playing.decide(
            model, energy, given, way.depth_db, both_ways=way.both_ways, sustained=way.sustained
        )
        return judged(playing.played(ai.audio, gains), gains)

    return _Scored(
        song=live.song,
        before=distance_db(before, wanted),
        played={name: through(way) for name, way in ways.items()},
        lacking=bool((wanted > before).sum() >= len(wanted) / 2),
    )


def _change(scored: Sequence[_Scored], way: str) -> Interval:
    """Return the relative change of the mean distance."""
    ratio = clustered_ratio(
        [one.played[way].distance for one in scored],
        [one.before for one in scored],
        [one.song for one in scored],
    )
    return Interval(ratio.mean - 1.0, ratio.low - 1.0, ratio.high - 1.0)


def table(figures: dict[str, Any]) -> str:
    """Return ``figures`` as a table of Markdown."""

    def shown(interval: dict[str, float] | None, unit: str, scale: float) -> str:
        if interval is None:
            return "–"
        mean, low, high = (scale * interval[name] for name in ("mean", "low", "high"))
        return f"{mean:.2f} {unit} ({low:.2f} to {high:.2f})"

    def rows(ways: Mapping[str, Way]) -> list[str]:
        kinds = [("change of the modulation distance", "modulation_change_{}", "%", 100.0)]
        if ways is WAYS:
            lacking = f"the same, {figures['pairs_lacking']} pairs in which the live source moves more"
            kinds.append((lacking, "modulation_change_{}_lacking", "%", 100.0))
        kinds += [
            ("change of loudness, 95th percentile", "loudness_change_lu_p95_{}", "LU", 1.0),
            ("change of mean power, 95th percentile", "power_change_db_p95_{}", "dB", 1.0),
        ]
        cells = [
            (what, *(shown(figures[key.format(way)], unit, scale) for way in ways))
            for what, key, unit, scale in kinds
        ]
        largest = (f"{figures[_largest(way)]:.3f} dB" for way in ways)
        titles = ("what", *(way.replace("_", " ") for way in ways))
        every: list[Sequence[str]] = [titles, ["---"] * len(titles), *cells, ("largest gain", *largest)]
        return ["| " + " | ".join(line) + " |" for line in every]

    return "\n".join(
        [
            f"{figures['pairs']} pairs of {len(figures['songs'])} songs, depth {figures['depth_db']:g} dB, "
            f"control delay {figures['control_delay_ms']} ms, {figures['warm_up_s']} s of warm-up",
            *rows(WAYS),
            f"modulation distance before: {figures['distance_db_before']:.2f} dB",
            "",
            "the same stems without the movement of their level",
            *rows(SUSTAINED),
            f"modulation distance before: {figures['distance_db_before_sustained']:.2f} dB",
        ]
    )


def _largest(way: str) -> str:
    """Return the key of the largest gain of a way."""
    return "largest_gain_db" if way == "causal" else f"largest_gain_db_{way}"

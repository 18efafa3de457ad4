"""The figures of staging: how near every stem comes to the session's level (docs/metrics.md, Staging)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr

import hybridmix
from hybridmix.batch.findings import delivery
from hybridmix.engine.hops import Frame, UserValues
from hybridmix.engine.models import Session
from hybridmix.features import KWeighting
from hybridmix.features.levels import PAST, Doubles, level_dbfs, power, true_peak
from hybridmix.measures.loudness import integrated
from hybridmix.processors.staging import CEILING_DBTP, Staging, whole_song
from hybridmix_models.data.types import FRAME, RATE, Floats, Song
from hybridmix_models.evaluation.freezing import frozen
from hybridmix_models.evaluation.sound import loudness_lufs
from hybridmix_models.evaluation.statistics import clustered_percentile

__all__ = ["LEVEL_DBFS", "causal_trims", "evaluate", "open_model", "powers", "table"]

LEVEL_DBFS = -18.0
#: Seconds of sound after which the causal trim is looked at.
_AFTER_S = (5, 10, 20, 40)
#: Quieter stems are not measured.
_SILENCE_LUFS = -60.0
#: Roles of sequenced stems that stand in for generated ones.
_STANDIN = frozenset({"synth", "pad", "keys", "arp", "pluck", "mallet", "bass"})


@dataclass(frozen=True, slots=True)
class _Scored:
    """One stem; decibels."""

    song: str
    #: Level of the frozen stem, from -18 dBFS; what limited it; its true peak after.
    level: float
    limited: str
    peak_after: float
    #: Causal trim minus that of the whole song, after `_AFTER_S` and at the end.
    causal: tuple[float, ...]
    #: Loudness and true peak minus those of a reference meter.
    loudness: float
    true_peak: float
    findings: int
    standin: bool


def open_model() -> Session:
    """Return the model that ships."""
    return Session(Path(hybridmix.__file__).parent / "models" / "staging.onnx")


def powers(audio: Floats) -> Doubles:
    """Return the mean square of each whole frame of mono ``audio`` (samples,) at `RATE`."""
    frames = audio[: len(audio) // FRAME * FRAME].reshape(-1, FRAME)
    return np.array([power(frame[np.newaxis]) for frame in frames])


def causal_trims(model: Session, audio: Floats, level_db: float = LEVEL_DBFS) -> Doubles:
    """Return what the service tells the plugin after every frame of mono ``audio`` at `RATE`, (T,) dB."""
    staging = Staging(model)
    staging.clear(0)
    slots, user = np.zeros(1, np.intp), UserValues()
    amount, target = np.ones(1, np.float32), np.full(1, level_db, np.float32)
    trims = np.zeros(len(audio) // FRAME)
    for index in range(len(trims)):
        heard = audio[np.newaxis, index * FRAME : (index + 1) * FRAME]
        frame = Frame(0, (index + 1) * FRAME, heard, user)
        staged = staging.step(slots, [frame], amount=amount, target_db=target, level=False)
        if staged is not None and staged.said is not None:
            trims[index] = staged.said.values["staging_db"][0]
    return trims


def evaluate(songs: Iterable[Song], progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Return the figures over every stem of ``songs``; ``progress`` is called with the name of each stem done."""
    model, scored = open_model(), []
    for song in songs:
        for stem in song.stems:
            if loudness_lufs(stem.audio) > _SILENCE_LUFS:
                scored.append(_score(model, song.name, stem.audio, stem.role in _STANDIN))
            progress(f"{song.name} {stem.name}")
    return _figures(scored)


def _score(model: Session, song: str, audio: Floats, standin: bool) -> _Scored:
    found, highest = powers(audio), true_peak(audio[np.newaxis], np.zeros((1, PAST), np.float32))
    whole = whole_song(found, highest, LEVEL_DBFS)
    trimmed = frozen(audio, {"staging_db": np.full(len(found), whole.db)})
    reference = 20.0 * float(np.log10(np.abs(soxr.resample(audio, RATE, 4 * RATE)).max()))
    trims = causal_trims(model, audio)
    sounded = np.cumsum(found > 10.0 ** (max(-60.0, 10.0 * np.log10(found.max()) - 30.0) / 10.0)) / 20.0
    after = [trims[np.searchsorted(sounded[:-1], seconds)] - whole.db for seconds in (*_AFTER_S, 10**6)]
    weighting = KWeighting(RATE)
    whole_hops = audio[: len(audio) // weighting.hop * weighting.hop]
    squares, _ = weighting.squares(whole_hops[np.newaxis], np.zeros((1, *weighting.STATE_SHAPE)))
    hops = squares[0][: squares.shape[1] // 10 * 10].reshape(-1, 10).sum(axis=1) / (10 * weighting.hop)
    lufs = integrated(hops)
    return _Scored(
        song=song,
        level=level_dbfs(powers(trimmed)) - LEVEL_DBFS,
        limited=whole.limited,
        peak_after=20.0 * float(np.log10(true_peak(trimmed[np.newaxis], np.zeros((1, PAST), np.float32)))),
        causal=tuple(float(one) for one in after),
        loudness=lufs - loudness_lufs(audio),
        true_peak=20.0 * float(np.log10(highest)) - reference,
        findings=len(delivery("ai_stem", lufs, 20.0 * float(np.log10(np.abs(audio).max())))),
        standin=standin,
    )


def _figures(scored: list[_Scored]) -> dict[str, Any]:
    songs = [one.song for one in scored]
    free = [one for one in scored if not one.limited]
    stands_in = [one for one in scored if one.standin]
    names = (*(f"{seconds}_s" for seconds in _AFTER_S), "end")
    causal = {
        name: {
            which: clustered_percentile([abs(one.causal[index]) for one in scored], songs, share).rounded()
            for which, share in (("median", 50.0), ("p95", 95.0))
        }
        for index, name in enumerate(names)
    }
    return {
        "processor": "staging",
        "level_dbfs": LEVEL_DBFS,
        "stems": len(scored),
        "songs": sorted(set(songs)),
        "level_error_db_plan_max": round(max(abs(one.level) for one in free), 4) if free else None,
        "limited_by_peak": sum(one.limited == "peak" for one in scored),
        "limited_by_range": sum(one.limited == "range" for one in scored),
        "level_short_db_limited": [round(-one.level, 2) for one in scored if one.limited],
        "true_peak_dbtp_plan_max": round(max(one.peak_after for one in scored), 4),
        "ceiling_dbtp": CEILING_DBTP,
        "trim_error_db_causal": causal,
        "loudness_error_lu_max": round(max(abs(one.loudness) for one in scored), 4),
        "true_peak_error_db_max": round(max(abs(one.true_peak) for one in scored), 4),
        "standins_off_delivery": sum(one.findings > 0 for one in stands_in),
        "standins": len(stands_in),
    }


def table(figures: dict[str, Any]) -> str:
    """Return ``figures`` as a table of Markdown."""
    rows = [
        (
            "level of frozen stems that nothing limits, from the target, worst",
            figures["level_error_db_plan_max"],
            "dB",
        ),
        ("stems held back by their true peak", figures["limited_by_peak"], ""),
        ("true peak afterwards, highest", figures["true_peak_dbtp_plan_max"], "dBTP"),
        ("loudness beside pyloudnorm, worst", figures["loudness_error_lu_max"], "LU"),
        ("true peak beside soxr at 4x, worst", figures["true_peak_error_db_max"], "dB"),
        (
            "stand-ins off -14 LUFS or -1 dBFS",
            f"{figures['standins_off_delivery']} of {figures['standins']}",
            "",
        ),
    ]
    for name, one in figures["trim_error_db_causal"].items():
        shown = ", ".join(
            f"{which} {found['mean']:.2f} ({found['low']:.2f} to {found['high']:.2f})"
            for which, found in one.items()
        )
        when = "at the end" if name == "end" else f"after {name.replace('_', ' ')} of sound"
        rows.append((f"live trim from that of the whole song, {when}", shown, "dB"))
    lines = [
        f"{figures['stems']} stems of {len(figures['songs'])} songs",
        "| what | figure |",
        "| --- | --- |",
    ]
    return "\n".join([*lines, *(f"| {what} | {value} {unit}".rstrip() + " |" for what, value, unit in rows)])

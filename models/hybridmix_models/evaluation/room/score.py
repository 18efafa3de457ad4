"""Figures of the room: estimates against measured responses, and what the plugin makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import signal

from hybridmix.processors import room_fusion
from hybridmix.processors.room_fusion import Estimates
from hybridmix_models.data.types import RATE, Floats, Song
from hybridmix_models.evaluation.room import network
from hybridmix_models.evaluation.room.listening import listen, open_model
from hybridmix_models.evaluation.room.measured import Measured
from hybridmix_models.evaluation.statistics import clustered_percentile
from hybridmix_models.room.decay import clarity_db, direct_at, direct_to_reverberant_db, octave_t30

__all__ = ["CONSTANT_S", "SECONDS", "Source", "evaluate", "in_room", "sources", "table"]

Doubles = npt.NDArray[np.float64]

#: Length of an excerpt, s; what is drawn from each song.
SECONDS, _PER_SONG = 10, 3
#: What a predictor says that hears nothing: the middle of the rooms that are trained on, s.
CONSTANT_S = 0.8
#: Octaves of the figures, 250 Hz to 4 kHz.
_SCORED = room_fusion.JUDGED
#: The direct sound of each response as measured, and raised by so much, dB.
_NEARER_DB = (0.0, 8.0)
#: A source in which less reverberation than this is heard without any room is dry, s.
_DRY_S = 0.35
_WRONG, _COVERAGE = 0.25, 0.6
#: What an impulse that nothing follows has; a ratio to nothing is none.
_DRY_BUS = {"t30_s": [0.0] * room_fusion.OCTAVES, "drr_db": None, "c80_db": None}


@dataclass(frozen=True, slots=True)
class Source:
    """An excerpt of a stem that was rendered without reverberation."""

    song: str
    name: str
    audio: Floats


def sources(songs: Iterable[Song]) -> list[Source]:
    """Return the stretches of 10 s of three stems of each song that sound most, the lead vocal and drums among them."""
    found = []
    for song in songs:
        length = SECONDS * RATE
        stems = [stem for stem in song.stems if len(stem.audio) >= length]
        # Three of different kinds: every third of the list, which goes from drums to voices.
        for stem in stems[:: max(1, len(stems) // _PER_SONG)][:_PER_SONG]:
            sounding = np.square(stem.audio[: len(stem.audio) // RATE * RATE]).reshape(-1, RATE).mean(axis=1)
            many = np.convolve((sounding > 1e-6).astype(float), np.ones(SECONDS), "valid")
            begin = int(np.argmax(many)) * RATE
            found.append(Source(song.name, stem.name, stem.audio[begin : begin + length]))
    return found


def evaluate(
    found: Sequence[Source],
    rooms: Sequence[Measured],
    plugin: Path,
    asked: int,
    advance: Callable[[str], None],
) -> dict[str, Any]:
    """Return the figures of docs/metrics.md, Room: every source in every measured room, once more from nearer."""
    model = open_model()
    dry = _reads_dry(listen(model, np.stack([one.audio for one in found])))
    rows: list[dict[str, Any]] = []
    for room in rooms:
        for nearer_db in _NEARER_DB:
            response = _nearer(room.response, nearer_db)
            wet = np.stack([in_room(one.audio, response) for one in found])
            said = listen(model, wet)
            drr = direct_to_reverberant_db(response, RATE)
            for song in dict.fromkeys(one.song for one in found):
                of_song = [index for index, one in enumerate(found) if one.song == song]
                sets = [([index], "single") for index in of_song]
                sets += [(of_song, "fused")] if len(of_song) == _PER_SONG else []
                for index, kind in sets:
                    rows.append(
                        _row(said, index, kind, room, drr) | {"dry": bool(dry[index].all()), "song": song}
                    )
            advance(room.name)
    figures: dict[str, Any] = {
        "sources": len(found),
        "dry_sources": int(dry.sum()),
        "rooms": [room.name for room in rooms],
        "model_sha256": model.sha256,
        "constant_s": CONSTANT_S,
        "believed_spread": room_fusion.BELIEVED,
    }
    for kind in ("single", "fused"):
        of_kind = [row for row in rows if row["kind"] == kind]
        figures |= _errors(f"t60_{kind}", [row for row in of_kind if row["dry"]])
        figures |= _errors(f"detail_t60_{kind}_all_sources", of_kind)
        figures |= _coverage(f"t60_{kind}", of_kind)
        name = "drr_error_db_median" if kind == "fused" else "detail_drr_error_db_median_single"
        figures[name] = _interval(
            [row["drr_error"] for row in of_kind], [row["room"] for row in of_kind], 50.0
        )
    # The same stems one by one: what telling together is worth.
    together = {row["song"] for row in rows if row["kind"] == "fused" and row["dry"]}
    figures |= _errors(
        "detail_t60_single_of_fused",
        [row for row in rows if row["kind"] == "single" and row["song"] in together],
    )
    figures["fused_dry_songs"] = len(together)
    figures["detail_t60_median_by_room"] = {
        room.name: _by_room([row for row in rows if row["room"] == room.name and row["kind"] == "fused"])
        for room in rooms
    }
    errors = {}
    for rate in network.RATES:
        errors[rate] = network.decay_errors(plugin, rate, network.requests(asked), advance)
        figures[f"fdn_t30_error_median_{rate}"] = round(float(np.median(errors[rate])), 4)
        figures[f"fdn_t30_error_p90_{rate}"] = round(float(np.percentile(errors[rate], 90.0)), 4)
    figures["seam"] = [_seam(room, model, found, plugin) for room in rooms]
    return figures


def _row(said: Estimates, index: list[int], kind: str, room: Measured, drr: float) -> dict[str, Any]:
    """Return how one estimate, or several together, compare with the truth."""
    one = room_fusion.combine(Estimates(*(field[index] for field in said)))
    return {
        "kind": kind,
        "room": room.name,
        "errors": np.abs(one.t60_s / room.t30_s - 1.0)[_SCORED],
        "constant": np.abs(CONSTANT_S / room.t30_s - 1.0)[_SCORED],
        "drr_error": abs(one.drr_db - drr),
        "spread": one.spread,
    }


def _errors(name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return median and 90th percentile over excerpts and octaves, clustered by room, and those of the constant."""
    if not rows:
        return {}
    figures: dict[str, Any] = {}
    for what, suffix in (("errors", ""), ("constant", "_constant")):
        values = np.concatenate([row[what] for row in rows])
        clusters = np.repeat([row["room"] for row in rows], len(rows[0][what]))
        known = np.isfinite(values)
        for share, label in ((50.0, "median"), (90.0, "p90")):
            figures[f"{name}{suffix}_{label}"] = _interval(
                values[known].tolist(), clusters[known].tolist(), share
            )
    return figures


def _coverage(name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the share of excerpts wrong by more than 25 % among the surest 60 %, and among those that are believed."""
    spread = np.array([row["spread"] for row in rows])
    middle = np.array([float(np.nanmedian(row["errors"])) for row in rows])
    surest = np.argsort(spread, kind="stable")[: round(_COVERAGE * len(rows))]
    believed = spread <= room_fusion.BELIEVED
    return {
        f"{name}_wrong_at_60": round(float((middle[surest] > _WRONG).mean()), 4),
        f"{name}_believed": round(float(believed.mean()), 4),
        f"{name}_wrong_believed": round(float((middle[believed] > _WRONG).mean()), 4)
        if believed.any()
        else None,
        f"detail_{name}_median_at": {
            str(share): round(
                float(
                    np.median(middle[np.argsort(spread, kind="stable")[: max(1, share * len(rows) // 100)]])
                ),
                4,
            )
            for share in (100, 80, 60, 40, 20)
        },
    }


def _by_room(rows: Sequence[Mapping[str, Any]]) -> float | None:
    values = np.concatenate([row["errors"] for row in rows]) if rows else np.zeros(0)
    values = values[np.isfinite(values)]
    return round(float(np.median(values)), 4) if values.size else None


def _seam(room: Measured, model: Any, found: Sequence[Source], plugin: Path) -> dict[str, Any]:
    """Return T30, direct-to-reverberant ratio and C80 of an AI bus in mono against the truth of ``room``.

    Before: a dry stem's bus is an impulse, so it has T30 of 0 and no ratio. After: the plugin's answer to one, in the
    room that the stems of the first song tell of; None where they are not believed.
    """
    truth = {
        "t30_s": _times(room.t30_s),
        "drr_db": round(direct_to_reverberant_db(room.response, RATE), 2),
        "c80_db": round(clarity_db(room.response, RATE), 2),
    }
    song = found[0].song
    heard = np.stack([in_room(one.audio, room.response) for one in found if one.song == song])
    fused = room_fusion.fuse(listen(model, heard))
    if fused is None:
        return {"room": room.name, "truth": truth, "before": _DRY_BUS, "after": None}
    send = min(10.0 ** (-fused.drr_db / 20.0), 4.0)
    t60 = np.clip(fused.t60_s, 0.1, 4.0)
    bus = network.response(plugin, RATE, t60, fused.predelay_ms, send, channels=2).mean(axis=0)
    tail = bus.copy()
    tail[: direct_at(bus) + 1] = 0.0
    after = octave_t30(tail, RATE)
    return {
        "room": room.name,
        "truth": truth,
        "before": _DRY_BUS,
        "estimate_t60_s": [round(float(one), 3) for one in fused.t60_s],
        "after": {
            "t30_s": _times(after),
            "drr_db": round(direct_to_reverberant_db(bus, RATE), 2),
            "c80_db": round(clarity_db(bus, RATE), 2),
        },
    }


def _times(seconds: Doubles) -> list[float | None]:
    """Return what JSON can say."""
    return [round(float(one), 3) if np.isfinite(one) else None for one in seconds]


def _reads_dry(said: Estimates) -> npt.NDArray[np.bool_]:
    return np.asarray(np.median(said.t60_s[:, _SCORED], axis=1) < _DRY_S)


def _nearer(response: Doubles, nearer_db: float) -> Doubles:
    """Return ``response`` with its direct sound raised."""
    at, half = direct_at(response), round(0.0025 * RATE)
    raised = response.copy()
    raised[max(0, at - half) : at + half + 1] *= 10.0 ** (nearer_db / 20.0)
    return raised


def in_room(audio: Floats, response: Doubles) -> Floats:
    """Return ``audio`` (samples,) as it is heard through ``response``, at -20 dBFS."""
    wet = signal.oaconvolve(audio.astype(np.float64), response)[: len(audio)]
    return np.asarray(wet * (0.1 / max(float(np.sqrt(np.square(wet).mean())), 1e-9)), np.float32)


def _interval(values: Sequence[float], clusters: Sequence[str], share: float) -> dict[str, float]:
    return clustered_percentile(values, clusters, share).rounded()


def table(figures: Mapping[str, Any]) -> str:
    """Return the figures as tables of Markdown: errors, then the AI bus in mono in every room."""
    lines = [
        f"{figures['sources']} sources, {figures['dry_sources']} of them dry, in {len(figures['rooms'])} measured rooms",
        "| what | figure |",
        "| --- | --- |",
    ]
    for name, value in figures.items():
        if isinstance(value, dict) and "mean" in value:
            lines.append(f"| {name} | {value['mean']:.3f} ({value['low']:.3f} to {value['high']:.3f}) |")
        elif isinstance(value, float):
            lines.append(f"| {name} | {value:.4f} |")
    lines += [
        "",
        "AI bus in mono, truth of the room, before → after:",
        "| room | T30 at 500 Hz, 1 kHz, 2 kHz | DRR | C80 |",
        "| --- | --- | --- | --- |",
    ]
    for one in figures["seam"]:
        buses = [_bus(one[key]) for key in ("truth", "before", "after")]
        cells = [f"{truth}, {before} → {after}" for truth, before, after in zip(*buses, strict=True)]
        lines.append(f"| {one['room']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _bus(said: Mapping[str, Any] | None) -> list[str]:
    """Return T30, ratio and C80 in words."""
    if said is None:
        return ["refused"] * 3
    middle = said["t30_s"][2:5]
    times = "none" if not any(middle) else " ".join("–" if one is None else f"{one:.2f}" for one in middle)
    ratios = ["none" if said[key] is None else f"{said[key]:.1f} dB" for key in ("drr_db", "c80_db")]
    return [times if times == "none" else f"{times} s", *ratios]

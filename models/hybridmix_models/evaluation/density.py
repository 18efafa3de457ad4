"""The figures of density: the loudness range of the live bus before and after (docs/metrics.md, Density).

Through the real plugin and service: the live stems of a song as tracks with the gain model's Amount at 0, in mono.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybridmix.batch import MixSession, MixTrack
from hybridmix.batch.session_file import Session
from hybridmix.features import KWeighting
from hybridmix.measures.loudness import Energies, integrated, loudness_range
from hybridmix_models.data.types import RATE, Floats, Song
from hybridmix_models.evaluation.statistics import clustered_mean

__all__ = ["LIVE", "compressed", "energies", "evaluate", "live_sources", "table"]

#: Roles of live sources.
LIVE = frozenset({"lead_vocal", "backing_vocal", "vocals", "drum_loop", "guitar", "strings", "horns"})
#: Quieter sources are left out, LUFS.
_SILENCE_LUFS = -50.0


@dataclass(frozen=True, slots=True)
class _Scored:
    """One song: loudness range of the bus in LU and its loudness in LUFS, before and after; and those of its sources."""

    song: str
    bus: tuple[float, float]
    loudness: tuple[float, float]
    sources: list[tuple[float, float]]
    #: Whether every sample of a render with density off was what came in.
    null: bool


def compressed(sources: Sequence[Floats], amount: float) -> list[Floats]:
    """Return mono ``sources`` (samples,) at `RATE` as the plugin plays them at this Density Amount, nothing else on."""
    tracks = [
        MixTrack(audio, f"source {index:03}", role="live_source", amount=0.0, density_amount=amount)
        for index, audio in enumerate(sources)
    ]
    with MixSession(
        tracks, sample_rate=RATE, settings=Session(model="equal-loudness", start="neutral")
    ) as session:
        mix = session.render()
    # The group's headroom trims every track alike; it is no part of this.
    _, trims = mix.trim_db
    if trims.size and trims.min() < 0.0:
        raise ValueError("the sum passed -1 dBFS: scale the sources down")
    return [stem for stem in mix.stems if stem is not None]


def energies(audio: Floats) -> Energies:
    """Return the energies of 100 ms of mono ``audio`` (samples,) at `RATE`."""
    weighting = KWeighting(RATE)
    whole = audio[: len(audio) // weighting.hop * weighting.hop]
    squares, _ = weighting.squares(whole[np.newaxis], np.zeros((1, *weighting.STATE_SHAPE)))
    segments = squares[0][: squares.shape[1] // 10 * 10].reshape(-1, 10)
    return np.asarray(segments.sum(axis=1) / (10 * weighting.hop))


def evaluate(songs: Iterable[Song], progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Return the figures over ``songs`` that have live sources; ``progress`` is called with each song's name."""
    scored = []
    for song in songs:
        sources = live_sources(song)
        if sources:
            scored.append(_score(song.name, sources))
        progress(song.name)
    return _figures(scored)


def live_sources(song: Song) -> list[Floats]:
    """Return the live sources of ``song`` that sound, scaled alike to leave room for what comes up."""
    heard = [
        stem.audio
        for stem in song.stems
        if stem.role in LIVE and integrated(energies(stem.audio)) > _SILENCE_LUFS
    ]
    if not heard:
        return []
    peak = max(float(np.abs(one).max()) for one in [*heard, np.sum(heard, axis=0)])
    # Below where the group's headroom begins.
    return [np.asarray(one * (0.25 / peak), np.float32) for one in heard]


def _score(name: str, sources: Sequence[Floats]) -> _Scored:
    dense, off = compressed(sources, 1.0), compressed(sources, 0.0)
    pairs = [
        (energies(before), energies(after))
        for before, after in zip(
            [*sources, np.sum(sources, axis=0)], [*dense, np.sum(dense, axis=0)], strict=True
        )
    ]
    ranges = [(loudness_range(before), loudness_range(after)) for before, after in pairs]
    return _Scored(
        song=name,
        bus=ranges[-1],
        loudness=(integrated(pairs[-1][0]), integrated(pairs[-1][1])),
        sources=ranges[:-1],
        null=all(np.array_equal(one, other) for one, other in zip(sources, off, strict=True)),
    )


def _figures(scored: Sequence[_Scored]) -> dict[str, Any]:
    songs = [one.song for one in scored]
    each = [(song.song, pair) for song in scored for pair in song.sources]

    def mean(values: Sequence[float], clusters: Sequence[str] = songs) -> dict[str, float]:
        return clustered_mean(values, clusters).rounded()

    return {
        "processor": "density",
        "songs": songs,
        "sources": len(each),
        "loudness_range_lu_bus_before": mean([one.bus[0] for one in scored]),
        "loudness_range_lu_bus_after": mean([one.bus[1] for one in scored]),
        "loudness_range_lu_source_before": mean([pair[0] for _, pair in each], [song for song, _ in each]),
        "loudness_range_lu_source_after": mean([pair[1] for _, pair in each], [song for song, _ in each]),
        "loudness_change_lu_bus": mean([one.loudness[1] - one.loudness[0] for one in scored]),
        "off_is_null": all(one.null for one in scored),
        "by_song": {
            one.song: {
                "bus_before": round(one.bus[0], 2),
                "bus_after": round(one.bus[1], 2),
                "sources": [[round(value, 2) for value in pair] for pair in one.sources],
            }
            for one in scored
        },
    }


def table(figures: dict[str, Any]) -> str:
    """Return ``figures`` as a table of Markdown."""
    lines = [
        f"{figures['sources']} live sources of {len(figures['songs'])} songs; "
        f"off, every sample passes: {figures['off_is_null']}",
        "| loudness range | before | after |",
        "| --- | --- | --- |",
    ]
    for name, title in (("bus", "live bus"), ("source", "each source")):
        before, after = (figures[f"loudness_range_lu_{name}_{when}"] for when in ("before", "after"))
        lines.append(f"| {title} | {before['mean']:.1f} LU | {after['mean']:.1f} LU |")
    lines += [
        f"| {song}, bus | {one['bus_before']:.1f} LU | {one['bus_after']:.1f} LU |"
        for song, one in figures["by_song"].items()
    ]
    change = figures["loudness_change_lu_bus"]
    lines.append(f"\nLoudness of the bus changes by {change['mean']:+.2f} LU")
    return "\n".join(lines)

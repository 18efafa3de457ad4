"""Pictures of processors at work, for their pages: ``hybridmix models evaluate --processor NAME --write-docs``."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, sosfilt

from hybridmix.errors import InputError
from hybridmix.features.levels import PAST, true_peak
from hybridmix.measures.loudness import loudness_range, short_term
from hybridmix.measures.masking import Erb, masked_share
from hybridmix.measures.movement import WARM_UP, distance_db, energies, movement_db, sounding
from hybridmix.processors.staging import whole_song
from hybridmix_models.data.generator.kit import Kit
from hybridmix_models.data.songs import load_songs
from hybridmix_models.data.types import FRAME, RATE, Floats, Song
from hybridmix_models.dip import Dip
from hybridmix_models.evaluation import density, staging
from hybridmix_models.evaluation.breath import pairs as breath_pairs
from hybridmix_models.evaluation.breath import playing as breath_playing
from hybridmix_models.evaluation.breath.score import DEPTH_DB
from hybridmix_models.evaluation.dip import pairs as dip_pairs
from hybridmix_models.evaluation.dip import playing as dip_playing
from hybridmix_models.evaluation.dip.score import HEADLINE_LU
from hybridmix_models.evaluation.groove import playing as groove_playing
from hybridmix_models.evaluation.groove.score import chosen
from hybridmix_models.evaluation.sound import loudness_lufs
from hybridmix_models.groove.fit import examples, weights
from hybridmix_models.groove.performances import read_performances

__all__ = ["draw_breath", "draw_density", "draw_dip", "draw_groove", "draw_staging"]

Doubles = npt.NDArray[np.float64]

_COLOURS = ("#c2491d", "#3b7ea1", "#333333", "#7a9a3a", "#8a5a9e", "#b08a2e")
#: Live source, AI stem as it was, AI stem as it is.
_LAYERS = ("#999999", "#3b7ea1", "#c2491d")
_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "hybridmix",
}


def draw_dip(folder: Path, songs: int, path: Path) -> None:
    """Draw what the dip does to the pair that it helps most: levels in its bands, and its depth."""
    rule, masking = Dip().eval(), Erb()
    best: tuple[float, str, list[Floats], Doubles] | None = None
    for pair in dip_pairs.read_pairs(folder, songs):
        depth, centre = dip_playing.decide(rule, np.stack([pair.live, pair.ai]), [False, True], HEADLINE_LU)
        played = dip_playing.played(pair.ai, depth[1], centre[1])
        live_db = masking.live_db(pair.live)
        before, after = (masked_share(live_db, masking.over_db(one)) for one in (pair.ai, played))
        lost = loudness_lufs(pair.ai) - loudness_lufs(played)
        said = f"{pair.live_name} under {pair.ai_name}: masked {before:.0%}, then {after:.0%}; {lost:.2f} LU less"
        if best is None or before - after > best[0]:
            best = (before - after, said, [pair.live, pair.ai, played], depth[1])
    assert best is not None
    _, said, heard, depth_db = best
    with mpl.rc_context(_STYLE):
        figure = Figure((8.0, 4.2), layout="constrained")
        levels, depths = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        names = ("live source", "AI stem", "AI stem with the dip")
        for name, audio, colour in zip(names, heard, _LAYERS, strict=True):
            values = _band_db(audio)
            levels.plot(_seconds(len(values)), values, color=colour, label=name, lw=1.1)
        levels.set(ylabel="dBFS in 200–600 Hz", title=said, ylim=(-75.0, None))
        levels.legend(frameon=False, loc="lower right", ncols=3)
        depths.plot(_seconds(len(depth_db)), depth_db, color=_LAYERS[2])
        depths.set(xlabel="s", ylabel="dip, dB", xlim=(0.0, len(depth_db) / 20.0))
        _save(figure, path)


def draw_breath(folder: Path, songs: int, path: Path) -> None:
    """Draw what breath does to the pair that it brings nearest: levels, and its gain."""
    live, ai = breath_pairs.excerpts(islice(load_songs(folder, "all"), songs))
    model = breath_playing.open_model()
    best: tuple[float, str, list[Doubles], Doubles] | None = None
    for source, stem in breath_pairs.pairs(live, ai):
        given, energy = energies(source.audio), energies(stem.audio)
        gain = breath_playing.decide(model, energy, given, DEPTH_DB)
        heard = energies(breath_playing.played(stem.audio, gain))
        sounds, wanted = sounding(energy), movement_db(given, sounding(given))
        before, after = (distance_db(movement_db(one, sounds), wanted) for one in (energy, heard))
        said = f"{stem.name} beside {source.name}: {before:.2f} dB apart in movement, then {after:.2f} dB"
        if best is None or before - after > best[0]:
            best = (before - after, said, [given, energy, heard], gain)
    if best is None:
        raise InputError(
            f"{folder}: no song has both a live source and a stand-in for an AI stem; give more by --songs"
        )
    _, said, drawn, gain = best
    part = slice(WARM_UP, WARM_UP + 20 * 12)
    with mpl.rc_context(_STYLE):
        figure = Figure((8.0, 4.2), layout="constrained")
        levels, gains = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        names = ("live source", "AI stem", "AI stem with breath")
        time = _seconds(len(gain))[part]
        for name, power, colour in zip(names, drawn, _LAYERS, strict=True):
            levels.plot(time, 10.0 * np.log10(power[part] + 1e-7), color=colour, label=name, lw=1.1)
        levels.set(ylabel="dB, K-weighted", title=said)
        levels.legend(frameon=False, loc="lower right", ncols=3)
        gains.plot(time, gain[part], color=_LAYERS[2])
        gains.set(xlabel="s", ylabel="gain, dB", xlim=(time[0], time[-1]))
        _save(figure, path)


def draw_groove(folder: Path, songs: int, path: Path) -> None:
    """Draw how late the drummer at ``songs`` plays each slot, and an AI stem, live and frozen."""
    performances = read_performances(folder / "groove_midi")
    drummer, files = sorted(chosen(folder / "groove_midi", 1).items())[songs - 1]
    model = groove_playing.session(weights(examples(performances), without=drummer))
    performed = groove_playing.perform(files[0], Kit())
    limit = 5.0
    live = groove_playing.foreseen(performed, model)[limit]
    frozen = groove_playing.planned(performed, [limit])[limit]
    part = slice(64, 192)
    slots = np.arange(len(live))[part]
    with mpl.rc_context(_STYLE):
        figure = Figure((8.0, 3.4), layout="constrained")
        axes = figure.subplots()
        axes.plot(slots, performed.late_ms[part], "o", color=_LAYERS[0], ms=4.0, label="drummer")
        axes.step(slots, live[part], where="mid", color=_LAYERS[1], label="AI stem, live")
        axes.step(slots, frozen[part], where="mid", color=_LAYERS[2], label="AI stem, frozen")
        axes.axhline(0.0, color="#333333", lw=0.7, ls=":")
        axes.set(
            xlabel="slot, a sixteenth",
            ylabel="ms late",
            title=f"{files[0].name}, {files[0].bpm:g} BPM, ±{limit:g} ms",
        )
        axes.legend(frameon=False, loc="upper right", ncols=3)
        _save(figure, path)


def draw_staging(folder: Path, songs: int, path: Path) -> None:
    """Draw the live trims of the first stems of the last song beside those of the song known as a whole."""
    song = _last(folder, songs)
    model = staging.open_model()
    with mpl.rc_context(_STYLE):
        figure = Figure((8.0, 3.4), layout="constrained")
        axes = figure.subplots()
        for stem, colour in zip(song.stems, _COLOURS, strict=False):
            trims = staging.causal_trims(model, stem.audio)
            peak = true_peak(stem.audio[np.newaxis], np.zeros((1, PAST), np.float32))
            whole = whole_song(staging.powers(stem.audio), peak, staging.LEVEL_DBFS)
            time = (np.arange(len(trims)) + 1.0) / 20.0
            label = f"{stem.name}{', held back by its peak' if whole.limited == 'peak' else ''}"
            axes.plot(time, trims, color=colour, label=label)
            axes.axhline(whole.db, color=colour, ls=":", lw=0.9)
        axes.set(
            xlabel="s",
            ylabel="trim, dB",
            title="live (lines) and with the song known (dotted)",
            xlim=(0, None),
        )
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
        _save(figure, path)


def draw_density(folder: Path, songs: int, path: Path) -> None:
    """Draw the short-term loudness of the live source that density narrows most, without and with it."""
    song = _last(folder, songs)
    sources = density.live_sources(song)
    dense = density.compressed(sources, 1.0)
    pairs = [
        (density.energies(one), density.energies(other)) for one, other in zip(sources, dense, strict=True)
    ]
    most = max(pairs, key=lambda pair: loudness_range(pair[0]) - loudness_range(pair[1]))
    with mpl.rc_context(_STYLE):
        figure = Figure((8.0, 3.0), layout="constrained")
        axes = figure.subplots()
        for name, energies, colour in zip(("as recorded", "with density"), most, _COLOURS, strict=False):
            values = np.maximum(short_term(energies), -70.0)
            label = f"{name}: loudness range {loudness_range(energies):.1f} LU"
            axes.plot(3.0 + 0.1 * np.arange(len(values)), values, color=colour, label=label)
        axes.set(xlabel="s", ylabel="LUFS over 3 s", title=f"a live source of {song.name}")
        axes.legend(frameon=False, loc="lower right")
        _save(figure, path)


def _last(folder: Path, songs: int) -> Song:
    """Return the last of the first ``songs`` in ``folder``."""
    return list(islice(load_songs(folder, "all"), songs))[-1]


def _seconds(frames: int) -> Doubles:
    """Return the ends of ``frames`` of 50 ms, s."""
    return np.asarray((np.arange(frames) + 1.0) / 20.0)


def _band_db(audio: Floats) -> Doubles:
    """Return the level between 200 and 600 Hz of every frame, dBFS, smoothed over a quarter of a second."""
    band = sosfilt(butter(4, (200.0, 600.0), "bandpass", fs=RATE, output="sos"), audio)
    whole = len(band) // FRAME * FRAME
    power = uniform_filter1d(np.square(band[:whole]).reshape(-1, FRAME).mean(axis=1), 5)
    return np.asarray(10.0 * np.log10(power + 1e-9))


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})

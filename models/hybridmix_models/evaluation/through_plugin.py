"""Scenes mixed by the real plugin, an instance per track, and scored like the offline evaluation's.

Offline, a network hears all tracks of a scene at once and its gains are played by a few lines of numpy. Here the same
inputs go through pedalboard, the plugin, the wire, the service and the exported files, and what comes out is scored.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from hybridmix.batch import Curve, MixSession, MixTrack
from hybridmix.batch.session_file import Session
from hybridmix.bench.stage import load_voices
from hybridmix.demo.recipe import STAGING_LU
from hybridmix.wire import parameters
from hybridmix_models.data.types import FRAME, RATE, Floats, Mixer, Scene
from hybridmix_models.evaluation.balance import SETTLING
from hybridmix_models.evaluation.playback import Played, play
from hybridmix_models.evaluation.scenarios import Take
from hybridmix_models.evaluation.score import score
from hybridmix_models.evaluation.summary import summary

__all__ = ["by_plugin", "compare", "demo"]

#: Length of the demo session in s.
_DEMO_S = 20.0
#: A frame of the demo counts as played above this, dBFS, and within so much of the track's loudest.
_AUDIBLE_DB, _RANGE_DB = -60.0, 30.0


def by_plugin(inputs: Floats, model: str) -> Played:
    """Mix ``inputs`` (n, T * FRAME) at `RATE` by the plugins with ``model`` in the service, from neutral gains."""
    tracks = [MixTrack(samples, f"track {index + 1:03}") for index, samples in enumerate(inputs)]
    settings = Session(model=model, start="neutral")
    with MixSession(tracks, sample_rate=RATE, settings=settings) as session:
        mix = session.render()
    delay = settings.control_delay_ms / 1000.0
    frames = inputs.shape[1] // FRAME
    gains = [_at_frames(mix.gains_db[track.label], delay, frames) for track in tracks]
    trim = _ramped(mix.trim_db, parameters.load().named("trim_db").ramp_ms / 1000.0, inputs.shape[1])
    heard = mix.mix[0]  # mono tracks: both sides are the same
    untrimmed = heard * np.power(10.0, trim / -20.0).astype(np.float32)
    return Played(np.stack(gains), _at_frames(mix.trim_db, delay, frames), untrimmed, heard)


def compare(take: Take, set_name: str, mixer: Mixer, model: str) -> dict[str, Any]:
    """Score ``take`` twice: by ``mixer`` offline, and by the plugins with ``model``.

    Returns ``offline`` and ``plugin``, with the keys of the evaluation, and ``difference_db``: how far the gains as
    played lie apart after the first 2 s.
    """
    computed = mixer.gains_db(take.scene)
    offline, plugin = play(take.scene.inputs, computed), by_plugin(take.scene.inputs, model)
    apart = np.abs(plugin.gains_db - offline.gains_db)[:, SETTLING:]
    scores = [
        score("offline", set_name, take, computed, None, offline),
        score("plugin", set_name, take, plugin.gains_db, None, plugin),
    ]
    figures = {name: sets[set_name][take.scene.condition] for name, sets in summary(scores).items()}
    p50, p99 = np.percentile(apart, (50.0, 99.0))
    rounded = {"p50": round(float(p50), 4), "p99": round(float(p99), 4), "max": round(float(apart.max()), 4)}
    return {**figures, "difference_db": rounded}


def demo() -> Take:
    """Return the demo session in mono; its reference is every track at -24 LUFS, from where its recipe staged it."""
    with resources.as_file(resources.files("hybridmix") / "demo" / "session.toml") as session:
        voices, rate = load_voices(session, _DEMO_S)
    if rate != RATE:
        raise ValueError(f"the demo session is at {rate} Hz; expected {RATE}")
    inputs = np.stack([voice.audio.mean(axis=0) for voice in voices]).astype(np.float32)
    staged = np.array([STAGING_LU[voice.label.split()[0].lower()] for voice in voices], np.float32)
    target = np.repeat(-staged[:, None], inputs.shape[1] // FRAME, axis=1)
    levels = np.square(inputs.reshape(*target.shape, FRAME)).mean(axis=2)
    level_db = 10.0 * np.log10(np.maximum(levels, 1e-12))
    active = level_db > np.maximum(level_db.max(axis=1, keepdims=True) - _RANGE_DB, _AUDIBLE_DB)
    scene = Scene(
        song="demo",
        cluster="demo",
        condition="none",
        roles=tuple(voice.label for voice in voices),
        inputs=inputs,
        direct=inputs,
        reference=(inputs * np.power(np.float32(10.0), -staged / 20.0)[:, None]).sum(axis=0),
        target_db=target,
        active=active,
    )
    return Take("base", scene)


def _at_frames(curve: Curve, delay: float, frames: int) -> Floats:
    """Return the value of ``curve`` in dB that was computed before each of ``frames`` frames, 0 dB before the first."""
    times, values = curve
    column = np.rint((times - delay) * RATE / FRAME).astype(int)
    newest = np.searchsorted(column, np.arange(frames), side="right")
    return np.concatenate([[0.0], values])[newest].astype(np.float32)


def _ramped(curve: Curve, seconds: float, samples: int) -> npt.NDArray[np.float64]:
    """Return ``curve`` in dB at every sample, from 0 dB on; each value is reached after ``seconds``."""
    times, values = curve
    before = np.concatenate([[0.0], values[:-1]])
    corners = np.stack([times, times + seconds], axis=1).ravel()
    reached = np.stack([before, values], axis=1).ravel()
    return np.asarray(np.interp(np.arange(samples) / RATE, corners, reached))

"""``hybridmix bench render``: batch rendering in x real time, beside the same loop with a plugin that passes through."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pedalboard

from hybridmix.batch import MixSession, MixTrack
from hybridmix.batch.plugin import bundle_path
from hybridmix.batch.session_file import Session
from hybridmix.bench.everything import DEFAULT_TEMPO, of_track

__all__ = ["measure"]

_RATE = 48000


def measure(tracks: int, seconds: float, model: str, *, everything: bool = False) -> dict[str, Any]:
    """Render ``tracks`` stereo tracks of ``seconds`` in memory by ``model``; return the figures of docs/benchmarks.md.

    With ``everything`` every other track is an AI stem, the others are live sources, and every section is on.
    """
    rng = np.random.default_rng(1)
    frames = round(seconds * _RATE)
    audio = [
        (
            0.1
            * rng.standard_normal((2, frames))
            * (0.3 + np.abs(np.sin(np.arange(frames) / (9000.0 + 777.0 * index))))
        ).astype(np.float32)
        for index in range(tracks)
    ]
    settings = [of_track("ai_stem"), of_track("live_source")] if everything else [{}]
    named = [
        MixTrack(samples, f"track {index + 1}", **settings[index % len(settings)])
        for index, samples in enumerate(audio)
    ]
    group = Session(model=model, tempo_bpm=DEFAULT_TEMPO if everything else None)
    with MixSession(named, sample_rate=_RATE, settings=group) as session:
        block = session.block
        # The first render also pays for memory that the process never had; the second is what counts.
        session.render()
        report = session.render().report
    passing = _pass_through(audio, block)
    return {
        "tracks": tracks,
        "seconds": seconds,
        "model": model,
        "everything": everything,
        "block": block,
        "x_realtime": report.x_realtime,
        "x_realtime_passthrough": round(seconds / passing, 2),
        "complete": report.complete,
        "late": report.counters.late,
    }


def _pass_through(audio: list[np.ndarray], block: int) -> float:
    """Return the seconds that the same lockstep loop takes with the plugin bypassed and no service."""
    plugins = [pedalboard.VST3Plugin(str(bundle_path())) for _ in audio]
    for plugin in plugins:
        plugin.bypass = True
        plugin.process(np.zeros((2, block), np.float32), _RATE, buffer_size=block, reset=False)
    began = time.perf_counter()
    for start in range(0, audio[0].shape[1] - block + 1, block):
        mix = np.zeros((2, block), np.float32)
        for plugin, samples in zip(plugins, audio, strict=True):
            mix += plugin.process(
                np.ascontiguousarray(samples[:, start : start + block]), _RATE, buffer_size=block, reset=False
            )
    return time.perf_counter() - began

"""``hybridmix bench models``: what the gain network that ships costs, beside the same network in plain torch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from hybridmix.bench.control_timer import ControlTimer
from hybridmix.bench.quantiles import quantiles
from hybridmix.bench.streaming import Exported, Heard, Plain, Streaming
from hybridmix.features import KWeighting, To16k

__all__ = ["measure"]

_RATE = 48000
_FRAME_S = 0.05
#: Embeddings of a track come every six frames; so many groups of tracks take turns.
_TURNS = 6
#: Frames that are run before anything is counted.
_WARM = 10

Progress = Callable[[str], None]
Figures = dict[str, Any]


def measure(
    tracks: Sequence[int], seconds: float, folder: Path, network: str, progress: Progress = lambda _: None
) -> Figures:
    """Run ``network`` from the files in ``folder`` at audio cadence; return the figures of docs/benchmarks.md.

    ``seconds`` is how long each part takes: the steps of all track counts together, and each share of a core.

    Raises:
        InputError: a file is missing.
    """
    torch.set_num_threads(1)
    exported = Exported(folder / "embedding.onnx", folder / f"{network.replace('-', '_')}.onnx")
    plain = Plain(network)
    with ControlTimer() as timer:
        steps, embedding, shares = _measured(
            exported, tracks, seconds, lambda part: progress(f"files: {part}")
        )
        torch_steps, torch_embedding, torch_shares = _measured(
            plain, tracks, seconds, lambda part: progress(f"torch: {part}")
        )
    return {
        "network": network,
        "seconds": seconds,
        "step_ms": steps,
        "embed_ms": embedding,
        "core_share": shares,
        "shipped_mb": round(sum(path.stat().st_size for path in folder.glob("*.onnx")) / 1e6, 3),
        "torch_step_ms": torch_steps,
        "torch_embed_ms": torch_embedding,
        "torch_core_share": torch_shares,
        "timer_stalls": timer.stalls,
        "timer_stall_ms_max": round(timer.worst_ms, 1),
    }


def _measured(
    network: Streaming, tracks: Sequence[int], seconds: float, progress: Progress
) -> tuple[Figures, float, Figures]:
    """Return quantiles of the step by track count, the time of an embedding, and shares of a core."""
    progress("embedding")
    embedding = _embed_ms(network)
    progress("steps")
    steps = _step_ms(network, tracks, seconds)
    shares = {}
    for count in tracks:
        progress(f"share of a core, {count} tracks")
        shares[str(count)] = _core_share(network, count, seconds)
    return steps, embedding, shares


def _embed_ms(network: Streaming) -> float:
    """Return the median time of one embedding, log-mel included, one track at a time."""
    heard, times = Heard(1), []
    for turn in range(_WARM + 200):
        began = time.perf_counter()
        network.embed(heard.audio, heard.normalised)
        if turn >= _WARM:
            times.append(1e3 * (time.perf_counter() - began))
    return round(float(np.median(times)), 4)


def _step_ms(network: Streaming, tracks: Sequence[int], seconds: float) -> Figures:
    """Return quantiles of one step per track count; every 50 ms each count takes one, in turn."""
    heard = {count: Heard(count) for count in tracks}
    states = {count: network.begin(count) for count in tracks}
    times: dict[int, list[float]] = {count: [] for count in tracks}
    due = time.perf_counter()
    for frame in range(_WARM + round(seconds / _FRAME_S)):
        due = _next(due)
        for count in tracks:
            began = time.perf_counter()
            states[count] = network.step(heard[count], states[count])
            if frame >= _WARM:
                times[count].append(1e3 * (time.perf_counter() - began))
    return {str(count): quantiles(values) for count, values in times.items()}


def _core_share(network: Streaming, tracks: int, seconds: float) -> float:
    """Return the share of a core that all of a frame takes: features, a sixth of the embeddings, and the step."""
    heard, hearing = Heard(tracks), _Features(tracks)
    state = network.begin(tracks)
    frames, used, due = round(seconds / _FRAME_S), 0.0, time.perf_counter()
    for frame in range(_WARM + frames):
        due = _next(due)
        began = time.thread_time()
        hearing.frame()
        turn = heard.part(slice(frame % _TURNS, None, _TURNS))
        if len(turn[0]):
            network.embed(*turn)
        state = network.step(heard, state)
        if frame >= _WARM:
            used += time.thread_time() - began
    return round(used / (frames * _FRAME_S), 4)


class _Features:
    """What every frame costs before any network: energies, levels and audio at 16 kHz."""

    def __init__(self, tracks: int) -> None:
        random = np.random.default_rng(tracks)
        self._audio = random.normal(0.0, 0.05, (tracks, round(_RATE * _FRAME_S))).astype(np.float32)
        self._weighting, self._resampler = KWeighting(_RATE), To16k(_RATE)
        self._filter = np.zeros((tracks, *KWeighting.STATE_SHAPE))
        self._past: npt.NDArray[np.float32] = np.zeros((tracks, self._resampler.past), np.float32)

    def frame(self) -> None:
        """Hear one frame of all tracks."""
        _, self._filter = self._weighting.squares(self._audio, self._filter)
        _, self._past = self._resampler.resample(self._audio, self._past)
        np.mean(np.square(self._audio), axis=1)


def _next(due: float) -> float:
    """Wait for the frame after the one that was due at ``due``; frames that were missed are left out."""
    due += _FRAME_S
    missing = due - time.perf_counter()
    if missing > 0.0:
        time.sleep(missing)
        return due
    return time.perf_counter()

"""An embedding file in int8: its ranges are those of the demo session, and how far gains move by it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile
import torch

import hybridmix
from hybridmix.features import To16k
from hybridmix_export.parity import ParityError
from hybridmix_export.quantise import quantise
from hybridmix_export.trained import Trained
from hybridmix_export.trials import Arrays
from hybridmix_models.gain import features
from hybridmix_models.gain.logmel import SAMPLES

__all__ = ["IN_INT8", "LARGEST_DB", "gain_difference_db", "in_int8"]

#: What the card says of it.
IN_INT8 = "static, per channel, from the third convolution on; ranges from the demo session"
#: Largest 99th percentile of what int8 may change in a gain, dB.
LARGEST_DB = 0.3
_DEMO = Path(hybridmix.__file__).parent / "demo"
_BATCH = 16
_FRAME = 800


def in_int8(content: bytes) -> bytes:
    """Return the embedding file ``content`` in int8, its ranges those of every third window of the demo session."""
    windows = np.concatenate([_windows(audio)[::3] for audio in _demo()[1]])
    # At -20 dBFS and as recorded, mixed in every batch.
    order = np.random.default_rng(0).permutation(len(windows))
    batches = ({"audio": windows[rows], "normalised": np.arange(len(rows)) % 2 == 0} for rows in _cut(order))
    return quantise(content, batches)


def gain_difference_db(single: bytes, quantised: bytes, runs: Sequence[Trained]) -> dict[str, float]:
    """Return by how much int8 moves the gains of each network on the demo session, 99th percentile in dB.

    Raises:
        ParityError: it is more than `LARGEST_DB` for one of them.
    """
    (rate, recorded), audio = _demo()
    level, energy = (
        torch.from_numpy(feature(recorded, rate))[None] for feature in (features.level_db, features.energy)
    )
    mask = torch.ones(level.shape[:2], dtype=torch.bool)
    found = {}
    for run in runs:
        gains = []
        for content in (single, quantised):
            embeddings = torch.from_numpy(_embedded(content, audio, run.network.normalised))[None]
            with torch.no_grad():
                gains.append(run.network.decide(embeddings, level, energy, mask).numpy())
        found[run.name] = float(np.percentile(np.abs(gains[1] - gains[0]), 99.0))
        if found[run.name] > LARGEST_DB:
            raise ParityError(
                f"int8 moves the gains of {run.name} by {found[run.name]:.2f} dB (99th percentile, demo session); "
                f"expected at most {LARGEST_DB}: export with --single-precision."
            )
    return found


def _demo() -> tuple[tuple[int, features.Floats], list[features.Floats]]:
    """Return the demo session's rate and tracks (n, samples), and the same tracks at 16 kHz."""
    tracks = []
    for path in sorted(_DEMO.glob("*.ogg")):
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
        tracks.append(audio.mean(axis=1))
    shortest = min(len(track) for track in tracks)
    whole = shortest // (rate // 20) * (rate // 20)
    recorded = np.stack([track[:whole] for track in tracks])
    resampler = To16k(rate)
    resampled, _ = resampler.resample(recorded, np.zeros((len(recorded), resampler.past), np.float32))
    return (rate, recorded), list(resampled)


def _windows(audio: features.Floats) -> features.Floats:
    """Return the windows of a track that are due every sixth frame, (S, 15600)."""
    ends = np.arange(features.patch_count(len(audio) // _FRAME, features.STRIDE - 1)) + 1
    padded = np.concatenate([np.zeros(SAMPLES, np.float32), audio])
    return np.stack([padded[end : end + SAMPLES] for end in ends * features.STRIDE * _FRAME])


def _embedded(content: bytes, audio: Sequence[features.Floats], normalised: bool) -> features.Floats:
    """Return the embeddings that the file ``content`` gives, (n, S, 128)."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    rows = []
    for track in audio:
        windows = _windows(track)
        inputs: Arrays = {"audio": windows, "normalised": np.full(len(windows), normalised)}
        rows.append(session.run(None, inputs)[0])
    return np.stack(rows)


def _cut(order: np.ndarray) -> Iterator[np.ndarray]:
    for first in range(0, len(order), _BATCH):
        yield order[first : first + _BATCH]

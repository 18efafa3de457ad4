"""Scenes as training reads them: made once, then any excerpt in milliseconds.

Bleed is expensive and levels are not. A prepared scene therefore has its inputs at the level at which the
microphones gave them, and what a gain of an input changes is exact afterwards: audio and root mean square
scale, energy scales by the square, targets shift. Of the log-mel windows the mel magnitudes m are kept:
with a gain g they are log(g·m + 0.01).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soxr
import torch
from torch import Tensor

from hybridmix.errors import InputError
from hybridmix_models.data.types import FRAME, RATE, Bools, Floats, Scene
from hybridmix_models.gain import features
from hybridmix_models.gain.logmel import LOG_OFFSET
from hybridmix_models.gain.logmel import WINDOWS as COLUMNS

__all__ = ["COLUMNS", "STRIDE_COLUMNS", "TRAINING_RATE", "Prepared", "load", "windows", "write"]

#: Sample rate of the prepared audio in Hz: 2.3 times faster than 44.1 kHz in the loss (docs/training.md).
TRAINING_RATE = 24000
#: Columns of 10 ms from one window of the embedding to the next.
STRIDE_COLUMNS = 5 * features.STRIDE
#: Bleed ratios beyond this count as this, in dB.
_RATIO_DB = 40.0


@dataclass(frozen=True, slots=True)
class _Text:
    song: str
    cluster: str
    condition: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A scene of n tracks, T frames and S windows."""

    folder: Path
    song: str
    cluster: str
    condition: str
    roles: tuple[str, ...]
    #: (n + 1, T * frame) float16 at `TRAINING_RATE`: the inputs, then the reference mix.
    audio: np.ndarray
    #: (n, columns, 64) float16: mel magnitudes every 10 ms, as recorded.
    mel: np.ndarray
    #: (n, S): factor that brings each window to its fixed level.
    normalise: Floats
    level_db: Floats
    energy: Floats
    target_db: Floats
    active: Bools
    #: (n, T): own direct sound over everything else in dB, within 40 dB.
    ratio_db: Floats

    @property
    def frames(self) -> int:
        """T."""
        return int(self.level_db.shape[1])


def write(scene: Scene, folder: Path) -> None:
    """Write ``scene`` to ``folder``, whole or not at all."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    _write(scene, part)
    part.replace(folder)


def _write(scene: Scene, folder: Path) -> None:
    audio = np.concatenate([scene.inputs, scene.reference[None]])
    samples = scene.target_db.shape[1] * TRAINING_RATE // 20
    resampled = soxr.resample(audio.T, RATE, TRAINING_RATE).T[:, :samples]
    missing = samples - resampled.shape[1]
    np.save(folder / "audio.npy", np.pad(resampled, ((0, 0), (0, missing))).astype(np.float16))
    recorded = _magnitudes(scene.inputs, normalised=False)
    normalised = _magnitudes(scene.inputs, normalised=True)
    np.save(folder / "mel.npy", _columns(recorded).astype(np.float16))
    rest = scene.inputs - scene.direct
    np.savez(
        folder / "frames.npz",
        normalise=_factor(recorded, normalised),
        level_db=features.level_db(scene.inputs, RATE).astype(np.float32),
        energy=features.energy(scene.inputs, RATE).astype(np.float32),
        target_db=scene.target_db,
        active=scene.active,
        ratio_db=np.clip(_frame_db(scene.direct) - _frame_db(rest), -_RATIO_DB, _RATIO_DB),
    )
    text = _Text(scene.song, scene.cluster, scene.condition, scene.roles)
    (folder / "scene.json").write_text(json.dumps(asdict(text)), encoding="utf-8")


def _magnitudes(inputs: Floats, *, normalised: bool) -> Floats:
    """Return the mel magnitudes behind the patches of ``inputs``, (n, S, 96, 64)."""
    patches = features.patches(inputs, RATE, normalised=normalised)
    return np.asarray(np.exp(patches) - np.float32(LOG_OFFSET), np.float32)


def _columns(patches: Floats) -> Floats:
    """Join windows (n, S, 96, 64), of which 66 columns are those of the one before: (n, columns, 64)."""
    tracks, count = patches.shape[:2]
    newest = patches[:, 1:, COLUMNS - STRIDE_COLUMNS :].reshape(tracks, (count - 1) * STRIDE_COLUMNS, -1)
    return np.concatenate([patches[:, 0], newest], axis=1)


def _factor(recorded: Floats, normalised: Floats) -> Floats:
    """Return the level of each ``normalised`` window over that of the ``recorded`` one, (n, S); 1 in silence."""
    before, after = recorded.sum(axis=(2, 3)), normalised.sum(axis=(2, 3))
    heard = before > 1e-3
    return np.where(heard, after / np.where(heard, before, 1.0), 1.0).astype(np.float32)


def _frame_db(audio: Floats) -> Floats:
    """Return the level of each F2 frame of ``audio`` (n, T * FRAME) in dB, (n, T)."""
    power = np.square(audio, dtype=np.float64).reshape(len(audio), -1, FRAME).mean(axis=2)
    return np.asarray(10.0 * np.log10(power + 1e-12), np.float32)


def load(folder: Path, conditions: Sequence[str] = ()) -> list[Prepared]:
    """Return the scenes in ``folder``, all or those of ``conditions``, in the order of their names.

    Raises:
        InputError: there are none, or one cannot be read.
    """
    found = [scene for scene in _read(folder) if not conditions or scene.condition in conditions]
    if not found:
        wanted = f" of the conditions {', '.join(conditions)}" if conditions else ""
        raise InputError(
            f"folder {folder} has no prepared scenes{wanted}; make them with: hybridmix models prepare"
        )
    return found


def _read(folder: Path) -> Iterator[Prepared]:
    for path in sorted(folder.glob("[!.]*/scene.json")):
        try:
            text = json.loads(path.read_text(encoding="utf-8"))
            with np.load(path.parent / "frames.npz") as arrays:
                frames = {name: arrays[name] for name in arrays.files}
            audio = np.load(path.parent / "audio.npy", mmap_mode="r")
            mel = np.load(path.parent / "mel.npy", mmap_mode="r")
            yield Prepared(
                path.parent, **{**text, "roles": tuple(text["roles"])}, audio=audio, mel=mel, **frames
            )
        except (OSError, ValueError, TypeError) as error:
            raise InputError(
                f"prepared scene {path.parent} cannot be read ({error}); remove it and prepare again"
            ) from None


def windows(mel: Tensor, gain: Tensor) -> Tensor:
    """Return log-mel windows (n, S, 96, 64) of ``mel`` (n, columns, 64), each with its ``gain`` (n, S)."""
    cut = mel.unfold(1, COLUMNS, STRIDE_COLUMNS).transpose(2, 3)[:, : gain.shape[1]]
    return torch.log(torch.clamp(cut * gain[..., None, None], min=0.0) + LOG_OFFSET)

"""What the shared embedding learns: which role plays in a window, and how much of the window is its own.

Half of the windows are level-normalised, as the AiLive Mixer networks hear them; half have a level drawn
anew, which the embedding has to tell: the console hears levels by nothing else. Windows of other songs are mixed in
as bleed, and spectra are bent and moved up and down: held-out instruments are none of those it was trained on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hybridmix_models.data.types import Floats
from hybridmix_models.gain.features import STRIDE
from hybridmix_models.gain.logmel import BANDS
from hybridmix_models.gain.parts import WIDTH
from hybridmix_models.training.cache import COLUMNS, STRIDE_COLUMNS, Prepared, windows
from hybridmix_models.training.configs import Embedding
from hybridmix_models.training.embedded import FAST_LAYOUT

__all__ = ["EmbeddingTask", "Listener"]

#: F2 frames in a window.
_WINDOW_FRAMES = 20
#: A window whose loudest frame is below this holds nothing to learn, dBFS.
_QUIET_DB = -60.0
#: The role counts where the own sound is at most so far below everything else, dB.
_AUDIBLE_DB = -6.0
_VALIDATED = 3000
#: Corners of the random curve over the bands.
_CORNERS = 5


class Listener(nn.Module):
    """The embedding with what it is asked while it learns: role, bleed ratio and level."""

    def __init__(self, embedding: nn.Module, roles: int) -> None:
        super().__init__()
        self.embedding = embedding
        self.role = nn.Linear(WIDTH, roles)
        self.ratio = nn.Linear(WIDTH, 1)
        self.level = nn.Linear(WIDTH, 1)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Turn patches (b, 96, 64) into role scores (b, roles), bleed ratio and level in units of 10 dB, (b,)."""
        heard = self.embedding(patches)
        return self.role(heard), self.ratio(heard)[:, 0], self.level(heard)[:, 0]


@dataclass(frozen=True, slots=True)
class _Windows:
    patches: Tensor
    role: Tensor
    #: Bleed ratio and level of the window in units of 10 dB.
    ratio: Tensor
    level: Tensor
    #: Whether the role can be heard.
    audible: Tensor


class EmbeddingTask:
    """Training and validation of the embedding."""

    def __init__(
        self,
        embedding: nn.Module,
        run: Embedding,
        seed: int,
        scenes: Sequence[Prepared],
        validation: Sequence[Prepared],
    ) -> None:
        self.run, self.seed, self.scenes = run, seed, scenes
        self.begins = "nothing"
        self.roles = sorted({role for scene in scenes for role in scene.roles})
        self.module = Listener(embedding.to(memory_format=FAST_LAYOUT), len(self.roles))
        self.device = next(embedding.parameters()).device
        self.module.to(self.device)
        known = [scene for scene in validation if set(scene.roles) <= set(self.roles)]
        self._validated = self._draw(known, np.random.default_rng(20), _VALIDATED, varied=False)

    def losses(self, step: int) -> dict[str, Tensor]:
        """See `Task.losses`."""
        rng = np.random.default_rng([self.seed, 3, step])
        drawn = self._draw(self.scenes, rng, self.run.batch, varied=True)
        role, ratio, level = self.module(drawn.patches)
        named = functional.cross_entropy(role, drawn.role, reduction="none")
        return {
            "role": self.run.role * (named * drawn.audible).sum() / drawn.audible.sum().clamp(min=1.0),
            "ratio": self.run.ratio * functional.smooth_l1_loss(ratio, drawn.ratio),
            "level": self.run.level * functional.smooth_l1_loss(level, drawn.level),
        }

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Return the share of audible roles not recognised, plus the mean error of the bleed ratio in units of 10 dB."""
        listener = cast("Listener", module)
        drawn = self._validated
        answers = [listener(part) for part in torch.split(drawn.patches, 256)]
        role = torch.cat([answer[0] for answer in answers]).argmax(dim=1)
        ratio = torch.cat([answer[1] for answer in answers])
        right = float(((role == drawn.role) * drawn.audible).sum() / drawn.audible.sum().clamp(min=1.0))
        missed = float((ratio - drawn.ratio).abs().mean())
        return {"error": 1.0 - right + missed, "role_accuracy": right, "ratio_error_db": 10.0 * missed}

    def finished(self, module: nn.Module, figures: dict[str, float]) -> nn.Module:  # noqa: ARG002
        """See `Task.finished`: the listener as it is."""
        return module

    def _draw(
        self,
        scenes: Sequence[Prepared],
        rng: np.random.Generator,
        count: int,
        *,
        varied: bool,
    ) -> _Windows:
        """Return ``count`` windows of tracks that are not silent; ``varied``: in ways that no scene has."""
        run = self.run
        mel: list[Floats] = []
        factor, roles, ratios, levels = [], [], [], []
        while len(mel) < count:
            heard = _window(scenes, rng)
            if heard is None:
                continue
            mixed = _window(scenes, rng) if varied and rng.random() < run.mixed else None
            if mixed is not None:
                heard = heard.with_bleed(mixed, rng.uniform(*run.mixed_db))
            gain_db = rng.uniform(-run.level_db, run.level_db)
            as_recorded = varied and rng.random() < run.recorded
            factor.append(10.0 ** (gain_db / 20.0) if as_recorded else heard.normalise)
            levels.append((heard.level_db + gain_db if as_recorded else -20.0) / 10.0)
            mel.append(heard.mel)
            roles.append(self.roles.index(heard.role))
            ratios.append(heard.ratio_db / 10.0)
        columns = np.stack(mel)
        if varied:
            columns = _coloured(columns, rng, run.curve_db, run.shift)
        gain = torch.tensor(factor, dtype=torch.float32)[:, None]
        ratio = torch.tensor(ratios, dtype=torch.float32)
        return _Windows(
            patches=windows(torch.from_numpy(columns), gain)[:, 0].to(self.device),
            role=torch.tensor(roles, device=self.device),
            ratio=ratio.to(self.device),
            level=torch.tensor(levels, dtype=torch.float32, device=self.device),
            audible=(ratio * 10.0 > _AUDIBLE_DB).to(torch.float32).to(self.device),
        )


@dataclass(frozen=True, slots=True)
class _Heard:
    """One window of one track."""

    role: str
    #: (96, 64), magnitudes as recorded.
    mel: Floats
    level_db: float
    ratio_db: float
    #: Factor that brings the window to its fixed level.
    normalise: float

    def with_bleed(self, other: _Heard, below_db: float) -> _Heard:
        """Add ``other``, ``below_db`` softer than this window, as one more source of bleed."""
        gain = 10.0 ** ((self.level_db - below_db - other.level_db) / 20.0)
        own = 10.0 ** (self.ratio_db / 10.0)
        own, added = own / (1.0 + own), 10.0 ** (-below_db / 10.0)
        return _Heard(
            self.role,
            np.sqrt(np.square(self.mel) + np.square(gain * other.mel)),
            self.level_db + 10.0 * math.log10(1.0 + added),
            _bounded_db(own, 1.0 - own + added),
            self.normalise / math.sqrt(1.0 + added),
        )


def _window(scenes: Sequence[Prepared], rng: np.random.Generator) -> _Heard | None:
    """Draw a window of a track; None for a silent one."""
    scene = scenes[int(rng.integers(len(scenes)))]
    track = int(rng.integers(len(scene.roles)))
    window = int(rng.integers(3, scene.normalise.shape[1]))
    last = STRIDE * window + STRIDE
    frames = slice(last - _WINDOW_FRAMES, last)
    level_db = scene.level_db[track, frames]
    if level_db.max() < _QUIET_DB:
        return None
    first = window * STRIDE_COLUMNS
    return _Heard(
        scene.roles[track],
        np.asarray(scene.mel[track, first : first + COLUMNS], np.float32),
        _mean_db(level_db),
        _ratio_db(level_db, scene.ratio_db[track, frames]),
        float(scene.normalise[track, window]),
    )


def _coloured(columns: Floats, rng: np.random.Generator, curve_db: float, shift: int) -> Floats:
    """Return windows ``columns`` (count, 96, 64) with other spectra: each shifted and weighted at random."""
    moved = np.arange(BANDS) + rng.integers(-shift, shift + 1, (len(columns), 1))
    shifted = np.take_along_axis(columns, moved.clip(0, BANDS - 1)[:, None], axis=2)
    corners = rng.uniform(-curve_db, curve_db, (len(columns), _CORNERS))
    at = np.linspace(0.0, _CORNERS - 1.0, BANDS)
    curve = np.stack([np.interp(at, np.arange(_CORNERS), row) for row in corners])
    return np.asarray(shifted * (10.0 ** (curve / 20.0))[:, None], np.float32)


def _mean_db(level_db: np.ndarray) -> float:
    """Return the level of a stretch of frames in dBFS."""
    return float(10.0 * np.log10(np.mean(10.0 ** (level_db / 10.0))))


def _ratio_db(level_db: np.ndarray, ratio_db: np.ndarray) -> float:
    """Return the bleed ratio of a stretch of frames in dB, within 20 dB, from the level and ratio of each."""
    power, ratio = 10.0 ** (level_db / 10.0), 10.0 ** (ratio_db / 10.0)
    return _bounded_db(float(np.sum(power * ratio / (1.0 + ratio))), float(np.sum(power / (1.0 + ratio))))


def _bounded_db(own: float, rest: float) -> float:
    """Return the ratio of two powers in dB, within 20 dB."""
    return float(np.clip(10.0 * math.log10(max(own, 1e-12) / max(rest, 1e-12)), -20.0, 20.0))

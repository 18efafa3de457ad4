"""Fitting the weights of groove: absolute deviations, because that is what is measured, by reweighted least squares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from hybridmix_models.groove.performances import Performance
from hybridmix_models.groove.rule import Groove

__all__ = ["Examples", "examples", "fit", "weights"]

Doubles = npt.NDArray[np.float64]

#: Deviations below this count as squares, ms; how often the weights of the squares are worked out anew.
_SMALL_MS = 3.0
_ROUNDS = 12
#: Weight of nothing, against 1 for an example.
_RIDGE = 2.0
#: Digits that are kept of a weight.
_DIGITS = 4


class Examples:
    """What is known before each played slot of one performance, and how far from the constant it was."""

    def __init__(self, performance: Performance, ahead: int) -> None:
        """For a slot ``ahead`` slots after the newest that is known."""
        deviation = performance.deviation_ms
        rule = Groove(np.zeros((Groove.AHEAD, len(Groove.LAGS))).tolist())
        padded = np.concatenate([np.full(Groove.SLOTS + ahead - 1, np.nan), deviation])
        history = np.lib.stride_tricks.sliding_window_view(padded, Groove.SLOTS)[: len(deviation)]
        played = np.isfinite(deviation)
        with torch.no_grad():
            given = torch.from_numpy(np.nan_to_num(history[played]).astype(np.float32))
            constant, means = rule.features(given, torch.from_numpy(np.isfinite(history[played])))
        self.drummer = performance.drummer
        self.means: Doubles = means.numpy().astype(np.float64)
        limit = Groove.MAX_CONSTANT_MS
        #: What of the slot the constant leaves.
        self.left: Doubles = deviation[played] - np.clip(constant.numpy(), -limit, limit)


def examples(performances: Sequence[Performance]) -> list[list[Examples]]:
    """Return the examples of every distance, 1 to `Groove.AHEAD`, by performance."""
    return [[Examples(one, ahead) for one in performances] for ahead in range(1, Groove.AHEAD + 1)]


def fit(found: Sequence[Examples]) -> Doubles:
    """Return the twelve weights, (12,), under which the absolute deviations of ``found`` are least."""
    means = np.concatenate([one.means for one in found])
    left = np.concatenate([one.left for one in found])
    small = _RIDGE * np.eye(means.shape[1])
    weights = np.zeros(means.shape[1])
    for _ in range(_ROUNDS):
        share = 1.0 / np.maximum(np.abs(left - means @ weights), _SMALL_MS)
        weights = np.linalg.solve(
            (means * share[:, None]).T @ means + small, (means * share[:, None]).T @ left
        )
    return weights.round(_DIGITS)


def weights(found: Sequence[Sequence[Examples]], without: str | None = None) -> list[list[float]]:
    """Return the weights of every distance, (AHEAD, 12), from all drummers but the one ``without``."""
    return [fit([one for one in row if one.drummer != without]).tolist() for row in found]

"""What the room network learns: where the truth lies, as Laplace distributions, after 2 to 10 s of every excerpt."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from hybridmix_models.room.bands import BANDS, hear
from hybridmix_models.room.network import Estimate, RoomNetwork
from hybridmix_models.training.configs import Room
from hybridmix_models.training.room_excerpts import Excerpts

__all__ = ["RoomTask"]

#: Frames of 50 ms after which an estimate counts: 2 s, 3 s, … 10 s.
_JUDGED = tuple(range(39, 200, 20))
#: The octaves of the figures, 250 Hz to 4 kHz.
_SCORED = slice(1, 6)
#: Natural logarithm of the most that time is stretched by, either way.
_SLOWER = 0.35
#: Most that the level of a band is changed by, dB, and the noise added under the loudest.
_CURVE_DB, _NOISE_DB = 8.0, (45.0, 90.0)
_CORNERS = 5


class RoomTask:
    """Training and validation of the room network."""

    def __init__(
        self, module: RoomNetwork, run: Room, seed: int, data: Excerpts, validation: Excerpts
    ) -> None:
        self.module: nn.Module = module
        self.run, self.seed, self.data = run, seed, data
        self.begins = "nothing"
        self._validation = validation

    def losses(self, step: int) -> dict[str, Tensor]:
        """See `Task.losses`."""
        rng = np.random.default_rng([self.seed, 5, step])
        rows = rng.integers(len(self.data.levels), size=self.run.batch)
        # Slower music in a longer room: the same levels, stretched in time.
        slower = float(np.exp(rng.uniform(-_SLOWER, _SLOWER)))
        levels = _stretched(_changed(self.data.levels[rows].astype(np.float32), rng), slower)
        said = self.module(hear(torch.from_numpy(levels)))
        return _losses(said, self.data, rows, slower)

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Return how unlikely the truth is, and of the end of excerpts: errors of T60 over 250 Hz to 4 kHz, and of the ratio.

        ``spread_at_60`` is the mean spread below which 60 % of the excerpts are.
        """
        data = self._validation
        parts = np.array_split(np.arange(len(data.levels)), max(1, len(data.levels) // 64))
        likely, wrong, ratio, spreads = [], [], [], []
        for rows in parts:
            said: Estimate = cast("RoomNetwork", module)(
                hear(torch.from_numpy(data.levels[rows].astype(np.float32)))
            )
            likely.append(float(torch.stack(list(_losses(said, data, rows).values())).sum()))
            wrong.append(np.abs(said.t60_s[:, -1].numpy() / data.t60_s[rows] - 1.0)[:, _SCORED].ravel())
            ratio.append(np.abs(said.drr_db[:, -1].numpy() - data.drr_db[rows]))
            spreads.append(said.t60_spread[:, -1, _SCORED].mean(dim=1).numpy())
        errors = np.concatenate(wrong)
        return {
            "error": float(np.mean(likely)),
            "t60_median": float(np.nanmedian(errors)),
            "t60_p90": float(np.nanpercentile(errors, 90.0)),
            "drr_median_db": float(np.median(np.concatenate(ratio))),
            "spread_at_60": float(np.percentile(np.concatenate(spreads), 60.0)),
        }

    def finished(self, module: nn.Module, figures: dict[str, float]) -> nn.Module:  # noqa: ARG002
        """See `Task.finished`: the network as it is."""
        return module


def _losses(
    said: Estimate, data: Excerpts, rows: npt.NDArray[np.int64], slower: float = 1.0
) -> dict[str, Tensor]:
    judged = [frame for frame in _JUDGED if frame < said.drr_db.shape[1]]
    t60 = slower * torch.from_numpy(data.t60_s[rows])[:, None]
    ratio = torch.from_numpy(data.drr_db[rows])[:, None]
    delay = slower * torch.from_numpy(data.predelay_ms[rows])[:, None]
    return {
        "t60": _laplace(said.t60_s[:, judged].log(), said.t60_spread[:, judged], t60.log()),
        "drr": 0.3
        * _laplace(said.drr_db[:, judged] / 10.0, said.drr_spread_db[:, judged] / 10.0, ratio / 10.0),
        "predelay": 0.1
        * _laplace(said.predelay_ms[:, judged].log(), said.predelay_spread[:, judged], delay.log()),
    }


def _laplace(middle: Tensor, spread: Tensor, truth: Tensor) -> Tensor:
    """Return the mean negative logarithm of the likelihood of ``truth``, where it is known."""
    known = torch.isfinite(truth).expand_as(middle)
    away = torch.where(known, truth, middle) - middle
    unlikely = torch.where(known, away.abs() / spread + spread.log(), torch.zeros_like(middle))
    return unlikely.sum() / known.sum().clamp(min=1)


def _stretched(levels: npt.NDArray[np.float32], slower: float) -> npt.NDArray[np.float32]:
    """Return ``levels`` (b, T, bands) ``slower`` times as slow, whole frames of 50 ms, not longer than before."""
    length = levels.shape[1]
    count = min(length, int(slower * (length - 1))) // 5 * 5
    at = np.arange(count) / slower
    whole = at.astype(np.int64)
    share = (at - whole).astype(np.float32)[None, :, None]
    return np.asarray((1.0 - share) * levels[:, whole] + share * levels[:, np.minimum(whole + 1, length - 1)])


def _changed(levels: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return ``levels`` as another sound and microphone would have them: a curve over the bands, noise below."""
    count = len(levels)
    corners = rng.uniform(-_CURVE_DB, _CURVE_DB, (count, _CORNERS))
    at = np.linspace(0.0, _CORNERS - 1.0, BANDS)
    curve = np.stack([np.interp(at, np.arange(_CORNERS), one) for one in corners])
    bent = levels + curve[:, None]
    floor = bent.max(axis=(1, 2)) - rng.uniform(*_NOISE_DB, count)
    return np.asarray(
        np.logaddexp(bent * 0.2302585, floor[:, None, None] * 0.2302585) / 0.2302585, np.float32
    )

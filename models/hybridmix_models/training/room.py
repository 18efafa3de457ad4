"""What the room network learns: where the truth lies, as Laplace distributions, after 2 to 10 s of every excerpt."""

from __future__ import annotations

import copy
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from hybridmix.processors.room_fusion import JUDGED, Estimates, combine
from hybridmix_models.room.bands import BANDS, hear
from hybridmix_models.room.network import Estimate, RoomNetwork
from hybridmix_models.training.configs import Room
from hybridmix_models.training.room_excerpts import Excerpts

__all__ = ["RoomTask"]

#: Frames of 50 ms after which an estimate counts: 2 s, 3 s, … 10 s.
_JUDGED = tuple(range(39, 200, 20))
#: An estimate is wrong where the median octave is off by more.
_WRONG = 0.25
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
        """Return how unlikely the truth is, and figures of the end of excerpts (docs/metrics.md, Room).

        T60 over 250 Hz to 4 kHz, of single stems and of all stems of a song in one room together; ``spread_at_60`` is
        the mean spread below which 60 % of what is told together lies, ``wrong_at_60`` the share of those that are
        wrong by more than 25 % in the median octave.
        """
        data = self._validation
        likely, ends = [], []
        for rows in np.array_split(np.arange(len(data.levels)), max(1, len(data.levels) // 64)):
            said: Estimate = cast("RoomNetwork", module)(
                hear(torch.from_numpy(data.levels[rows].astype(np.float32)))
            )
            likely.append(float(torch.stack(list(_losses(said, data, rows).values())).sum()))
            ends.append([field[:, -1].numpy() for field in said])
        heard = Estimates(*(np.concatenate(field) for field in zip(*ends, strict=True)))
        # Spreads as `finished` widens them: what is kept is as unsure as it is wrong.
        widths = _widths(heard, data)
        heard = heard._replace(
            t60_spread=widths["t60"] * heard.t60_spread, drr_spread_db=widths["drr"] * heard.drr_spread_db
        )
        single = _wrong(heard.t60_s, data.t60_s)
        rooms = [
            np.flatnonzero(data.room == room) for room in np.unique(data.room[np.isfinite(data.predelay_ms)])
        ]
        together = [combine(heard.of(rows)) for rows in rooms]
        fused = _wrong(
            np.stack([one.t60_s for one in together]), np.stack([data.t60_s[rows[0]] for rows in rooms])
        )
        spread = np.array([one.spread for one in together])
        at_60 = float(np.percentile(spread, 60.0))
        return {
            "error": float(np.mean(likely)),
            "t60_median": float(np.nanmedian(single)),
            "t60_p90": float(np.nanpercentile(single, 90.0)),
            "t60_fused_median": float(np.nanmedian(fused)),
            "t60_fused_p90": float(np.nanpercentile(fused, 90.0)),
            "spread_at_60": at_60,
            "wrong_at_60": float((np.nanmedian(fused, axis=1)[spread <= at_60] > _WRONG).mean()),
            "drr_median_db": float(np.median(np.abs(heard.drr_db - data.drr_db))),
            **{f"width_{name}": width for name, width in widths.items()},
        }

    def finished(self, module: nn.Module, figures: dict[str, float]) -> nn.Module:
        """See `Task.finished`: its spreads widened to how far off it was in validation."""
        kept = cast("RoomNetwork", copy.deepcopy(module))
        kept.widen(figures["width_t60"], figures["width_drr"])
        return kept


def _widths(heard: Estimates, data: Excerpts) -> dict[str, float]:
    """Return by how much the spreads of T60, 250 Hz to 4 kHz, and of the ratio are too small: the likeliest factors."""
    off = np.abs(np.log(heard.t60_s / data.t60_s)) / heard.t60_spread
    ratio = np.abs(heard.drr_db - data.drr_db) / heard.drr_spread_db
    return {"t60": float(np.nanmean(off[:, JUDGED])), "drr": float(ratio.mean())}


def _wrong(t60_s: npt.NDArray[np.floating], truth_s: npt.NDArray[np.float32]) -> npt.NDArray[np.floating]:
    """Return the relative errors over 250 Hz to 4 kHz, (n, 5)."""
    return np.asarray(np.abs(t60_s / truth_s - 1.0)[:, JUDGED])


def _losses(
    said: Estimate, data: Excerpts, rows: npt.NDArray[np.int64], slower: float = 1.0
) -> dict[str, Tensor]:
    judged = [frame for frame in _JUDGED if frame < said.drr_db.shape[1]]
    t60 = slower * torch.from_numpy(data.t60_s[rows])[:, None]
    ratio = torch.from_numpy(data.drr_db[rows])[:, None]
    delay = slower * torch.from_numpy(data.predelay_ms[rows])[:, None]
    return {
        "t60": _laplace(said.t60_s[:, judged].log(), said.t60_spread[:, judged], t60.log()),
        "drr": 0.5
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

"""The figures of the dip: how much less is masked, and what that costs (docs/metrics.md, Dip)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hybridmix.measures.masking import Bark, Erb, Masking, masked_share
from hybridmix_models.dip import Dip
from hybridmix_models.evaluation.dip import playing
from hybridmix_models.evaluation.dip.pairs import Pair
from hybridmix_models.evaluation.sound import loudness_lufs
from hybridmix_models.evaluation.statistics import clustered_median

__all__ = ["BUDGETS_LU", "HEADLINE_LU", "evaluate", "table"]

BUDGETS_LU = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
#: The budget of the figures without one: that of a new instance.
HEADLINE_LU = 1.0
#: The static bell it is compared with: in the middle of the research's range, as wide as the dip's.
_STATIC_HZ, _STATIC_DEEPEST_DB = 330.0, 24.0
#: Pairs with less masking than this are left out; so are stricter criteria under which less is masked.
_LEAST_SHARE, _LEAST_STRICT_SHARE = 0.05, 0.01
_STRICTER_DB = 6.0

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Way:
    """One way of making room on one pair: relative changes of the masked share, and the loudness it took, LU."""

    masked: float
    stricter: float
    other: float
    lost_lu: float


class _Listener:
    """One pair under both masking models."""

    def __init__(self, pair: Pair, models: tuple[Masking, Masking]) -> None:
        self.pair = pair
        self._models = models
        self._live = [model.live_db(pair.live) for model in models]
        self.before_lufs = loudness_lufs(pair.ai)
        over = [model.over_db(pair.ai) for model in models]
        self.share = masked_share(self._live[0], over[0])
        self._before = (
            self.share,
            masked_share(self._live[0], over[0], _STRICTER_DB),
            masked_share(self._live[1], over[1]),
        )

    def judge(self, played: npt.NDArray[np.float32]) -> _Way:
        """Judge the AI stem as ``played`` (samples,)."""
        over = [model.over_db(played) for model in self._models]
        after = (
            masked_share(self._live[0], over[0]),
            masked_share(self._live[0], over[0], _STRICTER_DB),
            masked_share(self._live[1], over[1]),
        )
        least = (_LEAST_SHARE, _LEAST_STRICT_SHARE, _LEAST_SHARE)
        masked, stricter, other = (
            now / was - 1.0 if was >= floor else float("nan")
            for now, was, floor in zip(after, self._before, least, strict=True)
        )
        return _Way(masked, stricter, other, self.before_lufs - loudness_lufs(played))

    def static(self, lost_lu: float) -> npt.NDArray[np.float32]:
        """Return the AI stem through the static bell that takes ``lost_lu``, or as much as its deepest can."""
        low, high = 0.0, _STATIC_DEEPEST_DB
        played = self.pair.ai
        for _ in range(7):
            middle = 0.5 * (low + high)
            played = playing.static_bell(self.pair.ai, -middle, _STATIC_HZ, Dip.Q)
            less = self.before_lufs - loudness_lufs(played) < lost_lu
            low, high = (middle, high) if less else (low, middle)
        return played

    def quieter(self, lost_lu: float) -> npt.NDArray[np.float32]:
        """Return the AI stem ``lost_lu`` quieter."""
        return self.pair.ai * np.float32(10.0 ** (-lost_lu / 20.0))


def evaluate(pairs: Iterable[Pair], progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Return the figures over ``pairs``, keyed by what stands for AI stems: ``standin``, ``generated``.

    ``progress`` is called with the name of each pair done.
    """
    rule, models = Dip().eval(), (Erb(), Bark())
    found: dict[str, list[tuple[Pair, dict[str, _Way]]]] = {"standin": [], "generated": []}
    left_out = 0
    for pair in pairs:
        listener = _Listener(pair, models)
        if listener.share >= _LEAST_SHARE:
            found["generated" if pair.generated else "standin"].append((pair, _ways(rule, listener)))
        else:
            left_out += 1
        progress(f"{pair.song} {pair.live_name} {pair.ai_name}")
    figures: dict[str, Any] = {
        "processor": "dip",
        "rule": hashlib.sha256(repr(sorted(_settings().items())).encode()).hexdigest()[:16],
        "settings": _settings(),
        "pairs_left_out": left_out,
    }
    for name, scored in found.items():
        if scored:
            figures |= _figures(name, scored)
    return figures


def _ways(rule: Dip, listener: _Listener) -> dict[str, _Way]:
    """Return every way of making room on one pair, by name."""
    pair = listener.pair
    tracks = np.stack([pair.live, pair.ai])
    ways: dict[str, _Way] = {}
    for budget in BUDGETS_LU:
        depth, centre = playing.decide(rule, tracks, [False, True], budget)
        ways[f"dip_{budget:g}"] = listener.judge(playing.played(pair.ai, depth[1], centre[1]))
        if budget == HEADLINE_LU:
            lost = ways[f"dip_{budget:g}"].lost_lu
            # The section before the bell; the rule does not know of it.
            high_passed = playing.high_passed(pair.ai)
            ways["dip_and_high_pass"] = listener.judge(playing.played(high_passed, depth[1], centre[1]))
            ways["high_pass"] = listener.judge(high_passed)
            ways["static_bell"] = listener.judge(listener.static(lost))
            ways["plain_gain"] = listener.judge(listener.quieter(lost))
    return ways


def _figures(name: str, scored: Sequence[tuple[Pair, dict[str, _Way]]]) -> dict[str, Any]:
    songs = [pair.song for pair, _ in scored]
    headline = f"dip_{HEADLINE_LU:g}"

    def median(way: str, figure: str, minus: str | None = None) -> dict[str, float] | None:
        values = np.array([getattr(ways[way], figure) for _, ways in scored])
        if minus is not None:
            values = values - np.array([getattr(ways[minus], figure) for _, ways in scored])
        kept = np.isfinite(values)
        if not kept.any():
            return None
        return clustered_median(
            values[kept].tolist(), [song for song, keep in zip(songs, kept, strict=True) if keep]
        ).rounded()

    return {
        f"masked_change_{name}": median(headline, "masked"),
        f"loudness_loss_lu_{name}": median(headline, "lost_lu"),
        f"detail_{name}": {
            "pairs": len(scored),
            "songs": sorted(set(songs)),
            "budget_lu": HEADLINE_LU,
            "by_way": {
                way: {figure: median(way, figure) for figure in ("masked", "stricter", "other", "lost_lu")}
                for way in (headline, "dip_and_high_pass", "high_pass", "static_bell", "plain_gain")
            },
            "dip_minus": {
                other: {figure: median(headline, figure, other) for figure in ("masked", "stricter", "other")}
                for other in ("dip_and_high_pass", "static_bell", "plain_gain")
            },
            "by_budget_lu": {
                f"{budget:g}": {
                    "masked": median(f"dip_{budget:g}", "masked"),
                    "lost_lu": median(f"dip_{budget:g}", "lost_lu"),
                }
                for budget in BUDGETS_LU
            },
        },
    }


def table(figures: dict[str, Any]) -> str:
    """Return ``figures`` as a table of Markdown, one per kind of AI stem."""
    lines: list[str] = []
    for name in ("standin", "generated"):
        if f"detail_{name}" not in figures:
            continue
        detail = figures[f"detail_{name}"]
        lines += [
            f"{name}: {detail['pairs']} pairs of {len(detail['songs'])} songs, budget {detail['budget_lu']:g} LU",
            "| way | masked | 6 dB stricter | other model | loudness lost |",
            "| --- | --- | --- | --- | --- |",
        ]
        for way, one in detail["by_way"].items():
            shares = (_percent(one[figure]) for figure in ("masked", "stricter", "other"))
            lines.append(f"| {way} | {' | '.join(shares)} | {one['lost_lu']['mean']:.2f} LU |")
        lines += ["", "| budget | masked | loudness lost |", "| --- | --- | --- |"]
        for budget, one in detail["by_budget_lu"].items():
            lines.append(f"| {budget} LU | {_percent(one['masked'])} | {one['lost_lu']['mean']:.2f} LU |")
        lines.append("")
    return "\n".join(lines)


def _percent(interval: dict[str, float] | None) -> str:
    """Return an interval as whole per cent."""
    if interval is None:
        return "–"
    mean, low, high = (round(100.0 * interval[name]) for name in ("mean", "low", "high"))
    return f"{mean:+d} % ({low:+d} to {high:+d})"


def _settings() -> dict[str, Any]:
    """Return what was chosen in the rule."""
    return {
        name.lower(): value
        for name, value in vars(Dip).items()
        if name.isupper() and isinstance(value, float | tuple)
    }

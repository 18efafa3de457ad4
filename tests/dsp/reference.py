"""The rule by which the plugin moves its gain, again and independently, in numpy.

A target set at sample p starts a straight line (in dB) from the value at p. It lasts
``ceil(max(ramp_ms * rate / 1000, |change| * rate / slew_per_s))`` samples, at least 1, and ends exactly at
the target. Setting the target that is already set changes nothing. The gain of a sample is the sum over
the parameters.

``python tests/dsp/reference.py --write`` writes the golden vectors that the Rust tests read.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

GOLDEN = Path(__file__).parents[1] / "golden" / "dsp" / "gain.json"


class Pace(NamedTuple):
    """How fast a parameter may move: at least ``ramp_ms``, at most ``slew_per_s`` units per second."""

    ramp_ms: float
    slew_per_s: float

    def samples(self, change: float, rate: int) -> int:
        """Samples that ``change`` units take at ``rate`` Hz."""
        longest = max(self.ramp_ms * rate / 1000.0, abs(change) * rate / self.slew_per_s)
        return max(1, math.ceil(longest))


class Change(NamedTuple):
    """From sample ``at`` on, parameter ``id`` moves to ``value``."""

    at: int
    id: int
    value: float


def curve(
    pace: Pace,
    changes: Iterable[tuple[int, float]],
    positions: NDArray[np.int64],
    rate: int,
    start: float = 0.0,
) -> NDArray[np.float64]:
    """Value of one parameter at ``positions`` (samples), given (sample, target) in ascending order."""
    begins, froms, tos, lengths = [np.iinfo(np.int64).min], [start], [start], [1]
    for at, target in changes:
        if target == tos[-1]:
            continue
        done = min(1.0, max(0.0, (at - begins[-1]) / lengths[-1]))
        value = tos[-1] if done >= 1.0 else froms[-1] + (tos[-1] - froms[-1]) * done
        begins.append(at)
        froms.append(value)
        tos.append(target)
        lengths.append(pace.samples(target - value, rate))
    line = np.searchsorted(np.array(begins), positions, side="right") - 1
    first = line == 0
    gone = np.where(first, 1, positions - np.array(begins)[line]).astype(np.float64)
    share = np.minimum(1.0, gone / np.array(lengths)[line])
    from_, to = np.array(froms)[line], np.array(tos)[line]
    return np.where(share >= 1.0, to, from_ + (to - from_) * share)


def gain_db(
    paces: dict[int, Pace],
    changes: Sequence[Change],
    positions: NDArray[np.int64],
    rate: int,
    start: dict[int, float] | None = None,
) -> NDArray[np.float64]:
    """Gain in dB at ``positions`` (samples), every parameter from its value in ``start`` (else 0 dB)."""
    total = np.zeros(len(positions))
    for number, pace in paces.items():
        own = [(change.at, change.value) for change in changes if change.id == number]
        total += curve(pace, own, positions, rate, (start or {}).get(number, 0.0))
    return total


def golden() -> list[dict[str, Any]]:
    """The golden vectors: changes, and the gain at chosen samples."""
    paces = {1: Pace(50.0, 48.0), 2: Pace(20.0, 480.0)}
    cases = []
    for rate in (44100, 48000, 88200, 96000, 176400, 192000):
        frame = rate // 20
        rng = np.random.default_rng(rate)
        changes = [
            Change(-3 * frame, 1, 6.0),
            Change(-2 * frame, 1, 6.0),
            Change(-2 * frame, 2, -1.5),
            Change(-frame, 1, -80.0),
            Change(7, 2, 0.0),
            Change(2 * frame, 1, 36.0),
            Change(2 * frame, 2, -60.0),
        ]
        changes += [
            Change(
                (3 + index) * frame + int(rng.integers(frame)), number, float(np.float32(rng.uniform(-40, 0)))
            )
            for index in range(20)
            for number in (1, 2)
        ]
        changes.sort(key=lambda change: change.at)
        last = changes[-1].at + 3 * rate
        edges = [change.at + offset for change in changes for offset in (-1, 0, 1)]
        positions = np.unique([*edges, *rng.integers(-4 * frame, last, 300), last])
        cases.append(
            {
                "rate": rate,
                "parameters": [[number, *pace] for number, pace in paces.items()],
                "changes": [list(change) for change in changes],
                "positions": positions.tolist(),
                "gain_db": gain_db(paces, changes, positions, rate).tolist(),
            }
        )
    return cases


def text() -> str:
    """The golden file."""
    return json.dumps(golden(), separators=(",", ":")) + "\n"


if __name__ == "__main__" and "--write" in sys.argv:
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    GOLDEN.write_text(text())

"""Golden vectors of sections: what a case holds, and how it is written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .dip_reference import Doubles
from .reference import Change, Pace


def case(
    rate: int, paces: Mapping[int, Pace], changes: Sequence[Change], begin: int, output: Doubles
) -> dict[str, Any]:
    """One case: ``output`` (count,) for `dip_reference.noise` from sample ``begin`` on, at chosen samples."""
    count = len(output)
    kept = np.unique([*range(12), *np.random.default_rng(rate).integers(0, count, 150), count - 1])
    return {
        "rate": rate,
        "parameters": [[number, *pace] for number, pace in paces.items()],
        "changes": [list(change) for change in changes],
        "begin": begin,
        "count": count,
        "kept": kept.tolist(),
        "output": output[kept].tolist(),
    }


def text(cases: Sequence[dict[str, Any]]) -> str:
    """The golden file of ``cases``."""
    return json.dumps(cases, separators=(",", ":")) + "\n"

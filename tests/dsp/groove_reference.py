"""Golden vectors of the plugin's section ``groove``: what its copy in numpy says (`evaluation.groove.splices`).

``python -m tests.dsp.groove_reference --write`` writes what the Rust tests read.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from hybridmix_models.evaluation.groove.splices import Ask, splice

from .dip_reference import noise

GOLDEN = Path(__file__).parents[1] / "golden" / "dsp" / "groove.json"
SHIFT, SLOT = 26, 27
#: Slots that are asked for this long before they come in, ms; and shifts, ms.
SHIFTS_MS = (4.9, -3.3, 17.2, -24.8, 25.0, 24.9, -40.0, 0.0)
BEFORE_MS = (49, 0, 30, 10, 45, 5, 20, 40)


def golden() -> list[dict[str, Any]]:
    """The golden vectors: what is asked for, and the output for `noise` in hits at chosen samples."""
    cases = []
    for rate in (44100, 48000, 96000, 192000):
        step = rate // 8
        count = step * (len(SHIFTS_MS) + 3)
        # Hits that fade, so that places differ.
        audio = (noise(count) * np.exp(-20.0 * (np.arange(count) % step) / rate)).astype(np.float32)
        asks = [
            Ask(step * (n + 2) - before * rate // 1000, shift, step * (n + 2))
            for n, (shift, before) in enumerate(zip(SHIFTS_MS, BEFORE_MS, strict=True))
        ]
        out = splice(audio, asks, rate)
        kept = np.unique(np.random.default_rng(rate).integers(0, count, 400))
        cases.append(
            {
                "rate": rate,
                "asks": [[ask.at, ask.shift_ms, ask.slot] for ask in asks],
                "step": step,
                "count": count,
                "kept": kept.tolist(),
                "output": [round(float(value), 9) for value in out[kept]],
            }
        )
    return cases


def text() -> str:
    """The golden file."""
    return json.dumps(golden(), separators=(",", ":")) + "\n"


if __name__ == "__main__" and "--write" in sys.argv:
    GOLDEN.write_text(text())

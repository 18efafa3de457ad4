"""The plugin's high-pass, again and independently, in numpy.

A one-pole low-pass as a trapezoidal integrator: with g = tan(pi 250 / rate), its output of every sample solves
low = s + g (input - low), and s = 2 low - s follows. The output is input - mix low. The mix moves as
`reference.curve` says; where it rests at 0 samples pass and the state is zero.

``python -m tests.dsp.high_pass_reference --write`` writes the golden vectors that the Rust tests read.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dip_reference import Doubles, noise
from .reference import Change, Pace, curve
from .sections import case, text

GOLDEN = Path(__file__).parents[1] / "golden" / "dsp" / "high_pass.json"
MIX = 9
PACES = {MIX: Pace(50.0, 2.0)}
CORNER_HZ = 250.0


def high_pass(audio: NDArray[np.float32], mix: Doubles, rate: int) -> Doubles:
    """One channel (frames,) through the high-pass; the mix at every sample."""
    out = audio.astype(np.float64)
    state = 0.0
    g = np.tan(np.pi * CORNER_HZ / rate)
    for n, value in enumerate(out.copy()):
        if mix[n] == 0.0 and (n + 1 == len(out) or mix[n + 1] == 0.0):
            state = 0.0
            continue
        low = (state + g * value) / (1.0 + g)
        state = 2.0 * low - state
        out[n] = value - mix[n] * low
    return out


def golden() -> list[dict[str, Any]]:
    """The golden vectors: changes, and the output for `noise` at chosen samples."""
    cases = []
    for rate in (44100, 48000, 96000, 192000):
        frame = rate // 20
        changes = [Change(-frame, MIX, 1.0), Change(frame // 2, MIX, 0.25), Change(frame + 7, MIX, 0.5)]
        begin, count = -frame - 10, 3 * frame
        mix = curve(
            PACES[MIX], [(one.at, one.value) for one in changes], np.arange(begin, begin + count), rate, 0.0
        )
        cases.append(case(rate, PACES, changes, begin, high_pass(noise(count), mix, rate)))
    return cases


if __name__ == "__main__" and "--write" in sys.argv:
    GOLDEN.write_text(text(golden()))

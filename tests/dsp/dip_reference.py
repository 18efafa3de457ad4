"""The bell of the plugin's dip, again and independently, in numpy.

A bell with gain d dB at its centre f and width Q, as trapezoidal integrators: with A = 10^(d / 40) and
g = tan(pi f / rate), the outputs (band, low) of every sample solve

    band = g (input - band / (Q A) - low) + s1
    low = g band + s2

and s1 = 2 band - s1, s2 = 2 low - s2 follow. The output is input + (A^2 - 1) / (Q A) band. Depth and centre
move as `reference.curve` says; where the depth rests at 0 dB samples pass and the states are zero.

``python -m tests.dsp.dip_reference --write`` writes the golden vectors that the Rust tests read.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .reference import Change, Pace, curve

GOLDEN = Path(__file__).parents[1] / "golden" / "dsp" / "dip.json"
DEPTH, CENTRE = 3, 4
PACES = {DEPTH: Pace(50.0, 24.0), CENTRE: Pace(50.0, 200.0)}
NEUTRAL_HZ = 280.0
Q = 0.7

Doubles = NDArray[np.float64]


def noise(count: int) -> NDArray[np.float32]:
    """White noise between -0.5 and 0.5 that is easily made anywhere: x = 1664525 x + 1013904223, 24 bits of it."""
    states = np.zeros(count, np.uint64)
    state = 1
    for index in range(count):
        state = (1664525 * state + 1013904223) % (1 << 32)
        states[index] = state >> 8
    return (states / 2.0**24 - 0.5).astype(np.float32)


def controls(changes: Sequence[Change], begin: int, count: int, rate: int) -> tuple[Doubles, Doubles]:
    """Depth in dB and centre in Hz at every sample from ``begin`` on, (count,) each."""
    positions = np.arange(begin, begin + count)
    depth, centre = (
        curve(
            pace,
            [(change.at, change.value) for change in changes if change.id == number],
            positions,
            rate,
            NEUTRAL_HZ if number == CENTRE else 0.0,
        )
        for number, pace in PACES.items()
    )
    return depth, centre


def dip(audio: NDArray[np.float32], depth_db: Doubles, centre_hz: Doubles, rate: int) -> Doubles:
    """One channel (frames,) through the bell; depth and centre at every sample."""
    out = audio.astype(np.float64)
    state = np.zeros(2)
    amplitude = 10.0 ** (depth_db / 40.0)
    g = np.tan(np.pi * centre_hz / rate)
    for n, value in enumerate(out.copy()):
        resting = depth_db[n] == 0.0 and (n + 1 == len(out) or depth_db[n + 1] == 0.0)
        if resting:
            state[:] = 0.0
            continue
        damping = 1.0 / (Q * amplitude[n])
        system = np.array([[1.0 + g[n] * damping, g[n]], [-g[n], 1.0]])
        outputs = np.linalg.solve(system, np.array([g[n] * value + state[0], state[1]]))
        state = 2.0 * outputs - state
        out[n] = value + damping * (amplitude[n] ** 2 - 1.0) * outputs[0]
    return out


def response_db(depth_db: float, centre_hz: float, hz: Doubles, rate: int) -> Doubles:
    """Magnitude in dB of the bell at rest at the frequencies ``hz``, from its analogue prototype."""
    warped = 1j * np.tan(np.pi * hz / rate) / np.tan(np.pi * centre_hz / rate)
    amplitude = 10.0 ** (depth_db / 40.0)
    above = warped**2 + warped * amplitude / Q + 1.0
    below = warped**2 + warped / (amplitude * Q) + 1.0
    return np.asarray(20.0 * np.log10(np.abs(above / below)))


def golden() -> list[dict[str, Any]]:
    """The golden vectors: changes, and the output for `noise` at chosen samples."""
    cases = []
    for rate in (44100, 48000, 96000, 192000):
        frame = rate // 20
        changes = [
            Change(-frame, DEPTH, -1.5),
            Change(0, CENTRE, 260.0),
            Change(0, DEPTH, -2.0),
            Change(frame + 7, DEPTH, -0.25),
            Change(frame + 7, CENTRE, 283.0),
        ]
        begin, count = -frame - 10, 3 * frame
        audio = noise(count)
        kept = np.unique([*range(12), *np.random.default_rng(rate).integers(0, count, 150), count - 1])
        out = dip(audio, *controls(changes, begin, count, rate), rate)
        cases.append(
            {
                "rate": rate,
                "parameters": [[number, *pace] for number, pace in PACES.items()],
                "changes": [list(change) for change in changes],
                "begin": begin,
                "count": count,
                "kept": kept.tolist(),
                "output": out[kept].tolist(),
            }
        )
    return cases


def text() -> str:
    """The golden file."""
    return json.dumps(golden(), separators=(",", ":")) + "\n"


if __name__ == "__main__" and "--write" in sys.argv:
    GOLDEN.write_text(text())

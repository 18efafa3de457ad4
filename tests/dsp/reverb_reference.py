"""The plugin's reverb, again and independently, in numpy: sample by sample, all lines in one vector.

Mono in; middle and side out. Six high shelves per line, between the octaves; their gains solve the linear system of
their responses at the octaves' middles. While reverberation times move, shelves are set anew at positions that are
multiples of 64, and the level goes to its new value within the 64 samples that follow.

``python -m tests.dsp.reverb_reference --write`` writes the golden vectors that the Rust tests read.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dip_reference import noise
from .reference import Change, Pace, curve

GOLDEN = Path(__file__).parents[1] / "golden" / "dsp" / "reverb.json"
SEND, T60, PREDELAY = 10, range(11, 18), 18
PACES = {SEND: Pace(50.0, 2.0), **{number: Pace(50.0, 0.5) for number in T60}, PREDELAY: Pace(50.0, 10.0)}
NEUTRAL = {SEND: 0.0, **dict.fromkeys(T60, 0.5), PREDELAY: 5.0}
STEP = 64
OCTAVES_HZ: NDArray[np.float64] = np.array([125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0])
LINES_MS = (22.9, 25.7, 29.3, 32.3, 37.1, 41.3, 46.7, 52.9)
SPREADS = ((1.3, 0.6), (2.9, -0.6), (4.1, 0.6), (5.3, -0.6))
EARLY_MS = np.array(
    [
        [3.1, -5.9, 8.3, 10.7, -13.9, 16.1, -18.5, -21.7, 24.1, -27.3],
        [3.7, 5.3, -7.9, 11.3, 13.1, -16.9, 19.1, -20.9, -24.7, 26.5],
    ]
)
IN = np.array([-1.0, 1.0] * 4) / math.sqrt(8.0)
OUT = np.array([[1, 1, -1, -1, 1, 1, -1, -1], [1, -1, -1, 1, 1, -1, -1, 1]]) / math.sqrt(8.0)
#: Share of each octave in the band up to 8 kHz: the lowest reaches down to 0, the highest up to 8 kHz.
SHARES = np.diff([0.0, *(OCTAVES_HZ[:-1] * math.sqrt(2.0)), 8000.0]) / 8000.0

Doubles = NDArray[np.float64]


def shelf(gain_db: Doubles, hertz: float, rate: int) -> Doubles:
    """Coefficients (5, n) b0, b1, b2, a1, a2 of high shelves of Q 1 (Bristow-Johnson)."""
    level, omega = 10.0 ** (gain_db / 40.0), 2.0 * math.pi * hertz / rate
    c, bend = math.cos(omega), math.sin(omega) * np.sqrt(level)
    b = np.stack(
        [
            level * ((level + 1.0) + (level - 1.0) * c + bend),
            -2.0 * level * ((level - 1.0) + (level + 1.0) * c),
            level * ((level + 1.0) + (level - 1.0) * c - bend),
        ]
    )
    a = np.stack(
        [
            (level + 1.0) - (level - 1.0) * c + bend,
            2.0 * ((level - 1.0) - (level + 1.0) * c),
            (level + 1.0) - (level - 1.0) * c - bend,
        ]
    )
    return np.asarray(np.concatenate([b, a[1:]]) / a[0])


def response_db(coefficients: Doubles, hertz: Doubles, rate: int) -> Doubles:
    """Magnitude in dB of one filter (5,) at ``hertz``."""
    z = np.exp(-2j * math.pi * hertz / rate)
    b0, b1, b2, a1, a2 = coefficients
    return np.asarray(20.0 * np.log10(np.abs((b0 + b1 * z + b2 * z**2) / (1.0 + a1 * z + a2 * z**2))))


class Network:
    """One room at ``rate`` Hz."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.lengths = np.round(np.array(LINES_MS) * rate / 1000.0).astype(int)
        corners = OCTAVES_HZ[:-1] * math.sqrt(2.0)
        tried = [
            response_db(shelf(np.array([-3.0]), hz, rate)[:, 0], OCTAVES_HZ, rate) / -3.0 for hz in corners
        ]
        self.system = np.stack([np.ones(7), *tried], axis=1)
        self.corners = corners
        self.shelves = np.zeros((6, 5, 8))
        self.states = np.zeros((6, 2, 8))
        self.flat = np.ones(8)
        self.lines = np.zeros((8, self.lengths.max()), np.float32)
        self.spreads = [(np.zeros(round(ms * rate / 1000.0), np.float32), share) for ms, share in SPREADS]
        self.heard: list[float] = []
        self.inputs: list[float] = []
        self.early_back = np.round(np.abs(EARLY_MS) * rate / 1000.0).astype(int)
        self.scale = self.aim = self.glide = 0.0

    def set(self, t60: Doubles, *, at_once: bool) -> None:
        """Set reverberation times in s; the level at once, or within a step."""
        gains = np.linalg.solve(self.system, -60.0 / (self.rate * t60))
        self.flat = 10.0 ** (gains[0] * self.lengths / 20.0)
        self.shelves = np.stack(
            [
                shelf(gain * self.lengths, hz, self.rate)
                for gain, hz in zip(gains[1:], self.corners, strict=True)
            ]
        )
        density = 1000.0 / sum(LINES_MS)
        self.scale = self.aim
        self.aim = 1.0 / math.sqrt(float((SHARES * t60).sum()) * density / math.log(1e6))
        self.glide = (self.aim - self.scale) / STEP
        if at_once:
            self.scale, self.glide = self.aim, 0.0
        level = math.sqrt(density * 0.0027) * 10.0 ** (-3.0 * np.abs(EARLY_MS) / (1000.0 * t60[3]))
        self.early = np.sign(EARLY_MS) * level

    def process(self, sample: float, predelay: float) -> Doubles:
        """One sample in; middle and side out."""
        self.inputs.append(float(np.float32(sample)))
        back = predelay + 1.0
        whole, part = int(back), back - int(back)
        at = len(self.inputs) - 1 - whole
        around = [self.inputs[at - n] if 0 <= at - n < len(self.inputs) else 0.0 for n in (-1, 0, 1, 2)]
        points = np.array([-1.0, 0.0, 1.0, 2.0])
        weights = [
            math.prod((part - other) / (own - other) for other in points if other != own) for own in points
        ]
        heard = around[1] if part == 0.0 else float(np.dot(weights, around))
        self.heard.append(float(np.float32(heard)))
        for memory, share in self.spreads:
            place = len(self.heard) % len(memory)
            inside = heard + share * float(memory[place])
            heard = float(memory[place]) - share * inside
            memory[place] = inside
        now = len(self.heard)
        lines = np.arange(8)
        ends = self.lines[lines, now % self.lengths].astype(np.float64) * self.flat
        for (b0, b1, b2, a1, a2), state in zip(self.shelves, self.states, strict=True):
            out = b0 * ends + state[0]
            state[:] = b1 * ends - a1 * out + state[1], b2 * ends - a2 * out
            ends = out
        self.lines[lines, now % self.lengths] = ends - 0.25 * ends.sum() + IN * heard
        early = np.array(
            [[self.heard[now - 1 - back] if back < now else 0.0 for back in row] for row in self.early_back]
        )
        found = self.scale * (OUT @ ends + (self.early * early).sum(axis=1))
        self.scale += self.glide
        return np.asarray(found)


def reverb(audio: NDArray[np.float32], changes: Sequence[Change], begin: int, rate: int) -> Doubles:
    """Stereo samples (2, frames) through the section, each change at its sample, from neutral values on."""
    positions = np.arange(begin, begin + audio.shape[1])
    values = {
        number: curve(
            pace,
            [(change.at, change.value) for change in changes if change.id == number],
            positions,
            rate,
            NEUTRAL[number],
        )
        for number, pace in PACES.items()
    }
    t60 = np.stack([values[number] for number in T60])
    out = audio.astype(np.float64)
    network: Network | None = None
    for n, position in enumerate(positions):
        rests = values[SEND][n] == 0.0 and (n + 1 == len(positions) or values[SEND][n + 1] == 0.0)
        if rests:
            network = None
            continue
        if network is None:
            network = Network(rate)
            network.set(t60[:, n], at_once=True)
        elif position % STEP == 0:
            before = max(0, n - STEP)
            if (t60[:, before:n] != t60[:, n : n + 1]).any():
                network.set(t60[:, n], at_once=False)
            else:
                network.scale, network.glide = network.aim, 0.0
        middle, side = network.process(
            float(audio[:, n].astype(np.float64).mean()), values[PREDELAY][n] * rate / 1000.0
        )
        out[:, n] += values[SEND][n] * np.array([middle + 0.5 * side, middle - 0.5 * side])
    return out


def golden() -> list[dict[str, Any]]:
    """The golden vectors: changes, and both channels of the output at chosen samples."""
    cases = []
    for rate in (44100, 96000):
        begin, count = -77, rate // 8
        changes = [
            *(Change(-60, number, 0.2 + 0.1 * index) for index, number in enumerate(T60)),
            Change(-60, PREDELAY, 4.7),
            Change(-33, SEND, 0.75),
            Change(rate // 10 + 13, T60[2], 1.4),
            Change(rate // 10 + 13, SEND, 0.25),
        ]
        audio = np.stack([noise(count), noise(count)[::-1]])
        kept = np.unique([*np.random.default_rng(rate).integers(0, count, 150), count - 1])
        cases.append(
            {
                "rate": rate,
                "parameters": [[number, *pace] for number, pace in PACES.items()],
                "changes": [list(change) for change in changes],
                "begin": begin,
                "count": count,
                "kept": kept.tolist(),
                "output": reverb(audio, changes, begin, rate)[:, kept].tolist(),
            }
        )
    return cases


def text() -> str:
    """The golden file."""
    return json.dumps(golden(), separators=(",", ":")) + "\n"


if __name__ == "__main__" and "--write" in sys.argv:
    GOLDEN.write_text(text())

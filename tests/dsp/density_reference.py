"""The plugin's density, again and independently, in numpy.

The power p of every sample (the mean of its channels' squares) is averaged, P += (p - P) a, and let go of slowly,
H = max(P, H + (P - H) r); a and r are 1 - exp(-1 / (seconds rate)). At o dB above the threshold the copy has
the gain 0.75 (12 (1 - f) - k(o)) dB: k is o above the knee, 0 below it and a parabola inside; f rises from 0 to 1
between 24 and 42 dB below the threshold. The output is input (1 - mix) + copy mix. Threshold and mix move as
`reference.curve` says; where the mix rests at 0 samples pass and the power is zero.

``python -m tests.dsp.density_reference --write`` writes the golden vectors that the Rust tests read.
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

GOLDEN = Path(__file__).parents[1] / "golden" / "dsp" / "density.json"
THRESHOLD, MIX = 7, 8
PACES = {THRESHOLD: Pace(50.0, 24.0), MIX: Pace(50.0, 0.5)}
NEUTRAL_DB = -30.0
SLOPE, BELOW_DB, KNEE_DB = 0.75, 12.0, 6.0
FLOOR_DB = (24.0, 42.0)
MEAN_S, RELEASE_S = 0.01, 0.15


def copy_db(over_db: Doubles) -> Doubles:
    """Gain in dB of the compressed copy at ``over_db`` above the threshold."""
    half = KNEE_DB / 2.0
    knee = np.where(over_db > half, over_db, (over_db + half) ** 2 / (2.0 * KNEE_DB))
    lost = np.where(over_db < -half, 0.0, knee)
    floor = np.interp(-over_db, FLOOR_DB, (0.0, 1.0))
    return np.asarray(SLOPE * (BELOW_DB * (1.0 - floor) - lost))


def density(audio: NDArray[np.float32], threshold_db: Doubles, mix: Doubles, rate: int) -> Doubles:
    """Channels (channels, frames) through density; threshold and mix at every sample."""
    given = audio.astype(np.float64)
    squares = np.mean(given**2, axis=0)
    smooth = np.zeros(len(squares))
    rests = (mix == 0.0) & (np.append(mix[1:], 0.0) == 0.0)
    averaging, release = (1.0 - np.exp(-1.0 / (seconds * rate)) for seconds in (MEAN_S, RELEASE_S))
    mean = held = 0.0
    for n, now in enumerate(squares):
        mean = 0.0 if rests[n] else mean + (now - mean) * averaging
        held = 0.0 if rests[n] else max(mean, held + (mean - held) * release)
        smooth[n] = held
    copy = 10.0 ** (copy_db(10.0 * np.log10(np.maximum(smooth, 1e-12)) - threshold_db) / 20.0)
    return np.where(rests, given, given * (1.0 - mix) + given * copy * mix)


def golden() -> list[dict[str, Any]]:
    """The golden vectors: changes, and the output for `noise` at chosen samples."""
    cases = []
    for rate in (44100, 48000, 96000, 192000):
        frame = rate // 20
        changes = [
            Change(-frame, THRESHOLD, -31.0),
            Change(-frame, MIX, 0.02),
            Change(0, MIX, 0.04),
            Change(frame + 7, THRESHOLD, -30.2),
            Change(frame + 7, MIX, 0.01),
        ]
        begin, count = -frame - 10, 3 * frame
        positions = np.arange(begin, begin + count)
        threshold, mix = (
            curve(
                PACES[number],
                [(one.at, one.value) for one in changes if one.id == number],
                positions,
                rate,
                neutral,
            )
            for number, neutral in ((THRESHOLD, NEUTRAL_DB), (MIX, 0.0))
        )
        cases.append(case(rate, PACES, changes, begin, density(noise(count)[None], threshold, mix, rate)[0]))
    return cases


if __name__ == "__main__" and "--write" in sys.argv:
    GOLDEN.write_text(text(golden()))

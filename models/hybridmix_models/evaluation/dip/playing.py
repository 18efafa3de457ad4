"""Stems through the dip as the plugin plays it, and through what it is compared with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from scipy.signal import lfilter

from hybridmix.features import To16k
from hybridmix_models.data.types import RATE, Floats
from hybridmix_models.dip import Dip

__all__ = ["DELAY_S", "decide", "high_passed", "played", "static_bell"]

Doubles = npt.NDArray[np.float64]

#: Control delay: from the end of a frame to where its values begin to apply; and how long a change takes.
DELAY_S, RAMP_S = 0.04, 0.05
_FRAME_S = 0.05
#: Corner of the high-pass (plugin_shim/dsp/src/high_pass.rs).
_HIGH_PASS_HZ = 250.0
#: The filter is made anew so often: within 5 ms the depth moves by 0.12 dB at most.
_STRETCH = RATE // 200


def decide(
    rule: Dip,
    tracks: npt.NDArray[np.float32],
    is_ai: list[bool],
    budget_lu: float,
    amount: float = 1.0,
) -> tuple[Doubles, Doubles]:
    """Return depth in dB and centre in Hz of each track after every frame, (n, T) each.

    ``tracks`` is (n, samples) at `RATE`; those that are no AI stems are live sources.
    """
    resampler = To16k(RATE)
    count = len(tracks)
    frame = 5 * resampler.hop
    ai = torch.tensor(is_ai)
    state = [torch.zeros(count, *shape) for shape in rule.state_shapes()]
    before = np.zeros((count, resampler.past), np.float32)
    fixed = (torch.zeros(count), ai, ~ai, torch.full((count,), amount), torch.full((count,), budget_lu))
    depths, centres = [], []
    with torch.inference_mode():
        for begin in range(0, tracks.shape[1] - frame + 1, frame):
            audio, before = resampler.resample(tracks[:, begin : begin + frame], before)
            depth, centre, *state = rule(torch.from_numpy(audio), *fixed, *state)
            depths.append(depth.numpy())
            centres.append(centre.numpy())
    return np.stack(depths, axis=1).astype(np.float64), np.stack(centres, axis=1).astype(np.float64)


def played(audio: Floats, depth_db: Doubles, centre_hz: Doubles, q: float = Dip.Q) -> Floats:
    """Return ``audio`` (samples,) through a bell that moves as the plugin moves it; (T,) values of the frames."""
    reached = (np.arange(len(depth_db)) + 1.0) * _FRAME_S + DELAY_S + RAMP_S
    times = np.arange(0, len(audio), _STRETCH) / RATE
    known = np.concatenate([[reached[0] - RAMP_S], reached])
    depths = np.interp(times, known, np.concatenate([[0.0], depth_db]))
    centres = np.interp(times, known, np.concatenate([[Dip.NEUTRAL_HZ], centre_hz]))
    out = np.empty_like(audio, dtype=np.float64)
    state = np.zeros(2)
    for index, (depth, centre) in enumerate(zip(depths, centres, strict=True)):
        part = slice(index * _STRETCH, (index + 1) * _STRETCH)
        out[part], state = lfilter(*_bell(depth, centre, q), audio[part].astype(np.float64), zi=state)
    return out.astype(np.float32)


def static_bell(audio: Floats, depth_db: float, centre_hz: float, q: float) -> Floats:
    """Return ``audio`` (samples,) through a bell that stands still."""
    return np.asarray(lfilter(*_bell(depth_db, centre_hz, q), audio.astype(np.float64)), np.float32)


def high_passed(audio: Floats, mix: float = 1.0) -> Floats:
    """Return ``audio`` (samples,) through the plugin's high-pass at rest."""
    g = np.tan(np.pi * _HIGH_PASS_HZ / RATE)
    low = lfilter(np.array([g, g]) / (1.0 + g), [1.0, (g - 1.0) / (1.0 + g)], audio.astype(np.float64))
    return np.asarray(audio - mix * low, np.float32)


def _bell(depth_db: float, centre_hz: float, q: float) -> tuple[Doubles, Doubles]:
    """Return numerator and denominator of the plugin's bell at rest."""
    amplitude = 10.0 ** (depth_db / 40.0)
    g = np.tan(np.pi * centre_hz / RATE)
    above, below = g * amplitude / q, g / (amplitude * q)
    scale = 1.0 + below + g * g
    middle = 2.0 * (g * g - 1.0)
    return (
        np.array([1.0 + above + g * g, middle, 1.0 - above + g * g]) / scale,
        np.array([1.0, middle / scale, (1.0 - below + g * g) / scale]),
    )

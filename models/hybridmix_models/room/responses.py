"""Impulse responses to train on: simulated shoeboxes and shaped noise, 16 kHz.

Simulated ones come from image sources and ray tracing (Scheibler, Bezzam and Dokmanić, "Pyroomacoustics", 2018) with
absorption per octave; shaped ones from noise with a decay per octave, a delay and a few early reflections. Measured
responses are for evaluation alone.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pyroomacoustics
from scipy import signal

from hybridmix_models.room.bands import RATE
from hybridmix_models.room.decay import direct_at
from hybridmix_models.room.network import OCTAVES_HZ

__all__ = ["shaped", "simulated", "with_ratio"]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

#: Rooms in m, the mean absorption of their walls, and its steps from octave to octave.
_SIZE_M = ((3.0, 25.0), (2.5, 16.0), (2.2, 8.0))
_ABSORPTION = (0.07, 0.6)
_STEP = 0.25
#: Decay times of shaped noise in s at 1 kHz, and the standard deviation of the steps of its logarithm.
_T60_S = (0.15, 5.0)
_T60_STEP = 0.16
_LONGEST_S = 5.0


def with_ratio(response: Doubles, ratio_db: float) -> Doubles:
    """Return ``response`` with its direct sound, 2.5 ms around the peak, scaled to ``ratio_db`` over the rest."""
    at, half = direct_at(response), round(0.0025 * RATE)
    direct = np.zeros(len(response))
    begin, end = max(0, at - half), at + half + 1
    direct[begin:end] = response[begin:end]
    rest = response - direct
    rest[:begin] = 0.0
    have = np.square(direct).sum() / max(float(np.square(rest).sum()), 1e-20)
    return direct * math.sqrt(10.0 ** (ratio_db / 10.0) / have) + rest


def simulated(rng: np.random.Generator, microphones: int = 2) -> list[Doubles]:
    """Return the responses of ``microphones`` places in one shoebox, the direct sound of each near its beginning."""
    size = np.array([math.exp(rng.uniform(*np.log(limits))) for limits in _SIZE_M])
    middle = math.exp(rng.uniform(*np.log(_ABSORPTION)))
    steps = np.cumsum(rng.normal(0.08, _STEP, len(OCTAVES_HZ)))
    absorption = np.clip(middle * np.exp(steps - steps[3]), 0.015, 0.9)
    material = {
        "description": "drawn",
        "coeffs": absorption.tolist(),
        "center_freqs": list(OCTAVES_HZ),
    }
    scattering = {
        "description": "drawn",
        "coeffs": np.full(len(OCTAVES_HZ), rng.uniform(0.1, 0.6)).tolist(),
        "center_freqs": list(OCTAVES_HZ),
    }
    box = pyroomacoustics.ShoeBox(
        size,
        fs=RATE,
        materials=pyroomacoustics.Material(material, scattering),
        max_order=4,
        ray_tracing=True,
        air_absorption=True,
    )
    box.set_ray_tracing(n_rays=1500, receiver_radius=0.5)
    pyroomacoustics.random.seed(int(rng.integers(2**31)))
    inside = [(0.5, side - 0.5) for side in size]
    box.add_source([rng.uniform(*limits) for limits in inside])
    box.add_microphone(np.array([[rng.uniform(*limits) for limits in inside] for _ in range(microphones)]).T)
    box.compute_rir()
    found = []
    for (response,) in box.rir:
        whole = np.asarray(response, np.float64)[: round(_LONGEST_S * RATE)]
        begin = max(0, direct_at(whole) - round(0.0025 * RATE))
        found.append(whole[begin:])
    return found


def shaped(rng: np.random.Generator) -> Doubles:
    """Return a response of noise with drawn decays per octave, beginning with its direct sound."""
    middle = rng.uniform(*np.log(_T60_S))
    steps = np.cumsum(rng.normal(-0.04, _T60_STEP, len(OCTAVES_HZ)))
    t60 = np.clip(np.exp(middle + steps - steps[3]), 0.1, 6.0)
    samples = round(min(_LONGEST_S, 1.1 * t60.max() + 0.2) * RATE)
    time = np.arange(samples) / RATE
    tail = np.zeros(samples)
    white = rng.normal(size=samples)
    for centre, decay in zip(OCTAVES_HZ, t60, strict=True):
        low, high = centre / math.sqrt(2.0), min(centre * math.sqrt(2.0), 0.49 * RATE)
        octave = signal.butter(2, [low, high], "bandpass", fs=RATE, output="sos")
        tail += signal.sosfilt(octave, white) * 10.0 ** (-3.0 * time / decay)
    delay = math.exp(rng.uniform(math.log(3.0), math.log(60.0))) / 1000.0
    # Few reflections in the beginning, more and more later on, as in a box.
    full = delay + rng.uniform(0.005, 0.06)
    density = np.clip((time - delay) / (full - delay), 0.0, 1.0) ** 2
    tail *= (rng.random(samples) < density) / np.sqrt(np.maximum(density, 1e-3))
    level = float(np.sqrt(np.square(tail).mean())) + 1e-12
    for _ in range(int(rng.integers(2, 8))):
        at = delay + rng.uniform(0.0, 0.05)
        if at < time[-1]:
            tail[round(at * RATE)] += rng.choice((-1.0, 1.0)) * rng.uniform(2.0, 20.0) * level
    response = np.zeros(samples)
    response[0] = 10.0 * max(float(np.abs(tail).max()), 1e-9)
    return response + tail

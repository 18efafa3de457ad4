"""Loudness, spectral distance and peaks of mixes that are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hybridmix_models.data.types import RATE
from hybridmix_models.evaluation.sound import SETTLED, loudness_lufs, mr_stft, overshoot

NOISE = np.random.default_rng(6).normal(0.0, 0.05, 3 * RATE).astype(np.float32)


def test_a_full_scale_997_hz_sine_has_minus_3_01_lufs() -> None:
    time = np.arange(3 * RATE) / RATE
    sine = np.sin(2.0 * np.pi * 997.0 * time).astype(np.float32)
    assert loudness_lufs(sine) == pytest.approx(-3.01, abs=0.02)


def test_silence_has_a_finite_loudness() -> None:
    assert loudness_lufs(np.zeros(RATE, np.float32)) == -120.0


def test_level_alone_makes_no_spectral_distance() -> None:
    louder = NOISE * np.float32(10.0 ** (9.0 / 20.0))
    difference = loudness_lufs(louder) - loudness_lufs(NOISE)
    assert difference == pytest.approx(9.0, abs=1e-4)
    assert mr_stft(louder, NOISE, difference) == pytest.approx(0.0, abs=1e-4)


def test_another_balance_makes_spectral_distance_and_a_worse_one_more() -> None:
    tone = 0.1 * np.sin(2.0 * np.pi * 440.0 * np.arange(3 * RATE) / RATE).astype(np.float32)
    distances = []
    for db in (0.0, 3.0, 9.0):
        mix = NOISE + tone * np.float32(10.0 ** (db / 20.0))
        reference = NOISE + tone
        distances.append(mr_stft(mix, reference, loudness_lufs(mix) - loudness_lufs(reference)))
    assert distances[0] < 1e-4 < 0.02 < distances[1] < distances[2]


def test_overshoot_is_told_apart_before_and_after_2_s() -> None:
    mix = np.zeros(4 * RATE, np.float32)
    mix[SETTLED - 1] = -2.0
    mix[SETTLED : SETTLED + 441] = 1.0
    early, late = overshoot(mix)
    assert early.seconds == pytest.approx(1 / RATE)
    assert early.db == pytest.approx(20.0 * math.log10(2.0), abs=1e-5)
    assert (late.seconds, late.db) == (0.0, 0.0)  # full scale itself is not over

"""The streaming meter against pyloudnorm, and against signals whose level is known."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest

from hybridmix.batch.loudness import integrated, short_term
from hybridmix.batch.meter import Meter


def _programme(rate: int, channels: int, seconds: float = 12.0) -> np.ndarray:
    """Noise with loud, quiet and silent passages."""
    rng = np.random.default_rng(3)
    frames = round(seconds * rate)
    level = np.repeat([0.3, 0.01, 0.0, 0.1, 0.5, 0.0001], frames // 6)
    return np.asarray(rng.standard_normal((channels, level.size)) * 0.2 * level, np.float32)


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2])
def test_integrated_loudness_equals_pyloudnorm_whatever_the_blocks(rate: int, channels: int) -> None:
    audio = _programme(rate, channels)
    meter = Meter(rate, channels)
    at = 0
    for size in np.random.default_rng(1).integers(1, 9000, 500):
        meter.add(audio[:, at : at + size])
        at += size
    expected = pyloudnorm.Meter(rate, filter_class="DeMan").integrated_loudness(audio.T.astype(np.float64))
    assert integrated(meter.energies()) == pytest.approx(expected, abs=0.01)


def test_a_full_scale_sine_at_997_hz_on_one_channel_is_minus_3_01_lufs() -> None:
    rate = 48000
    sine = np.sin(2 * np.pi * 997 * np.arange(5 * rate) / rate).astype(np.float32)[np.newaxis]
    meter = Meter(rate, 1, true_peak=True)
    meter.add(sine)
    assert integrated(meter.energies()) == pytest.approx(-3.01, abs=0.01)
    assert short_term(meter.energies()) == pytest.approx(-3.01, abs=0.01)
    assert meter.peak_dbfs() == pytest.approx(0.0, abs=0.01)


def test_true_peak_finds_what_lies_between_the_samples() -> None:
    rate = 48000
    sine = np.sin(2 * np.pi * rate / 4 * np.arange(rate) / rate + np.pi / 4).astype(np.float32) * 0.5
    meter = Meter(rate, 1, true_peak=True)
    meter.add(sine[np.newaxis])
    assert meter.peak_dbfs() == pytest.approx(-9.03, abs=0.01)
    assert meter.true_peak_dbtp() == pytest.approx(-6.02, abs=0.15)


def test_silence_has_no_loudness_and_no_peak() -> None:
    meter = Meter(48000, 2, true_peak=True)
    meter.add(np.zeros((2, 96000), np.float32))
    assert integrated(meter.energies()) == -np.inf
    assert meter.true_peak_dbtp() == -np.inf

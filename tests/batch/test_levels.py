"""The streaming meter against pyloudnorm, and against signals whose level is known."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest

from hybridmix.batch.meter import Meter, TruePeak
from hybridmix.measures.loudness import integrated, short_term


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
    # Beside another stream, which it must not hear.
    other = np.full((1, audio.shape[1]), 0.7, np.float32)
    meter = Meter(rate, [1, channels])
    at = 0
    for size in np.random.default_rng(1).integers(1, 9000, 500):
        meter.add([one[:, at : at + size] for one in (other, audio)])
        at += size
        if at >= audio.shape[1]:
            break
    expected = pyloudnorm.Meter(rate, filter_class="DeMan").integrated_loudness(audio.T.astype(np.float64))
    assert integrated(meter.energies(1)) == pytest.approx(expected, abs=0.01)


def test_a_full_scale_sine_at_997_hz_on_one_channel_is_minus_3_01_lufs() -> None:
    rate = 48000
    sine = np.sin(2 * np.pi * 997 * np.arange(5 * rate) / rate).astype(np.float32)[np.newaxis]
    meter = Meter(rate, [1])
    meter.add([sine])
    assert integrated(meter.energies(0)) == pytest.approx(-3.01, abs=0.01)
    assert short_term(meter.energies(0)) == pytest.approx(-3.01, abs=0.01)
    assert meter.peaks.dbfs(0) == pytest.approx(0.0, abs=0.01)


def test_true_peak_finds_what_lies_between_the_samples() -> None:
    rate = 48000
    sine = np.sin(2 * np.pi * rate / 4 * np.arange(rate) / rate + np.pi / 4).astype(np.float32) * 0.5
    meter, true_peak = Meter(rate, [2]), TruePeak(rate)
    for block in np.split(np.stack([0.1 * sine, sine]), 100, axis=1):
        meter.add([block])
        true_peak.add(block)
    assert meter.peaks.dbfs(0) == pytest.approx(-9.03, abs=0.01)
    assert true_peak.finish() == pytest.approx(-6.02, abs=0.15)


def test_silence_has_no_loudness_and_no_peak() -> None:
    meter, true_peak = Meter(48000, [2]), TruePeak(48000)
    silence = np.zeros((2, 96000), np.float32)
    meter.add([silence])
    true_peak.add(silence)
    assert integrated(meter.energies(0)) == -np.inf
    assert meter.peaks.dbfs(0) == -np.inf
    assert true_peak.finish() == -np.inf

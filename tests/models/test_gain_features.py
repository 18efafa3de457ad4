from __future__ import annotations

import numpy as np
import pytest
import torch

from hybridmix.errors import InputError
from hybridmix.features import To16k
from hybridmix_models.gain import features, logmel

RATE = 44100
FRAME = RATE // 20


def sine(hertz: float, seconds: float, rate: int = RATE, level: float = 1.0) -> features.Floats:
    return (level * np.sin(2.0 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def noise(tracks: int, frames: int, seed: int = 0) -> features.Floats:
    return np.random.default_rng(seed).normal(0.0, 0.1, (tracks, frames * FRAME)).astype(np.float32)


def test_a_full_scale_sine_has_an_rms_of_minus_3_01_dbfs_and_silence_the_floor() -> None:
    level = features.level_db(np.stack([sine(1000.0, 1.0), np.zeros(RATE, np.float32)]), RATE)
    assert level.shape == (2, 20)
    assert level[0] == pytest.approx(-3.01, abs=0.01)
    assert set(level[1]) == {-100.0}


def test_a_full_scale_997_hz_sine_has_the_energy_of_minus_3_01_lufs() -> None:
    energy = features.energy(sine(997.0, 2.0)[None], RATE)
    assert 10.0 * np.log10(energy[0, -1]) - 0.691 == pytest.approx(-3.01, abs=0.02)


@pytest.mark.parametrize("rate", [16000, 32000, 44100, 48000, 96000])
def test_resampling_keeps_the_band_and_delays_by_35_samples(rate: int) -> None:
    resampler = To16k(rate)
    start = np.zeros((1, resampler.past), np.float32)
    for hertz in (100.0, 3000.0, 7000.0):
        out, _ = resampler.resample(sine(hertz, 0.5, rate)[None], start)
        assert out[0, 1035:8000] == pytest.approx(sine(hertz, 0.5, 16000)[1000:7965], abs=2e-3)


def test_what_lies_above_the_band_does_not_alias() -> None:
    resampler = To16k(RATE)
    out, _ = resampler.resample(sine(9500.0, 0.5)[None], np.zeros((1, resampler.past), np.float32))
    assert np.abs(out[0, 200:]).max() < 10.0 ** (-60.0 / 20.0)


def test_resampling_hop_by_hop_is_resampling_at_once() -> None:
    audio, resampler = noise(2, 10), To16k(RATE)
    state = np.zeros((2, resampler.past), np.float32)
    whole, _ = resampler.resample(audio, state)
    parts = []
    for first in range(0, audio.shape[1], 3 * resampler.hop):
        part, state = resampler.resample(audio[:, first : first + 3 * resampler.hop], state)
        parts.append(part)
    assert np.abs(np.concatenate(parts, axis=1) - whole).max() < 1e-6


def test_a_rate_without_whole_hops_is_refused() -> None:
    with pytest.raises(InputError, match=r"11025 Hz has no whole hops of 10 ms; expected a multiple of 100"):
        features.level_db(noise(1, 1), 11025)


def test_a_patch_is_the_log_mel_of_the_published_front_end() -> None:
    """Against the definition, in double precision, from the audio that the resampler gives."""
    inputs = noise(1, 24) + sine(440.0, 1.2, level=0.3)
    resampler = To16k(RATE)
    audio = resampler.resample(inputs, np.zeros((1, resampler.past), np.float32))[0][0].astype(np.float64)
    example = audio[24 * 800 - 15600 :]
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(400) / 400)
    edges = 700.0 * np.expm1(np.linspace(np.log1p(125.0 / 700.0), np.log1p(7500.0 / 700.0), 66))
    expected = np.empty((96, 64))
    for row in range(96):
        magnitude = np.abs(np.fft.rfft(example[row * 160 : row * 160 + 400] * window, 512))
        for band in range(64):
            low, middle, high = np.log1p(edges[band : band + 3] / 700.0)
            bins = np.log1p(np.arange(257) * 31.25 / 700.0)
            triangle = np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle))
            expected[row, band] = np.log(np.sum(np.maximum(triangle[1:], 0.0) * magnitude[1:]) + 0.01)
    patches = features.patches(inputs, RATE, normalised=False)
    assert patches.shape == (1, 4, 96, 64)
    assert np.abs(patches[0, 3] - expected).max() < 1e-4


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("phase", [0, 5])
def test_the_front_end_inside_a_graph_gives_the_same_patches(normalised: bool, phase: int) -> None:
    inputs, resampler = noise(2, 40), To16k(RATE)
    audio, _ = resampler.resample(inputs, np.zeros((2, resampler.past), np.float32))
    patches = features.patches(inputs, RATE, phase, normalised=normalised)
    module, flags = logmel.LogMel(), torch.tensor([normalised] * 2)
    padded = np.pad(audio, ((0, 0), (logmel.SAMPLES, 0)))
    for index in range(patches.shape[1]):
        end = (6 * index + phase + 1) * 800
        found = module(torch.from_numpy(padded[:, end : end + logmel.SAMPLES]), flags).numpy()
        assert np.abs(found - patches[:, index]).max() < 1e-4


def test_normalised_patches_do_not_depend_on_the_level_and_recorded_ones_do() -> None:
    inputs = noise(1, 40)
    quiet = inputs * np.float32(10.0 ** (-24.0 / 20.0))
    assert np.abs(features.patches(quiet, RATE) - features.patches(inputs, RATE)).max() < 1e-3
    as_recorded = features.patches(inputs, RATE, normalised=False)
    drop = as_recorded - features.patches(quiet, RATE, normalised=False)
    assert np.median(drop[:, 3:]) == pytest.approx(np.log(10.0 ** (24.0 / 20.0)), abs=0.2)


def test_silence_stays_silence() -> None:
    assert np.allclose(features.patches(np.zeros((1, 12 * FRAME), np.float32), RATE), np.log(0.01))


@pytest.mark.parametrize("phase", range(6))
def test_features_depend_on_no_audio_after_their_frame(phase: int) -> None:
    inputs, changed = noise(1, 45), noise(1, 45)
    changed[:, 31 * FRAME :] = 5.0
    assert np.array_equal(features.level_db(inputs, RATE)[:, :31], features.level_db(changed, RATE)[:, :31])
    assert np.array_equal(features.energy(inputs, RATE)[:, :31], features.energy(changed, RATE)[:, :31])
    known = features.patch_count(31, phase)
    same = features.patches(inputs, RATE, phase), features.patches(changed, RATE, phase)
    assert np.array_equal(same[0][:, :known], same[1][:, :known])
    assert not np.array_equal(same[0][:, known], same[1][:, known])


@pytest.mark.parametrize("phase", range(6))
def test_a_frame_uses_the_newest_patch_that_ended_before_it(phase: int) -> None:
    newest = features.newest_patch(40, phase)
    ends = [6 * index + phase for index in range(features.patch_count(40, phase))]
    for frame in range(40):
        ended = [index for index, end in enumerate(ends) if end < frame]
        assert newest[frame] == (ended[-1] if ended else -1)

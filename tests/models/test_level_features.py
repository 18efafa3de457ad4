"""Level, true peak and the trim of a whole song."""

from __future__ import annotations

import numpy as np
import pytest

from hybridmix.features.levels import PAST, PEAK_BOUND, level_dbfs, power, true_peak
from hybridmix.processors.staging import whole_song

RATE = 48000


def test_a_full_scale_sine_has_minus_3_db_in_mono_and_in_stereo() -> None:
    sine = np.sin(2.0 * np.pi * 997.0 * np.arange(RATE) / RATE).astype(np.float32)
    for audio in (sine[np.newaxis], np.stack([sine, sine])):
        assert 10.0 * np.log10(power(audio)) == pytest.approx(-3.01, abs=0.01)


def test_a_peak_between_samples_is_found_and_none_is_more_than_the_bound() -> None:
    time = np.arange(480)
    # At a quarter of the rate with 45 degrees: samples at 0.7071, the wave at 1.
    wave = np.sin(0.5 * np.pi * time + 0.25 * np.pi).astype(np.float32)[np.newaxis]
    nothing = np.zeros((1, PAST), np.float32)
    assert np.abs(wave).max() == pytest.approx(0.7071, abs=1e-3)
    assert 20.0 * np.log10(true_peak(wave[:, 40:], wave[:, 40 - PAST : 40])) == pytest.approx(0.0, abs=0.2)
    noise = np.random.default_rng(1).choice([-1.0, 1.0], (2, 4800)).astype(np.float32)
    assert true_peak(noise, np.zeros((2, PAST), np.float32)) <= PEAK_BOUND
    assert true_peak(np.zeros((1, 480), np.float32), nothing) == 0.0


def test_in_pieces_the_true_peak_is_the_same() -> None:
    noise = np.random.default_rng(2).normal(0.0, 0.2, (2, 960)).astype(np.float32)
    nothing = np.zeros((2, PAST), np.float32)
    pieces = max(true_peak(noise[:, :480], nothing), true_peak(noise[:, 480:], noise[:, 480 - PAST : 480]))
    assert pieces == pytest.approx(true_peak(noise, nothing), rel=1e-6)


def test_frames_far_below_the_loudest_and_below_60_db_do_not_count() -> None:
    powers = 10.0 ** (np.array([-20.0, -20.0, -49.0, -51.0, -90.0]) / 10.0)
    assert level_dbfs(powers) == pytest.approx(10.0 * np.log10((2e-2 + 10.0**-4.9) / 3.0))
    assert level_dbfs(np.full(5, 1e-7)) == -np.inf
    assert level_dbfs(np.zeros(0)) == -np.inf


@pytest.mark.parametrize(
    ("level_db", "peak", "expected", "limited"),
    [(-30.0, 0.1, 12.0, ""), (-30.0, 0.5, 5.02, "peak"), (-55.0, 1e-2, 24.0, "range"), (-10.0, 0.9, -8.0, "")],
)  # fmt: skip
def test_the_trim_of_a_whole_song_brings_it_to_the_level_unless_something_limits_it(
    level_db: float, peak: float, expected: float, limited: str
) -> None:
    trim = whole_song(np.full(100, 10.0 ** (level_db / 10.0)), peak, -18.0)
    assert (trim.db, trim.level_dbfs) == pytest.approx((expected, level_db))
    assert trim.limited == limited


def test_a_silent_song_is_left_alone() -> None:
    assert whole_song(np.zeros(100), 0.0, -18.0).db == 0.0

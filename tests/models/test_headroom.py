from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from hybridmix_models.gain import Headroom

FRAMES = 480


class Stream:
    """The module fed frame by frame, its state carried."""

    def __init__(self) -> None:
        self.module = Headroom()
        self.peak, self.held = torch.zeros(1), torch.zeros(1)

    def step(self, audio: Tensor, gain_db: list[float]) -> float:
        trim, self.peak, self.held = self.module(audio, torch.tensor(gain_db), self.peak, self.held)
        return float(trim[0])

    def level(self, dbfs: float) -> float:
        """One frame of one track whose peak is ``dbfs``."""
        return self.step(torch.full((1, 2 * FRAMES), 10.0 ** (dbfs / 20.0)), [0.0])


def test_a_sum_below_the_aim_is_left_alone() -> None:
    stream = Stream()
    assert [stream.level(dbfs) for dbfs in (-60.0, -6.0, -1.01)] == [0.0, 0.0, 0.0]


def test_the_first_frame_that_is_too_loud_is_answered_at_once() -> None:
    assert Stream().level(7.0) == pytest.approx(-8.0, abs=1e-3)


def test_tracks_add_up_with_their_gains() -> None:
    audio = torch.zeros(2, 2 * FRAMES)
    audio[:, FRAMES + 7] = 0.5
    assert Stream().step(audio, [6.0206, 6.0206]) == pytest.approx(-7.0206, abs=1e-3)
    audio[1] *= -1.0  # opposite polarity: nothing is left of the sum
    assert Stream().step(audio, [6.0206, 6.0206]) == 0.0


def test_no_frame_that_was_seen_is_above_the_aim() -> None:
    stream = Stream()
    for peak in np.random.default_rng(5).uniform(-30.0, 12.0, 600):
        assert peak + stream.level(float(peak)) <= Headroom.AIM_DBFS + 1e-3


def test_it_holds_for_2_s_then_recovers_by_one_and_a_half_db_per_second() -> None:
    stream = Stream()
    first = stream.level(5.0)
    held = [stream.level(-40.0) for _ in range(40)]
    assert set(held) == {first}
    later = [stream.level(-40.0) for _ in range(100)]
    assert np.diff([first, *later])[:79] == pytest.approx(0.075, abs=1e-3)
    assert later[-1] == 0.0


def test_a_peak_within_2_db_starts_the_hold_again_and_a_lower_one_does_not() -> None:
    stream = Stream()
    first = stream.level(5.0)
    for _ in range(10):
        assert {stream.level(-40.0) for _ in range(39)} == {first}
        assert stream.level(3.1) == first
    assert {stream.level(-40.0) for _ in range(39)} == {first}
    assert stream.level(2.9) == first
    assert stream.level(-40.0) > first


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf, 1e30])
def test_samples_that_are_no_audio_do_not_count(poison: float) -> None:
    audio = torch.full((2, 2 * FRAMES), 1.0)
    audio[1, 5:] = poison
    assert Stream().step(audio, [0.0, 0.0]) == pytest.approx(-7.0206, abs=1e-3)


@pytest.mark.parametrize("gain", [np.nan, np.inf, 37.0, -81.0])
def test_a_gain_outside_the_declared_range_leaves_its_track_out(gain: float) -> None:
    assert Stream().step(torch.full((2, 2 * FRAMES), 2.0), [0.0, gain]) == pytest.approx(-7.0206, abs=1e-3)


def test_the_trim_ends_at_its_declared_bound() -> None:
    assert Stream().step(torch.full((1, 2 * FRAMES), 1e5), [36.0]) == Headroom.MIN_TRIM_DB

"""Bootstrap intervals on samples whose spread is known."""

from __future__ import annotations

import numpy as np
import pytest

from hybridmix_models.evaluation.statistics import Interval, clustered_mean, clustered_ratio


def test_independent_values_have_the_interval_of_the_normal_law() -> None:
    values = np.random.default_rng(2).normal(5.0, 2.0, 400)
    interval = clustered_mean(list(values), [str(index) for index in range(400)])
    half = 1.96 * values.std() / 20.0
    assert interval.mean == pytest.approx(values.mean())
    assert interval.high - interval.mean == pytest.approx(half, rel=0.1)
    assert interval.mean - interval.low == pytest.approx(half, rel=0.1)


def test_repeating_scenes_of_a_song_narrows_nothing() -> None:
    values = list(np.random.default_rng(3).normal(0.0, 1.0, 30))
    songs = [f"song {index}" for index in range(30)]
    once = clustered_mean(values, songs)
    assert clustered_mean(values * 20, songs * 20).rounded() == once.rounded()
    assert clustered_mean(values * 20, [str(index) for index in range(600)]).high < once.high


def test_the_interval_decides_whether_a_difference_counts() -> None:
    songs = [str(index) for index in range(20)]
    better = [-1.0 + 0.1 * (index % 3) for index in range(20)]
    assert clustered_mean(better, songs).excludes_zero
    assert not clustered_mean([(-1.0) ** index for index in range(20)], songs).excludes_zero
    assert not Interval(0.1, 0.0, 0.2).excludes_zero


def test_the_ratio_keeps_pairs_together() -> None:
    below = [1.0, 4.0, 9.0, 2.0]
    interval = clustered_ratio([0.4 * value for value in below], below, list("abcd"))
    assert interval.rounded() == {"mean": 0.4, "low": 0.4, "high": 0.4}

"""Jumps, entrances, recovery and open microphones on gains that move in known ways."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hybridmix_models.evaluation.movement import changes_db, entrances, recovery_s, rise_db


def test_changes_are_counted_in_both_directions() -> None:
    assert changes_db(np.array([[0.0, 2.0, -1.0]], np.float32)).tolist() == [[2.0, 3.0]]


def test_an_entrance_lasts_1_s_and_needs_1_s_of_inactivity() -> None:
    active = np.zeros((3, 100), np.bool_)
    active[0, 30:] = True  # enters at 30
    active[1, :40] = active[1, 59:] = True  # plays from the beginning; a gap of 19 frames
    active[2, 10:20] = active[2, 40:45] = True  # a gap of 20 frames
    entered = entrances(active)
    assert np.flatnonzero(entered[0]).tolist() == list(range(30, 50))
    assert np.flatnonzero(entered[1]).tolist() == list(range(20))
    assert np.flatnonzero(entered[2]).tolist() == [*range(10, 30), *range(40, 60)]


def test_recovery_is_the_time_until_it_stays() -> None:
    error = np.full(200, 12.0)
    error[130:] = 2.9
    error[110:125] = 0.0  # not for a whole second
    assert recovery_s(error, 100) == pytest.approx(1.5)
    assert recovery_s(-error, 100) == pytest.approx(1.5)


def test_what_never_stays_recovers_never() -> None:
    error = np.full(200, 12.0)
    error[181:] = 0.0  # 19 frames are left: less than 1 s
    assert recovery_s(error, 100) == math.inf
    assert recovery_s(error[:110], 100) == math.inf
    error[180:] = 0.0
    assert recovery_s(error, 100) == pytest.approx(4.0)


def test_a_gain_that_is_right_at_once_recovers_in_no_time() -> None:
    assert recovery_s(np.zeros(100), 50) == 0.0


def test_the_rise_is_from_the_last_second_to_the_maximum() -> None:
    gain = np.full(700, -30.0, np.float32)
    gain[80:100] = -10.0
    gain[300] = -7.5
    assert rise_db(gain, 100) == pytest.approx(2.5)
    gain[100:] = -12.0
    assert rise_db(gain, 100) == 0.0

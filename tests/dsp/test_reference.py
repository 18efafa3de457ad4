from __future__ import annotations

import json

import numpy as np

from .reference import GOLDEN, Change, Pace, gain_db, golden

GAIN = {1: Pace(50.0, 48.0)}


def test_the_golden_vectors_are_what_the_reference_says() -> None:
    assert json.loads(GOLDEN.read_text()) == json.loads(json.dumps(golden()))


def test_a_change_begins_at_its_sample_and_ends_exactly_at_its_target() -> None:
    gain = gain_db(GAIN, [Change(1000, 1, 2.4)], np.arange(4000), 48000)
    assert np.all(gain[:1001] == 0.0)
    assert gain[1001] == 2.4 / 2400
    assert gain[3399] < 2.4
    assert np.all(gain[3400:] == 2.4)


def test_a_large_change_moves_at_the_slew_limit() -> None:
    gain = gain_db(GAIN, [Change(0, 1, -48.0)], np.arange(50000), 48000)
    assert np.argmax(gain == -48.0) == 48000
    assert np.abs(np.diff(gain)).max() <= 48.0 / 48000 * (1 + 1e-9)


def test_a_change_under_way_is_taken_up_where_it_is() -> None:
    gain = gain_db(GAIN, [Change(0, 1, 2.4), Change(1200, 1, 0.0)], np.arange(4000), 48000)
    assert gain[1200] == 1.2
    assert np.all(gain[3600:] == 0.0)
    assert np.abs(np.diff(gain)).max() <= 0.001 + 1e-12

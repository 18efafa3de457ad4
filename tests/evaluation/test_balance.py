"""The gain error against gains whose error is known."""

from __future__ import annotations

import numpy as np
import pytest

from hybridmix_models.evaluation.balance import (
    SETTLING,
    counted_frames,
    offset_db,
    song_error_db,
    track_errors_db,
)

FRAMES = 100
TARGET = np.linspace(-20.0, 5.0, 3 * FRAMES, dtype=np.float32).reshape(3, FRAMES)
ALWAYS = counted_frames(np.ones((3, FRAMES), np.bool_))


def errors(gains: np.ndarray, counted: np.ndarray = ALWAYS) -> np.ndarray:
    return track_errors_db(gains, TARGET, counted, offset_db(gains, TARGET, counted))


def test_gains_that_are_off_by_one_constant_have_no_error() -> None:
    assert errors(TARGET - 7.5) == pytest.approx([0.0, 0.0, 0.0], abs=1e-5)


def test_one_track_that_is_off_among_three_is_not_shared_out() -> None:
    gains = TARGET + np.array([[4.0], [4.0], [10.0]], np.float32)
    assert offset_db(gains, TARGET, ALWAYS) == pytest.approx(4.0, abs=1e-5)
    assert errors(gains) == pytest.approx([0.0, 0.0, 6.0], abs=1e-5)
    assert song_error_db(errors(gains)) == pytest.approx(2.0, abs=1e-5)


def test_no_other_offset_has_a_smaller_error() -> None:
    random = np.random.default_rng(4)
    gains = TARGET + random.normal(0.0, 5.0, TARGET.shape).astype(np.float32)
    counted = counted_frames(random.random(TARGET.shape) < [[0.9], [0.5], [0.05]])
    best = song_error_db(errors(gains, counted))
    others = [song_error_db(track_errors_db(gains, TARGET, counted, o)) for o in np.linspace(-9, 9, 400)]
    assert best <= min(others) + 1e-9


def test_tracks_count_the_same_however_long_they_play() -> None:
    counted = ALWAYS.copy()
    counted[2, SETTLING + 2 :] = False  # two frames
    gains = TARGET.copy()
    gains[2] += 3.0
    assert song_error_db(errors(gains, counted)) == pytest.approx(1.0, abs=1e-5)


def test_the_first_2_s_and_inactive_frames_do_not_count() -> None:
    active = np.ones((3, FRAMES), np.bool_)
    active[1, 60:] = False
    gains = TARGET.copy()
    gains[:, :SETTLING] = 99.0
    gains[1, 60:] = -99.0
    assert errors(gains, counted_frames(active)) == pytest.approx([0.0, 0.0, 0.0], abs=1e-5)


def test_a_track_that_never_plays_is_left_out() -> None:
    active = np.ones((3, FRAMES), np.bool_)
    active[0] = False
    found = errors(TARGET + np.array([[50.0], [1.0], [1.0]], np.float32), counted_frames(active))
    assert np.isnan(found[0])
    assert song_error_db(found) == pytest.approx(0.0, abs=1e-5)
    assert np.isnan(song_error_db(np.full(3, np.nan)))

"""Gains as played: the slew limit, lines in dB, and the headroom rule that ships."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hybridmix_models.data.types import FRAME
from hybridmix_models.evaluation.playback import play, slew_limited
from hybridmix_models.gain import Headroom


def test_the_slew_limit_follows_slow_gains_and_stretches_fast_ones() -> None:
    gains = np.array([[0.0, 0.4, 0.1, 6.0, 6.0, 6.0], [3.0, -9.0, -9.0, 3.0, 3.0, 3.0]], np.float32)
    limited = slew_limited(gains)
    assert limited[0] == pytest.approx([0.0, 0.4, 0.1, 0.6, 1.1, 1.6])
    assert limited[1] == pytest.approx([3.0, 2.5, 2.0, 2.5, 3.0, 3.0])


def test_a_constant_gain_scales_the_sum() -> None:
    inputs = np.array([[0.1] * 3 * FRAME, [-0.02] * 3 * FRAME], np.float32)
    played = play(inputs, np.full((2, 3), -6.0, np.float32))
    assert played.mix == pytest.approx(np.full(3 * FRAME, 0.08 * 10 ** (-0.3)), abs=1e-7)
    assert not played.trim_db.any()


def test_within_a_frame_the_gain_is_a_line_in_db_to_its_end() -> None:
    inputs = np.full((1, 2 * FRAME), 0.1, np.float32)
    played = play(inputs, np.array([[0.0, 0.5]], np.float32))
    db = 20.0 * np.log10(played.mix[FRAME:] / 0.1)
    assert db == pytest.approx(0.5 * np.arange(1, FRAME + 1) / FRAME, abs=1e-4)


def test_the_trim_is_that_of_the_headroom_model_one_frame_late() -> None:
    random = np.random.default_rng(8)
    inputs = random.normal(0.0, 0.5, (3, 60 * FRAME)).astype(np.float32)
    inputs[:, 30 * FRAME :] *= 0.05
    gains = np.cumsum(random.uniform(-0.4, 0.4, (3, 60)), axis=1).astype(np.float32)
    module, peak, held, expected = Headroom(), torch.zeros(1), torch.zeros(1), [0.0]
    for frame in range(59):
        heard = torch.from_numpy(inputs[:, frame * FRAME : (frame + 1) * FRAME])
        newest = torch.from_numpy(gains[:, frame + 1])
        trim, peak, held = module(heard.repeat(1, 2), newest, peak, held)
        expected.append(float(trim))
    played = play(inputs, gains)
    assert played.trim_db == pytest.approx(expected, abs=1e-3)
    assert np.array_equal(played.mix[:FRAME], played.untrimmed[:FRAME])

"""Movement for sustained tones: what it is made of, and that it knows nothing but the position."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from hybridmix.measures.movement import EDGES_HZ, RATE_HZ
from hybridmix.processors.swell import FLICKER, LFO, STILL, swell

_FRAMES = np.arange(4096)


def test_every_octave_of_1_f_is_equally_strong_and_in_its_place() -> None:
    movement = swell(FLICKER, _FRAMES)
    power = np.square(np.abs(np.fft.rfft(movement * np.hanning(len(_FRAMES))[:, np.newaxis], axis=0)))
    hertz = np.fft.rfftfreq(len(_FRAMES), 1.0 / RATE_HZ)
    for band, (low, high) in enumerate(pairwise(EDGES_HZ.tolist())):
        inside = power[(hertz >= low) & (hertz < high), band].sum()
        assert inside > 0.95 * power[:, band].sum()
    assert movement.std(axis=0) == pytest.approx(1.0, abs=0.05)


def test_it_is_a_function_of_the_position() -> None:
    for kind in (FLICKER, LFO):
        whole = swell(kind, _FRAMES[:200])
        alone = np.concatenate([swell(kind, [frame]) for frame in range(199, -1, -1)])[::-1]
        assert np.array_equal(whole, alone)
        assert not np.array_equal(whole, swell(kind, _FRAMES[1:201]))


def test_an_lfo_has_one_rate_and_nothing_stays_still() -> None:
    movement = swell(LFO, _FRAMES)
    assert np.flatnonzero(movement.any(axis=0)).tolist() == [1]
    assert np.abs(movement).max() <= 1.0
    peak = np.argmax(np.abs(np.fft.rfft(movement[:, 1])))
    assert np.fft.rfftfreq(len(_FRAMES), 1.0 / RATE_HZ)[peak] == pytest.approx(0.354, abs=0.005)
    assert not swell(STILL, _FRAMES).any()

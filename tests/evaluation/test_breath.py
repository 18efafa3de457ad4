"""The figures of breath, on stems whose movement is known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from tests.built import NEEDS_PLUGIN

from hybridmix.measures.movement import distance_db, energies, movement_db, sounding
from hybridmix_models.breath.filters import RATE_HZ
from hybridmix_models.data.types import FRAME, RATE, Floats
from hybridmix_models.evaluation.breath.pairs import Excerpt
from hybridmix_models.evaluation.breath.playing import played
from hybridmix_models.evaluation.breath.score import evaluate, table

_SECONDS = 20


def _tone(level_db: npt.NDArray[np.float64], rate_hz: float = RATE_HZ) -> Floats:
    """A tone whose level goes through ``level_db`` (points,), ``rate_hz`` of them per second."""
    time = np.arange(_SECONDS * RATE) / RATE
    level = np.interp(time, np.arange(len(level_db)) / rate_hz, level_db)
    return (10.0 ** (level / 20.0) * np.sin(2.0 * np.pi * 500.0 * time)).astype(np.float32)


def _swinging(hertz: float, swing_db: float) -> Floats:
    time = np.arange(_SECONDS * 100) / 100.0
    return _tone(-23.0 + swing_db * np.sin(2.0 * np.pi * hertz * time), 100.0)


def _wandering(seed: int, swing_db: float) -> Floats:
    noise = np.random.default_rng(seed).normal(0.0, 1.0, _SECONDS * 20)
    return _tone(-23.0 + swing_db * np.convolve(noise, np.full(5, 0.4), "same"))


@pytest.mark.parametrize("band", range(6))
def test_movement_is_that_of_its_band(band: int) -> None:
    energy = energies(_swinging(0.2 * 2.0**band, 3.0))
    movement = movement_db(energy, sounding(energy))
    assert movement[band] == pytest.approx(3.0 / np.sqrt(2.0), rel=0.25)
    assert np.argmax(movement) == band


def test_gaps_are_bridged() -> None:
    energy = np.full(400, 0.1)
    energy[250:300] = 0.0
    assert movement_db(energy, sounding(energy)).max() < 1e-6


def test_the_distance_is_the_ratio_in_db() -> None:
    assert distance_db(np.full(6, 1.0), np.full(6, 2.0)) == pytest.approx(6.0206, abs=1e-4)


def test_a_gain_is_reached_a_control_delay_and_a_ramp_after_its_frame() -> None:
    gains = np.zeros(10)
    gains[2:] = -6.0
    audio = played(np.ones(10 * FRAME, np.float32), gains)
    begins = 3 * FRAME + round(0.04 * RATE)
    assert audio[begins] == pytest.approx(1.0, abs=1e-3)
    assert audio[begins + FRAME] == pytest.approx(10.0**-0.3, abs=1e-3)


@NEEDS_PLUGIN
def test_figures_have_the_declared_keys_and_show_a_flat_stem_moving() -> None:
    assert RATE_HZ * FRAME == RATE
    live = Excerpt("song", "voice", _wandering(1, 5.0))
    ai = Excerpt("song", "pad", _wandering(2, 1.5))
    figures = evaluate([(live, ai)])
    assert figures["modulation_change_causal"]["mean"] < 0.0
    assert figures["loudness_change_lu_p95_causal"]["mean"] < 0.5
    assert 0.5 < figures["largest_gain_db"] <= figures["depth_db"]
    # A plan knows what comes: it does more with the same depth, and as loud as before.
    assert figures["modulation_change_plan"]["mean"] < figures["modulation_change_causal"]["mean"] - 0.1
    assert figures["loudness_change_lu_p95_plan"]["mean"] < 0.5
    assert 0.5 < figures["largest_gain_db_plan"] <= figures["depth_db"]
    assert "1 pairs of 1 songs" in table(figures)

"""What is measured has one definition, for the command line and for evaluation, and its figures stay what they were."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from hybridmix.measures import RATE, Doubles, Floats, masking, movement
from hybridmix.measures.masking import Bark, Erb, masked_share
from hybridmix.measures.onsets import onsets, shared_slots, still_there
from hybridmix.measures.tilt import tilt_db_per_octave
from hybridmix_models.breath import filters
from hybridmix_models.data import types
from hybridmix_models.evaluation.breath import score as breath_score
from hybridmix_models.evaluation.dip import score as dip_score


def _two_parts() -> tuple[Floats, Floats]:
    """A live source and an AI stem of 14 s: noise and tones that swell, from a seed."""
    random = np.random.default_rng(5)
    time = np.arange(14 * RATE) / RATE

    def swell(hertz: float, db: float, phase: float) -> np.ndarray:
        return np.asarray(10.0 ** (db / 20.0 * np.sin(2.0 * np.pi * hertz * time + phase)))

    def noise() -> np.ndarray:
        return np.convolve(random.normal(0.0, 0.05, len(time)), np.hanning(60) / 30.0, "same")

    live = noise() * swell(0.7, 6, 0) + 0.05 * np.sin(2.0 * np.pi * 310.0 * time) * swell(2, 6, 1)
    ai = 0.6 * noise() * swell(0.3, 2, 1) + 0.05 * np.sin(2.0 * np.pi * 280.0 * time) * swell(0.4, 3, 2)
    return live.astype(np.float32), ai.astype(np.float32)


def test_evaluation_measures_by_the_definitions_of_the_command_line() -> None:
    assert vars(dip_score)["masked_share"] is masking.masked_share
    assert vars(breath_score)["distance_db"] is movement.distance_db
    assert filters.EDGES_HZ is movement.EDGES_HZ
    assert types.RATE == RATE


def test_masking_and_movement_of_two_parts_are_what_they_were_in_0_1() -> None:
    live, ai = _two_parts()
    shares = []
    for model in (Erb(), Bark()):
        sounds, over = model.live_db(live), model.over_db(ai)
        shares += [masked_share(sounds, over), masked_share(sounds, over, 6.0)]
    expected = [0.401038062283737, 0.14878892733564014, 0.616454930429522, 0.3000604960677556]
    # One of 4955 cells more or less, should a library round otherwise.
    assert shares == pytest.approx(expected, abs=3e-4)
    energy = [movement.energies(part) for part in (live, ai)]
    moves = [movement.movement_db(one, movement.sounding(one)) for one in energy]
    assert moves[0][1:] == pytest.approx(
        [
            0.02649151872155579,
            0.30445230742707774,
            0.18749118224329261,
            3.91378126789204,
            0.20655110913538502,
        ],
        rel=1e-6,
    )
    assert movement.distance_db(moves[1][1:], moves[0][1:]) == pytest.approx(18.97609, abs=1e-4)


def test_measuring_needs_no_torch() -> None:
    names = "masking, movement, onsets, tilt"
    program = f"import sys; from hybridmix.measures import {names}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("slope", [-6.0, -3.0, 0.0])
def test_a_tilt_is_the_slope_of_the_spectrum_in_third_octaves(slope: float) -> None:
    random = np.random.default_rng(1)
    spectrum = np.fft.rfft(random.normal(size=8 * RATE))
    hertz = np.maximum(np.fft.rfftfreq(8 * RATE, 1.0 / RATE), 20.0)
    # White noise rises by 3 dB per octave in bands of constant relative width.
    shaped = np.fft.irfft(spectrum * (hertz / 1000.0) ** ((slope - 3.0103) / 6.0206))
    audio = (0.01 * shaped / shaped.std()).astype(np.float32)
    assert tilt_db_per_octave(audio) == pytest.approx(slope, abs=0.1)
    assert tilt_db_per_octave(np.float32(0.1) * audio) == pytest.approx(tilt_db_per_octave(audio), abs=1e-3)


def test_a_tone_and_silence_have_no_tilt() -> None:
    tone = np.sin(2.0 * np.pi * 440.0 * np.arange(RATE) / RATE).astype(np.float32)
    assert np.isnan(tilt_db_per_octave(tone))
    assert np.isnan(tilt_db_per_octave(np.zeros(RATE, np.float32)))


def _hits(times: np.ndarray, kind: str, seed: int = 0) -> Floats:
    """A part of hits at ``times`` s over a little noise."""
    random = np.random.default_rng(seed)
    audio = random.normal(0.0, 1e-3, 12 * RATE)
    time = np.arange(round(0.3 * RATE)) / RATE
    for at in np.round(times * RATE).astype(int):
        if kind == "noise":
            hit = random.normal(size=len(time)) * np.exp(-time / 0.03)
        elif kind == "kick":
            hit = np.sin(2.0 * np.pi * 55.0 * time) * np.exp(-time / 0.05) * np.minimum(1.0, time / 0.002)
        else:
            tones = sum(np.sin(2.0 * np.pi * hertz * time) for hertz in (220.0, 440.0, 880.0))
            hit = tones * np.exp(-time / 0.05) * np.minimum(1.0, time / 0.005) / 3.0
        audio[at : at + len(hit)] += 0.3 * hit
    return audio.astype(np.float32)


_GRID: Doubles = 0.3 + 0.25 * np.arange(44.0)


@pytest.mark.parametrize(("kind", "within_ms"), [("noise", 0.5), ("kick", 1.0), ("pluck", 4.0)])
def test_onsets_are_found_where_they_are(kind: str, within_ms: float) -> None:
    times = _GRID + np.random.default_rng(2).normal(0.0, 0.01, len(_GRID))
    found = onsets(_hits(times, kind))
    assert len(found) == len(times)
    assert 1e3 * np.abs(found - times).max() < within_ms
    np.testing.assert_array_equal(onsets(np.float32(0.01) * _hits(times, kind)), found)


def test_nothing_begins_in_silence_or_in_less_than_a_spectrum() -> None:
    assert len(onsets(np.zeros(RATE, np.float32))) == 0
    assert len(onsets(np.ones(100, np.float32))) == 0


@pytest.mark.parametrize("late", [0.0, 0.02, -0.03])
@pytest.mark.parametrize("period", [0.25, 0.125])
def test_parts_that_play_together_share_slots_also_when_one_drags(late: float, period: float) -> None:
    grid: Doubles = 0.3 + period * np.arange(44.0)
    live = grid + late + np.random.default_rng(4).normal(0.0, 0.006, len(grid))
    slots = shared_slots(grid, live)
    assert slots is not None
    assert len(slots) > 40
    assert np.abs(slots[:, 0] - slots[:, 1]).mean() == pytest.approx(np.abs(grid - live).mean(), rel=0.1)


def test_parts_that_have_nothing_to_do_with_each_other_have_no_rhythm() -> None:
    random = np.random.default_rng(6)
    found = [
        shared_slots(_GRID, np.sort(random.uniform(0.0, 11.5, count))) is not None
        for count in (30, 60, 90, 120)
        for _ in range(50)
    ]
    assert np.mean(found) < 0.03
    assert shared_slots(_GRID[:10], _GRID[:10]) is None
    assert shared_slots(np.zeros(0), _GRID) is None


def test_a_slot_is_found_again_where_its_onset_was_moved_and_none_takes_the_place_of_another() -> None:
    near = np.sort(np.concatenate([_GRID, _GRID + 0.04]))
    slots = np.stack([_GRID, _GRID + 0.01], axis=1)
    moved = still_there(slots, near, near[1:] + 0.008)
    assert np.isnan(moved[0])
    np.testing.assert_allclose(moved[1:], _GRID[1:] + 0.008)
    assert np.isnan(still_there(slots, near, np.zeros(0))).all()

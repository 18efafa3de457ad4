from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pyloudnorm import Meter

from hybridmix_models.gain import EqualLoudness, reference

RATE = 48000
FRAME = RATE // 20
TARGET = EqualLoudness.TARGET_LUFS
Doubles = npt.NDArray[np.float64]


class Stream:
    """The module fed frame by frame, its state carried."""

    def __init__(self, tracks: int = 1) -> None:
        self.module = EqualLoudness()
        self.window = torch.zeros(tracks, 60)
        self.filled = torch.zeros(tracks, dtype=torch.int64)
        self.gain = torch.zeros(tracks)
        self.known = torch.zeros(tracks, dtype=torch.bool)

    def step(self, energy: list[float], present: list[bool] | None = None) -> list[float]:
        flags = torch.tensor(present or [True] * len(energy))
        self.gain, self.known, self.window, self.filled = self.module(
            torch.tensor(energy), flags, self.window, self.filled, self.gain, self.known
        )
        return [float(value) for value in self.gain]

    def run(self, energy: Doubles) -> Doubles:
        """Gain of the only track after each frame."""
        return np.array([self.step([float(value)])[0] for value in energy])


def energy_of(lufs: float) -> float:
    return float(10.0 ** ((lufs + 0.691) / 10.0))


def energies_of(audio: Doubles) -> Doubles:
    """K-weighted mean square of each 50 ms of mono ``audio``, by pyloudnorm's filters."""
    for stage in Meter(RATE, "DeMan")._filters.values():
        audio = stage.apply_filter(audio)
    frames = audio[: len(audio) // FRAME * FRAME].reshape(-1, FRAME)
    return np.asarray(np.mean(frames**2, axis=1))


def hits(seconds: float, interval_s: float, level: float) -> Doubles:
    """Decaying noise bursts like a close-miked drum, with pauses between."""
    random = np.random.default_rng(1)
    time = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(level * np.exp(-(time % interval_s) / 0.06) * random.normal(0.0, 0.3, len(time)))


def test_a_full_scale_997_hz_sine_reads_minus_3_01_lufs() -> None:
    time = np.arange(8 * RATE) / RATE
    gains = Stream().run(energies_of(np.sin(2.0 * np.pi * 997.0 * time)))
    assert gains[-1] == pytest.approx(TARGET + 3.01, abs=0.01)


def test_a_gain_is_known_after_400_ms_of_activity_and_not_before() -> None:
    stream = Stream()
    known = [bool(stream.step([energy_of(-30.0)]) and stream.known[0]) for _ in range(9)]
    assert known == [False] * 7 + [True] * 2
    assert float(stream.gain[0]) == pytest.approx(6.0, abs=1e-4)


def test_silence_holds_the_gain_and_the_window() -> None:
    stream = Stream()
    before = stream.run(np.full(100, energy_of(-15.0)))[-1]
    stream.run(np.zeros(8))  # the last 400 ms still hold the end of the sound
    window = stream.window.clone()
    assert set(stream.run(np.zeros(1200))) == {float(stream.gain[0])}
    assert float(stream.gain[0]) == pytest.approx(before, abs=0.5)
    assert torch.equal(stream.window, window)


def test_a_masked_row_holds_and_its_nan_reaches_nobody() -> None:
    alone, beside = Stream(1), Stream(2)
    for frame in range(80):
        loud = energy_of(-20.0 - frame % 7)
        held = (
            beside.step([loud, energy_of(-18.0)])
            if frame < 40
            else beside.step([loud, np.nan], [True, False])
        )
        assert held[0] == alone.step([loud])[0]
    assert held[1] == pytest.approx(-6.0, abs=1e-4)
    assert int(beside.filled[1]) == 40


def test_not_a_number_in_a_counted_row_is_silence() -> None:
    stream = Stream()
    stream.run(np.full(60, energy_of(-20.0)))
    assert np.isfinite(stream.run(np.full(30, np.nan))).all()


def test_a_step_in_level_is_followed_without_overshoot() -> None:
    stream = Stream()
    stream.run(np.full(100, energy_of(-30.0)))
    after = stream.run(np.full(140, energy_of(-20.0)))
    assert np.all(np.diff(after) <= 1e-5)
    assert after[0] > 5.0
    assert after[-1] == pytest.approx(-4.0, abs=0.1)


def test_the_boost_ends_at_12_db() -> None:
    assert Stream().run(np.full(100, energy_of(-60.0)))[-1] == EqualLoudness.MAX_BOOST_DB


def test_what_stays_below_the_absolute_gate_is_never_known() -> None:
    stream = Stream()
    stream.run(np.full(200, energy_of(-70.5)))
    assert not stream.known[0]
    stream.run(np.full(8, energy_of(-69.5)))
    assert stream.known[0]


def test_soft_passages_more_than_10_lu_below_do_not_count() -> None:
    stream = Stream()
    stream.run(np.repeat([energy_of(-20.0), energy_of(-45.0)], 30))
    wanted = stream.module._loudness(stream.module._block_energies(stream.window), stream.filled)
    assert float(wanted[0]) == pytest.approx(-20.0, abs=0.6)  # ungated: -23


@pytest.mark.parametrize("interval_s", [0.13, 0.37, 0.61])
def test_the_running_loudness_agrees_with_pyloudnorm(interval_s: float) -> None:
    audio = hits(3.0, interval_s, 0.5)
    stream = Stream()
    stream.run(energies_of(audio))
    running = stream.module._loudness(stream.module._block_energies(stream.window), stream.filled)
    assert float(running[0]) == pytest.approx(Meter(RATE).integrated_loudness(audio), abs=0.4)


@pytest.mark.parametrize(("interval_s", "level"), [(0.3, 0.9), (0.571, 0.2), (1.2, 0.4)])
def test_hits_are_at_the_target_after_the_first_6_s(interval_s: float, level: float) -> None:
    audio = hits(18.0, interval_s, level)
    gains = np.repeat(Stream().run(energies_of(audio)), FRAME)
    gained = audio[FRAME:] * 10.0 ** (gains[:-FRAME] / 20.0)  # a frame's gain applies to the next one
    assert Meter(RATE).integrated_loudness(gained[6 * RATE :]) == pytest.approx(TARGET, abs=1.0)


def test_the_gain_is_calm_on_a_beat() -> None:
    gains = Stream().run(energies_of(hits(20.0, 0.571, 0.3)))
    assert np.percentile(np.abs(np.diff(gains[60:])), 99) < 0.1


@given(
    rows=st.lists(
        st.lists(st.sampled_from([0.0, 1e-9, 1e-4, 0.3, 5e7, np.inf, np.nan, -1.0]), min_size=3, max_size=3)
    ),
)
@settings(max_examples=50, deadline=None)
def test_whatever_arrives_gains_stay_in_their_range(rows: list[list[float]]) -> None:
    stream = Stream(3)
    for row in rows:
        gains = stream.step(row, [True, False, True])
        assert all(EqualLoudness.MIN_GAIN_DB <= gain <= EqualLoudness.MAX_BOOST_DB for gain in gains)


def test_streaming_equals_the_rule_over_the_whole_pass() -> None:
    random = np.random.default_rng(3)
    energy = 10.0 ** (random.normal(-3.0, 1.0, 1500))
    energy[300:420] = 0.0
    expected = reference.equal_loudness(energy, np.ones(1500, np.bool_))
    streamed = Stream().run(energy)
    assert np.nanmax(np.abs(streamed - expected)) < 0.01
    assert int(np.isnan(expected).sum()) == 7

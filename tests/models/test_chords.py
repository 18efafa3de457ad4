"""Fades at chord changes: found where the chords change, as deep and as long as they may be."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from hybridmix.plan.chords import Chords, fades_db

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

A_MINOR, F_MAJOR, G_MAJOR = (220.0, 261.6, 329.6), (174.6, 220.0, 261.6), (196.0, 246.9, 293.7)
#: When chords begin, s.
BEGINS = (0.3, 1.413, 2.507, 3.721)


def _played(chords: list[tuple[float, ...]], rate: int = 48_000, attack_s: float = 0.004) -> Floats:
    """Chords that ring until the next one begins, each with three partials to a note, in mono."""
    sounds = np.zeros(5 * rate)
    ends = (*BEGINS[1:], 5.0)
    for notes, begin, end in zip(chords, BEGINS, ends, strict=True):
        at = np.arange(round(begin * rate), round(end * rate))
        time = (at - at[0]) / rate
        partials = [np.sin(2.0 * np.pi * note * k * time) / k for note in notes for k in (1, 2, 3)]
        sounds[at] = 0.03 * np.sum(partials, axis=0) * np.minimum(1.0, time / attack_s) * np.exp(-2.0 * time)
    return sounds.astype(np.float32)[np.newaxis]


def _heard(audio: Floats, rate: int = 48_000, block: int = 1000) -> Doubles:
    chords = Chords(rate // 20)
    for at in range(0, audio.shape[1], block):
        chords.add(audio[:, at : at + block])
    return chords.heard(audio.shape[1] * 20 // rate)


def _begins(fades: Doubles) -> list[float]:
    """When fades begin to rise, s."""
    falls = np.flatnonzero((fades < 0.0) & (np.concatenate([[0.0], fades[:-1]]) == 0.0))
    return [float(point) / 100.0 for point in falls]


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_a_stem_fades_in_where_its_chords_change_and_nowhere_else(rate: int) -> None:
    fades = fades_db(_heard(_played([A_MINOR, F_MAJOR, G_MAJOR, A_MINOR], rate), rate), None, 2.5)
    assert _begins(fades) == pytest.approx(BEGINS[1:], abs=0.0151)
    assert fades.min() == -2.5
    assert np.count_nonzero(fades) <= 12
    assert fades.max() == 0.0


def test_a_chord_that_is_played_again_does_not_fade() -> None:
    assert not fades_db(_heard(_played([G_MAJOR] * 4)), None, 2.5).any()
    assert not fades_db(np.zeros((40, 3)), None, 2.5).any()


def test_it_is_heard_the_same_whatever_the_blocks() -> None:
    audio = np.repeat(_played([A_MINOR, F_MAJOR, G_MAJOR, A_MINOR]), 2, axis=0)
    whole = _heard(audio, block=audio.shape[1])
    for block in (64, 2400, 4801):
        assert np.array_equal(_heard(audio, block=block), whole)


def _one_change(rise_db: float) -> Doubles:
    heard = np.zeros((40, 3))
    heard[20] = (1.0, 0.0, 0.0)
    heard[17] = (0.0, 3.0, rise_db)
    return heard


@pytest.mark.parametrize(
    ("rise_db", "rising"), [(20.0, [-2.0]), (7.0, [-2.0, -1.0]), (1.0, [-2.0, -1.5, -1.0, -0.5])]
)
def test_a_hard_attack_fades_in_10_ms_and_a_soft_one_in_40(rise_db: float, rising: list[float]) -> None:
    fades = fades_db(_one_change(rise_db), None, 2.0)
    assert np.flatnonzero(fades).tolist() == list(range(88, 88 + len(rising)))
    assert fades[88 : 88 + len(rising)] == pytest.approx(rising)


@pytest.mark.parametrize(("breath_db", "deepest"), [(-2.0, 0.0), (-0.5, -1.5), (0.0, -2.0), (1.5, -2.0)])
def test_breath_and_fade_together_stay_within_the_depth(breath_db: float, deepest: float) -> None:
    assert fades_db(_one_change(20.0), np.full(40, breath_db), 2.0).min() == pytest.approx(deepest)

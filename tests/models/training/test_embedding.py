"""Windows that no scene has: bleed that is mixed in, and spectra that are moved."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hybridmix_models.training.embedding import _coloured, _Heard

MEL = np.random.default_rng(1).uniform(0.0, 1.0, (96, 64)).astype(np.float32)


def heard(ratio_db: float, level_db: float = -20.0) -> _Heard:
    return _Heard("bass", MEL, level_db, ratio_db, 2.0)


def test_bleed_that_is_mixed_in_lowers_the_ratio_by_its_power() -> None:
    mixed = heard(20.0).with_bleed(heard(0.0, level_db=-50.0), 3.0)
    own, rest = 100.0 / 101.0, 1.0 / 101.0
    added = 10.0 ** (-0.3)
    assert mixed.ratio_db == pytest.approx(10.0 * math.log10(own / (rest + added)), abs=1e-6)
    assert mixed.role == "bass"


def test_bleed_that_is_mixed_in_adds_its_level_and_is_normalised_away() -> None:
    mixed = heard(0.0).with_bleed(heard(0.0, level_db=-33.0), 0.0)
    assert mixed.level_db == pytest.approx(-20.0 + 10.0 * math.log10(2.0), abs=1e-6)
    assert mixed.normalise == pytest.approx(2.0 / math.sqrt(2.0), abs=1e-6)
    # The other window comes as loud as this one, whatever level it was recorded at.
    expected = np.sqrt(np.square(MEL) + np.square(MEL * 10.0 ** (13.0 / 20.0)))
    assert mixed.mel == pytest.approx(expected, rel=1e-5)


def test_spectra_are_moved_by_whole_bands_and_bent_within_the_curve() -> None:
    columns = np.repeat(MEL[None], 200, axis=0)
    only_moved = _coloured(columns, np.random.default_rng(2), 0.0, 2)
    moves = [MEL[:, np.clip(np.arange(64) + bands, 0, 63)] for bands in range(-2, 3)]
    assert all(any(np.array_equal(window, move) for move in moves) for window in only_moved)
    bent = 20.0 * np.log10(_coloured(columns, np.random.default_rng(2), 6.0, 0) / columns)
    assert 5.0 < np.abs(bent).max() <= 6.0 + 1e-3
    assert np.abs(np.diff(bent, axis=2)).max() < 1.0

"""Loudness range against the minimum requirements of EBU Tech 3342, section 2.3, and findings in words."""

from __future__ import annotations

import numpy as np
import pytest

from hybridmix.batch.findings import delivery, held_back
from hybridmix.measures.loudness import loudness_range


@pytest.mark.parametrize(
    ("levels", "expected"),
    [((-20.0, -30.0), 10.0), ((-20.0, -15.0), 5.0), ((-40.0, -20.0), 20.0), ((-50.0, -35.0, -20.0, -35.0, -50.0), 15.0)],
)  # fmt: skip
def test_the_test_signals_of_the_standard_have_their_ranges(
    levels: tuple[float, ...], expected: float
) -> None:
    energies = 10.0 ** ((np.repeat(levels, 200) + 0.691) / 10.0)
    assert loudness_range(energies) == pytest.approx(expected, abs=1.0)


def test_silence_and_less_than_3_s_have_no_range() -> None:
    assert loudness_range(np.zeros(100)) == loudness_range(np.ones(20)) == 0.0


def test_an_ai_stem_off_its_delivery_level_is_named_and_a_live_source_is_not() -> None:
    loud, peaks = delivery("ai_stem", -9.3, -0.2)
    assert loud == "AI stem at -9.3 LUFS: 4.7 LU above -14 LUFS"
    assert peaks == "AI stem peaks at -0.2 dBFS: above -1 dBFS"
    assert not delivery("ai_stem", -14.4, -1.0)
    assert not delivery("ai_stem", None, None)
    assert not delivery("live_source", -9.3, -0.2)


def test_a_trim_that_its_peak_held_back_is_named_and_one_that_is_only_not_there_yet_is_not() -> None:
    (said,) = held_back(-30.0, -6.0, -18.0, 4.6)
    assert said == "staging held back by 7.4 dB, to -25.4 dBFS RMS: true peaks would pass -1 dBTP"
    assert not held_back(-30.0, -20.0, -18.0, 11.0)
    assert not held_back(-30.0, -6.0, -18.0, 12.0)
    assert not held_back(None, -6.0, -18.0, 4.6)

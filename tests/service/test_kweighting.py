"""The K-weighting filter against the same filter from sample to sample, and against the recommendation's table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyloudnorm
import pytest
from scipy.signal import lfilter

from hybridmix.errors import InputError
from hybridmix.features import KWeighting

RATES = [44100, 48000, 88200, 96000, 176400, 192000]


def _sample_by_sample(audio: npt.NDArray[np.float32], rate: int) -> npt.NDArray[np.float64]:
    """Sums of squares of hops by pyloudnorm's own coefficients, stage after stage."""
    meter = pyloudnorm.Meter(rate, filter_class="DeMan")
    out = audio.astype(np.float64)
    for stage in ("high_shelf_DeMan", "high_pass_DeMan"):
        design = meter._filters[stage]
        out = lfilter(design.b, design.a, out, axis=-1)
    sums: npt.NDArray[np.float64] = np.square(out).reshape(len(audio), -1, rate // 100).sum(axis=2)
    return sums


@pytest.mark.parametrize("rate", RATES)
def test_long_audio_is_what_the_filter_gives_sample_by_sample(rate: int) -> None:
    time = np.arange(12 * rate) / rate
    noise = np.random.default_rng(1).normal(0.0, 0.2, time.size)
    audio = np.stack([noise, np.sin(2.0 * np.pi * 30.0 * time), np.ones_like(time), noise * (time < 4.0)])
    audio = audio.astype(np.float32)
    expected = _sample_by_sample(audio, rate)
    found = np.zeros_like(expected)
    weighting, state = KWeighting(rate), np.zeros((4, *KWeighting.STATE_SHAPE))
    for first in range(0, 1200, 40):
        stretch = audio[:, first * weighting.hop : (first + 40) * weighting.hop]
        found[:, first : first + 40], state = weighting.squares(stretch, state)
    # Relative to what a full-scale sample adds: -140 dB.
    assert np.abs(found - expected).max() < 1e-7 * weighting.hop
    assert found[0].sum() == pytest.approx(expected[0].sum(), rel=1e-9)
    assert (found[3, 1000:] < 1e-30).all()


def test_at_48_khz_the_impulse_response_is_that_of_the_table() -> None:
    # BS.1770-4, annex 1, tables 1 and 2.
    shelf = (
        [1.53512485958697, -2.69169618940638, 1.19839281085285],
        [1.0, -1.69065929318241, 0.73248077421585],
    )
    high_pass = [1.0, -2.0, 1.0], [1.0, -1.99004745483398, 0.99007225036621]
    impulse = np.zeros((1, 480), np.float32)
    impulse[0, 0] = 1.0
    expected = lfilter(*high_pass, lfilter(*shelf, impulse[0].astype(np.float64)))
    found, _ = KWeighting(48000).squares(impulse, np.zeros((1, *KWeighting.STATE_SHAPE)))
    assert found[0, 0] == pytest.approx(float(np.square(expected).sum()), rel=1e-6)


def test_a_rate_without_whole_hops_is_refused() -> None:
    with pytest.raises(InputError, match="sample rate 44150 Hz has no hops of 10 ms"):
        KWeighting(44150)

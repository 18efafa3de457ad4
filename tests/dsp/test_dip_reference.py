from __future__ import annotations

import json

import numpy as np
import pytest

from .dip_reference import GOLDEN, Q, dip, golden, response_db


def test_the_golden_vectors_of_the_dip_are_what_the_reference_says() -> None:
    stored, made = json.loads(GOLDEN.read_text()), golden()
    for one, other in zip(stored, made, strict=True):
        # The solver of another machine may round otherwise.
        np.testing.assert_allclose(one.pop("output"), other.pop("output"), rtol=0.0, atol=1e-12)
        assert one == json.loads(json.dumps(other))


@pytest.mark.parametrize("depth_db", [-12.0, -3.0])
def test_the_bell_at_rest_has_the_response_of_its_prototype(depth_db: float) -> None:
    rate, count = 48000, 24000
    impulse = np.zeros(count, np.float32)
    impulse[0] = 1.0
    out = dip(impulse, np.full(count, depth_db), np.full(count, 300.0), rate)
    hz = np.asarray(np.fft.rfftfreq(count, 1.0 / rate)[1:], np.float64)
    found = 20.0 * np.log10(np.abs(np.fft.rfft(out)[1:]))
    error = np.abs(found - response_db(depth_db, 300.0, hz, rate))
    assert error[hz < 20000.0].max() < 1e-4
    assert response_db(depth_db, 300.0, np.array([300.0]), rate)[0] == pytest.approx(depth_db)
    assert 0.7 <= Q <= 1.2


def test_at_0_db_samples_pass() -> None:
    audio = np.random.default_rng(1).normal(size=100).astype(np.float32)
    np.testing.assert_array_equal(dip(audio, np.zeros(100), np.full(100, 300.0), 48000), audio)

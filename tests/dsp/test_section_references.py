from __future__ import annotations

import json
from types import ModuleType

import numpy as np
import pytest

from . import density_reference, high_pass_reference


@pytest.mark.parametrize("reference", [high_pass_reference, density_reference])
def test_the_golden_vectors_are_what_the_reference_says(reference: ModuleType) -> None:
    stored, made = json.loads(reference.GOLDEN.read_text()), reference.golden()
    for one, other in zip(stored, made, strict=True):
        # Functions of another machine may round otherwise.
        np.testing.assert_allclose(one.pop("output"), other.pop("output"), rtol=0.0, atol=1e-12)
        assert one == json.loads(json.dumps(other))


def test_the_high_pass_has_the_response_of_its_prototype() -> None:
    rate, count = 48000, 24000
    impulse = np.zeros(count, np.float32)
    impulse[0] = 1.0
    out = high_pass_reference.high_pass(impulse, np.ones(count), rate)
    hz = np.fft.rfftfreq(count, 1.0 / rate)[1:]
    warped = 1j * np.tan(np.pi * hz / rate) / np.tan(np.pi * 250.0 / rate)
    np.testing.assert_allclose(np.abs(np.fft.rfft(out)[1:]), np.abs(warped / (1.0 + warped)), atol=1e-6)


def test_the_copy_is_made_up_so_that_the_tracks_own_level_stays() -> None:
    assert density_reference.copy_db(np.array([12.0]))[0] == 0.0
    np.testing.assert_array_equal(density_reference.copy_db(np.array([-24.0, -3.0, -60.0])), [9.0, 9.0, 0.0])

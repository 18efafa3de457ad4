"""The room of the real plugin decays as it is asked to."""

from __future__ import annotations

import numpy as np
import pytest
from tests.built import NEEDS_PLUGIN

from hybridmix.batch.plugin import bundle_path
from hybridmix_models.evaluation.room import network
from hybridmix_models.room.decay import direct_to_reverberant_db

pytestmark = NEEDS_PLUGIN


@pytest.mark.parametrize("rate", [44100, 96000])
def test_decays_are_those_asked_for(rate: int) -> None:
    errors = network.decay_errors(bundle_path(), rate, network.requests(4), lambda _: None)
    assert np.median(errors) < 0.03
    assert np.percentile(errors, 90.0) < 0.08


@pytest.mark.parametrize("t60", [0.3, 2.0])
def test_in_mono_the_room_has_the_level_asked_for(t60: float) -> None:
    heard = network.response(bundle_path(), 48000, np.full(7, t60), 5.0, 0.5, channels=2)
    assert direct_to_reverberant_db(heard.mean(axis=0), 48000) == pytest.approx(6.02, abs=1.0)

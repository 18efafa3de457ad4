"""What the real plugin does to a scene is what the offline evaluation says it does."""

from __future__ import annotations

import numpy as np
import pytest
from tests.evaluation.scenes import scene, song

from hybridmix_models.data.types import FRAME, RATE
from hybridmix_models.evaluation.hearing import Hearing
from hybridmix_models.evaluation.mixers import EqualLoudnessMixer
from hybridmix_models.evaluation.scenarios import Take
from hybridmix_models.evaluation.through_plugin import compare, demo

FRAMES = 120


def test_a_scene_through_the_plugin_has_the_figures_of_the_offline_evaluation() -> None:
    stems = song(count=3, seconds=FRAMES * FRAME / RATE).stems
    inputs = np.stack([stem.audio for stem in stems])
    target = np.repeat(np.array([[0.0], [-1.0], [-2.0]], np.float32), FRAMES, axis=1)
    found = compare(
        Take("base", scene(inputs, target)), "set", EqualLoudnessMixer(Hearing()), "equal-loudness"
    )
    assert found["difference_db"]["max"] < 0.02
    offline, plugin = found["offline"], found["plugin"]
    assert plugin["gain_error_db"]["mean"] == pytest.approx(offline["gain_error_db"]["mean"], abs=0.02)
    assert plugin["level_lu"]["mean"] == pytest.approx(offline["level_lu"]["mean"], abs=0.2)
    assert plugin["mr_stft"] == pytest.approx(offline["mr_stft"], abs=0.05)


def test_the_reference_of_the_demo_is_where_its_recipe_staged_it_from() -> None:
    take = demo()
    assert take.scene.inputs.shape == (10, 400 * FRAME)
    assert take.scene.target_db[:, 0].tolist() == [10, 3, 11, 6, -2, 9, -6, -9, -13, 11]
    assert take.scene.active.mean() > 0.3

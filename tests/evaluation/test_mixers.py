"""Baselines and oracles on scenes whose best gains are known, and that nobody hears the future."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from hybridmix_models.data.types import FRAME, RATE, Floats, Mixer, Scene
from hybridmix_models.evaluation.hearing import Hearing
from hybridmix_models.evaluation.mixers import (
    BleedOracle,
    DryReference,
    EqualLoudnessMixer,
    NetworkMixer,
    OracleRole,
    Raw,
    RolePrior,
    _bounded,
)
from hybridmix_models.evaluation.scenarios import relevelled
from hybridmix_models.evaluation.sound import loudness_lufs
from hybridmix_models.gain import features
from hybridmix_models.gain.configs import build

from .scenes import scene, tones

FRAMES = 120
TONES = tones(3, FRAMES)
TARGET = np.repeat(np.array([[-3.0], [5.0], [-11.0]], np.float32), FRAMES, axis=1)
SCENE = scene(TONES, TARGET)


def networks() -> list[NetworkMixer]:
    torch.manual_seed(3)
    hearing = Hearing()
    return [NetworkMixer(name, build(name), hearing) for name in ("alm-mr", "dmc-b-0l", "alm-mr-plus")]


def test_raw_adds_up() -> None:
    assert not Raw().gains_db(SCENE).any()


def test_equal_loudness_brings_every_track_to_one_loudness() -> None:
    gains = EqualLoudnessMixer(Hearing()).gains_db(relevelled(SCENE, TARGET))
    for track, gain in zip(relevelled(SCENE, TARGET).inputs, gains, strict=True):
        assert loudness_lufs(track) + gain[-1] == pytest.approx(-24.0, abs=0.1)


def test_oracle_role_finds_the_reference_gains_of_steady_tones() -> None:
    levels = np.repeat(np.array([[9.0], [-20.0], [0.0]], np.float32), FRAMES, axis=1)
    other = relevelled(SCENE, levels)
    gains = OracleRole(Hearing()).gains_db(other)
    assert gains[:, -1] == pytest.approx(other.target_db[:, -1], abs=0.15)


def test_the_role_prior_learns_from_other_songs_alone() -> None:
    places = {
        "song": {"role 0": 99.0, "role 1": 99.0, "role 2": 99.0},
        "second": {"role 0": -20.0, "role 1": -30.0},
        "third": {"role 0": -22.0},
    }
    gains = RolePrior(Hearing(), places).gains_db(SCENE)
    heard = [loudness_lufs(track) + gain[-1] for track, gain in zip(TONES, gains, strict=True)]
    assert heard == pytest.approx([-21.0, -30.0, -24.0], abs=0.1)  # nobody else has role 2: the mean of all


def test_the_dry_reference_is_the_target() -> None:
    assert np.array_equal(DryReference().gains_db(SCENE), TARGET)


def test_the_bleed_oracle_undoes_a_known_mixture() -> None:
    """Each input holds the others too; the gains that give the reference back are those of the inverse."""
    mixing = np.array([[1.0, 0.3, 0.0], [0.0, 1.0, 0.2], [0.1, 0.0, 1.0]])
    wanted = np.linalg.solve(mixing.T, np.array([0.5, 0.4, 0.3]))
    inputs = (mixing @ TONES).astype(np.float32)
    reference = (np.array([0.5, 0.4, 0.3]) @ TONES).astype(np.float32)
    found = BleedOracle().gains_db(scene(inputs, TARGET, reference))
    assert found[:, 0] == pytest.approx(20.0 * np.log10(wanted), abs=0.05)
    assert np.ptp(found, axis=1) == pytest.approx(0.0, abs=1e-4)


def test_the_bleed_oracle_follows_a_level_step() -> None:
    step = np.zeros_like(TARGET)
    step[1, 60:] = 12.0
    before, after = (BleedOracle().gains_db(one) for one in (SCENE, relevelled(SCENE, step)))
    assert after == pytest.approx(before - step, abs=0.05)


@pytest.mark.parametrize("mixer", [EqualLoudnessMixer(Hearing()), *networks()], ids=lambda one: one.name)
def test_a_gain_depends_on_earlier_frames_alone(mixer: Mixer) -> None:
    random = np.random.default_rng(1)
    changed = SCENE.inputs.copy()
    changed[:, 80 * FRAME :] = 0.3 * random.normal(size=changed[:, 80 * FRAME :].shape)
    before, after = mixer.gains_db(SCENE), mixer.gains_db(dataclasses.replace(SCENE, inputs=changed))
    assert before.shape == TARGET.shape
    assert before[:, :81] == pytest.approx(after[:, :81], abs=1e-4)
    assert np.abs(before[:, 81:] - after[:, 81:]).max() > 1e-3


def test_a_network_mixes_as_it_computes_one_frame_later() -> None:
    torch.manual_seed(5)
    network = build("alm-mr-plus").eval()
    with torch.inference_mode():
        computed = network(
            torch.from_numpy(features.patches(TONES, RATE))[None],
            torch.from_numpy(features.level_db(TONES, RATE))[None],
            torch.from_numpy(features.energy(TONES, RATE))[None],
            torch.ones((1, 3), dtype=torch.bool),
        )[0].numpy()
    gains = NetworkMixer("one", network, Hearing()).gains_db(SCENE)
    assert not gains[:, 0].any()
    assert gains[:, 1:] == pytest.approx(np.minimum(computed[:, :-1], 12.0), abs=1e-4)


def test_a_boost_is_limited_as_in_the_service() -> None:
    network = build("alm-mr-plus").eval()
    quiet = scene((TONES * 2e-2).astype(np.float32), TARGET, SCENE.reference)
    gains = NetworkMixer("one", network, Hearing()).gains_db(quiet)
    assert gains.max() == pytest.approx(12.0)


def test_a_microphone_whose_performer_fell_silent_is_not_pulled_up() -> None:
    """A tone of changing level leaks into a second microphone, 12 dB softer than that one's own performer."""
    random = np.random.default_rng(2)
    frames = 400
    levels = np.repeat(10.0 ** random.uniform(-1.0, 0.0, frames // 10), 10 * FRAME)
    playing = 0.2 * levels * random.normal(size=frames * FRAME)
    own = 0.3 * random.normal(size=frames * FRAME) * (np.arange(frames * FRAME) < 160 * FRAME)
    inputs = np.stack([playing, own + 0.1 * playing]).astype(np.float32)
    energy = features.energy(inputs, RATE).astype(np.float64)
    loudness = 10.0 * np.log10(
        np.stack([np.convolve(row, np.ones(60) / 60.0)[:frames] for row in energy]) + 1e-12
    )
    up = (-20.0 - loudness).astype(np.float32)
    bounded = _bounded(up, energy.astype(np.float32))
    before = up[1, 159]
    assert up[1, -1] > before + 6.0
    assert bounded[1, 160:].max() <= before + 3.0
    assert np.abs(bounded[0] - np.minimum(up[0], 12.0)).mean() < 0.5


def test_tracks_that_were_heard_are_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    level = features.level_db

    def counting(inputs: Floats, rate: int) -> Floats:
        rows.append(len(inputs))
        return np.asarray(level(inputs, rate), np.float32)

    monkeypatch.setattr(features, "level_db", counting)
    hearing = Hearing()
    first = hearing.level_db(SCENE)
    step = np.zeros_like(TARGET)
    step[1, 60:] = -12.0
    other: Scene = relevelled(SCENE, step)
    again = hearing.level_db(other)
    assert rows == [3, 1]
    assert np.array_equal(first[[0, 2]], again[[0, 2]])
    assert again[1] == pytest.approx(first[1] + step[1], abs=1e-3)

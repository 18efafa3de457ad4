from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from hybridmix.errors import InputError
from hybridmix_models.data.types import RATE
from hybridmix_models.gain import features
from hybridmix_models.gain.embedding import Compact
from hybridmix_models.training import cache
from hybridmix_models.training.batches import excerpt, gather, order
from hybridmix_models.training.configs import Gain
from hybridmix_models.training.embedded import Embedded

from . import known

RUN = Gain(
    network="alm-mr-plus", steps=10, minutes=1.0, learning_rate=1e-3, batch=2, crop_s=3.0, step_share=1.0
)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[cache.Prepared]:
    folder = tmp_path_factory.mktemp("scenes")
    for number in range(2):
        cache.write(known.scene(number), folder / f"{number}")
    return cache.load(folder)


def test_a_gain_of_the_inputs_after_preparing_is_the_gain_before_it(scenes: list[cache.Prepared]) -> None:
    scene, gains = known.scene(0), np.array([[6.0], [-9.0], [3.0]])
    louder = scene.inputs * np.float32(10.0) ** (gains / 20.0).astype(np.float32)
    frames = scenes[0].frames // 6 * 6
    levels = np.repeat(gains, frames, axis=1)
    recorded = excerpt(scenes[0], 0, frames, levels, 0, None, normalised=False)
    normalised = excerpt(scenes[0], 0, frames, levels, 0, None, normalised=True)
    assert recorded.patches is not None
    assert normalised.patches is not None
    expected = features.patches(louder, RATE, normalised=False)
    assert np.abs(recorded.patches[0].numpy() - expected).max() < 0.01
    expected = features.patches(louder, RATE, normalised=True)
    assert np.abs(normalised.patches[0].numpy() - expected).max() < 0.01
    np.testing.assert_allclose(recorded.level_db[0], features.level_db(louder, RATE)[:, :frames], atol=1e-3)
    np.testing.assert_allclose(recorded.energy[0], features.energy(louder, RATE)[:, :frames], rtol=1e-3)
    np.testing.assert_allclose(recorded.target_db[0], scene.target_db[:, :frames] - gains, atol=1e-4)
    power = np.mean(louder[:, : frames * 2205] ** 2, axis=1)
    np.testing.assert_allclose(recorded.audio[0].square().mean(dim=1)[1:], power[1:], rtol=0.02)


def test_an_excerpt_begins_and_ends_with_its_windows(scenes: list[cache.Prepared]) -> None:
    whole = excerpt(scenes[0], 0, 96, np.zeros((3, 96)), 0, None, normalised=True)
    part = excerpt(scenes[0], 12, 60, np.zeros((3, 60)), 0, None, normalised=True)
    assert whole.patches is not None
    assert part.patches is not None
    assert np.array_equal(part.patches, whole.patches[:, :, 2:12])
    assert np.array_equal(part.level_db, whole.level_db[:, :, 12:72])
    assert np.array_equal(part.audio, whole.audio[:, :, 12 * 1200 : 72 * 1200])


def test_every_scene_comes_once_before_any_comes_again() -> None:
    drawn = [index for step in range(10) for index in order(15, 3, step, seed=4)]
    for epoch in range(2):
        assert sorted(drawn[15 * epoch : 15 * epoch + 15]) == list(range(15))
    assert drawn[:15] != drawn[15:]


def test_a_step_draws_the_same_whatever_was_drawn_before(scenes: list[cache.Prepared]) -> None:
    first = [gather(scenes, RUN, step, 1, None, True) for step in range(3)]
    again = gather(scenes, RUN, 2, 1, None, True)
    assert np.array_equal(again.audio, first[2].audio)
    assert np.array_equal(again.target_db, first[2].target_db)
    assert not np.array_equal(first[1].audio, first[2].audio)


def test_a_level_step_moves_audio_level_energy_and_target_together(scenes: list[cache.Prepared]) -> None:
    batch = gather(scenes, RUN, 0, 1, None, True)
    still = gather(scenes, dataclasses.replace(RUN, step_share=0.0), 0, 1, None, True)
    jumps = (batch.target_db - still.target_db).numpy()
    assert (np.abs(jumps).max(axis=2) > 0.01).all()
    np.testing.assert_allclose((batch.level_db - still.level_db).numpy(), -jumps, atol=1e-3)
    ratio = (batch.energy / still.energy).numpy()
    np.testing.assert_allclose(10.0 * np.log10(ratio), -jumps, atol=1e-3)
    power = [part.audio.reshape(2, 3, 60, 1200).square().mean(dim=3).numpy() for part in (batch, still)]
    np.testing.assert_allclose(10.0 * np.log10(power[0] / power[1]), -jumps, atol=1e-3)


def test_songs_of_different_size_share_a_batch(scenes: list[cache.Prepared]) -> None:
    smaller = dataclasses.replace(
        scenes[1],
        roles=scenes[1].roles[:2],
        audio=scenes[1].audio[[0, 1, -1]],
        **{name: getattr(scenes[1], name)[:2] for name in ("mel", "normalise", "level_db", "energy")},
        target_db=scenes[1].target_db[:2],
        active=scenes[1].active[:2],
    )
    batch = gather([scenes[0], smaller], RUN, 0, 1, None, True)
    assert sorted(batch.mask.sum(dim=1).tolist()) == [2, 3]
    row = int(batch.mask.sum(dim=1).argmin())
    assert not batch.audio[row, 2].any()
    assert not batch.active[row, 2].any()


def test_scenes_that_do_not_do_are_named(tmp_path: Path, scenes: list[cache.Prepared]) -> None:
    with pytest.raises(InputError, match=r"has no prepared scenes; make them with: hybridmix models prepare"):
        cache.load(tmp_path)
    with pytest.raises(InputError, match=r"no prepared scenes of the conditions heavy"):
        cache.load(scenes[0].folder.parent, ["heavy"])
    with pytest.raises(InputError, match=r"is 6 s long; expected at least the 20 s of an excerpt"):
        gather(scenes, dataclasses.replace(RUN, crop_s=20.0), 0, 1, None, True)
    broken = tmp_path / "broken"
    cache.write(known.scene(0), broken)
    (broken / "frames.npz").write_bytes(b"no")
    with pytest.raises(InputError, match=r"broken cannot be read"):
        cache.load(tmp_path)


def test_blur_moves_all_embeddings_of_a_track_alike_and_nothing_else(scenes: list[cache.Prepared]) -> None:
    torch.manual_seed(0)
    embedded = Embedded(Compact())
    clear = gather(scenes, RUN, 0, 1, embedded, True)
    run = dataclasses.replace(RUN, blur=1.5)
    blurred, again = (gather(scenes, run, 0, 1, embedded, True) for _ in range(2))
    assert clear.embeddings is not None
    assert blurred.embeddings is not None
    assert again.embeddings is not None
    moved = (blurred.embeddings - clear.embeddings)[clear.mask]
    assert torch.allclose(moved, moved[:, :1].expand_as(moved), atol=1e-5)
    assert float(moved[:, 0].std()) == pytest.approx(1.5, rel=0.15)
    assert torch.equal(again.embeddings, blurred.embeddings)
    assert torch.equal(blurred.audio, clear.audio)

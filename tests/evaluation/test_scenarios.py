"""Scenes that are scored: the same for the same seed, in pairs, with their truth."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hybridmix_models.data.bleed import Room, draw_rooms
from hybridmix_models.data.types import FRAME, Song
from hybridmix_models.evaluation.mixers import at_reference
from hybridmix_models.evaluation.scenarios import STEP_DB, Take, excerpt, takes

from .scenes import song

ROOMS = draw_rooms("test", 2)
SONG = song(seconds=6.0)


def rows(
    condition: str = "heavy", seed: int = 0, rooms: list[Room] = ROOMS, **how: object
) -> dict[str, Take]:
    earlier = how.pop("earlier", ())
    return {one.row: one for one in takes(SONG, earlier, condition, rooms, seed, **how)}  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_scenes_and_another_seed_others() -> None:
    first, again, other = (rows(parts=("steps",), seed=seed) for seed in (1, 1, 2))
    for row in ("base", "steps"):
        assert np.array_equal(first[row].scene.inputs, again[row].scene.inputs)
        assert not np.array_equal(first[row].scene.inputs, other[row].scene.inputs)


def test_conditions_differ_in_bleed_alone() -> None:
    none, heavy = rows("none", parts=())["base"].scene, rows("heavy", parts=())["base"].scene
    assert np.array_equal(none.target_db, heavy.target_db)
    assert np.array_equal(none.direct, heavy.direct)
    assert np.array_equal(none.inputs, none.direct)
    assert not np.array_equal(heavy.inputs, heavy.direct)


def test_targets_put_the_dry_sound_at_its_place_in_every_row() -> None:
    for take in rows(parts=("steps", "open", "levels")).values():
        placed = at_reference(take.scene, take.scene.direct).sum(axis=0)
        assert placed == pytest.approx(take.scene.reference, abs=2e-4)


def test_two_tracks_step_in_opposite_directions_and_stay() -> None:
    found = rows(parts=("steps",))
    base, stepped = found["base"].scene, found["steps"].scene
    first, second = stepped.steps
    assert (first.track != second.track, first.change_db + second.change_db) == (True, 0.0)
    for step in stepped.steps:
        change = base.target_db[step.track] - stepped.target_db[step.track]
        assert not change[: step.frame].any()
        assert change[step.frame :] == pytest.approx(step.change_db)
        assert abs(step.change_db) == STEP_DB
        louder = np.abs(stepped.inputs[step.track, step.frame * FRAME :]).max()
        assert louder / np.abs(base.inputs[step.track, step.frame * FRAME :]).max() == pytest.approx(
            10.0 ** (step.change_db / 20.0), rel=1e-4
        )


def test_steps_go_up_first_as_often_as_down() -> None:
    parts = [one for one in takes(SONG, (), "none", ROOMS, 0, ("steps",), repeats=4) if one.row == "steps"]
    assert sum(one.scene.steps[0].change_db for one in parts) == 0.0


def test_an_open_microphone_hears_the_others_for_30_s() -> None:
    take = rows(parts=("open",))["open"]
    assert take.silent is not None
    track, frame = take.silent
    assert take.scene.inputs.shape[1] == (frame + 600) * FRAME
    assert not take.scene.direct[track, frame * FRAME :].any()
    assert take.scene.direct[track, : frame * FRAME].any()
    assert take.scene.inputs[track, frame * FRAME :].any()
    assert "open" not in rows("none", parts=("open",))


def test_levels_are_spread_as_the_row_says() -> None:
    found = rows(parts=("levels",))
    level = found["spread 0"].scene.target_db[:, 0]
    for spread in (6.0, 18.0, 24.0):
        moved = found[f"spread {spread:g}"].scene.target_db[:, 0] - level
        assert np.abs(moved).max() <= spread
        assert moved == pytest.approx((found["base"].scene.target_db[:, 0] - level) * spread / 12.0, abs=1e-4)
    louder = found["offset 24"].scene
    assert louder.target_db == pytest.approx(found["base"].scene.target_db - 24.0)


def test_songs_are_put_together_to_many_tracks() -> None:
    earlier = [song(name, 6, 6.0, seed) for seed, name in enumerate("abc")]
    found = rows(parts=("tracks",), earlier=earlier)
    assert len(found["tracks 2-3"].scene.inputs) in (2, 3)
    assert 9 <= len(found["tracks 9-14"].scene.inputs) <= 14
    assert 15 <= len(found["tracks 15-20"].scene.inputs) <= 20
    assert set(rows(parts=("tracks",))) == {"base", "tracks 2-3"}


def test_an_excerpt_is_the_middle_with_the_loudest_20_tracks() -> None:
    long = song(count=23, seconds=31.0)
    stems = list(long.stems)
    stems[1] = dataclasses.replace(stems[1], audio=np.zeros_like(stems[1].audio))
    cut = excerpt(Song("long", tuple(stems), "long"))
    assert [stem.name for stem in cut.stems] == [f"stem {index}" for index in range(21) if index != 1]
    assert cut.stems[0].audio == pytest.approx(stems[0].audio[22050 : 22050 + 30 * 44100])

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from hybridmix.errors import InputError
from hybridmix_models.data.bleed import (
    Room,
    Split,
    bleed_ratio_db,
    draw_rooms,
    load_rooms,
    make_scene,
    write_rooms,
)
from hybridmix_models.data.bleed.responses import SOUND_SPEED, convolve, responses
from hybridmix_models.data.types import (
    FRAME,
    PEAK_DBFS,
    RATE,
    Condition,
    Floats,
    LevelStep,
    Scene,
    Song,
    Stem,
)

CONDITIONS: tuple[Condition, ...] = get_args(Condition)


def noise_song(tracks: int = 4, seconds: float = 2.0, rate: int = RATE, seed: int = 1) -> Song:
    random = np.random.default_rng(seed)
    audio = random.normal(0.0, 0.1, (tracks, round(seconds * rate))).astype(np.float32)
    balance = random.uniform(-9.0, 9.0, tracks)
    stems = tuple(Stem(f"s{k}", "other", audio[k], float(balance[k])) for k in range(tracks))
    return Song("noise", stems, "noise")


def scene_of(condition: Condition, seed: int = 3, **options: object) -> Scene:
    return make_scene(noise_song(), condition, ROOMS, np.random.default_rng(seed), **options)  # type: ignore[arg-type]


def applied(scene: Scene, audio: Floats) -> Floats:
    """``audio`` of a scene with the target gains applied, summed."""
    gain = np.repeat(10.0 ** (scene.target_db / 20.0), audio.shape[1] // scene.target_db.shape[1], axis=1)
    return np.asarray((audio * gain).sum(axis=0))


ROOMS = draw_rooms("test", 6)


@pytest.mark.parametrize("rate", [RATE, 16000])
def test_other_sources_arrive_by_distance_with_the_level_of_distance_and_direction(rate: int) -> None:
    room, (mine, other) = ROOMS[0], (4, 0)
    microphone, pattern = room.microphones[mine], room.pattern[mine]
    aim, path = room.sources[mine] - microphone, room.sources[other] - microphone
    own, distance = np.linalg.norm(aim), np.linalg.norm(path)
    delay = (distance - own) / SOUND_SPEED * rate
    cosine = float(aim @ path) / (own * distance)
    level = own / distance * (pattern + (1.0 - pattern) * cosine)
    kernel = responses(room, [mine, other], rate)[0, 1]
    assert np.max(np.abs(kernel[: int(delay) - 20])) == 0.0
    near = np.arange(int(delay) - 6, int(delay) + 7)
    assert near[np.argmax(np.abs(kernel[near]))] == round(delay)
    assert float(kernel[near] @ np.sinc(near - delay)) == pytest.approx(level, rel=0.05)


def test_the_own_direct_sound_is_left_out_and_nothing_else() -> None:
    room = ROOMS[1]
    place = 3
    kernel = responses(room, [place], RATE)[0, 0]
    x, y, z = room.sources[place]
    microphone, own = room.microphones[place], np.linalg.norm(room.sources[place] - room.microphones[place])
    floor = np.array([x, y, -z])  # image in the floor: the nearest surface, by the choice of the room
    assert min(z, *(room.size - room.sources[place]), x, y) == z
    delay = (np.linalg.norm(floor - microphone) - own) / SOUND_SPEED * RATE
    assert np.max(np.abs(kernel[: int(delay) - 25])) < 1e-3
    assert np.max(np.abs(kernel[int(delay) - 1 : int(delay) + 3])) > 0.3 * own / np.linalg.norm(
        floor - microphone
    )


@pytest.mark.parametrize("index", range(4))
def test_a_response_decays_by_the_reverberation_time_of_its_room(index: int) -> None:
    room = ROOMS[index]
    kernels = responses(room, [0, 1, 2, 3], RATE).astype(np.float64)
    left = np.cumsum(np.mean(kernels**2, axis=(0, 1))[::-1])[::-1]
    decay = 10.0 * np.log10(left / left[0])
    first, last = int(np.argmax(decay < -5.0)), int(np.argmax(decay < -35.0))
    slope = np.polyfit(np.arange(first, last) / RATE, decay[first:last], 1)[0]
    assert -60.0 / slope == pytest.approx(room.rt60, rel=0.1)


def test_convolution_equals_the_plain_sum() -> None:
    random = np.random.default_rng(2)
    sources = random.normal(size=(3, 9001)).astype(np.float32)
    kernels = random.normal(size=(2, 3, 700)).astype(np.float32)
    expected = [sum(np.convolve(sources[j], kernels[i, j])[:9001] for j in range(3)) for i in range(2)]
    assert convolve(sources, kernels) == pytest.approx(np.array(expected), abs=2e-3)


def test_without_bleed_inputs_are_the_dry_stems_times_their_gain() -> None:
    scene = scene_of("none")
    song = noise_song()
    for stem, heard, direct in zip(song.stems, scene.inputs, scene.direct, strict=True):
        assert np.array_equal(heard, direct)
        dry = stem.audio[: len(heard)].astype(np.float64)
        gain = float(heard @ dry / (dry @ dry))
        assert heard == pytest.approx(gain * dry, abs=1e-6)


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize(
    "steps", [(), (LevelStep(1, 20, 12.0), LevelStep(1, 30, -24.0), LevelStep(2, 5, -12.0))]
)
def test_target_gains_rebuild_the_reference_from_the_direct_sound(
    condition: Condition, steps: tuple[LevelStep, ...]
) -> None:
    scene = scene_of(condition, steps=steps, level_offset_db=-12.0)
    assert applied(scene, scene.direct) == pytest.approx(scene.reference, abs=1e-5)
    assert np.max(np.abs(scene.reference)) == pytest.approx(10.0 ** (PEAK_DBFS / 20.0), rel=1e-5)


def test_the_reference_is_the_same_for_every_condition_and_level() -> None:
    scenes = [scene_of(condition, level_offset_db=6.0 * k) for k, condition in enumerate(CONDITIONS)]
    for scene in scenes[1:]:
        assert np.array_equal(scene.reference, scenes[0].reference)
        assert np.array_equal(scene.active, scenes[0].active)


def test_a_level_step_moves_input_and_target_from_its_frame_on() -> None:
    before, after = scene_of("heavy"), scene_of("heavy", steps=(LevelStep(2, 15, 12.0),))
    assert np.array_equal(after.inputs[:, : 15 * FRAME], before.inputs[:, : 15 * FRAME])
    louder = before.inputs[2, 15 * FRAME :] * 10.0 ** (12.0 / 20.0)
    assert after.inputs[2, 15 * FRAME :] == pytest.approx(louder, rel=1e-5)
    change = after.target_db - before.target_db
    assert change[2] == pytest.approx(np.repeat([0.0, -12.0], [15, change.shape[1] - 15]), abs=1e-4)
    assert not change[[0, 1, 3]].any()


@pytest.mark.parametrize(("condition", "median_db"), [("light", 12.0), ("heavy", 3.0)])
def test_bleed_has_the_median_of_its_condition_and_a_real_spread(
    condition: Condition, median_db: float
) -> None:
    random = np.random.default_rng(4)
    rooms = draw_rooms("training", 50)
    ratios = []
    for _ in range(60):
        scene = make_scene(noise_song(seconds=0.5, rate=16000), condition, rooms, random, rate=16000)
        for direct, heard in zip(scene.direct.astype(float), scene.inputs.astype(float), strict=True):
            ratios.append(10.0 * np.log10(np.sum(direct**2) / np.sum((heard - direct) ** 2)))
        assert bleed_ratio_db(scene) == pytest.approx(ratios[-4:], abs=0.01)
    assert np.median(ratios) == pytest.approx(median_db, abs=1.0)
    assert np.subtract(*np.percentile(ratios, [75, 25])) > 4.0


def test_the_same_generator_state_makes_the_same_scene() -> None:
    first, again, other = scene_of("light"), scene_of("light"), scene_of("light", seed=4)
    assert np.array_equal(first.inputs, again.inputs)
    assert not np.array_equal(first.inputs, other.inputs)


def test_frames_in_which_a_source_rests_are_not_active() -> None:
    audio = np.random.default_rng(1).normal(0.0, 0.1, (2, 40 * FRAME)).astype(np.float32)
    audio[0, 10 * FRAME : 20 * FRAME] = 0.0
    audio[0, 20 * FRAME : 30 * FRAME] *= 10.0 ** (-35.0 / 20.0)  # more than 30 dB below its own level
    audio[1, 30 * FRAME :] *= 10.0 ** (-20.0 / 20.0)
    song = Song("rests", tuple(Stem("s", "other", row, 0.0) for row in audio), "rests")
    active = make_scene(song, "none", ROOMS, np.random.default_rng(0)).active
    assert np.array_equal(active[0], np.repeat([True, False, True], [10, 20, 10]))
    assert active[1].all()


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("tracks", [1, 2, 20])
def test_silent_tracks_and_any_number_of_tracks_stay_finite(condition: Condition, tracks: int) -> None:
    song = noise_song(tracks, seconds=0.3)
    quiet = replace(song.stems[0], audio=np.zeros_like(song.stems[0].audio))
    stems = (quiet, *song.stems[1:]) if tracks > 1 else song.stems
    scene = make_scene(replace(song, stems=stems), condition, ROOMS, np.random.default_rng(7))
    for array in (scene.inputs, scene.direct, scene.reference, scene.target_db):
        assert np.isfinite(array).all()
        assert array.dtype == np.float32
    assert scene.inputs.shape == (tracks, 6 * FRAME)
    assert scene.target_db.shape == scene.active.shape == (tracks, 6)


def test_songs_that_no_stage_can_play_are_named() -> None:
    song = noise_song()
    random = np.random.default_rng(0)
    with pytest.raises(InputError, match="'noise' has 21 stems; a stage takes 1 to 20"):
        make_scene(noise_song(21, seconds=0.1), "none", ROOMS, random)
    short = replace(song.stems[0], audio=song.stems[0].audio[:-1])
    with pytest.raises(InputError, match=r"\[88199, 88200\] samples"):
        make_scene(replace(song, stems=(short, *song.stems[1:])), "none", ROOMS, random)
    with pytest.raises(InputError, match="track 4, frame 0 is outside"):
        make_scene(song, "none", ROOMS, random, steps=(LevelStep(4, 0, 6.0),))
    silent = tuple(replace(stem, audio=np.zeros_like(stem.audio)) for stem in song.stems)
    with pytest.raises(InputError, match="reference mix of 'noise' is silent"):
        make_scene(replace(song, stems=silent), "none", ROOMS, random)


def same(first: Room, second: Room) -> bool:
    return all(np.array_equal(getattr(first, field), getattr(second, field)) for field in Room.__slots__)


def test_a_bank_returns_the_rooms_that_were_drawn_and_shares_none_between_splits(tmp_path: Path) -> None:
    write_rooms(tmp_path / "rooms")
    sizes = []
    for split in get_args(Split):
        loaded, drawn = load_rooms(tmp_path / "rooms", split), draw_rooms(split)
        assert all(same(*pair) for pair in zip(loaded, drawn, strict=True))
        sizes += [tuple(room.size) for room in loaded]
    assert len(set(sizes)) == len(sizes) == 480


def test_every_microphone_is_nearest_to_its_own_source_and_inside_the_room() -> None:
    for room in draw_rooms("training", 100) + draw_rooms("synthetic-b", 60):
        distance = np.linalg.norm(room.microphones[:, None] - room.sources[None], axis=-1)
        assert np.array_equal(np.argmin(distance, axis=1), np.arange(20))
        for points in (room.sources, room.microphones):
            assert (points > 0.0).all()
            assert (points < room.size).all()
        assert 0.0 < room.absorption < 1.0


def test_a_missing_or_broken_bank_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"rooms\.npz does not exist; make the bank with: hybridmix models rooms"
    ):
        load_rooms(tmp_path, "test")
    (tmp_path / "rooms.npz").write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(InputError, match="cannot be read"):
        load_rooms(tmp_path, "test")

"""Scores and their summary on gains that are wrong in known ways."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from hybridmix_models.data.bleed import draw_rooms
from hybridmix_models.data.types import Floats, LevelStep, Scene
from hybridmix_models.evaluation.desk import Desk, Plan
from hybridmix_models.evaluation.mixers import DryReference, Raw
from hybridmix_models.evaluation.scenarios import Take, relevelled
from hybridmix_models.evaluation.score import Score, score
from hybridmix_models.evaluation.summary import comparisons, summary

from .scenes import scene, song, tones

FRAMES = 200
TARGET = np.repeat(np.array([[-3.0], [5.0], [-11.0]], np.float32), FRAMES, axis=1)
SCENE = dataclasses.replace(scene(tones(3, FRAMES), TARGET), roles=("kick", "bass", "piano"))


def scored(gains: Floats, take: Take | None = None, model: str = "one", offset: float | None = None) -> Score:
    return score(model, "set", take or Take("base", SCENE), gains, offset)


def test_reference_gains_have_no_error_and_no_distance() -> None:
    figures = scored(TARGET).figures
    for name in ("gain_error_db", "percussion_error_db", "bass_error_db", "unlimited_error_db", "level_lu"):
        assert figures[name] == pytest.approx(0.0, abs=1e-3)
    assert figures["mr_stft"] == pytest.approx(0.0, abs=1e-3)
    assert (figures["over_early"], figures["over_late"]) == (0.0, 0.0)


def test_percussion_and_bass_have_figures_of_their_own() -> None:
    wrong = TARGET + np.array([[0.0], [3.0], [0.0]], np.float32)
    figures = scored(wrong).figures
    assert figures["gain_error_db"] == pytest.approx(1.0, abs=1e-3)
    assert figures["percussion_error_db"] == pytest.approx(0.0, abs=1e-3)
    assert figures["bass_error_db"] == pytest.approx(3.0, abs=1e-3)


def test_a_song_without_bass_has_no_figure_for_it() -> None:
    other = dataclasses.replace(SCENE, roles=("kick", "snare", "drum_loop_standin"))
    assert "bass_error_db" not in scored(TARGET, Take("base", other)).figures


def test_jumps_are_counted_before_and_after_the_slew_limit() -> None:
    gains = TARGET.copy()
    gains[0, 100:] += 4.0
    one = scored(gains)
    assert one.figures["output_max_db"] == pytest.approx(4.0, abs=1e-3)
    assert one.figures["played_max_db"] == pytest.approx(0.5, abs=1e-3)
    jumps = summary([one])["one"]["set"]["none"]["jumps_db"]
    assert jumps["output"] == {"p99": 0.0, "max": 4.0}
    assert jumps["output_entrance"]["max"] == 0.0


def test_a_mixer_that_follows_a_step_at_once_takes_as_long_as_the_slew_limit_lets_it() -> None:
    step = np.zeros_like(TARGET)
    step[1, 60:] = 12.0
    stepped = relevelled(SCENE, step, (LevelStep(1, 60, 12.0),))
    following = scored(stepped.target_db + 7.0, Take("steps", stepped), offset=7.0)
    # 12 dB, the last 3 of them free, 0.5 dB a frame.
    assert list(following.recoveries_s) == pytest.approx([17 * 0.05])
    assert scored(TARGET + 7.0, Take("steps", stepped), offset=7.0).recoveries_s == (math.inf,)
    recovery = summary([scored(TARGET), following])["one"]["set"]["none"]["recovery_s"]
    assert recovery == {"p50": 0.85, "p90": 0.85, "never": 0.0, "steps": 1}


def test_an_infinite_time_is_null_in_json() -> None:
    never = dataclasses.replace(scored(TARGET), row="steps", recoveries_s=(1.0, math.inf, math.inf))
    recovery = summary([scored(TARGET), never])["one"]["set"]["none"]["recovery_s"]
    assert recovery == {"p50": None, "p90": None, "never": 0.6667, "steps": 3}
    json.dumps(recovery, allow_nan=False)


def test_an_open_microphone_that_is_pulled_up_shows() -> None:
    gains = TARGET.copy()
    gains[2, 100:] += np.arange(100, dtype=np.float32) * 0.05
    assert scored(gains, Take("open", SCENE, (2, 100))).figures == {"rise_db": pytest.approx(4.95, abs=1e-3)}


def test_a_mix_that_starts_over_full_scale_is_brought_down() -> None:
    figures = scored(TARGET + 24.0).figures
    assert (figures["over_early"], figures["over_late"]) == (1.0, 0.0)


def test_only_a_difference_that_the_interval_confirms_is_ahead() -> None:
    def named(model: str, errors: list[float]) -> list[Score]:
        base = scored(TARGET, model=model)
        return [
            dataclasses.replace(base, song=f"{index}", cluster=f"{index}", figures={"gain_error_db": error})
            for index, error in enumerate(errors)
        ]

    same = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    worse = [value + 0.5 + 0.1 * (index % 2) for index, value in enumerate(same)]
    noisy = [value + (-1.0) ** index for index, value in enumerate(same)]
    found = comparisons([*named("a", same), *named("b", worse), *named("c", noisy)])["set"]["none"][
        "gain_error_db"
    ]
    assert found["a"]["b"]["ahead"] == found["b"]["a"]["ahead"] == "a"
    assert found["a"]["b"]["difference"]["mean"] == pytest.approx(-0.55)
    assert found["a"]["b"]["ratio"]["mean"] == pytest.approx(21.0 / 24.3, abs=1e-4)
    assert found["a"]["c"]["ahead"] is None


def test_the_summary_holds_the_documented_keys_and_is_json() -> None:
    found = summary([scored(TARGET)])["one"]["set"]["none"]
    json.dumps(found, allow_nan=False)
    assert {"gain_error_db", "mr_stft", "jump_p99_db", "jump_max_db", "over_0dbfs", "recovery_s"} <= set(
        found
    )
    assert set(found["gain_error_db"]) == {"mean", "low", "high"}
    assert found["level_counts"] is True
    assert summary([scored(TARGET - 5.0)])["one"]["set"]["none"]["level_counts"] is False


class Counting(Raw):
    """`Raw`, and how many scenes it mixed."""

    def __init__(self) -> None:
        self.scenes = 0

    def gains_db(self, scene: Scene) -> Floats:
        self.scenes += 1
        return super().gains_db(scene)


def test_what_was_scored_is_read_again_unless_song_or_weights_changed(tmp_path: Path) -> None:
    plan, rooms = Plan(("none", "light"), ("steps",), 0, 1), {"set": draw_rooms("test", 1)}

    def mixed(version: str, seed: int) -> tuple[int, list[Score]]:
        mixer = Counting()
        desk = Desk([(mixer, version), (DryReference(), "")], rooms, plan, tmp_path)
        scores = list(desk.scores("set", song(count=3, seconds=6.0, seed=seed), ()))
        return mixer.scenes, scores

    first, scores = mixed("v1", 0)
    assert (first, len(scores)) == (4, 8)
    again, same = mixed("v1", 0)
    assert (again, same) == (0, scores)
    assert mixed("v2", 0)[0] == mixed("v1", 1)[0] == 4

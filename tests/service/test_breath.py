"""Breath in the engine: who is told what, and when."""

from __future__ import annotations

import dataclasses
import logging
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pytest

from hybridmix.engine.config import MODELS_FOLDER
from hybridmix.engine.gain import ModelError
from hybridmix.engine.group import Engine
from hybridmix.engine.hops import UserValues
from hybridmix.engine.models import Models, load_models
from hybridmix.processors import breath
from hybridmix.processors.swell import FLICKER
from hybridmix.wire import parameters
from hybridmix.wire.header import Role

from .pairs import AI as _AI
from .pairs import LIVE as _LIVE
from .pairs import Told, play
from .running import FRAME, RATE

_RIDE = parameters.load().named("breath_db")
_DELAY = RATE // 25
_LIVE_SOURCE = UserValues(role=Role.LIVE_SOURCE)
_OFF = UserValues(delay=_DELAY, role=Role.AI_STEM, breath_depth_db=2.5)
_ON = UserValues(delay=_DELAY, role=Role.AI_STEM, breath_amount=1.0, breath_depth_db=2.5)
_SUSTAINED = dataclasses.replace(_ON, breath_sustained=FLICKER)


@pytest.fixture(scope="module")
def models() -> Models:
    return load_models("equal-loudness", MODELS_FOLDER)


def _swinging(seed: int, swing_db: float, frames: int) -> npt.NDArray[np.float32]:
    """Noise that swings 0.8 times a second."""
    time = np.arange(frames * FRAME) / RATE
    level_db = -26.0 + swing_db * np.sin(2.0 * np.pi * 0.8 * time)
    noise = np.random.default_rng(seed).normal(size=len(time))
    return (noise * 10.0 ** (level_db / 20.0)).astype(np.float32)[np.newaxis]


def _play(
    models: Models, users: list[UserValues], live: UserValues = _LIVE_SOURCE
) -> tuple[Engine, list[dict[UUID, Told]]]:
    """What an AI stem with ``users``, frame by frame, and a live source that moves more are told."""
    return play(models, users, live, _swinging(1, 1.5, len(users)), _swinging(2, 6.0, len(users)))


def test_nobody_is_told_anything_before_somebody_asks_for_it(models: Models) -> None:
    _, told = _play(models, [_OFF] * 20)
    assert all(_RIDE.id not in values for frame in told for values in frame.values())
    assert told[-1][_AI] == _play(models, [UserValues()] * 20, UserValues())[1][-1][_AI]


def test_an_ai_stem_rides_within_its_depth_and_a_live_source_never(models: Models) -> None:
    _, told = _play(models, [_ON] * 80)
    gains = [frame[_AI][_RIDE.id] for frame in told]
    assert max(gains) > 1.0
    assert min(gains) < -1.0
    assert max(map(abs, gains)) <= 2.5
    assert all(_RIDE.id not in frame[_LIVE] for frame in told)
    assert [list(frame[_AI]) for frame in told] == [sorted(frame[_AI]) for frame in told]


def _beside_a_tone(models: Models, users: list[UserValues]) -> list[float]:
    """What a sustained tone with ``users`` is told beside a live source that moves."""
    frames = len(users)
    time = np.arange(frames * FRAME) / RATE
    tone = (0.05 * np.sin(2.0 * np.pi * 300.0 * time)).astype(np.float32)[np.newaxis]
    _, told = play(models, users, _LIVE_SOURCE, tone, _swinging(2, 6.0, frames))
    return [frame[_AI].get(_RIDE.id, 0.0) for frame in told]


def test_a_sustained_tone_moves_where_it_is_asked_to_and_as_the_position_says(models: Models) -> None:
    plain, once, again = (_beside_a_tone(models, [user] * 200) for user in (_ON, _SUSTAINED, _SUSTAINED))
    assert np.abs(plain).max() < 0.5
    assert np.ptp(once[160:]) > 2.0
    assert once == again


def test_asked_to_compress_too_a_stem_that_moves_more_is_ridden(models: Models) -> None:
    def told(user: UserValues) -> list[float]:
        users = [user] * 100
        stem, live = _swinging(1, 6.0, 100), _swinging(2, 1.5, 100)
        return [frame[_AI][_RIDE.id] for frame in play(models, users, _LIVE_SOURCE, stem, live)[1]]

    plain, both = told(_ON), told(dataclasses.replace(_ON, breath_both=True))
    assert np.ptp(both[60:]) > np.ptp(plain[60:]) + 1.0
    assert np.abs(both).max() <= 2.5


def test_switched_off_it_returns_to_0_db_and_begins_anew(models: Models) -> None:
    _, told = _play(models, [_OFF] * 5 + [_ON] * 60 + [_OFF] * 10 + [_ON] * 5)
    gains = [frame[_AI].get(_RIDE.id) for frame in told]
    assert gains[:5] == [None] * 5
    assert gains[65:] == [0.0] * 15


def test_a_run_that_starts_with_a_gain_nobody_wants_is_told_0_db(models: Models) -> None:
    _, told = _play(models, [UserValues(role=Role.AI_STEM, start=((_RIDE.id, 1.5),))] * 3)
    assert [frame[_AI].get(_RIDE.id) for frame in told] == [0.0] * 3


@pytest.mark.parametrize("role", [Role.UNSET, Role.LIVE_SOURCE])
def test_only_ai_stems_breathe(models: Models, role: int) -> None:
    user = UserValues(delay=_DELAY, role=role, breath_amount=1.0, breath_depth_db=2.5)
    _, told = _play(models, [user] * 10)
    assert all(_RIDE.id not in frame[_AI] for frame in told)


def test_tracks_whose_role_is_not_set_do_not_count_as_live(models: Models) -> None:
    _, told = _play(models, [_ON] * 60, UserValues())
    assert {frame[_AI][_RIDE.id] for frame in told} == {0.0}


def test_gains_do_not_hear_of_breath(models: Models) -> None:
    gain = parameters.load().named("gain_db").id
    with_it, without = (
        [frame[_AI].get(gain) for frame in _play(models, [user] * 60)[1]] for user in (_ON, _OFF)
    )
    assert with_it == without


def test_where_the_model_fails_breath_holds_and_gains_go_on(
    models: Models, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ModelError("no breath today")

    monkeypatch.setattr(breath, "run", fail)
    with caplog.at_level(logging.ERROR):
        engine, told = _play(models, [_ON] * 20)
    assert (engine.held, engine.holding) == (20, True)
    assert caplog.text.count("no breath today") == 1
    assert all(_RIDE.id not in frame[_AI] for frame in told)
    assert len(told[-1][_AI]) == 2

"""The dip in the engine: who is told what, and when."""

from __future__ import annotations

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
from hybridmix.processors import dip
from hybridmix.wire import parameters
from hybridmix.wire.header import Role

from .pairs import AI as _AI
from .pairs import LIVE as _LIVE
from .pairs import Told, play
from .running import FRAME, RATE

_DEPTH, _CENTRE = (parameters.load().named(name) for name in ("dip_db", "dip_hz"))
_LIVE_SOURCE = UserValues(role=Role.LIVE_SOURCE)
_OFF = UserValues(role=Role.AI_STEM, dip_budget_lu=6.0)
_ON = UserValues(role=Role.AI_STEM, dip_amount=1.0, dip_budget_lu=6.0)


@pytest.fixture(scope="module")
def models() -> Models:
    return load_models("equal-loudness", MODELS_FOLDER)


def _tone(hz: float, level_db: float, frames: int) -> npt.NDArray[np.float32]:
    time = np.arange(frames * FRAME) / RATE
    tone = 10.0 ** (level_db / 20.0) * np.sin(2.0 * np.pi * hz * time)
    return np.asarray(tone, np.float32)[np.newaxis]


def _play(
    models: Models, users: list[UserValues], live: UserValues = _LIVE_SOURCE
) -> tuple[Engine, list[dict[UUID, Told]]]:
    """What an AI stem with ``users``, frame by frame, and the live source that it covers are told."""
    return play(
        models,
        users,
        live,
        _tone(250.0, -20.0, len(users)),
        np.repeat(_tone(300.0, -32.0, len(users)), 2, axis=0),
    )


def test_nobody_is_told_anything_before_somebody_asks_for_it(models: Models) -> None:
    _, told = _play(models, [_OFF] * 20)
    assert all(_DEPTH.id not in values for frame in told for values in frame.values())
    assert told[-1][_AI] == _play(models, [UserValues()] * 20, UserValues())[1][-1][_AI]


def test_an_ai_stem_is_told_a_depth_within_its_range_and_a_live_source_never(models: Models) -> None:
    _, told = _play(models, [_ON] * 30)
    depths = [frame[_AI][_DEPTH.id] for frame in told]
    assert min(depths) < -3.0
    assert all(_DEPTH.min <= depth <= _DEPTH.max for depth in depths)
    assert all(_CENTRE.min <= frame[_AI][_CENTRE.id] <= _CENTRE.max for frame in told)
    assert all(_DEPTH.id not in frame[_LIVE] for frame in told)
    assert [list(frame[_AI]) for frame in told] == [sorted(frame[_AI]) for frame in told]


def test_switched_off_it_returns_to_0_db_and_begins_there_again(models: Models) -> None:
    _, told = _play(models, [_OFF] * 5 + [_ON] * 20 + [_OFF] * 20 + [_ON] * 5)
    depths = [frame[_AI].get(_DEPTH.id) for frame in told]
    assert depths[:5] == [None] * 5
    assert depths[25:45] == [0.0] * 20
    assert depths[45] is not None
    assert depths[45] >= -1.2 - 1e-5


@pytest.mark.parametrize("role", [Role.UNSET, Role.LIVE_SOURCE])
def test_only_ai_stems_dip(models: Models, role: int) -> None:
    user = UserValues(role=role, dip_amount=1.0, dip_budget_lu=6.0)
    _, told = _play(models, [user] * 10)
    assert all(_DEPTH.id not in frame[_AI] for frame in told)


def test_tracks_whose_role_is_not_set_do_not_count_as_live(models: Models) -> None:
    _, told = _play(models, [_ON] * 20, UserValues())
    assert {frame[_AI][_DEPTH.id] for frame in told} == {0.0}


def test_gains_do_not_hear_of_the_dip(models: Models) -> None:
    gain = parameters.load().named("gain_db").id
    with_it, without = (
        [frame[_AI].get(gain) for frame in _play(models, [user] * 20)[1]] for user in (_ON, _OFF)
    )
    assert with_it == without


def test_where_the_model_fails_the_dip_holds_and_gains_go_on(
    models: Models, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ModelError("no dip today")

    monkeypatch.setattr(dip, "run", fail)
    with caplog.at_level(logging.ERROR):
        engine, told = _play(models, [_ON] * 20)
    assert (engine.held, engine.holding) == (20, True)
    assert caplog.text.count("no dip today") == 1
    assert all(_DEPTH.id not in frame[_AI] for frame in told)
    assert len(told[-1][_AI]) == 2

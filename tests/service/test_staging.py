"""Staging, density and the high-pass in the engine: who is told what, and what the others hear of it."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pytest

from hybridmix.engine.config import MODELS_FOLDER
from hybridmix.engine.gain import ModelError
from hybridmix.engine.group import Engine
from hybridmix.engine.hops import UserValues
from hybridmix.engine.models import Models, load_models
from hybridmix.processors import staging
from hybridmix.timeline import Compute, Row, Standing
from hybridmix.wire import parameters
from hybridmix.wire.header import Role

from .running import FRAME, RATE

_AI, _LIVE = UUID(int=1), UUID(int=2)
_GAIN, _TRIM, _STAGING, _MIX, _HIGH_PASS = (
    parameters.load().named(name).id
    for name in ("gain_db", "trim_db", "staging_db", "density_mix", "high_pass_mix")
)
_USERS = (UserValues(role=Role.AI_STEM), UserValues(role=Role.LIVE_SOURCE))
#: Levels of the AI stem and of the live source, dBFS.
_LEVELS_DB = (-32.0, -12.0)

Told = dict[int, float]


@pytest.fixture(scope="module")
def models() -> Models:
    return load_models("equal-loudness", MODELS_FOLDER)


def _with(**settings: Any) -> tuple[UserValues, UserValues]:
    """Both users with these settings."""
    ai, live = (dataclasses.replace(user, **settings) for user in _USERS)
    return ai, live


def _noise(member: int, level_db: float, frames: int) -> npt.NDArray[np.float32]:
    """Noise that swells by 12 dB every 8 s, (1, samples)."""
    count = frames * FRAME
    swell = 10.0 ** (0.3 * np.sin(2.0 * np.pi * np.arange(count) / (8.0 * RATE)))
    noise = np.random.default_rng(member).normal(0.0, 10.0 ** (level_db / 20.0), count)
    return np.asarray((noise * swell)[np.newaxis], np.float32)


def _play(
    models: Models, users: Sequence[tuple[UserValues, UserValues]]
) -> tuple[Engine, list[dict[UUID, Told]]]:
    """What an AI stem and a live source with ``users``, frame by frame, are told."""
    engine = Engine(RATE, models)
    members = (_AI, _LIVE)
    for member in members:
        engine.register(member)
    tapes = [_noise(member.int, level, len(users)) for member, level in zip(members, _LEVELS_DB, strict=True)]
    told = []
    for frame, settings in enumerate(users):
        at, end = frame * FRAME, (frame + 1) * FRAME
        for member, tape, user in zip(members, tapes, settings, strict=True):
            engine.push(member, 1, at, tape[:, at:end], user)
        rows = tuple(Row(member, Standing.WHOLE, end) for member in members)
        engine.compute(Compute(0, end, frame == 0, False, rows, False))
        told.append({member: dict(engine.values(0, end, member)) for member in members})
    return engine, told


def test_nobody_is_told_anything_before_somebody_asks_for_it(models: Models) -> None:
    _, told = _play(models, [_USERS] * 20)
    assert {number for frame in told for values in frame.values() for number in values} <= {_GAIN, _TRIM}


def test_every_track_is_brought_to_the_level_asked_for(models: Models) -> None:
    _, told = _play(models, [_with(staging_amount=1.0, staging_level_db=-20.0)] * 320)
    heard = (_noise(member.int, level, 320) for member, level in zip((_AI, _LIVE), _LEVELS_DB, strict=True))
    for member, tape in zip((_AI, _LIVE), heard, strict=True):
        level = 10.0 * np.log10(np.square(tape, dtype=np.float64).mean())
        assert told[-1][member][_STAGING] == pytest.approx(-20.0 - level, abs=0.3)
    assert all(list(values) == sorted(values) for frame in told for values in frame.values())


def test_the_balance_is_the_one_without_staging(models: Models) -> None:
    _, plain = _play(models, [_USERS] * 200)
    _, staged = _play(models, [_with(staging_amount=1.0, staging_level_db=-18.0)] * 200)
    for before, after in zip(plain, staged, strict=True):
        for member in (_AI, _LIVE):
            # Where the gain is not known yet there is no balance either.
            if _GAIN in before[member]:
                total = after[member][_GAIN] + after[member][_STAGING]
                assert total == pytest.approx(before[member][_GAIN], abs=1e-3)
    # The group's trim remembers what was louder before there were gains.
    assert staged[-1][_AI][_TRIM] == pytest.approx(plain[-1][_AI][_TRIM], abs=0.1)


def test_with_the_gain_models_amount_at_0_staging_alone_sets_the_level(models: Models) -> None:
    _, told = _play(models, [_with(amount=0.0, staging_amount=1.0, staging_level_db=-18.0)] * 60)
    assert all(frame[_AI].get(_GAIN, 0.0) == 0.0 for frame in told)
    assert told[-1][_AI][_STAGING] > 8.0


def test_the_dip_hears_what_it_would_hear_without_staging(models: Models) -> None:
    dip = parameters.load().named("dip_db").id
    dipped = {"dip_amount": 1.0, "dip_budget_lu": 6.0}
    _, plain = _play(models, [_with(**dipped)] * 60)
    _, staged = _play(models, [_with(**dipped, staging_amount=1.0, staging_level_db=-18.0)] * 60)
    depths = [[frame[_AI][dip] for frame in told] for told in (plain, staged)]
    # Only where neither has a gain do they differ.
    assert depths[1][20:] == pytest.approx(depths[0][20:], abs=0.02)


def test_a_run_begins_at_the_trim_that_the_project_brings(models: Models) -> None:
    begun = _with(staging_amount=1.0, staging_level_db=-18.0, start=((_GAIN, -3.0), (_STAGING, 12.0)))
    _, told = _play(models, [begun] * 10)
    trims = [frame[_AI][_STAGING] for frame in told]
    assert trims == pytest.approx([12.0] * 10, abs=0.5)
    # What the gain is told without is put back where the model begins: it goes on from -3 dB.
    assert told[0][_AI][_GAIN] == pytest.approx(-3.0, abs=0.7)


def test_a_trim_that_nobody_wants_any_more_is_taken_back(models: Models) -> None:
    _, told = _play(models, [_with(start=((_STAGING, 12.0),))] * 5)
    assert [frame[_AI][_STAGING] for frame in told] == [0.0] * 5


def test_only_live_sources_get_density_and_only_ai_stems_the_high_pass(models: Models) -> None:
    _, told = _play(models, [_with(density_amount=1.0, high_pass_amount=0.5)] * 320)
    assert all(_MIX not in frame[_AI] for frame in told)
    assert all(_HIGH_PASS not in frame[_LIVE] for frame in told)
    assert {frame[_AI][_HIGH_PASS] for frame in told} == {0.5}
    assert told[100][_LIVE][_MIX] == 0.0
    assert told[-1][_LIVE][_MIX] > 0.05
    assert all(_STAGING not in values for frame in told for values in frame.values())


def test_switched_off_both_return_to_0(models: Models) -> None:
    on, off = _with(density_amount=1.0, high_pass_amount=1.0), _USERS
    _, told = _play(models, [on] * 300 + [off] * 5)
    assert all(frame[_LIVE][_MIX] == 0.0 and frame[_AI][_HIGH_PASS] == 0.0 for frame in told[300:])


def test_where_the_model_fails_trims_hold_and_gains_go_on_without_them(
    models: Models, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    on = _with(staging_amount=1.0, staging_level_db=-18.0)
    engine, told = _play(models, [on] * 100)

    def fail(*_: object) -> None:
        raise ModelError("no staging today")

    monkeypatch.setattr(staging, "run", fail)
    with caplog.at_level(logging.ERROR):
        for member, level in zip((_AI, _LIVE), _LEVELS_DB, strict=True):
            engine.push(member, 1, 100 * FRAME, _noise(7, level, 1), on[0])
        rows = tuple(Row(member, Standing.WHOLE, 101 * FRAME) for member in (_AI, _LIVE))
        engine.compute(Compute(0, 101 * FRAME, False, False, rows, False))
    assert caplog.text.count("no staging today") == 1
    after = dict(engine.values(0, 101 * FRAME, _AI))
    assert _STAGING not in after
    assert after[_GAIN] == pytest.approx(told[-1][_AI][_GAIN], abs=1.0), "the trim is still counted"

"""Groove in the engine: who is told what, when, and why nobody is."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import numpy.typing as npt
import pytest

from hybridmix.engine.config import MODELS_FOLDER
from hybridmix.engine.group import Engine
from hybridmix.engine.hops import Pulse, UserValues
from hybridmix.engine.models import Models, load_models
from hybridmix.timeline import Compute, Row, Standing
from hybridmix.wire import parameters
from hybridmix.wire.header import Role

from .running import FRAME, RATE

_AI, _LIVE, _OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
_SHIFT, _SLOT = (parameters.load().named(name).id for name in ("groove_ms", "groove_slot_ms"))
_DELAY = RATE // 25
_TEMPO = 120.0
#: A sixteenth in samples, and how late the drummer plays.
_STEP, _LATE_MS = RATE // 8, 9.0
_LIVE_SOURCE = UserValues(delay=_DELAY, role=Role.LIVE_SOURCE)
_DRUMS = UserValues(delay=_DELAY, role=Role.LIVE_SOURCE, is_drums=True)
_BASS = UserValues(delay=_DELAY, role=Role.LIVE_SOURCE, is_bass=True)

Told = dict[int, float]


def _user(
    amount: float = 1.0, limit_ms: float = 5.0, constant_ms: float = 20.0, role: int = Role.AI_STEM
) -> UserValues:
    return UserValues(
        delay=_DELAY,
        role=role,
        groove_amount=amount,
        groove_limit_ms=limit_ms,
        groove_constant_ms=constant_ms,
    )


@pytest.fixture(scope="module")
def models() -> Models:
    return load_models("equal-loudness", MODELS_FOLDER)


def _drummer(frames: int, late_ms: float = _LATE_MS) -> npt.NDArray[np.float32]:
    """A short burst in every sixteenth but the first."""
    audio = np.zeros(frames * FRAME + RATE, np.float32)
    burst = 0.3 * np.random.default_rng(1).normal(size=RATE // 25) * np.exp(-np.arange(RATE // 25) / 400.0)
    for begin in range(_STEP, frames * FRAME, _STEP):
        at = begin + round(late_ms * RATE / 1000.0)
        audio[at : at + len(burst)] += burst.astype(np.float32)
    return audio[np.newaxis, : frames * FRAME]


def _bass(frames: int, late_ms: float) -> npt.NDArray[np.float32]:
    """A low note in every eighth but the first: its periods, of 24 ms, are longer than what a drum is heard in."""
    audio = np.zeros(frames * FRAME + RATE, np.float32)
    time = np.arange(RATE // 5) / RATE
    note = sum(np.sin(2.0 * np.pi * 41.2 * harmonic * time) / harmonic for harmonic in range(1, 30))
    note = 0.2 * note * np.exp(-4.0 * time) * np.minimum(1.0, (time[-1] - time) / 0.005)
    for begin in range(2 * _STEP, frames * FRAME, 2 * _STEP):
        at = begin + round(late_ms * RATE / 1000.0)
        audio[at : at + len(note)] += note.astype(np.float32)
    return audio[np.newaxis, : frames * FRAME]


def _play(
    models: Models,
    users: list[UserValues],
    live: UserValues = _LIVE_SOURCE,
    tempo: float | None = _TEMPO,
    late_ms: float = _LATE_MS,
    ai_late_ms: float | None = None,
    other: tuple[UserValues, npt.NDArray[np.float32]] | None = None,
) -> tuple[Engine, list[dict[UUID, Told]]]:
    """What an AI stem with ``users``, frame by frame, and a drummer are told.

    The stem is silent without ``ai_late_ms``. The ``other`` live source, if any, comes as its settings and its audio.
    """
    engine = Engine(RATE, models)
    drummer = _drummer(len(users), late_ms)
    stem = np.zeros_like(drummer) if ai_late_ms is None else _drummer(len(users), ai_late_ms)
    members = {_LIVE: (live, drummer)} | ({_OTHER: other} if other is not None else {})
    for member in (_AI, *members):
        engine.register(member)
    told = []
    for frame, user in enumerate(users):
        at, end = frame * FRAME, (frame + 1) * FRAME
        pulse = None if tempo is None else Pulse(at, at * tempo / (60.0 * RATE), tempo)
        engine.push(_AI, 1, at, stem[:, at:end], user, pulse)
        for member, (settings, audio) in members.items():
            engine.push(member, 1, at, audio[:, at:end], settings, pulse)
        rows = tuple(Row(member, Standing.WHOLE, end) for member in (_AI, *members))
        engine.compute(Compute(0, end, frame == 0, False, rows, False))
        told.append({member: dict(engine.values(0, end, member)) for member in (_AI, *members)})
    return engine, told


def _shifts(told: list[dict[UUID, Told]]) -> list[float]:
    return [values[_AI][_SHIFT] for values in told if _SHIFT in values[_AI]]


def test_nobody_is_told_anything_before_somebody_asks_for_it(models: Models) -> None:
    engine, told = _play(models, [_user(0.0)] * 40)
    assert all(_SHIFT not in values for frame in told for values in frame.values())
    assert engine.processors["groove"]["idle"] == "no AI stem asks for it"


def test_each_slot_is_told_once_and_where_it_begins(models: Models) -> None:
    _, told = _play(models, [_user()] * 60)
    slots = [
        (frame + 1) * FRAME + _DELAY + values[_AI][_SLOT] * RATE / 1000.0
        for frame, values in enumerate(told)
        if _SHIFT in values[_AI]
    ]
    np.testing.assert_allclose(np.array(slots) % _STEP, 0.0, atol=0.01)
    np.testing.assert_allclose(np.diff(slots), _STEP, atol=0.01)
    assert all(_SHIFT not in values[_LIVE] for values in told), "a live track is never touched"


def test_the_shift_goes_to_where_the_drummer_plays_and_the_constant_can_be_zeroed(models: Models) -> None:
    engine, told = _play(models, [_user()] * 160)
    assert [values[_AI] for values in told if _SHIFT in values[_AI]][-1][_SHIFT] == pytest.approx(
        9.0, abs=2.5
    )
    assert engine.processors["groove"]["constant_ms"] == pytest.approx(9.0, abs=2.0)
    assert engine.processors["groove"]["idle"] == ""
    _, told = _play(models, [_user(constant_ms=0.0)] * 160)
    assert [values[_AI] for values in told if _SHIFT in values[_AI]][-1][_SHIFT] == pytest.approx(5.0)


@pytest.mark.parametrize(("limit_ms", "amount"), [(5.0, 1.0), (10.0, 1.0), (20.0, 0.5)])
def test_no_shift_passes_the_limits(models: Models, limit_ms: float, amount: float) -> None:
    _, told = _play(models, [_user(amount, limit_ms)] * 120, late_ms=38.0)
    shifts = [values[_AI][_SHIFT] for values in told if _SHIFT in values[_AI]]
    assert max(shifts) == pytest.approx(amount * (20.0 + min(limit_ms, 20.0)), abs=8.0)
    assert max(np.abs(shifts)) <= amount * (20.0 + limit_ms) + 1e-4


def test_without_a_tempo_nobody_is_told_anything_and_the_status_says_why(models: Models) -> None:
    for tempo in (None, 0.0, 1e4):
        engine, told = _play(models, [_user()] * 30, tempo=tempo)
        assert all(_SHIFT not in values[_AI] for values in told)
        assert (
            engine.processors["groove"]["idle"]
            == "the host says no tempo, and no steady beat is heard; set Groove Tempo"
        )


def test_without_a_tempo_the_stems_own_grid_counts(models: Models) -> None:
    # The stem's grid is not that of position 0.
    engine, told = _play(models, [_user()] * 240, tempo=None, late_ms=41.0 + _LATE_MS, ai_late_ms=41.0)
    assert engine.processors["groove"]["tempo_bpm"] == pytest.approx(_TEMPO, rel=1e-3)
    assert engine.processors["groove"]["idle"] == ""
    shifts = [values[_AI][_SHIFT] for values in told if _SHIFT in values[_AI]]
    assert shifts[-1] == pytest.approx(_LATE_MS, abs=1.5)
    slots = [
        (frame + 1) * FRAME + _DELAY + values[_AI][_SLOT] * RATE / 1000.0
        for frame, values in enumerate(told)
        if _SLOT in values[_AI]
    ]
    behind_ms = (np.array(slots) / RATE - 0.041) % 0.125 * 1000.0
    assert np.minimum(behind_ms, 125.0 - behind_ms).max() < 1.5


def test_whoever_switches_it_off_is_told_that_the_shift_goes(models: Models) -> None:
    _, told = _play(models, [_user()] * 80 + [_user(0.0)] * 3)
    assert told[80][_AI][_SHIFT] == 0.0
    assert _SHIFT not in told[81][_AI]


def test_only_ai_stems_are_moved(models: Models) -> None:
    for role in (Role.UNSET, Role.LIVE_SOURCE):
        _, told = _play(models, [_user(role=role)] * 40)
        assert all(_SHIFT not in values[_AI] for values in told)


def test_where_a_live_source_is_said_to_be_drums_the_others_are_not_listened_to(models: Models) -> None:
    users = [_user()] * 100
    guitar = _drummer(len(users), -12.0)
    alone = _shifts(_play(models, users)[1])
    for other, same in ((None, True), ((_LIVE_SOURCE, guitar), True), ((_DRUMS, guitar), False)):
        assert (_shifts(_play(models, users, live=_DRUMS, other=other)[1]) == alone) == same
    # While nobody says so, every live source is heard, and whoever is no live source never is.
    assert _shifts(_play(models, users, other=(_LIVE_SOURCE, guitar))[1]) != alone
    unset = UserValues(delay=_DELAY, role=Role.UNSET, is_drums=True)
    assert _shifts(_play(models, users, other=(unset, guitar))[1]) == alone


def test_a_bass_is_followed_where_no_drum_is_hit(models: Models) -> None:
    users = [_user()] * 160
    bass = _bass(len(users), -10.0)
    engine, told = _play(models, users, other=(_BASS, bass))
    assert engine.processors["groove"]["constant_ms"] == pytest.approx(-10.0, abs=2.5)
    assert _shifts(told)[-1] == pytest.approx(-10.0, abs=3.5)
    # The drummer plays every sixteenth: the bass adds nothing.
    both = _shifts(_play(models, users, live=_DRUMS, other=(_BASS, bass))[1])
    alone = _shifts(_play(models, users, live=_DRUMS)[1])
    np.testing.assert_allclose(both[-40:], alone[-40:], atol=0.05)

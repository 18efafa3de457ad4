"""The room in the engine: who is told what, and when."""

from __future__ import annotations

import logging
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pytest

from hybridmix.engine.config import MODELS_FOLDER
from hybridmix.engine.gain import ModelError, Slots
from hybridmix.engine.group import Engine
from hybridmix.engine.hops import Frame, UserValues
from hybridmix.engine.models import Models, load_models
from hybridmix.processors import room
from hybridmix.processors.room_fusion import Estimates
from hybridmix.wire import parameters
from hybridmix.wire.header import Role

from .pairs import AI as _AI
from .pairs import LIVE as _LIVE
from .pairs import Told, play
from .running import FRAME

_SCHEMA = parameters.load()
_SEND = _SCHEMA.named("reverb_send").id
_REVERB = [one.id for one in _SCHEMA.parameters if one.section == "reverb"]
_LIVE_SOURCE = UserValues(role=Role.LIVE_SOURCE)
_OFF = UserValues(role=Role.AI_STEM)
_ON = UserValues(role=Role.AI_STEM, room_amount=1.0)


@pytest.fixture(scope="module")
def models() -> Models:
    return load_models("equal-loudness", MODELS_FOLDER)


@pytest.fixture
def sure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every track is heard in a room of 1 s, a stem without any; what is listened to does not matter."""

    def said(_: room.RoomMatch, slots: Slots, frames: list[Frame]) -> Estimates:
        count = len(slots)
        return Estimates(
            np.ones((count, 7), np.float32),
            np.full((count, 7), 0.1, np.float32),
            np.where([frame.user.role == Role.LIVE_SOURCE for frame in frames], 6.0, 30.0).astype(np.float32),
            np.ones(count, np.float32),
            np.full(count, 12.0, np.float32),
            np.full(count, 0.3, np.float32),
        )

    monkeypatch.setattr(room.RoomMatch, "_run", said)


def _noise(seed: int, frames: int) -> npt.NDArray[np.float32]:
    return (0.05 * np.random.default_rng(seed).normal(size=(1, frames * FRAME))).astype(np.float32)


def _play(
    models: Models, users: list[UserValues], live: UserValues = _LIVE_SOURCE
) -> tuple[Engine, list[dict[UUID, Told]]]:
    """What an AI stem with ``users``, frame by frame, and a live source are told."""
    return play(models, users, live, _noise(1, len(users)), _noise(2, len(users)))


def test_nobody_is_told_anything_before_somebody_asks_for_it(models: Models) -> None:
    engine, told = _play(models, [_OFF] * 25)
    assert all(number not in values for frame in told for values in frame.values() for number in _REVERB)
    assert engine.room == ""


def test_nobody_is_told_a_room_that_is_not_believed(models: Models) -> None:
    engine, told = _play(models, [_ON] * 45)
    # Noise that never stops tells of no room.
    assert all(number not in values for frame in told for values in frame.values() for number in _REVERB)
    assert engine.room.startswith("no room yet")


@pytest.mark.usefixtures("sure")
def test_a_stem_is_told_its_send_in_every_frame_and_the_room_once_a_second(models: Models) -> None:
    engine, told = _play(models, [_ON] * 60)
    stems = [frame[_AI] for frame in told]
    # The first decision falls at the end of the 20th frame.
    assert [_SEND in one for one in stems] == [frame >= 19 for frame in range(60)]
    assert [_SCHEMA.named("t60_500_s").id in one for one in stems] == [
        frame in (19, 39, 59) for frame in range(60)
    ]
    assert stems[-1][_SEND] == pytest.approx(10.0**-0.3, rel=0.01)
    assert [stems[-1][_SCHEMA.named(name).id] for name in ("t60_125_s", "predelay_ms")] == pytest.approx(
        [1.0, 12.0]
    )
    assert all(number not in frame[_LIVE] for frame in told for number in _REVERB)
    assert [list(one) for one in stems] == [sorted(one) for one in stems]
    assert engine.room == "live T60 1.00 s ± 0.10, direct to reverberant 6.0 dB"


@pytest.mark.usefixtures("sure")
def test_the_send_follows_the_amount_at_once_and_goes_with_it(models: Models) -> None:
    half = UserValues(role=Role.AI_STEM, room_amount=0.5)
    _, told = _play(models, [_ON] * 25 + [half] * 3 + [_OFF] * 3)
    found = [frame[_AI].get(_SEND) for frame in told]
    assert found[25] == pytest.approx(0.5 * (found[24] or 0.0))
    assert found[28:] == [0.0] * 3


@pytest.mark.usefixtures("sure")
def test_a_run_that_starts_with_a_room_goes_on_in_it(models: Models) -> None:
    start = tuple((number, 2.0) for number in _REVERB)
    _, told = _play(models, [UserValues(role=Role.AI_STEM, room_amount=0.5, start=start)] * 2)
    assert [told[0][_AI][number] for number in _REVERB] == [2.0] * len(_REVERB)
    assert told[1][_AI][_SEND] == 2.0
    _, told = _play(models, [UserValues(role=Role.AI_STEM, start=start)] * 2)
    assert [frame[_AI].get(_SEND) for frame in told] == [0.0, 0.0], "nobody wants it"


@pytest.mark.usefixtures("sure")
@pytest.mark.parametrize("role", [Role.UNSET, Role.LIVE_SOURCE])
def test_only_ai_stems_get_a_room_and_only_live_sources_tell_of_one(models: Models, role: int) -> None:
    _, told = _play(models, [UserValues(role=role, room_amount=1.0)] * 25)
    assert all(_SEND not in frame[_AI] for frame in told)
    _, told = _play(models, [_ON] * 25, UserValues(role=role if role == Role.UNSET else Role.AI_STEM))
    assert all(_SEND not in frame[_AI] for frame in told)


@pytest.mark.usefixtures("sure")
def test_headroom_hears_of_the_room(models: Models) -> None:
    trim = _SCHEMA.named("trim_db").id
    loud, dry = (_play(models, [user] * 60)[1][-1][_AI][trim] for user in (_ON, _OFF))
    assert loud <= dry


def test_where_the_model_fails_the_room_holds_and_gains_go_on(
    models: Models, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ModelError("no room today")

    monkeypatch.setattr(room, "run", fail)
    with caplog.at_level(logging.ERROR):
        engine, told = _play(models, [_ON] * 20)
    assert (engine.held, engine.holding) == (20, True)
    assert caplog.text.count("no room today") == 1
    assert all(_SEND not in frame[_AI] for frame in told)
    assert len(told[-1][_AI]) == 2

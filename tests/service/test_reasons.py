"""Why sections do what they do: the numbers of a sentence are those of its values, and those of what was sent."""

from __future__ import annotations

import re
from dataclasses import replace
from string import Formatter
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pytest

from hybridmix.cli import status
from hybridmix.engine.client import Client
from hybridmix.engine.config import MODELS_FOLDER
from hybridmix.engine.group import Engine
from hybridmix.engine.hops import UserValues
from hybridmix.engine.models import Models, load_models
from hybridmix.engine.reasons import SENTENCES, Reason, explain
from hybridmix.timeline import Compute, Row, Standing
from hybridmix.wire import Kind, parameters
from hybridmix.wire.header import Role

from .running import FRAME, RATE, block, eventually, join, members, start

_AI, _LIVE = UUID(int=1), UUID(int=2)
_LIVE_SOURCE = UserValues(role=Role.LIVE_SOURCE)
_ON = UserValues(
    offset_db=18.0,
    delay=RATE // 25,
    role=Role.AI_STEM,
    dip_amount=1.0,
    dip_budget_lu=6.0,
    breath_amount=1.0,
    breath_depth_db=2.5,
)
_SECOND = 20

Told = dict[str, float]


@pytest.fixture(scope="module")
def models() -> Models:
    return load_models("equal-loudness", MODELS_FOLDER)


def _numbers(text: str) -> list[float]:
    return [float(number.replace("−", "-")) for number in re.findall(r"[+−]?\d+(?:\.\d+)?", text)]


def _swinging(hertz: float, level_db: float, swing_db: float, frames: int) -> npt.NDArray[np.float32]:
    time = np.arange(frames * FRAME) / RATE
    level = level_db + swing_db * np.sin(2.0 * np.pi * 0.8 * time)
    return (10.0 ** (level / 20.0) * np.sin(2.0 * np.pi * hertz * time)).astype(np.float32)


def _play(
    models: Models, frames: int, silent_from: int | None = None, user: UserValues = _ON
) -> tuple[Engine, list[dict[UUID, Told]], list[dict[str, tuple[bool, Reason]]]]:
    """What both members are told frame by frame, and what is said of the AI stem after each."""
    engine = Engine(RATE, models)
    for member in (_AI, _LIVE):
        engine.register(member)
    ai, live = _swinging(250.0, -6.0, 1.0, frames), _swinging(300.0, -14.0, 6.0, frames)
    if silent_from is not None:
        ai[silent_from * FRAME :] = live[silent_from * FRAME :] = 0.0
    names = {one.id: one.name for one in parameters.load().parameters}
    told, said = [], []
    for frame in range(frames):
        at, end = frame * FRAME, (frame + 1) * FRAME
        engine.push(_AI, 1, at, ai[np.newaxis, at:end], user)
        engine.push(_LIVE, 1, at, live[np.newaxis, at:end], _LIVE_SOURCE)
        rows = tuple(Row(member, Standing.WHOLE, end) for member in (_AI, _LIVE))
        engine.compute(Compute(0, end, frame == 0, False, rows, False))
        told.append(
            {
                member: {names[number]: value for number, value in engine.values(0, end, member)}
                for member in (_AI, _LIVE)
            }
        )
        engine.work()
        said.append({reason.section: (now, reason) for now, reason in engine.reasons(_AI)})
    return engine, told, said


@pytest.mark.parametrize("section", SENTENCES)
def test_every_number_of_a_sentence_is_one_of_its_values_and_no_value_is_left_unsaid(section: str) -> None:
    names = [name for _, name, _, _ in Formatter().parse(SENTENCES[section]) if name is not None]
    values = dict(
        zip(names, np.random.default_rng(3).uniform(-400.0, 400.0, len(names)).tolist(), strict=True)
    )
    reason = explain(section, values)
    assert reason.text.startswith(f"{section}: ")
    assert _numbers(reason.text) == list(reason.values.values())
    assert list(reason.values) == names
    assert all(abs(reason.values[name] - values[name]) <= 0.5 for name in names)


def test_a_value_of_next_to_nothing_has_no_sign() -> None:
    text = explain("breath", dict.fromkeys(("live_db", "own_db", "ride_db", "depth_db"), -0.01)).text
    assert "−" not in text


def test_a_second_is_explained_by_what_was_sent_in_it(models: Models) -> None:
    _, told, said = _play(models, 4 * _SECOND)
    last = {name: [frame[_AI][name] for frame in told[-_SECOND:]] for name in told[-1][_AI]}
    values = {section: reason.values for section, (now, reason) in said[-1].items() if now}
    assert set(values) == {"gain", "headroom", "dip", "breath"}
    assert values["gain"]["low_db"] == pytest.approx(min(last["gain_db"]), abs=0.0501)
    assert values["gain"]["high_db"] == pytest.approx(max(last["gain_db"]), abs=0.0501)
    # A sine of -6 dBFS peak that swings by 1 dB; K-weighting takes about 1 dB at 250 Hz.
    assert values["gain"]["in_lufs"] == pytest.approx(-6.0 - 3.0 - 0.7, abs=1.0)
    assert values["headroom"]["trim_db"] == pytest.approx(min(last["trim_db"]), abs=0.0501)
    assert values["headroom"]["aim_dbfs"] == -1.0
    assert values["headroom"]["peak_dbfs"] == pytest.approx(-1.0 - min(last["trim_db"]), abs=0.0501)
    assert values["dip"]["dip_db"] == pytest.approx(min(last["dip_db"]), abs=0.0501)
    assert min(last["dip_hz"]) - 1.0 <= values["dip"]["dip_hz"] <= max(last["dip_hz"]) + 1.0
    assert 0.1 < values["dip"]["cost_lu"] <= values["dip"]["budget_lu"] == 6.0
    assert values["breath"]["ride_db"] == pytest.approx(max(map(abs, last["breath_db"])), abs=0.0501)
    assert values["breath"]["live_db"] > values["breath"]["own_db"] + 2.0
    assert values["breath"]["depth_db"] == 2.5


def test_trim_and_high_pass_are_explained_by_what_was_sent(models: Models) -> None:
    staged = replace(_ON, staging_amount=1.0, staging_level_db=-20.0, high_pass_amount=0.4)
    _, told, said = _play(models, 4 * _SECOND, user=staged)
    values = {section: reason.values for section, (now, reason) in said[-1].items() if now}
    assert values["staging"]["trim_db"] == pytest.approx(told[-1][_AI]["staging_db"], abs=0.0501)
    # A sine of -6 dBFS peak has -9 dBFS RMS.
    assert values["staging"]["level_db"] == pytest.approx(-9.0, abs=0.3)
    assert values["high_pass"] == {"mix_percent": 40.0}


def test_reasons_come_once_a_second_of_positions_and_are_the_same_every_time(models: Models) -> None:
    said = _play(models, 2 * _SECOND + 5)[2]
    assert all(not one for one in said[: _SECOND - 1])
    assert said[_SECOND - 1]
    assert all(one == said[_SECOND - 1] for one in said[_SECOND : 2 * _SECOND - 1])
    assert said[-1] == said[2 * _SECOND - 1] != said[_SECOND - 1]
    assert said == _play(models, 2 * _SECOND + 5)[2]


def test_what_a_section_last_did_is_kept_when_it_rests(models: Models) -> None:
    said = _play(models, 8 * _SECOND, silent_from=3 * _SECOND)[2]
    now, reason = said[-1]["dip"]
    assert not now
    assert reason.values["dip_db"] < -1.0
    assert said[3 * _SECOND - 1]["dip"][0]


def test_a_section_that_did_nothing_says_nothing(models: Models) -> None:
    engine = _play(models, 2 * _SECOND)[0]
    assert {reason.section for _, reason in engine.reasons(_LIVE)} == {"gain", "headroom"}


def test_reasons_travel_to_the_status_of_the_service(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    instance = client.join(join(label="Pad")).instance
    client.send(start(instance))
    tone = np.repeat(_swinging(250.0, -6.0, 1.0, 2 * _SECOND)[np.newaxis], 2, axis=0)
    for frame in range(2 * _SECOND):
        client.send(block(instance, tone[:, frame * FRAME : (frame + 1) * FRAME], frame * FRAME))
        client.expect(Kind.PARAMS)
    assert eventually(lambda: bool(members(client)[str(instance)]["reasons"]))
    report = client.status()
    (member,) = report["groups"][0]["members"]
    (reason,) = member["reasons"]
    assert (reason["section"], reason["now"]) == ("gain", True)
    assert sorted(_numbers(reason["text"])) == sorted(reason["values"].values())
    status._show(report)
    assert f"Pad · {reason['text']}" in " ".join(capsys.readouterr().out.split())

"""Models and profiles by group, chosen before and while the service runs."""

from __future__ import annotations

import logging
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from hybridmix import profiles
from hybridmix.cli.main import main
from hybridmix.engine import choices
from hybridmix.engine.client import Client
from hybridmix.engine.config import Config, load
from hybridmix.engine.discovery import open_folder
from hybridmix.errors import InputError
from hybridmix.wire import Flags, Kind

from .running import FRAME, block, eventually, join, serving, start

_LOUD = np.random.default_rng(1).normal(0.0, 0.2, (2, 10 * FRAME)).astype(np.float32)


@pytest.mark.parametrize(
    ("track", "part"),
    [
        ("Lead Vox", "vocals"),
        ("Backing Vocals 2", "backing_vocals"),
        ("BVs", "backing_vocals"),
        ("Kick In", "drums"),
        ("Bass Drum", "drums"),
        ("BassDI", "bass"),
        ("03_gtr_L", "guitars"),
        ("OH_R", "drums"),
        ("Grand Piano", "keys"),
        ("synth-lead", "synths"),
        ("Tamarind", None),
        ("Track 1", None),
        ("", None),
    ],
)
def test_the_part_of_a_track_is_read_from_its_name(track: str, part: str | None) -> None:
    assert profiles.part_of(track) == part


def test_the_shipped_profiles_move_what_they_say() -> None:
    assert profiles.names() == ["balanced", "rhythm-forward", "vocal-forward"]
    assert profiles.load("balanced").aim_db("vocals") == 0.0
    assert profiles.load("vocal-forward").aim_db("Lead Vocal") == 2.5
    assert profiles.load("rhythm-forward").aim_db("Snare top") == 2.0
    assert profiles.load("rhythm-forward").aim_db("Track 1") == 0.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        ("{", "cannot be used"),
        ('{"name": "x", "offsets_db": {"vocals": 13}}', "cannot be used"),
        ('{"name": "x", "offsets_db": {"lungs": 1}}', "cannot be used"),
    ],
)
def test_a_profile_that_cannot_be_used_is_named(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "mine.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said) as error:
        profiles.load(str(path))
    assert str(path) in str(error.value)


def test_boost_and_profile_are_settings_like_others() -> None:
    environ = {"XDG_RUNTIME_DIR": "/x", "HYBRIDMIX_MAX_BOOST_DB": "6", "HYBRIDMIX_PROFILE": "vocal-forward"}
    config = load({}, environ)
    assert (config.max_boost_db, config.profile) == (6.0, "vocal-forward")
    with pytest.raises(InputError, match="largest boost 'much' cannot be used; expected 0 to 36 dB"):
        load({}, environ | {"HYBRIDMIX_MAX_BOOST_DB": "much"})


def test_the_command_writes_shows_and_resets(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit):
            main(["group", *arguments, "--runtime-dir", str(folder)])
        return capsys.readouterr().out

    assert run("2", "--model", "raw") == "group 2: model raw, profile as the service\n"
    assert run("2", "--profile", "vocal-forward") == "group 2: model raw, profile vocal-forward\n"
    assert run("2") == "group 2: model raw, profile vocal-forward\n"
    assert choices.read(folder) == {2: choices.Choice("raw", "vocal-forward")}
    assert run("2", "--reset") == "group 2: model as the service, profile as the service\n"
    assert choices.read(folder) == {}


@pytest.mark.parametrize(
    ("number", "choice", "said"),
    [
        (17, choices.Choice(), "group 17 does not exist; expected 1 to 16."),
        (1, choices.Choice(model="best"), "model 'best' is unknown"),
        (1, choices.Choice(profile="best"), "profile 'best' is unknown"),
    ],
)
def test_a_choice_that_cannot_be_used_is_refused(
    folder: Path, number: int, choice: choices.Choice, said: str
) -> None:
    with pytest.raises(InputError) as error:
        choices.write(folder, number, choice)
    assert str(error.value).startswith(said)
    assert choices.read(folder) == {}


def _gain(client: Client, instance: UUID, at: int) -> float:
    client.send(block(instance, _LOUD, at * 10 * FRAME, flags=Flags.SYNC, group=2))
    told = [dict(client.expect(Kind.PARAMS).values).get(1, np.nan) for _ in range(10)]
    return float(told[-1])


def test_a_group_is_switched_while_it_plays_and_its_gain_glides(folder: Path) -> None:
    with serving(folder), Client(folder) as client:
        instance = client.join(join(group=2, label="Lead Vox")).instance
        client.send(start(instance, group=2))
        before = [_gain(client, instance, at) for at in range(6)][-1]
        assert before < -6.0
        choices.write(folder, 2, choices.Choice("raw", "vocal-forward"))
        assert eventually(lambda: client.status()["groups"][0]["model"] == "raw")
        assert client.status()["groups"][0]["profile"] == "Vocal forward"
        seen = [_gain(client, instance, at) for at in range(6, 12)]
        # Half a second is a quarter of the way to 0 dB and what the profile adds.
        assert seen[0] == pytest.approx(before + (2.5 - before) / 4.0, abs=0.05)
        assert seen[3:] == pytest.approx([2.5] * 3, abs=1e-5)


def test_settings_of_a_group_hold_from_the_start_and_broken_ones_are_named(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    open_folder(folder)
    choices.write(folder, 2, choices.Choice("raw"))
    with serving(folder), Client(folder) as client:
        client.join(join(0, group=2))
        client.join(join(1, group=3))
        assert [group["model"] for group in client.status()["groups"]] == ["raw", "equal-loudness"]
        with caplog.at_level(logging.ERROR):
            (folder / choices.FILE).write_text("[]", encoding="utf-8")
            assert eventually(lambda: "group settings cannot be used" in caplog.text)
        assert [group["model"] for group in client.status()["groups"]] == ["raw", "equal-loudness"]


def test_a_profile_file_of_the_service_must_be_usable(folder: Path, tmp_path: Path) -> None:
    from hybridmix.engine.server import Server

    with pytest.raises(InputError, match="cannot be read"):
        Server(Config(runtime_dir=folder, profile=str(tmp_path / "none.json")))
    assert not (folder / "service.json").exists()

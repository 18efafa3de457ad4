"""A preset sets the same from a session file, a script and a host's browser."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pedalboard
import pytest
import soundfile
from tests.plugin.test_pedalboard import component_state

from hybridmix import presets
from hybridmix.batch import MixSession
from hybridmix.cli.main import main
from hybridmix.errors import InputError
from hybridmix.presets import host

MINE = {"name": "Quiet pad", "role": "ai_stem", "amount": 0.5, "gain_offset_db": -3.0}


def saved(preset: bytes) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(component_state(preset))
    return state


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """The file of a user's preset."""
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(MINE))
    return path


def test_a_host_that_loads_an_installed_preset_sets_what_it_names_and_nothing_else(
    bundle: str, mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main_exits(["presets", "install", str(mine), "--dir", str(tmp_path / "there")])
    file = tmp_path / "there" / "Quiet pad.vstpreset"
    assert capsys.readouterr().out == f"installed: {file}\n"
    plugin = pedalboard.load_plugin(bundle)
    plugin.group = 7
    before = saved(plugin.preset_data)
    plugin.load_preset(str(file))
    after = saved(plugin.preset_data)
    assert after["params"] == before["params"] | presets.load(str(mine)).params()
    assert {key: after[key] for key in after if key != "params"} == {
        key: before[key] for key in before if key != "params"
    }


def test_preset_files_are_of_the_class_that_the_plugin_has(bundle: str) -> None:
    assert bytes(pedalboard.load_plugin(bundle).preset_data)[8:40] == host.CLASS_ID


def test_a_session_file_takes_a_preset_from_beside_it(mine: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((480, 1)), 48000)
    session = tmp_path / "session.toml"
    session.write_text(f'[[track]]\npath = "a.wav"\npreset = "{mine.name}"\ngain_offset_db = 1.0\n')
    mixing = MixSession.from_file(session)
    assert mixing.role_of(mixing.tracks[0]) == "ai_stem"
    with mixing:
        state = saved(mixing._strips[0].shim._plugin.preset_data)
    # What the track says wins.
    assert state["params"].items() >= {"amount": 50.0, "gain_offset": 1.0, "role": 1.0}.items()


def test_every_shipped_preset_says_what_it_is_for_and_sets_parameters_that_the_plugin_has(
    bundle: str,
) -> None:
    known = saved(pedalboard.load_plugin(bundle).preset_data)["params"]
    for name in presets.names():
        preset = presets.load(name)
        assert preset.description
        assert preset.params().keys() <= known.keys()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "truncated"),
        ('{"role": "ai_stem"}', "missing required field `name`"),
        ('{"name": "a", "role": "ai_stem", "amount": 2}', "<= 1.0"),
        ('{"name": "a", "role": "ai_stem", "colour": 2}', "unknown field `colour`"),
    ],
)
def test_a_file_that_is_no_preset_is_refused_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(
        InputError, match=r"preset .*broken\.json cannot be used .* as in preset\.schema\.json"
    ) as told:
        presets.load(str(path))
    assert reason in str(told.value)


def test_a_preset_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        presets.load(str(tmp_path / "none.json"))
    with pytest.raises(InputError, match=r"'warm' is unknown; expected one of: ai-bass, ai-lead"):
        presets.load("warm")


def test_a_name_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be a file's"):
        host.install(presets.Preset(name="../a", role="ai_stem"), tmp_path)
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(InputError, match="cannot be written"):
        host.install(presets.Preset(name="a", role="ai_stem"), blocked / "below")


def test_every_preset_is_the_same_from_the_command_line_the_plugins_state_and_a_session_file(
    bundle: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main_exits(["presets", "list", "--json"])
    listed = json.loads(capsys.readouterr().out)
    main_exits(["presets", "install", "--dir", str(tmp_path)])
    neutral = presets.of_params("Neutral", saved(pedalboard.load_plugin(bundle).preset_data)["params"])
    session = tmp_path / "session.toml"
    soundfile.write(tmp_path / "a.wav", np.zeros((480, 1)), 48000)
    whole = {}
    for name in presets.names():
        preset = presets.load(name)
        mine = tmp_path / f"{name}.json"
        mine.write_text(json.dumps(listed[name]))
        assert presets.load(str(mine)) == preset, "as the command line prints it"
        plugin = pedalboard.load_plugin(bundle)
        plugin.load_preset(str(tmp_path / f"{preset.name}.vstpreset"))
        by_host = tmp_path / "by host.vstpreset"
        by_host.write_bytes(plugin.preset_data)
        main_exits(["presets", "save", str(by_host), str(mine), "--name", name])
        whole[name] = presets.load(str(mine))
        assert whole[name] == msgspec.structs.replace(preset.over(neutral), name=name), (
            "as the plugin saves it"
        )
        with session.open("a") as lines:
            lines.write(f'[[track]]\npath = "a.wav"\nlabel = "{name}"\npreset = "{mine.name}"\n')
    del plugin
    gc.collect()  # or they would speak for this process
    with MixSession.from_file(session) as mixing:
        states = {strip.shim.label: saved(strip.shim._plugin.preset_data) for strip in mixing._strips}
    again = {name: presets.of_params(name, state["params"]) for name, state in states.items()}
    assert again == whole, "as a session file sets it"


def test_a_situation_goes_over_every_tracks_preset_and_under_what_the_track_says(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((480, 1)), 48000)
    session = tmp_path / "session.toml"
    tracks = ('preset = "live-vocals"', 'preset = "live-vocals"\ndensity_amount = 0.5', 'preset = "ai-pad"')
    session.write_text(
        '[session]\nsituation = "hall"\n'
        + "".join(
            f'[[track]]\npath = "a.wav"\nlabel = "{index}"\n{one}\n' for index, one in enumerate(tracks)
        )
    )
    mixing = MixSession.from_file(session)
    voice, own, pad = (mixing.settings_of(track) for track in mixing.tracks)
    assert (voice.role, voice.density_amount, voice.staging_level_db) == ("live_source", 0.0, -20.0)
    assert (own.density_amount, own.staging_amount) == (0.5, 1.0)
    assert (pad.role, pad.dip_amount, pad.staging_amount) == ("ai_stem", 1.0, 1.0)
    assert pad.room_amount == 1.0, "the hall's, over the half of the pad's own"
    session.write_text(session.read_text().replace("hall", "cellar"))
    with pytest.raises(
        InputError, match=r"session\.situation is 'cellar'; expected one of: ai-bass, ai-lead"
    ):
        MixSession.from_file(session)


def test_there_are_presets_by_role_and_by_situation() -> None:
    found = {name: presets.load(name) for name in presets.names()}
    by_role = {name for name, preset in found.items() if preset.role is not None}
    assert {f"ai-{part}" for part in ("pad", "rhythm", "bass", "lead", "texture")} <= by_role
    assert {f"live-{part}" for part in ("strings", "drums", "bass", "guitar", "vocals", "horns")} <= by_role
    assert found.keys() - by_role == {"small-room", "hall", "broadcast"}
    # Where performance dynamics are protected density is off, and said to be.
    assert {name for name in found if found[name].density_amount == 0.0} >= {
        "hall",
        "live-strings",
        "live-horns",
    }
    assert found["ai-bass"].dip_amount == found["ai-bass"].high_pass_amount == 0.0
    # Groove listens to drums; a bass is an option.
    heard = {name: preset.groove_source for name, preset in found.items() if preset.groove_source}
    assert heard == {"live-drums": "drums"}
    # Each situation says how much of the room AI stems get; a broadcast is drier than a hall.
    rooms = [found[name].room_amount for name in ("broadcast", "small-room", "hall")]
    assert rooms == [0.33, 1.0, 1.0]
    parts = {part: found[f"ai-{part}"].room_amount for part in ("bass", "pad", "lead", "rhythm", "texture")}
    assert parts == {"bass": 0.0, "pad": 0.5, "lead": 1.0, "rhythm": 1.0, "texture": 1.0}


@pytest.mark.parametrize("content", [b"", b"VST3" + bytes(60), b"x" * 100])
def test_a_file_that_no_host_saved_of_the_plugin_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.vstpreset"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"other\.vstpreset cannot be used .* saved from HybridMix"):
        host.read(path)
    with pytest.raises(InputError, match="cannot be read"):
        host.read(tmp_path / "none.vstpreset")


def test_presets_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    main_exits(["presets", "list", "--json"])
    assert json.loads(capsys.readouterr().out)["ai-stem"]["role"] == "ai_stem"
    main_exits(["presets", "list"])
    assert len(capsys.readouterr().out.splitlines()) == len(presets.names())


def main_exits(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert not ended.value.code

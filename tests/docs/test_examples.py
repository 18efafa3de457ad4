"""Examples of the documentation are run, commands exist, files parse."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import soundfile
import typer
from typer.core import TyperGroup

from hybridmix.batch import plugin
from hybridmix.batch.session_file import SessionFile
from hybridmix.cli.main import build
from hybridmix.errors import InputError

from .pages import PAGES, ROOT, Block, code, fenced

RATE = 48000
#: Run by tests/wire/test_protocol_page.py, against a service.
WITH_SERVICE = ROOT / "docs/protocol.md"


@pytest.fixture
def built_plugin() -> Path:
    try:
        return plugin.bundle_path()
    except InputError as error:
        pytest.skip(str(error))


def _start(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(ROOT / part) for part in ("python_service", "models", "export"))
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _run(arguments: list[str], folder: Path) -> str:
    run = _start(arguments, folder)
    assert run.returncode == 0, run.stderr
    return run.stdout


def _tone(path: Path, hertz: float, level: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(3 * RATE) / RATE
    soundfile.write(path, level * np.sin(2 * np.pi * hertz * time), RATE)


def test_every_python_example_is_run_by_a_test() -> None:
    assert {block.page for block in fenced("python")} == {ROOT / "README.md", WITH_SERVICE}


@pytest.mark.usefixtures("built_plugin")
def test_the_example_of_the_readme_brings_two_tracks_together(tmp_path: Path) -> None:
    (block,) = (block for block in fenced("python") if block.page.name == "README.md")
    (tmp_path / "example.py").write_text(block.text)
    loudness = re.findall(r"(-\d+\.\d+) -> (-\d+\.\d+) LUFS", _run(["example.py"], tmp_path))
    (voice, voice_after), (pad, pad_after) = [(float(before), float(after)) for before, after in loudness]
    assert pad - voice > 20
    assert abs(pad_after - voice_after) < pad - voice - 12


@pytest.mark.usefixtures("built_plugin")
def test_the_script_with_other_plugins_around_runs(tmp_path: Path) -> None:
    _tone(tmp_path / "vocals.wav", 440, 0.05)
    _tone(tmp_path / "pad.wav", 220, 0.5)
    said = _run([str(ROOT / "examples/plugins_around.py"), "vocals.wav", "pad.wav", "mixed"], tmp_path)
    assert "complete: True" in said
    assert sorted(path.name for path in (tmp_path / "mixed").iterdir()) == [
        "mix.png",
        "mix.wav",
        "report.json",
        "stems",
    ]


@pytest.mark.usefixtures("built_plugin")
def test_the_script_for_a_folder_mixes_each_of_its_folders(tmp_path: Path) -> None:
    for song in ("first", "second"):
        _tone(tmp_path / "songs" / song / "voice.flac", 440, 0.05)
        _tone(tmp_path / "songs" / song / "ai pad.wav", 220, 0.5)
    (tmp_path / "songs/notes").mkdir()
    said = _run([str(ROOT / "examples/render_folder.py"), "songs", "mixed"], tmp_path)
    assert re.findall(r"^(\w+): 2 tracks", said, re.MULTILINE) == ["first", "second"]
    report = json.loads((tmp_path / "mixed/first/report.json").read_text())
    assert {track["label"]: track["role"] for track in report["tracks"]} == {
        "ai pad": "ai_stem",
        "voice": "live_source",
    }


@pytest.mark.usefixtures("built_plugin")
def test_the_script_that_goes_track_by_track_makes_the_mix_of_the_group(tmp_path: Path) -> None:
    _tone(tmp_path / "voice.wav", 440, 0.05)
    _tone(tmp_path / "pad.wav", 220, 0.5)
    (tmp_path / "song.toml").write_text(
        '[[track]]\npath = "voice.wav"\nrole = "live_source"\n[[track]]\npath = "pad.wav"\nrole = "ai_stem"\n'
    )
    said = _run([str(ROOT / "examples/track_by_track.py"), "song.toml", "stems"], tmp_path)
    assert said == "voice: Frozen\npad: Frozen\n"
    voice, pad = (
        np.sqrt(np.square(soundfile.read(tmp_path / "stems" / f"{name}.wav")[0]).mean())
        for name in ("voice", "pad")
    )
    assert pad < 3 * voice, "ten times as loud before"


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "examples").glob("*.py")))
def test_a_script_without_its_arguments_says_how_it_is_used(script: str, tmp_path: Path) -> None:
    run = _start([str(ROOT / "examples" / script)], tmp_path)
    assert run.returncode == 2
    assert run.stderr.startswith(f"usage: {script} ")
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("block", [*fenced("toml"), *fenced("json")], ids=str)
def test_data_on_a_page_can_be_read(block: Block) -> None:
    if block.language == "json":
        json.loads(block.text)
    else:
        msgspec.convert(tomllib.loads(block.text), SessionFile)


def _mentions(program: str) -> list[tuple[str, str]]:
    """Page and words of each command line that begins with ``program``, and of those inside sentences."""
    found = []
    for page in PAGES:
        for line in code(page):
            for match in re.finditer(rf"(?:^|[\s/]){program} ([a-z][^#|`]*)", line):
                found.append((page.name, match[1].strip()))
    return found


def _command(words: list[str]) -> tuple[Any, list[str]]:
    """The command that ``words`` begin with, and the words behind it."""
    command: Any = typer.main.get_command(build())
    while isinstance(command, TyperGroup) and words:
        inner = command.commands.get(words[0].rstrip(".,;:"))
        assert inner is not None, f"hybridmix has no command {words[0]}"
        command, words = inner, words[1:]
    return command, words


def test_every_command_on_the_pages_exists_with_its_options() -> None:
    # Not commands: what the proofs of the protocol begin with, and "install hybridmix again".
    mentions = [
        one for one in _mentions("hybridmix") if not re.match(r"((plain|service|client) 1|again\b)", one[1])
    ]
    assert len(mentions) > 20
    for page, line in mentions:
        words = line.split("; ")[0].split(", ")[0].split(" (")[0]
        command, rest = _command(shlex.split(words.replace("'", "")))
        known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
        options = {word.rstrip(".,;") for word in rest if word.startswith("--")}
        assert options <= known, f"{page}: hybridmix {line}"


def _names(command: Any, prefix: str = "") -> list[str]:
    if not isinstance(command, TyperGroup):
        return [prefix]
    return [
        name for part, inner in command.commands.items() for name in _names(inner, f"{prefix} {part}".strip())
    ]


@pytest.mark.parametrize("name", _names(typer.main.get_command(build())))
def test_help_of_every_command_shows_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    build()([*name.split(), "--help"], standalone_mode=False)
    assert f"Example: hybridmix {name}" in " ".join(capsys.readouterr().out.split())


def test_every_target_of_make_on_the_pages_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    mentions = _mentions("make")
    assert len(mentions) > 8
    for page, line in mentions:
        target = line.split()[0].rstrip(".,;:")
        assert target in targets, f"{page}: make {line}"


def test_every_script_and_module_on_the_pages_exists() -> None:
    for page in PAGES:
        for line in code(page):
            for script in re.findall(r"python ([\w/]+\.py)", line):
                assert (ROOT / script).is_file(), f"{page.name}: {line}"
            for module in re.findall(r"python -m (hybridmix[\w.]*)", line):
                parts = module.split(".")
                places = [ROOT.joinpath(folder, *parts) for folder in ("python_service", "models", "export")]
                files = [name for at in places for name in (at.with_suffix(".py"), at / "__main__.py")]
                assert any(file.is_file() for file in files), line

"""Settings, and what a user is told when one of them cannot be used."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hybridmix.engine.config import ENVIRONMENT, Config, load
from hybridmix.engine.names import DEFAULT, MODELS
from hybridmix.engine.server import Server
from hybridmix.errors import InputError

from .running import join, serving


def test_arguments_win_over_the_environment_and_that_over_defaults() -> None:
    environ = {"HYBRIDMIX_RUNTIME_DIR": "/e", "HYBRIDMIX_MODEL": "raw", "HYBRIDMIX_TCP": "5000"}
    config = load({"runtime_dir": Path("/a"), "model": None, "tcp": 0}, environ)
    assert config == Config(runtime_dir=Path("/a"), model="raw", tcp=0)
    assert load({}, {"XDG_RUNTIME_DIR": "/x"}).model == DEFAULT


def test_every_setting_has_a_variable() -> None:
    assert set(ENVIRONMENT) == set(Config.__dataclass_fields__)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"HYBRIDMIX_TCP": "x"}, "TCP port 'x' cannot be used; expected a number from 0 to 65535."),
        ({"HYBRIDMIX_TCP": "70000"}, "TCP port '70000' cannot be used; expected a number from 0 to 65535."),
        ({"HYBRIDMIX_QUIET": "yes"}, "HYBRIDMIX_QUIET is 'yes'; expected 0 or 1."),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(environ: dict[str, str], message: str) -> None:
    with pytest.raises(InputError) as error:
        load({}, environ)
    assert str(error.value) == message


def _refused(folder: Path, **settings: Any) -> str:
    with pytest.raises(InputError) as error:
        Server(Config(runtime_dir=folder, **settings))
    assert not (folder / "service.json").exists()
    return str(error.value)


def test_an_unknown_model_is_refused_with_the_known_ones(folder: Path) -> None:
    assert _refused(folder, model="best") == (
        f"model 'best' is unknown; expected one of: {', '.join(MODELS)}."
    )


def test_a_missing_model_file_is_named(folder: Path, parent: Path) -> None:
    assert _refused(folder, models_dir=parent) == (
        f"model file {parent}/equal_loudness.onnx cannot be read (No such file or directory); install "
        "hybridmix again, or start with: hybridmix serve --model raw"
    )


def test_a_broken_model_file_is_named(folder: Path, parent: Path) -> None:
    for name in ("equal_loudness", "headroom"):
        (parent / f"{name}.onnx").write_bytes(b"not a model")
    message = _refused(folder, models_dir=parent)
    assert message.startswith(f"model file {parent}/equal_loudness.onnx is not a usable ONNX model (")


def test_a_port_in_use_is_refused_and_leaves_nothing_behind(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert _refused(folder, tcp=port) == (
            f"TCP port {port} on 127.0.0.1 is in use; expected a free one: choose another with --tcp PORT, "
            "or --tcp 0 for any."
        )
    with serving(folder, tcp=port):
        pass


def test_a_trace_file_that_cannot_be_written_is_named(folder: Path, parent: Path) -> None:
    path = parent / "missing" / "trace.bin"
    assert _refused(folder, trace=path) == (
        f"trace file {path} cannot be written (No such file or directory); name a file in an existing folder."
    )


def test_a_runtime_folder_that_cannot_be_made_is_named(parent: Path) -> None:
    folder = parent / "missing" / "run"
    assert _refused(folder) == (
        f"runtime folder {folder} cannot be made (No such file or directory); "
        "set HYBRIDMIX_RUNTIME_DIR to a folder that can be."
    )


def _run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hybridmix", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | environ,
        check=False,
    )


def test_bad_input_ends_with_2_and_one_sentence(folder: Path) -> None:
    done = _run("serve", "--runtime-dir", str(folder), "--model", "best")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: model 'best' is unknown; expected one of: ")


def test_status_shows_the_service_as_text_and_as_json(folder: Path) -> None:
    from hybridmix.engine.client import Client

    with serving(folder, model="raw"), Client(folder) as client:
        client.join(join(label="bass"))
        text = _run("status", HYBRIDMIX_RUNTIME_DIR=str(folder))
        assert text.returncode == 0
        assert "bass" in text.stdout
        report = json.loads(_run("status", "--runtime-dir", str(folder), "--json").stdout)
        assert report["groups"][0]["members"][0]["label"] == "bass"
        assert report["service"]["model"] == "raw"


def test_status_without_a_service_ends_with_1(folder: Path) -> None:
    done = _run("status", "--runtime-dir", str(folder), "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: no HybridMix service runs in {folder}; start it with: hybridmix serve\n"


def test_doctor_names_what_is_missing_and_explains_the_status(folder: Path, parent: Path) -> None:
    folder.mkdir(mode=0o755)
    done = _run("doctor", "--runtime-dir", str(folder), HOME=str(parent))
    assert done.returncode == 1
    assert f"FAIL runtime folder: runtime folder {folder} has mode 0755" in done.stdout
    assert "-- service: " in done.stdout.replace("--   ", "-- ")
    assert "  Not aligned" not in done.stdout
    assert "  Waiting for values: The track is registered" in done.stdout
    folder.rmdir()
    checks = json.loads(_run("doctor", "--runtime-dir", str(folder), "--json", HOME=str(parent)).stdout)[
        "checks"
    ]
    assert {check["name"] for check in checks} >= {"models", "plugin vst3", "runtime folder", "service"}


def test_doctor_names_the_bundles_of_the_checkout_where_they_are_built(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hybridmix import bundles
    from hybridmix.cli.main import main

    bundle = tmp_path / "build" / "plugin" / "HybridMix.clap"
    bundle.parent.mkdir(parents=True)
    bundle.touch()
    monkeypatch.setattr(bundles, "_CHECKOUT", tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(SystemExit):
        main(["doctor", "--runtime-dir", str(folder)])
    said = capsys.readouterr().out
    assert f"ok   built clap: {bundle}\n" in said
    assert "built vst3" not in said
    assert f"--   plugin clap: {tmp_path / '.clap' / 'HybridMix.clap'} does not exist" in said

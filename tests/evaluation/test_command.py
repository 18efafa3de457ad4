"""``hybridmix models evaluate`` and ``excerpts`` on a folder of songs, with a network that was saved."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from hybridmix.cli.main import build as build_cli
from hybridmix.cli.main import main
from hybridmix.errors import InputError
from hybridmix.generated import checkout
from hybridmix_models.data.bleed import write_rooms
from hybridmix_models.data.types import RATE
from hybridmix_models.evaluation import pages
from hybridmix_models.gain.configs import build
from hybridmix_models.training import checkpoint

from .scenes import song


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with rooms, two recorded songs with a manifest, and a network."""
    folder = tmp_path_factory.mktemp("evaluation")
    write_rooms(folder / "data" / "rooms")
    lines = []
    for number, name in enumerate(("first", "second")):
        for stem in song(name, 3, 5.0, number).stems:
            file = folder / "band" / name / f"{stem.name}.flac"
            file.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(file, stem.audio, RATE)
            lines.append([str(file.relative_to(folder / "band")), stem.role, "test"])
    with (folder / "band" / "MANIFEST.csv").open("w", newline="") as file_:
        csv.writer(file_).writerows([["file", "role", "split"], *lines])
    torch.manual_seed(1)
    run = folder / "runs" / "mine"
    run.mkdir(parents=True)
    content = {"settings": {"network": "alm-mr-plus"}, "state": build("alm-mr-plus").state_dict()}
    checkpoint.write(run / "best.pt", content)
    return folder


def evaluate(place: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    common = [
        "--data",
        str(place / "band"),
        "--generated",
        str(place / "data"),
        "--runs",
        str(place / "runs"),
    ]
    with pytest.raises(SystemExit) as ended:
        main(["models", "evaluate", *common, "--kept", str(place / "kept"), *arguments, "--json"])
    assert ended.value.code == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def paths(figures: Any, before: str = "") -> set[str]:
    """Every key of nested dicts, joined by points."""
    if not isinstance(figures, dict):
        return {before}
    return {before} | {one for key, value in figures.items() for one in paths(value, f"{before}.{key}")}


def test_a_folder_of_songs_is_scored_by_all_models(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = evaluate(place, capsys, "--steps", "6")
    assert figures["sets"]["band"]["songs"] == ["first", "second"]
    names = ["raw", "equal-loudness", "oracle-role", "bleed-oracle", "dry-reference", "role-prior", "mine"]
    assert list(figures["models"]) == names
    assert re.fullmatch("[0-9a-f]{64}", figures["weights_sha256"]["mine"])
    for name in names:
        for condition in ("none", "light", "heavy"):
            cell = figures["models"][name]["band"][condition]
            assert cell["recovery_s"]["steps"] >= 6
            assert (cell["open_microphone_db"] is None) == (condition == "none")
    best = figures["models"]["dry-reference"]["band"]["none"]
    assert (best["gain_error_db"]["mean"], best["mr_stft"]) == (0.0, pytest.approx(0.0, abs=1e-3))
    assert (
        figures["comparisons"]["band"]["none"]["gain_error_db"]["raw"]["dry-reference"]["ahead"]
        == "dry-reference"
    )

    documented = (checkout() / "docs" / "models.md").read_text(encoding="utf-8")
    section = documented.split("## Keys of `--json`")[1]
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", section))))
    free = {*names, "band", "none", "light", "heavy", "mean", "low", "high", "p99", "max", "models", ""}
    parts = {part for path in paths(figures) for part in path.split(".")}
    unexplained = {part for part in parts - free - words if not re.fullmatch(r"-?\d+(-\d+)?", part)}
    assert unexplained == set()


def test_processes_find_what_one_process_finds(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ["--model", "equal-loudness", "--condition", "light", "--row", "base"]
    alone = evaluate(place, capsys, *chosen, "--kept", str(place / "alone"))
    assert evaluate(place, capsys, *chosen, "--kept", str(place / "shared"), "--jobs", "2") == alone
    assert list(alone["models"]["equal-loudness"]["band"]) == ["light"]


def test_excerpts_are_written_for_every_model(place: Path, tmp_path: Path) -> None:
    common = ["--data", str(place / "band"), "--generated", str(place / "data")]
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "models",
                "excerpts",
                *common,
                "--out",
                str(tmp_path),
                "--model",
                "raw",
                "--model",
                "dry-reference",
            ]
        )
    assert ended.value.code == 0
    manifest = json.loads((tmp_path / "band" / "manifest.json").read_text())
    assert [one["model"] for one in manifest["files"]] == ["raw", "dry-reference", "reference"] * 2
    for one in manifest["files"]:
        audio, rate = soundfile.read(tmp_path / "band" / one["file"])
        assert (rate, len(audio) / rate, np.abs(audio).max() > 0.01) == (RATE, one["seconds"], True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "nobody"], "neither a baseline"),
        (["--data", "nowhere"], "folder nowhere of --data does not exist"),
        (["--set", "mine", "--data", "tests"], "exclude each other"),
        (["--set", "mine"], "set 'mine' is unknown"),
        (["--set", "synthetic-a", "--generated", "nowhere"], "hybridmix models generate synthetic-a"),
    ],
)
def test_what_cannot_be_evaluated_is_said(arguments: list[str], said: str, place: Path) -> None:
    given = (
        arguments
        if "--data" in arguments or "--set" in arguments
        else ["--data", str(place / "band"), *arguments]
    )
    with pytest.raises(InputError, match=re.escape(said)):
        build_cli()(["models", "evaluate", *given], standalone_mode=False)


def test_tables_are_written_between_the_marks(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = evaluate(place, capsys, "--model", "raw", "--model", "mine", "--row", "base")
    page = tmp_path / "models.md"
    text = (checkout() / "docs" / "models.md").read_text(encoding="utf-8")
    page.write_text(text, encoding="utf-8")
    for _ in range(2):  # the second time over the first
        written = pages.write_docs(figures, "command", page, tmp_path / "images")
    assert [path.name for path in written] == ["models.md", "models-band.png"]
    now = page.read_text(encoding="utf-8")
    assert now.count("| `raw` |") == 2 + text.count("| `raw` |") - _shipped_rows(text)
    assert now.split("<!-- figures")[0] == text.split("<!-- figures")[0]
    page.write_text("nothing", encoding="utf-8")
    with pytest.raises(InputError, match="has no line"):
        pages.write_docs(figures, "command", page, tmp_path)


def _shipped_rows(text: str) -> int:
    return text.split("<!-- figures")[1].split("<!-- end")[0].count("| `raw` |")

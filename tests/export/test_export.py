from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from hybridmix.engine.names import DEFAULT, MODELS
from hybridmix.wire import parameters
from hybridmix_export import __main__ as command
from hybridmix_export.catalogue import CATALOGUE, Export
from hybridmix_export.convert import convert
from hybridmix_export.parity import ParityError, check, check_declaration
from hybridmix_models.gain import EqualLoudness

EXPORTS = pytest.mark.parametrize("export", CATALOGUE, ids=lambda export: export.name)


class _OtherTarget(EqualLoudness):
    TARGET_LUFS = -23.9


def _shipped(export: Export) -> bytes:
    return (command.SHIPPED / f"{export.name}.onnx").read_bytes()


def test_the_shipped_files_are_what_the_export_writes() -> None:
    assert command.differing(command.SHIPPED) == []


def test_what_the_service_mixes_with_ships_in_8_megabytes() -> None:
    sizes = {path.stem: path.stat().st_size for path in command.SHIPPED.glob("*.onnx")}
    assert set(MODELS[DEFAULT]) <= set(sizes)
    assert sum(sizes.values()) <= 8e6
    measured = json.loads((command.SHIPPED / "alm_mr_plus.card.json").read_text(encoding="utf-8"))["metrics"]
    assert set(measured["figures"]) == {"synthetic-a", "synthetic-b", "eif"}


def test_a_file_that_was_touched_or_does_not_belong_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in command.SHIPPED.glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "headroom.card.json").write_text("{}")
    (tmp_path / "older.onnx").write_bytes(b"")
    assert command.main(["--check", "--out", str(tmp_path)]) == 1
    assert "headroom.card.json, older.onnx" in capsys.readouterr().err


@EXPORTS
def test_the_shipped_file_computes_what_its_module_computes(export: Export) -> None:
    check(export, _shipped(export), batches=(1, 5, 128), frames=400)


def test_a_track_gets_the_same_bits_alone_and_beside_others() -> None:
    session = onnxruntime.InferenceSession(_shipped(CATALOGUE[0]), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    for tracks in (2, 9, 31, 128):
        inputs = {
            "energy": (10.0 ** random.normal(-3.0, 1.0, tracks)).astype(np.float32),
            "present": np.ones(tracks, np.bool_),
            "window": (10.0 ** random.normal(-3.0, 1.0, (tracks, 60))).astype(np.float32),
            "filled": random.integers(8, 61, tracks),
            "gain_in": random.normal(0.0, 5.0, tracks).astype(np.float32),
            "known_in": np.ones(tracks, np.bool_),
        }
        together = session.run(["gain_db"], inputs)[0]
        alone = [
            session.run(["gain_db"], {name: values[row : row + 1] for name, values in inputs.items()})[0][0]
            for row in range(tracks)
        ]
        assert np.array_equal(together, np.array(alone, np.float32))


@EXPORTS
def test_declared_parameters_come_from_outputs_that_exist(export: Export) -> None:
    check_declaration(export)
    declared = [
        each.source.partition(".")[2]
        for each in parameters.load().parameters
        if each.source.startswith(export.name)
    ]
    # The slot of a shift comes with it, from the same output.
    assert list(dict.fromkeys(declared)) == list(export.ranges)


def test_a_range_beyond_the_declaration_is_refused() -> None:
    wide = dataclasses.replace(CATALOGUE[1], ranges={"trim_db": (-61.0, 0.0)})
    with pytest.raises(
        ParityError, match=r"headroom\.trim_db is -61\.0 to 0\.0, parameter trim_db -60\.0 to 0\.0"
    ):
        check_declaration(wide)


def test_a_file_that_computes_something_else_is_refused_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = convert(dataclasses.replace(CATALOGUE[0], build=_OtherTarget))
    monkeypatch.setattr(command, "convert", lambda _: other)
    assert command.main(["--out", str(tmp_path / "models")]) == 1
    assert "equal_loudness.gain_db differs by" in capsys.readouterr().err
    assert not (tmp_path / "models").exists()


@EXPORTS
def test_the_card_names_the_file_it_lies_beside(export: Export) -> None:
    card = json.loads((command.SHIPPED / f"{export.name}.card.json").read_text(encoding="utf-8"))
    assert card["sha256"] == hashlib.sha256(_shipped(export)).hexdigest()
    assert [entry["name"] for entry in card["inputs"]] == [tensor.name for tensor in export.inputs]
    assert card["licence"] == "MIT"
    assert card["limits"]
    assert card["out_of_scope"]


@EXPORTS
def test_the_file_says_nothing_about_where_it_was_made(export: Export) -> None:
    assert b".py" not in _shipped(export)

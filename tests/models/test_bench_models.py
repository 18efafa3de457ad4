"""``hybridmix bench models`` on files with random weights: what costs time does not depend on them."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from hybridmix.cli.main import main
from hybridmix_models.gain.configs import build
from hybridmix_models.gain.network import Embed, Step


def write(path: Path, module: nn.Module, inputs: dict[str, torch.Tensor], outputs: list[str]) -> None:
    tracks = torch.export.Dim("n", min=1)
    varying: tuple[Any, ...] = tuple({0: tracks} for _ in inputs)
    if isinstance(module, Step):
        varying = (*varying[:4], varying[4:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module.eval(),
            tuple(inputs.values()),
            dynamo=True,
            verbose=False,
            input_names=list(inputs),
            output_names=outputs,
            dynamic_shapes=varying,
            opset_version=18,
        )
    assert program is not None
    path.write_bytes(program.model_proto.SerializeToString())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported")
    network = build("alm-mr-plus")
    windows = {"audio": torch.zeros(3, 15600), "normalised": torch.ones(3, dtype=torch.bool)}
    write(out / "embedding.onnx", Embed(network.embedding), windows, ["embedding"])
    heard = {"embedding": torch.zeros(3, 128), "level_db": torch.zeros(3), "energy": torch.zeros(3)}
    state = {one.name: value for one, value in zip(network.states, network.start(3), strict=True)}
    write(
        out / "alm_mr_plus.onnx",
        Step(network),
        heard | {"mask": torch.ones(3, dtype=torch.bool)} | state,
        ["gain_db", *(one.given_back for one in network.states)],
    )
    return out


def test_every_figure_is_measured(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "bench",
                "models",
                "--folder",
                str(folder),
                "--tracks",
                "2",
                "--tracks",
                "7",
                "--seconds",
                "1",
                "--json",
            ]
        )
    assert ended.value.code == 0
    figures = json.loads(capsys.readouterr().out)
    for name in ("step_ms", "torch_step_ms"):
        assert set(figures[name]) == {"2", "7"}
        assert all(0.0 < figures[name][count]["p50"] <= figures[name][count]["p99_9"] for count in ("2", "7"))
    for name in ("core_share", "torch_core_share"):
        assert all(value > 0.0 for value in figures[name].values())
    assert figures["shipped_mb"] == pytest.approx(
        sum(path.stat().st_size for path in folder.iterdir()) / 1e6, abs=1e-3
    )


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", "models", "--folder", str(tmp_path), "--seconds", "1"])
    assert ended.value.code == 2
    assert f"model file {tmp_path / 'embedding.onnx'} does not exist" in " ".join(
        capsys.readouterr().err.split()
    )

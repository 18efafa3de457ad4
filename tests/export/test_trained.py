from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
import torch

from hybridmix.errors import InputError
from hybridmix_export import __main__ as command
from hybridmix_export.convert import convert
from hybridmix_export.eight_bit import in_int8
from hybridmix_export.networks import step_export
from hybridmix_export.parity import ParityError, check
from hybridmix_export.trained import Trained, exports_of, load_runs, vggish_export
from hybridmix_models.evaluation.mixers import weights_sha256
from hybridmix_models.gain.configs import CONFIGS, build
from hybridmix_models.gain.embedding import Compact
from hybridmix_models.gain.vggish import Vggish, load_vggish
from hybridmix_models.training import checkpoint
from hybridmix_models.training.embedded import load_embedding

torch.set_num_threads(1)


def run_of(name: str, folder: Path, embedding: Mapping[str, Any] | None = None) -> Path:
    """Write an untrained network as the run that would have given it."""
    torch.manual_seed(3)
    network = build(name)
    network.embedding.load_state_dict(embedding or network.embedding.state_dict())
    folder.mkdir(parents=True)
    settings = {"name": name, "network": name, "seed": 3}
    checkpoint.write(
        folder / "best.pt", {"state": network.state_dict(), "settings": settings, "best": {"error": 3.0}}
    )
    return folder


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two networks that share their embedding, as the command writes them."""
    folder = tmp_path_factory.mktemp("trained")
    embedding = Compact().state_dict()
    runs = [run_of(name, folder / name, embedding) for name in ("alm-mr-plus", "dmc-og")]
    arguments = [part for run in runs for part in ("--run", str(run))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "check", functools.partial(check, batches=(1, 5), frames=240))
        assert command.main([*arguments, "--out", str(folder / "models")]) == 0
    return folder / "models"


def test_one_command_writes_every_model_with_its_card(exported: Path) -> None:
    wanted = {"alm_mr_plus", "breath", "density", "dip", "dmc_og", "embedding", "equal_loudness", "groove"}
    wanted |= {"headroom", "staging"}
    assert {path.stem for path in exported.glob("*.onnx")} == wanted
    for name in wanted:
        card = json.loads((exported / f"{name}.card.json").read_text(encoding="utf-8"))
        content = (exported / f"{name}.onnx").read_bytes()
        assert card["sha256"] == hashlib.sha256(content).hexdigest()
        assert card["limits"]
        assert card["out_of_scope"]
        assert card["data"]
        assert b"site-packages" not in content
        assert bytes(Path(command.__file__).parent) not in content
    assert command.differing(exported) == []


def test_the_card_of_a_network_says_what_a_service_and_a_reader_need(exported: Path) -> None:
    card = json.loads((exported / "alm_mr_plus.card.json").read_text(encoding="utf-8"))
    assert card["normalised"] is True
    assert json.loads((exported / "dmc_og.card.json").read_text(encoding="utf-8"))["normalised"] is False
    assert card["metrics"] == {"command": "hybridmix models evaluate --json", "figures": None}
    assert card["training"]["validation"] == {"error": 3.0}
    assert set(card["parity_measured"]) == {"eager", "order", "masked", "long", "whole"}
    assert card["parity_measured"]["whole"] < 1e-3
    states = {entry["name"]: entry.get("state_from") for entry in card["inputs"]}
    assert states["hidden"] == "hidden_out"
    shared = json.loads((exported / "embedding.card.json").read_text(encoding="utf-8"))
    assert shared["int8"].startswith("static")
    assert set(shared["gain_difference_p99_db"]) == {"alm-mr-plus", "dmc-og"}
    assert max(shared["gain_difference_p99_db"].values()) <= 0.3


def test_a_trained_file_that_is_not_that_of_its_card_is_named(exported: Path, tmp_path: Path) -> None:
    for path in exported.glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "dmc_og.onnx").write_bytes((exported / "embedding.onnx").read_bytes())
    assert command.differing(tmp_path) == ["dmc_og.card.json", "dmc_og.onnx"]


def test_the_file_runs_with_any_number_of_tracks(exported: Path) -> None:
    session = onnxruntime.InferenceSession(exported / "alm_mr_plus.onnx", providers=["CPUExecutionProvider"])
    for tracks in (1, 2, 5, 128):
        inputs: dict[str, npt.NDArray[Any]] = {
            node.name: np.zeros(
                [tracks if isinstance(size, str) else size for size in node.shape],
                {"tensor(bool)": np.bool_, "tensor(int64)": np.int64}.get(node.type, np.float32),
            )
            for node in session.get_inputs()
        }
        assert session.run(["gain_db"], inputs)[0].tolist() == [0.0] * tracks  # every row masked


@pytest.mark.parametrize("name", [name for name in CONFIGS if name in {"alm-mr", "alm-sr"}])
def test_every_network_can_be_exported(name: str) -> None:
    torch.manual_seed(5)
    export = step_export(name, name, build(name).eval(), {})
    measured = check(export, convert(export), batches=(1, 3, 16), frames=200)
    assert measured["eager"] < 1e-3


def test_a_file_of_other_weights_is_refused() -> None:
    torch.manual_seed(5)
    first, second = build("dmc-og").eval(), build("dmc-og").eval()
    with pytest.raises(ParityError, match=r"dmc\.gain_db differs by .* The file was not written"):
        check(
            step_export("dmc", "dmc-og", first, {}),
            convert(step_export("dmc", "dmc-og", second, {})),
            batches=(3,),
            frames=240,
        )


def test_runs_with_different_embeddings_are_refused(tmp_path: Path) -> None:
    first = run_of("dmc-og", tmp_path / "a", Compact().state_dict())
    second = run_of("dmc-b-0l", tmp_path / "b", Compact().state_dict())
    with pytest.raises(InputError, match=r"b has another embedding than .*a; a folder of models holds one"):
        load_runs([first, second])
    with pytest.raises(InputError, match=r"is a second 'dmc-og'; export one of each name"):
        load_runs([first, first])


def test_figures_of_the_same_weights_stand_on_the_card_and_others_are_refused(tmp_path: Path) -> None:
    run = Trained(build("dmc-og").eval(), {"network": "dmc-og"}, {})
    figures = tmp_path / "figures.json"
    scored = {"synthetic-a": {"heavy": {"gain_error_db": {"mean": 2.5}}}}
    content = {"models": {"dmc-og": scored}, "weights_sha256": {"dmc-og": weights_sha256(run.network)}}
    figures.write_text(json.dumps(content), encoding="utf-8")
    assert exports_of([run], figures)[1].facts["metrics"]["figures"] == scored
    content["weights_sha256"] = {"dmc-og": "0"}
    figures.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=r"the figures of 'dmc-og' are those of other weights"):
        exports_of([run], figures)
    figures.write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match=r"figures\.json hold no models; make them with"):
        exports_of([run], figures)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of weights like the public one, sixteen times narrower, with more in it than is used."""
    torch.manual_seed(2)
    path = tmp_path_factory.mktemp("vggish") / "vggish.pth"
    torch.save({**Vggish(16).state_dict(), "pproc.pca_means": torch.zeros(128, 1)}, path)
    return path


def test_full_vggish_has_the_public_file_s_names_and_shapes() -> None:
    with torch.device("meta"):
        shapes = {name: tuple(value.shape) for name, value in Vggish().state_dict().items()}
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == 72_141_184
    assert shapes["features.0.weight"] == (64, 1, 3, 3)
    assert shapes["features.13.bias"] == (512,)
    assert shapes["embeddings.0.weight"] == (4096, 12288)
    assert shapes["embeddings.4.weight"] == (128, 4096)


def test_vggish_counts_time_before_frequency_before_channels() -> None:
    network = Vggish(16).eval()
    maps: list[torch.Tensor] = []
    network.features.register_forward_hook(lambda *arguments: maps.append(arguments[2]))
    given: list[torch.Tensor] = []
    network.embeddings.register_forward_hook(lambda *arguments: given.append(arguments[1][0]))
    with torch.no_grad():
        network(torch.randn(1, 96, 64))
    assert maps[0].shape == (1, 32, 6, 4)
    assert given[0][0, (2 * 4 + 3) * 32 + 7] == maps[0][0, 7, 2, 3]


def test_vggish_is_exported_with_its_front_end_and_in_int8(weights: Path) -> None:
    export = vggish_export(weights, 16)
    content = convert(export)
    check(export, content, batches=(1, 3))
    quantised = in_int8(content)
    assert len(quantised) < 0.75 * len(content)
    random = np.random.default_rng(0)
    inputs = {
        "audio": random.normal(0.0, 0.1, (4, 15600)).astype(np.float32),
        "normalised": np.zeros(4, np.bool_),
    }
    single, eight = (
        onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, inputs)[0]
        for file in (content, quantised)
    )
    cosine = (single * eight).sum(axis=1) / np.linalg.norm(single, axis=1) / np.linalg.norm(eight, axis=1)
    assert cosine.min() > 0.99


def test_training_begins_with_the_public_weights_of_vggish(weights: Path) -> None:
    embedding = Vggish(16)
    load_embedding(embedding, weights)
    assert weights_sha256(embedding) == weights_sha256(load_vggish(weights, 16))


def test_weights_that_are_not_vggish_are_named(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"hold \(4, 1, 3, 3\) as features\.0\.weight; expected \(64, 1, 3, 3\)"
    ):
        load_vggish(weights)
    with pytest.raises(InputError, match=r"nothing\.pth do not exist; give the file vggish-10086976\.pth"):
        load_vggish(tmp_path / "nothing.pth")
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(InputError, match=r"text\.pth cannot be read"):
        load_vggish(tmp_path / "text.pth")
    torch.save({"features.0.weight": torch.zeros(64, 1, 3, 3)}, tmp_path / "part.pth")
    with pytest.raises(InputError, match=r"hold nothing as features\.0\.bias; expected \(64,\)"):
        load_vggish(tmp_path / "part.pth")

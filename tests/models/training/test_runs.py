"""A tiny model from songs to streamed gains, and what a run promises."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from rich.console import Console

from hybridmix.errors import HybridMixError, InputError
from hybridmix_export.catalogue import Export, Tensor
from hybridmix_export.convert import convert
from hybridmix_export.trials import StepTrial
from hybridmix_models.data.types import RATE, Floats
from hybridmix_models.gain import features
from hybridmix_models.gain.configs import build
from hybridmix_models.gain.network import GainNetwork, Step
from hybridmix_models.training import cache, checkpoint, trainer
from hybridmix_models.training.configs import Embedding, Gain, settings
from hybridmix_models.training.embedded import Embedded, load_embedding
from hybridmix_models.training.embedding import EmbeddingTask
from hybridmix_models.training.gain import GainTask

from . import known

QUIET = Console(quiet=True)
LEARNING = Gain(
    network="alm-mr-plus",
    steps=80,
    minutes=5.0,
    learning_rate=7e-4,
    warm_up=5,
    batch=2,
    crop_s=3.0,
    gain=0.5,
    log_every=20,
    validate_every=40,
)
SHORT = dataclasses.replace(LEARNING, steps=12, log_every=4, validate_every=8)
LISTENING = Embedding(
    steps=20, minutes=5.0, learning_rate=2e-3, warm_up=5, batch=24, log_every=5, validate_every=10
)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared scenes and a pretrained embedding."""
    folder = known.prepared(tmp_path_factory.mktemp("data"))
    torch.manual_seed(0)
    scenes = cache.load(folder / "training"), cache.load(folder / "validation")
    task = EmbeddingTask(build("alm-mr-plus").embedding, LISTENING, 0, *scenes)
    summary = trainer.train("embedding", task, LISTENING, folder / "embedding", 0, QUIET)
    assert summary["best"]["role_accuracy"] > 0.8
    return folder


def task_of(data: Path, run: Gain = LEARNING, seed: int = 1) -> GainTask:
    torch.manual_seed(seed)
    network = build(run.network)
    load_embedding(network.embedding, data / "embedding" / "best.pt")
    return GainTask(network, run, seed, cache.load(data / "training"), cache.load(data / "validation"))


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run from its first step to its last."""
    out = tmp_path_factory.mktemp("run")
    assert trainer.train("tiny", task_of(data), LEARNING, out, 1, QUIET)["complete"]
    return out


def rows(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def test_the_loss_falls(finished: Path) -> None:
    written = rows(finished)
    assert [row["step"] for row in written] == [20, 40, 60, 80]
    assert written[-1]["loss_gain"] < 0.5 * written[0]["loss_gain"]
    assert written[-1]["loss_spectral"] < written[0]["loss_spectral"]
    assert (finished / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_role_that_is_always_lower_becomes_lower(finished: Path) -> None:
    network, facts = checkpoint.load_network(finished / "best.pt")
    assert facts["best"]["error"] < 1.0
    scene = known.scene(9)
    gains = whole(network, scene.inputs)[:, -40:].mean(axis=1) - scene.target_db[:, 0]
    assert abs(gains - gains.mean()).max() < 1.5
    # The same with nothing learned: the rule brings all to one loudness, the hiss far too loud.
    rule = whole(build("alm-mr-plus").eval(), scene.inputs)[:, -40:].mean(axis=1) - scene.target_db[:, 0]
    assert rule[0] - rule[1:].mean() > 6.0


def test_what_is_kept_mixes_as_loud_as_the_reference(data: Path, finished: Path) -> None:
    network, facts = checkpoint.load_network(finished / "best.pt")
    task = task_of(data)
    with torch.no_grad():
        assert task.validate(network)["level_lu"] == pytest.approx(0.0, abs=0.02)
        network.raise_by(facts["best"]["level_lu"])  # as it was trained
        network.raise_by(3.0)
        figures = task.validate(network)
        assert figures["level_lu"] == pytest.approx(3.0 + facts["best"]["level_lu"], abs=0.02)
        corrected = task.finished(network, figures)
        assert task.validate(corrected)["level_lu"] == pytest.approx(0.0, abs=0.02)


def test_a_run_that_was_killed_goes_on_as_if_nothing_had_happened(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        pass

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    trainer.train("tiny", task_of(data), SHORT, whole, 1, QUIET)
    task = task_of(data)
    monkeypatch.setattr(task, "losses", killed_at(7, task.losses, KilledError))
    with pytest.raises(KilledError):
        trainer.train("tiny", task, SHORT, parts, 1, QUIET)
    with (parts / "log.jsonl").open("a") as log:  # as far as a line had come
        log.write('{"step": 8, "los')
    assert trainer.train("tiny", task_of(data), SHORT, parts, 1, QUIET)["complete"]
    assert (parts / "log.jsonl").read_bytes() == (whole / "log.jsonl").read_bytes()
    one, other = (checkpoint.read(folder / "best.pt") for folder in (parts, whole))
    assert one["best"] == other["best"]
    assert all(torch.equal(value, other["state"][name]) for name, value in one["state"].items())


def killed_at(step: int, losses, error):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    def until(number: int) -> dict[str, torch.Tensor]:
        if number == step:
            raise error
        return dict(losses(number))

    return until


def test_another_run_is_not_continued(data: Path, finished: Path) -> None:
    other = dataclasses.replace(LEARNING, learning_rate=1e-3)
    with pytest.raises(InputError, match=r"holds a run with another learning_rate; choose another --out"):
        trainer.train("tiny", task_of(data), other, finished, 1, QUIET)


def test_a_run_is_bound_to_the_embedding_that_it_began_with(data: Path, finished: Path) -> None:
    task = task_of(data)
    with torch.no_grad():
        next(task.module.embedding.parameters()).add_(1.0)
    other = GainTask(task.module, LEARNING, 1, task.scenes, cache.load(data / "validation"))
    with pytest.raises(InputError, match=r"holds a run with another start; choose another --out"):
        trainer.train("tiny", other, LEARNING, finished, 1, QUIET)


def test_two_processes_do_not_train_in_one_folder(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = task_of(data), task_of(data)
    refused = []

    def meanwhile(step: int, losses: Callable[[int], dict[str, torch.Tensor]] = first.losses) -> Any:
        if step == 5:
            before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
            with pytest.raises(InputError, match=r"another process is training in folder"):
                trainer.train("tiny", second, SHORT, tmp_path, 1, QUIET)
            refused.append({path.name: path.read_bytes() for path in tmp_path.iterdir()} == before)
        return losses(step)

    monkeypatch.setattr(first, "losses", meanwhile)
    assert trainer.train("tiny", first, SHORT, tmp_path, 1, QUIET)["complete"]
    assert refused == [True]
    assert [row["step"] for row in rows(tmp_path)] == [4, 8, 12]


def test_time_ends_a_run_and_more_time_continues_it(data: Path, tmp_path: Path) -> None:
    first = trainer.train(
        "tiny", task_of(data), dataclasses.replace(SHORT, minutes=0.0001), tmp_path, 1, QUIET
    )
    assert not first["complete"]
    assert first["step"] == 4
    assert (tmp_path / "best.pt").exists()
    assert trainer.train("tiny", task_of(data), SHORT, tmp_path, 1, QUIET)["complete"]


def test_a_loss_that_is_not_a_number_stops_the_run(data: Path, tmp_path: Path) -> None:
    task = task_of(data)
    task.spectral.EPSILON = float("nan")
    with pytest.raises(HybridMixError, match=r"is not finite at step 4; train with a lower learning rate"):
        trainer.train("tiny", task, SHORT, tmp_path, 1, QUIET)


@pytest.mark.parametrize("name", ["alm-mr", "alm-sr", "dmc-b-0l", "dmc-og", "alm-mr-plus"])
def test_every_model_of_the_table_trains(data: Path, name: str) -> None:
    run = dataclasses.replace(settings(name), crop_s=3.0, steps=2)
    task = task_of(data, run)
    before = {key: value.clone() for key, value in task.module.state_dict().items()}
    torch.stack(list(task.losses(0).values())).sum().backward()  # type: ignore[no-untyped-call]
    torch.optim.SGD(task.module.parameters(), lr=1.0).step()
    moved = {key for key, value in task.module.state_dict().items() if not torch.equal(value, before[key])}
    assert moved
    assert not any(key.startswith("embedding.") for key in moved)


def test_the_embedding_learns_with_the_rest_once_it_is_thawed(data: Path) -> None:
    task = task_of(data, dataclasses.replace(LEARNING, frozen=0.5))
    for step, learns in ((39, False), (40, True)):
        task.module.zero_grad(set_to_none=True)
        torch.stack(list(task.losses(step).values())).sum().backward()  # type: ignore[no-untyped-call]
        assert any(value.grad is not None for value in task.module.embedding.parameters()) == learns


def test_embeddings_are_computed_once_and_belong_to_their_weights(data: Path) -> None:
    scene = cache.load(data / "validation")[0]
    network = build("alm-mr-plus").embedding
    kept = Embedded(network)
    values = kept.of(scene)
    inputs = known.scene(6).inputs
    expected = network(torch.from_numpy(features.patches(inputs, RATE))).detach().numpy()
    assert np.abs(values - expected).max() < 0.02 * np.abs(expected).max()
    with torch.no_grad():
        next(network.parameters()).add_(1.0)
    assert Embedded(network).key != kept.key
    assert np.array_equal(kept.of(scene), values)


def whole(network: GainNetwork, inputs: Floats) -> Floats:
    """Gains of whole inputs in dB, (n, T)."""
    given = [
        torch.from_numpy(value)[None]
        for value in (
            features.patches(inputs, RATE, normalised=network.normalised),
            features.level_db(inputs, RATE),
            features.energy(inputs, RATE),
            np.ones(len(inputs), bool),
        )
    ]
    with torch.no_grad():
        gains = network(*given)
    return np.asarray(gains[0].numpy(), np.float32)


def test_the_trained_model_streams_from_onnx_as_it_was_trained(finished: Path) -> None:
    network, _ = checkpoint.load_network(finished / "best.pt")
    inputs = known.scene(9).inputs
    expected = whole(network, inputs)
    with torch.no_grad():
        embeddings = network.embedding(torch.from_numpy(features.patches(inputs, RATE))).numpy()
    session = onnxruntime.InferenceSession(convert(exported(network)), providers=["CPUExecutionProvider"])
    level, energy = features.level_db(inputs, RATE), features.energy(inputs, RATE)
    state = [value.numpy() for value in network.start(3)]
    names = [item.name for item in session.get_inputs()]
    for frame, patch in enumerate(features.newest_patch(level.shape[1], 5)):
        heard = embeddings[:, patch] if patch >= 0 else np.zeros((3, 128), np.float32)
        given = (heard, level[:, frame], energy[:, frame], np.ones(3, bool), *state)
        gain_db, *state = session.run(None, dict(zip(names, given, strict=True)))
        assert np.abs(gain_db - expected[:, frame]).max() < 1e-3


def exported(network: GainNetwork) -> Export:
    return Export(
        name="tiny",
        build=lambda: Step(network),
        summary="",
        source="",
        inputs=(
            Tensor("embedding", torch.float32, ("n", 128), "", ""),
            Tensor("level_db", torch.float32, ("n",), "dBFS", ""),
            Tensor("energy", torch.float32, ("n",), "mean square", ""),
            Tensor("mask", torch.bool, ("n",), "flag", ""),
            *(
                Tensor(s.name, s.dtype, ("n", *s.shape), s.unit, s.meaning, s.given_back)
                for s in network.states
            ),
        ),
        outputs=(
            Tensor("gain_db", torch.float32, ("n",), "dB", ""),
            *(Tensor(s.given_back, s.dtype, ("n", *s.shape), s.unit, s.meaning) for s in network.states),
        ),
        limits=(),
        out_of_scope=(),
        trial=StepTrial(network, 1e-3),
    )

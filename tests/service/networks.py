"""Untrained gain networks as files that a service can read."""

from __future__ import annotations

import functools
from pathlib import Path

import torch

from hybridmix.engine.config import MODELS_FOLDER
from hybridmix.engine.names import RULES
from hybridmix_export.card import card
from hybridmix_export.catalogue import Export
from hybridmix_export.convert import convert
from hybridmix_export.networks import embedding_export, step_export
from hybridmix_models.gain.configs import build
from hybridmix_models.gain.network import GainNetwork
from hybridmix_models.gain.parts import Mlp

torch.set_num_threads(1)

#: Times the weights of the last layer: gains of untrained networks would hardly move otherwise.
_LOUDER = 20.0


@functools.cache
def network(name: str) -> GainNetwork:
    """The network of the configuration ``name`` with seeded weights; all share one embedding."""
    torch.manual_seed(3)
    made = build(name).eval()
    torch.manual_seed(5)
    made.embedding = type(made.embedding)().eval()
    last = next(part for part in made.modules() if isinstance(part, Mlp))[-1]
    assert isinstance(last, torch.nn.Linear)
    with torch.no_grad():
        last.weight.mul_(_LOUDER)
    return made


def write(folder: Path, *names: str) -> Path:
    """Write the networks of ``names``, their embedding and the rules into ``folder``; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for rule in RULES:
        (folder / f"{rule}.onnx").write_bytes((MODELS_FOLDER / f"{rule}.onnx").read_bytes())
    _write(folder, embedding_export(network(names[0]).embedding, "embedding", "Untrained.", ("none",), {}))
    for name in names:
        _write(folder, step_export(name.replace("-", "_"), name, network(name), {}))
    return folder


def _write(folder: Path, export: Export) -> None:
    content = convert(export)
    (folder / f"{export.name}.onnx").write_bytes(content)
    (folder / f"{export.name}.card.json").write_text(card(export, content), encoding="utf-8")

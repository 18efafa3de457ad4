"""Trained networks: from the runs that gave them to files with cards, all or none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridmix.errors import InputError
from hybridmix_export.catalogue import Export
from hybridmix_export.networks import DATA, embedding_export, step_export
from hybridmix_models.evaluation.mixers import weights_sha256
from hybridmix_models.gain.network import GainNetwork
from hybridmix_models.gain.vggish import Vggish, load_vggish
from hybridmix_models.training.checkpoint import load_network

__all__ = ["Trained", "exports_of", "load_runs", "vggish_export"]


@dataclass(frozen=True, slots=True)
class Trained:
    """A network and what its run says of it."""

    network: GainNetwork
    settings: Mapping[str, Any]
    best: Mapping[str, float]

    @property
    def name(self) -> str:
        """Name of the run's settings, which becomes that of the model."""
        return str(self.settings.get("name", self.settings["network"]))

    @property
    def file(self) -> str:
        """Name of the step's file without its ending."""
        return self.name.replace("-", "_")


def load_runs(folders: Sequence[Path]) -> list[Trained]:
    """Return the networks of the runs in ``folders``.

    Raises:
        InputError: a run is missing or damaged, or two have one name or different embeddings.
    """
    runs = []
    for folder in folders:
        network, said = load_network(folder / "best.pt")
        runs.append(Trained(network, said["settings"], said.get("best", {})))
    for folder, run in zip(folders, runs, strict=True):
        if sum(other.name == run.name for other in runs) > 1:
            raise InputError(f"run {folder} is a second {run.name!r}; export one of each name.")
        if weights_sha256(run.network.embedding) != weights_sha256(runs[0].network.embedding):
            raise InputError(
                f"run {folder} has another embedding than {folders[0]}; a folder of models holds one: export "
                "them into folders of their own."
            )
    return runs


def exports_of(runs: Sequence[Trained], figures: Path | None) -> list[Export]:
    """Return the embedding that ``runs`` share and the step of each.

    ``figures`` is what ``hybridmix models evaluate --json`` printed; every run that it scored gets its figures.

    Raises:
        InputError: ``figures`` cannot be read, or scored other weights under that name.
    """
    scored = _read(figures) if figures is not None else {}
    embedding = runs[0].network.embedding
    kind = "VGGish" if isinstance(embedding, Vggish) else "Compact"
    shared = embedding_export(
        embedding,
        "embedding",
        f"{kind} embedding of 975 ms of a track, with its log-mel front end; shared by the networks beside it.",
        DATA,
        {"trained": True, "weights_sha256": weights_sha256(embedding)},
    )
    steps = []
    for run in runs:
        torch_hash = weights_sha256(run.network)
        facts = {
            "trained": True,
            "weights_sha256": torch_hash,
            "training": {
                "command": f"hybridmix models train {run.name}",
                "settings": dict(run.settings),
                "validation": dict(run.best),
            },
            "metrics": _figures(scored, run.name, torch_hash),
        }
        steps.append(step_export(run.file, str(run.settings["network"]), run.network, facts))
    return [shared, *steps]


def vggish_export(path: Path, divisor: int = 1) -> Export:
    """Return full VGGish with the weights of the file ``path``. Raises InputError."""
    network = load_vggish(path, divisor)
    return embedding_export(
        network,
        "vggish",
        "Full VGGish embedding of 975 ms of a track, with its log-mel front end.",
        (
            "public weights of VGGish (Google, Apache-2.0), trained on YouTube audio; not part of this project",
        ),
        {"trained": True, "weights_sha256": weights_sha256(network), "normalised": False},
    )


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"figures {path} cannot be read ({error}); {_MAKE}") from None
    if not isinstance(content, dict) or not isinstance(content.get("models"), dict):
        raise InputError(f"figures {path} hold no models; {_MAKE}")
    return content


_MAKE = "make them with: hybridmix models evaluate --json > FILE"


def _figures(scored: Mapping[str, Any], name: str, weights: str) -> dict[str, Any]:
    """Return the card's figures of the model ``name``, or that there are none yet."""
    if name not in scored.get("models", {}):
        return {"command": "hybridmix models evaluate --json", "figures": None}
    if scored.get("weights_sha256", {}).get(name) != weights:
        raise InputError(f"the figures of {name!r} are those of other weights; {_MAKE}")
    return {"command": "hybridmix models evaluate --json", "figures": scored["models"][name]}

"""Files of a run: what it goes on from, what it gave, and how it went."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from hybridmix.errors import InputError
from hybridmix_models.gain.configs import build
from hybridmix_models.gain.network import GainNetwork

__all__ = ["Log", "load_network", "read", "write"]

_BROKEN = (OSError, RuntimeError, EOFError, pickle.UnpicklingError, KeyError, ValueError)


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write ``content`` to ``path``: afterwards there is the old file or the new one, whenever power fails."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        torch.save(dict(content), file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def read(path: Path) -> dict[str, Any]:
    """Return what `write` wrote.

    Raises:
        InputError: there is no such file, or it is not one of ours.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"model file {path} does not exist; train it with: hybridmix models train") from None
    except _BROKEN as error:
        raise InputError(
            f"model file {path} cannot be read ({type(error).__name__}); train it again"
        ) from None
    if not isinstance(content, dict):
        raise InputError(f"model file {path} holds no run; train it again")
    return content


def load_network(path: Path) -> tuple[GainNetwork, dict[str, Any]]:
    """Return the network in the file ``best.pt`` of a run, ready to play, and what the file says of its training.

    Raises:
        InputError: the file is missing, damaged, or of another network.
    """
    content = read(path)
    try:
        network = build(content["settings"]["network"])
        network.load_state_dict(content.pop("state"))
    except _BROKEN as error:
        raise InputError(f"model file {path} does not fit its network ({error}); train it again") from None
    return network.eval(), content


class Log:
    """One JSON object per line; every line has a ``step``."""

    def __init__(self, path: Path, after: int) -> None:
        """Open ``path`` and forget its lines after step ``after``."""
        self.path = path
        self.rows: list[dict[str, float]] = []
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    row = json.loads(line)
                except ValueError:  # cut off when the run was killed
                    break
                if row["step"] <= after:
                    self.rows.append(row)
        part = path.with_name(path.name + ".part")
        part.write_text("".join(json.dumps(row) + "\n" for row in self.rows), encoding="utf-8")
        part.replace(path)

    def add(self, row: dict[str, float]) -> None:
        """Append ``row``."""
        self.rows.append(row)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

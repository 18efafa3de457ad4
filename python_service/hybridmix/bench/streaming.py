"""One gain network, streamed in two ways: the exported files by ONNX Runtime, the same modules by plain torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch

from hybridmix.engine.models import Arrays, options
from hybridmix.errors import InputError
from hybridmix_models.gain.configs import build
from hybridmix_models.gain.network import Embed, Step

__all__ = ["Exported", "Heard", "Plain", "Streaming"]

Floats = npt.NDArray[np.float32]
Tensors = tuple[torch.Tensor, ...]


class Heard:
    """What a frame of n tracks brings: seeded, the same for both implementations."""

    #: Samples at 16 kHz in an embedding window of 975 ms.
    WINDOW = 15600

    def __init__(self, tracks: int) -> None:
        random = np.random.default_rng(tracks)
        self.audio: Floats = random.normal(0.0, 0.05, (tracks, self.WINDOW)).astype(np.float32)
        self.embedding: Floats = random.normal(0.0, 1.0, (tracks, 128)).astype(np.float32)
        self.level_db: Floats = random.uniform(-40.0, -20.0, tracks).astype(np.float32)
        self.energy: Floats = np.power(10.0, self.level_db / 10.0).astype(np.float32)
        self.mask = np.ones(tracks, np.bool_)
        self.normalised = np.ones(tracks, np.bool_)

    def part(self, rows: slice) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """Return the windows that ``rows`` bring to the embedding."""
        return self.audio[rows], self.normalised[rows]


class Streaming(Protocol):
    """A network that is played frame by frame."""

    def begin(self, tracks: int) -> Any:
        """Return the state of ``tracks`` tracks before the first frame."""
        ...

    def embed(self, audio: Floats, normalised: npt.NDArray[np.bool_]) -> None:
        """Embed windows (n, 15600)."""
        ...

    def step(self, heard: Heard, state: Any) -> Any:
        """Advance by one frame; return the new state."""
        ...


class Exported:
    """The files as the service runs them."""

    _DTYPES: Mapping[str, type[np.generic]] = {
        "tensor(float)": np.float32,
        "tensor(int64)": np.int64,
        "tensor(bool)": np.bool_,
    }

    def __init__(self, embedding: Path, step: Path) -> None:
        """Open both. Raises InputError for a file that is missing."""
        self._embedding, self._step = _open(embedding), _open(step)
        self._outputs = [node.name for node in self._step.get_outputs()]
        taken = {node.name: node for node in self._step.get_inputs()}
        self._inputs = tuple(taken)
        self._states = [node for name, node in taken.items() if f"{name}_out" in self._outputs]

    def begin(self, tracks: int) -> Arrays:
        """See `Streaming.begin`."""
        return {
            node.name: np.zeros((tracks, *node.shape[1:]), self._DTYPES[node.type]) for node in self._states
        }

    def embed(self, audio: Floats, normalised: npt.NDArray[np.bool_]) -> None:
        """See `Streaming.embed`."""
        self._embedding.run(None, {"audio": audio, "normalised": normalised})

    def step(self, heard: Heard, state: Arrays) -> Arrays:
        """See `Streaming.step`."""
        given = {name: getattr(heard, name) for name in self._inputs if name not in state}
        out = dict(zip(self._outputs, self._step.run(None, given | state), strict=True))
        return {name: out[f"{name}_out"] for name in state}


def _open(path: Path) -> onnxruntime.InferenceSession:
    if not path.is_file():
        raise InputError(f"model file {path} does not exist; export it with: python -m hybridmix_export")
    return onnxruntime.InferenceSession(path, options(), providers=["CPUExecutionProvider"])


class Plain:
    """The same network in torch, eager, without gradients; its weights are random, which costs the same."""

    def __init__(self, name: str) -> None:
        network = build(name).eval()
        self._network, self._step = network, Step(network).eval()
        self._embed = Embed(network.embedding).eval()

    def begin(self, tracks: int) -> Tensors:
        """See `Streaming.begin`."""
        return self._network.start(tracks)

    def embed(self, audio: Floats, normalised: npt.NDArray[np.bool_]) -> None:
        """See `Streaming.embed`."""
        with torch.inference_mode():
            self._embed(torch.from_numpy(audio), torch.from_numpy(normalised))

    def step(self, heard: Heard, state: Tensors) -> Tensors:
        """See `Streaming.step`."""
        arrays = (heard.embedding, heard.level_db, heard.energy, heard.mask)
        with torch.inference_mode():
            _, *after = self._step(*(torch.from_numpy(one) for one in arrays), *state)
        return tuple(after)

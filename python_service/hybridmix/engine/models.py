"""The ONNX files: found, checked, hashed, opened for one thread and warmed before anybody waits."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnxruntime

from hybridmix.engine.logs import event
from hybridmix.engine.names import MODELS, NETWORKS, RULES, require_known
from hybridmix.errors import InputError

__all__ = ["Arrays", "Models", "Session", "State", "load_models", "options"]

log = logging.getLogger(__name__)

Arrays = dict[str, npt.NDArray[Any]]

_DTYPES: Mapping[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}


class State(NamedTuple):
    """What a model gives back for the next frame, zeros before the first: (n, \\*shape)."""

    name: str
    shape: tuple[int, ...]
    dtype: type[np.generic]


class Session:
    """One ONNX file, run on the calling thread alone."""

    def __init__(self, path: Path) -> None:
        """Open ``path``. Raises InputError for a file that is missing or is no ONNX model."""
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(
                f"model file {path} cannot be read ({error.strerror}); install hybridmix again, or start with: "
                "hybridmix serve --model raw"
            ) from error
        self.sha256 = hashlib.sha256(content).hexdigest()
        try:
            self._session = onnxruntime.InferenceSession(
                content, sess_options=options(), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises its own exceptions and plain ones
            reason = str(error).splitlines()[0]
            raise InputError(
                f"model file {path} is not a usable ONNX model ({reason}); install hybridmix again."
            ) from error
        self.inputs = frozenset(node.name for node in self._session.get_inputs())
        self.outputs = tuple(node.name for node in self._session.get_outputs())
        #: Inputs that an output of the same name with ``_out`` behind it feeds.
        self.states = tuple(
            State(node.name, tuple(node.shape[1:]), _DTYPES[node.type])
            for node in self._session.get_inputs()
            if f"{node.name}_out" in self.outputs
        )
        self._path = path

    def require(self, inputs: frozenset[str], outputs: frozenset[str]) -> None:
        """Raise InputError unless the model takes exactly ``inputs`` and gives ``outputs``."""
        if self.inputs != inputs or not outputs <= set(self.outputs):
            raise InputError(
                f"model file {self._path} has inputs {sorted(self.inputs)} and outputs {sorted(self.outputs)}; "
                f"expected {sorted(inputs)} and {sorted(outputs)}: install hybridmix again."
            )

    def run(self, arrays: Arrays) -> Arrays:
        """Outputs by name for ``arrays`` (inputs by name)."""
        return dict(zip(self.outputs, self._session.run(None, arrays), strict=True))


@dataclasses.dataclass(frozen=True, slots=True)
class Models:
    """The sessions of one gain model, shared by every group."""

    name: str
    sessions: Mapping[str, Session]
    #: Whether the network's embedding hears every window at the same level; None where there is no network.
    normalised: bool | None = None
    #: Why equal loudness stands in for the model that was asked for; empty where it need not.
    missing: str = ""

    @property
    def step(self) -> Session | None:
        """The step of the network, where there is one to use."""
        return None if self.normalised is None else self.sessions[self.name.replace("-", "_")]

    @property
    def hashes(self) -> dict[str, str]:
        """SHA-256 in hex of every ONNX file in use."""
        return {name: session.sha256 for name, session in self.sessions.items()}


def load_models(name: str, folder: Path) -> Models:
    """Open the files of model ``name`` in ``folder``.

    Where those of a network cannot be used, equal loudness stands in, and the log says why. Raises InputError
    for an unknown name and where the rules themselves are missing.
    """
    require_known(name)
    rules = {file: Session(folder / f"{file}.onnx") for file in MODELS[name] if file in RULES}
    if name not in NETWORKS:
        return Models(name, rules)
    file = name.replace("-", "_")
    try:
        normalised = _normalised(folder / f"{file}.card.json")
        network = {one: Session(folder / f"{one}.onnx") for one in ("embedding", file)}
    except InputError as error:
        log.error(event("model cannot be used, equal loudness stands in", model=name, reason=error))
        return Models(name, rules, missing=str(error))
    return Models(name, rules | network, normalised)


def _normalised(path: Path) -> bool:
    """What the card at ``path`` says of the windows that its network wants. Raises InputError."""
    try:
        said = json.loads(path.read_bytes()).get("normalised")
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"model card {path} cannot be read ({error}); install hybridmix again.") from None
    if not isinstance(said, bool):
        raise InputError(
            f"model card {path} says normalised = {said!r}; expected true or false: export the network again."
        )
    return said


def options() -> onnxruntime.SessionOptions:
    """How every model runs: on the calling thread, the same way each time."""
    chosen = onnxruntime.SessionOptions()
    chosen.intra_op_num_threads = 1
    chosen.inter_op_num_threads = 1
    chosen.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    chosen.use_deterministic_compute = True
    # Shapes change with the number of members; patterns cached per shape would only grow.
    chosen.enable_mem_pattern = False
    chosen.add_session_config_entry("session.intra_op.allow_spinning", "0")
    chosen.add_session_config_entry("session.inter_op.allow_spinning", "0")
    chosen.log_severity_level = 3
    return chosen

"""The ONNX files: found, checked, hashed, opened for one thread and warmed before anybody waits."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from hybridmix.errors import InputError

__all__ = ["MODELS", "Models", "Session", "load_models", "options"]

#: Gain models by name, and the ONNX files each needs. ``raw`` answers 0 dB and needs none.
MODELS: Mapping[str, tuple[str, ...]] = {"equal-loudness": ("equal_loudness", "headroom"), "raw": ()}

Arrays = dict[str, npt.NDArray[np.generic]]


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

    @property
    def hashes(self) -> dict[str, str]:
        """SHA-256 in hex of every ONNX file in use."""
        return {name: session.sha256 for name, session in self.sessions.items()}


def load_models(name: str, folder: Path) -> Models:
    """Open the files of model ``name`` in ``folder``. Raises InputError."""
    if name not in MODELS:
        raise InputError(f"model {name!r} is unknown; expected one of: {', '.join(sorted(MODELS))}.")
    return Models(name, {file: Session(folder / f"{file}.onnx") for file in MODELS[name]})


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

"""Whether an ONNX file computes what the torch module computes; a file that does not is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch

from hybridmix.errors import HybridMixError
from hybridmix.wire import parameters
from hybridmix_export.catalogue import Export, Tensor
from hybridmix_export.trials import Arrays

__all__ = ["BATCHES", "ParityError", "check", "check_declaration"]

#: Track counts that are compared.
BATCHES = (1, 2, 3, 7, 16, 33, 64, 128)
_LONG_TRACKS = 6


class ParityError(HybridMixError):
    """An exported file does not compute what its module computes."""


class _Runner:
    """The same step by both runtimes, each with a state of its own."""

    def __init__(self, export: Export, content: bytes) -> None:
        self.export = export
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._module = export.build().eval()
        self._names = [tensor.name for tensor in export.outputs]

    def neutral(self, tracks: int) -> Arrays:
        """State before the first frame."""
        return {
            tensor.name: np.zeros(
                [tracks if size == "n" else int(size) for size in tensor.shape], _numpy(tensor)
            )
            for tensor in self.export.inputs
            if tensor.state
        }

    def onnx(self, inputs: Arrays) -> Arrays:
        return dict(zip(self._names, self._session.run(self._names, inputs), strict=True))

    def eager(self, inputs: Arrays) -> Arrays:
        with torch.no_grad():
            results = self._module(*(torch.from_numpy(inputs[tensor.name]) for tensor in self.export.inputs))
        results = results if isinstance(results, tuple) else (results,)
        return {name: result.numpy() for name, result in zip(self._names, results, strict=True)}

    def carried(self, outputs: Arrays) -> Arrays:
        """State for the next frame."""
        return {tensor.name: outputs[tensor.state] for tensor in self.export.inputs if tensor.state}


def check(
    export: Export, content: bytes, *, batches: tuple[int, ...] = BATCHES, frames: int | None = None
) -> dict[str, float]:
    """Compare the ONNX file ``content`` with the module of ``export``.

    Over ``batches`` track counts with masked rows, with the tracks in another order, and over ``frames``
    frames of state (by default those of the trial), where the streamed file is also compared with the whole pass.
    Returns the largest difference of the first output in each of these.

    Raises:
        ParityError: an output differs by more than its tolerance, or a masked row changes another.
    """
    runner, trial = _Runner(export, content), export.trial
    found = {"eager": 0.0, "order": 0.0}
    for tracks in batches:
        found["eager"] = max(found["eager"], _compare_runs(runner, tracks, trial.short)[1])
        found["order"] = max(found["order"], _compare_order(runner, tracks))
    found["masked"] = _compare_masked(runner)
    kept, found["long"] = _compare_runs(runner, _LONG_TRACKS, frames or trial.long)
    whole = trial.whole(kept)
    if whole is not None:
        found["whole"] = _compare_whole(export, *whole)
    return found


def check_declaration(export: Export) -> None:
    """Compare ``export`` with the parameters that are declared to come from it.

    Raises:
        ParityError: a declared source does not exist, or its range is not inside the declared one.
    """
    for parameter in parameters.load().parameters:
        file, _, output = parameter.source.partition(".")
        if file != export.name:
            continue
        if output not in export.ranges:
            raise ParityError(
                f"parameter {parameter.name} has the source {parameter.source}: no such output; correct one."
            )
        low, high = export.ranges[output]
        if low < parameter.min or high > parameter.max:
            raise ParityError(
                f"{parameter.source} is {low} to {high}, parameter {parameter.name} {parameter.min} to "
                f"{parameter.max}; widen the declaration or narrow the model."
            )


def _compare_runs(runner: _Runner, tracks: int, frames: int) -> tuple[list[tuple[Arrays, Arrays]], float]:
    """Stream ``frames`` through both; return inputs and the file's outputs of each, and the largest difference."""
    kept: list[tuple[Arrays, Arrays]] = []
    state, eager_state, worst = runner.neutral(tracks), runner.neutral(tracks), 0.0
    for frame, inputs in enumerate(runner.export.trial.material(tracks, frames)):
        outputs = runner.onnx(inputs | state)
        expected = runner.eager(inputs | eager_state)
        where = f"{tracks} tracks, frame {frame}, eager against ONNX"
        worst = max(worst, _require_close(runner.export, outputs, expected, where))
        state, eager_state = runner.carried(outputs), runner.carried(expected)
        kept.append((inputs, outputs))
    return kept, worst


def _compare_order(runner: _Runner, tracks: int) -> float:
    """The tracks in another order give the same values in that order."""
    order = np.random.default_rng(tracks).permutation(tracks)
    state, other_state, worst = runner.neutral(tracks), runner.neutral(tracks), 0.0
    trial = runner.export.trial
    for frame, inputs in enumerate(trial.material(tracks, min(20, trial.short))):
        outputs = runner.onnx(inputs | state)
        other = runner.onnx(_ordered(runner.export.inputs, inputs, order) | other_state)
        expected = _ordered(runner.export.outputs, outputs, order)
        where = f"{tracks} tracks in another order, frame {frame}"
        worst = max(worst, _require_close(runner.export, other, expected, where))
        for tensor in runner.export.outputs if trial.same_bits else ():
            if tensor.shape[0] == "n" and not np.array_equal(other[tensor.name], expected[tensor.name]):
                raise ParityError(
                    f"{runner.export.name}.{tensor.name} has other bits with {tracks} tracks in another order; "
                    "expected the same, or live playback and a bounce would differ."
                )
        state, other_state = runner.carried(outputs), runner.carried(other)
    return worst


def _compare_masked(runner: _Runner) -> float:
    """Rows that are masked, and samples that are no number, change nothing whatever they hold."""
    state, worst, trial = runner.neutral(4), 0.0, runner.export.trial
    for frame, inputs in enumerate(trial.material(4, min(40, trial.short))):
        pair = trial.poisoned(inputs)
        if pair is None:
            return 0.0
        clean, poisoned = pair
        outputs, expected = runner.onnx(poisoned | state), runner.onnx(clean | state)
        where = f"frame {frame}, a masked row holding NaN"
        worst = max(worst, _require_close(runner.export, outputs, expected, where))
        state = runner.carried(outputs)
    return worst


def _compare_whole(
    export: Export, streamed: npt.NDArray[Any], expected: npt.NDArray[Any], tolerance: float
) -> float:
    """The streamed values against those of the whole pass."""
    worst = float(np.nanmax(np.abs(streamed - expected)))
    if not np.allclose(streamed, expected, rtol=0.0, atol=tolerance, equal_nan=True):
        raise ParityError(
            f"{export.name}.{export.outputs[0].name} differs by {worst:.3g} dB from the same over the whole pass; "
            f"expected at most {tolerance}."
        )
    return worst


def _ordered(
    tensors: tuple[Tensor, ...], values: Mapping[str, npt.NDArray[Any]], order: npt.NDArray[np.intp]
) -> Arrays:
    """Return ``values`` with the rows of every per-track tensor in ``order``."""
    return {
        tensor.name: values[tensor.name][order] if tensor.shape[0] == "n" else values[tensor.name]
        for tensor in tensors
        if tensor.name in values
    }


def _require_close(export: Export, found: Arrays, expected: Arrays, where: str) -> float:
    """Return how far the first output is from ``expected``; raise ParityError where one is too far."""
    for tensor in export.outputs:
        values, wanted = found[tensor.name], expected[tensor.name]
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ParityError(f"{export.name}.{tensor.name} is not finite ({where}); expected numbers.")
        error = np.abs(values.astype(np.float64) - wanted) / np.maximum(1.0, np.abs(wanted))
        if error.max(initial=0.0) > tensor.tolerance:
            raise ParityError(
                f"{export.name}.{tensor.name} differs by {error.max():.3g} ({where}); "
                f"expected at most {tensor.tolerance:g}. The file was not written."
            )
    first = export.outputs[0].name
    return float(np.abs(found[first].astype(np.float64) - expected[first]).max(initial=0.0))


def _numpy(tensor: Tensor) -> np.dtype[Any]:
    return np.dtype(str(tensor.dtype).removeprefix("torch."))

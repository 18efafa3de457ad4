"""Whether an ONNX file computes what the torch module computes; a file that does not is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch

from hybridmix.errors import HybridMixError
from hybridmix.wire import parameters
from hybridmix_export.catalogue import Export, Tensor
from hybridmix_models.gain import reference

__all__ = ["BATCHES", "LONG_FRAMES", "ParityError", "check", "check_declaration"]

Arrays = dict[str, npt.NDArray[Any]]

#: Track counts that are compared.
BATCHES = (1, 2, 3, 7, 16, 33, 64, 128)
#: Frames of the long run: 10 minutes.
LONG_FRAMES = 12000
_SHORT_FRAMES = 100
_LONG_TRACKS = 6
#: Gates may fall differently in single and double precision: one block in 53, smoothed.
_REFERENCE_TOLERANCE_DB = 0.01


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
        return {name: result.numpy() for name, result in zip(self._names, results, strict=True)}

    def carried(self, outputs: Arrays) -> Arrays:
        """State for the next frame."""
        return {tensor.name: outputs[tensor.state] for tensor in self.export.inputs if tensor.state}


def check(
    export: Export, content: bytes, *, batches: tuple[int, ...] = BATCHES, frames: int = LONG_FRAMES
) -> None:
    """Compare the ONNX file ``content`` with the module of ``export``.

    Over ``batches`` track counts with masked rows, with the tracks in another order, and over ``frames``
    frames of state, where the streamed file is also compared with the rule over the whole pass.

    Raises:
        ParityError: an output differs by more than its tolerance, or a masked row changes another.
    """
    runner = _Runner(export, content)
    for tracks in batches:
        _compare_runs(runner, tracks, _SHORT_FRAMES)
        _compare_order(runner, tracks)
    _compare_masked(runner)
    _compare_whole_pass(runner, _compare_runs(runner, _LONG_TRACKS, frames), frames)


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


def _compare_runs(runner: _Runner, tracks: int, frames: int) -> list[tuple[Arrays, Arrays]]:
    """Stream ``frames`` through both; return inputs and the file's outputs of each."""
    kept: list[tuple[Arrays, Arrays]] = []
    state, eager_state = runner.neutral(tracks), runner.neutral(tracks)
    for frame, inputs in enumerate(_material(runner.export, tracks, frames)):
        outputs = runner.onnx(inputs | state)
        expected = runner.eager(inputs | eager_state)
        _require_close(
            runner.export, outputs, expected, f"{tracks} tracks, frame {frame}, eager against ONNX"
        )
        state, eager_state = runner.carried(outputs), runner.carried(expected)
        kept.append((inputs, outputs))
    return kept


def _compare_order(runner: _Runner, tracks: int) -> None:
    """The tracks in another order give the same values in that order."""
    order = np.random.default_rng(tracks).permutation(tracks)
    state, other_state = runner.neutral(tracks), runner.neutral(tracks)
    for frame, inputs in enumerate(_material(runner.export, tracks, 20)):
        outputs = runner.onnx(inputs | state)
        other = runner.onnx(_ordered(runner.export.inputs, inputs, order) | other_state)
        expected = _ordered(runner.export.outputs, outputs, order)
        _require_close(runner.export, other, expected, f"{tracks} tracks in another order, frame {frame}")
        for tensor in runner.export.outputs:
            if tensor.shape[0] == "n" and not np.array_equal(other[tensor.name], expected[tensor.name]):
                raise ParityError(
                    f"{runner.export.name}.{tensor.name} has other bits with {tracks} tracks in another order; "
                    "expected the same, or live playback and a bounce would differ."
                )
        state, other_state = runner.carried(outputs), runner.carried(other)


def _compare_masked(runner: _Runner) -> None:
    """Rows that are masked, and samples that are no number, change nothing whatever they hold."""
    state = runner.neutral(4)
    for frame, inputs in enumerate(_material(runner.export, 4, 40)):
        poisoned = {name: values.copy() for name, values in inputs.items()}
        clean = {name: values.copy() for name, values in inputs.items()}
        if "present" in inputs:
            clean["present"][1] = poisoned["present"][1] = False
            poisoned["energy"][1] = np.nan
        else:
            clean["audio"][:, 7], poisoned["audio"][1, 7] = 0.0, np.nan
        outputs, expected = runner.onnx(poisoned | state), runner.onnx(clean | state)
        _require_close(runner.export, outputs, expected, f"frame {frame}, a masked row holding NaN")
        state = runner.carried(outputs)


def _compare_whole_pass(runner: _Runner, kept: list[tuple[Arrays, Arrays]], frames: int) -> None:
    """The streamed values against the rule computed over the whole pass."""
    output = next(iter(runner.export.ranges))
    streamed = np.stack([outputs[output] for _, outputs in kept])
    if output == "gain_db":
        known = np.stack([outputs["known"] for _, outputs in kept])
        energy = np.stack([inputs["energy"] for inputs, _ in kept]).astype(np.float64)
        present = np.stack([inputs["present"] for inputs, _ in kept])
        expected = np.stack(
            [reference.equal_loudness(row, mask) for row, mask in zip(energy.T, present.T, strict=True)],
            axis=1,
        )
        streamed = np.where(known, streamed, np.nan)
    else:
        sums = [
            10.0 ** (i["gain_db"].astype(np.float64) / 20.0) @ i["audio"]
            for i, _ in kept
        ]
        expected = reference.headroom(np.array([np.abs(values).max() for values in sums]))[:, None]
    if not np.allclose(streamed, expected, rtol=0.0, atol=_REFERENCE_TOLERANCE_DB, equal_nan=True):
        worst = np.nanmax(np.abs(streamed - expected))
        raise ParityError(
            f"{runner.export.name}.{output} differs by {worst:.3g} dB from the rule over a whole pass of {frames} "
            f"frames; expected at most {_REFERENCE_TOLERANCE_DB}."
        )


def _material(export: Export, tracks: int, frames: int) -> Iterator[Arrays]:
    """Seeded inputs: levels that wander, pauses, masked rows, and every size that the service sends."""
    random = np.random.default_rng(tracks)
    level = random.uniform(-50.0, -10.0, tracks)
    for frame in range(frames):
        level = np.clip(level + random.normal(0.0, 0.5, tracks), -66.0, 3.0)
        silent = (frame // 50 + np.arange(tracks)) % 5 == 4
        if export.name == "headroom":
            audio = random.uniform(-1.0, 1.0, (tracks, 2 * 441)) * 10.0 ** (level / 20.0)[:, None]
            audio[silent] = 0.0
            gains = random.uniform(-20.0, 12.0, tracks)
            yield {"audio": audio.astype(np.float32), "gain_db": gains.astype(np.float32)}
        else:
            energy = 10.0 ** ((level + random.normal(0.0, 6.0, tracks)) / 10.0)
            energy[silent] = 0.0
            yield {"energy": energy.astype(np.float32), "present": random.random(tracks) > 0.1}


def _ordered(
    tensors: tuple[Tensor, ...], values: Mapping[str, npt.NDArray[Any]], order: npt.NDArray[np.intp]
) -> Arrays:
    """Return ``values`` with the rows of every per-track tensor in ``order``."""
    return {
        tensor.name: values[tensor.name][order] if tensor.shape[0] == "n" else values[tensor.name]
        for tensor in tensors
        if tensor.name in values
    }


def _require_close(export: Export, found: Arrays, expected: Arrays, where: str) -> None:
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


def _numpy(tensor: Tensor) -> np.dtype[Any]:
    return np.dtype(str(tensor.dtype).removeprefix("torch."))

"""Static int8 of embedding networks: convolutions and fully connected layers, per channel, from real audio.

The front end stays in single precision, and with it the first two convolutions: they have few channels and much to
tell apart, in int8 they are no faster, and gains move nearly twice as far. Weights take seven bits, so that no sum overflows
on processors without VNNI. Dynamic quantisation would be slower than none: it measures every
activation again in every call.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from hybridmix_export.trials import Arrays

__all__ = ["quantise"]

#: What is computed in int8; the front end has none of these.
_LAYERS = ["Conv", "Relu", "MaxPool", "Gemm"]


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, batches: Iterable[Arrays]) -> None:
        self._batches: Iterator[Arrays] = iter(batches)

    def get_next(self) -> Arrays | None:
        return next(self._batches, None)


def quantise(content: bytes, batches: Iterable[Arrays]) -> bytes:
    """Return the ONNX model ``content`` in int8 (QDQ), its ranges measured on ``batches`` of inputs."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger().setLevel(logging.ERROR)
        given, prepared, made = (Path(folder) / f"{name}.onnx" for name in ("given", "prepared", "made"))
        given.write_bytes(content)
        quant_pre_process(str(given), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(made),
            _Reader(batches),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_LAYERS,
            nodes_to_exclude=_first_convolutions(prepared),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        model = onnx.load(str(made))
    model.producer_name, model.producer_version = "hybridmix_export", ""
    del model.metadata_props[:]
    used = {node.domain for node in model.graph.node}
    kept = [opset for opset in model.opset_import if opset.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _first_convolutions(path: Path) -> list[str]:
    """Return the names of those that stay in single precision."""
    return [node.name for node in onnx.load(str(path)).graph.node if node.op_type == "Conv"][:2]

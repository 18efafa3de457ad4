"""torch to ONNX bytes: the same bytes for the same module, on every run and in every folder."""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Iterable
from typing import Any

import onnx
import torch
from torch import nn

from hybridmix_export.catalogue import Export, Size, Tensor

__all__ = ["OPSET", "convert"]

OPSET = 18


def convert(export: Export) -> bytes:
    """Return ``export`` as a serialised ONNX model.

    Whatever the exporter notes about its own run (stack traces, folders, versions) is removed.
    """
    module = export.build().eval()
    sizes: dict[Size, int] = {"n": 3, "frames": 480}
    example = tuple(
        torch.zeros([sizes.get(size, size) for size in tensor.shape], dtype=tensor.dtype)  # type: ignore[arg-type]
        for tensor in export.inputs
    )
    varying = [
        {
            axis: torch.export.Dim(size, min=1)
            for axis, size in enumerate(tensor.shape)
            if isinstance(size, str)
        }
        for tensor in export.inputs
    ]
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's notes on its own internals
        program = torch.onnx.export(
            module,
            example,
            dynamo=True,
            verbose=False,
            input_names=[tensor.name for tensor in export.inputs],
            output_names=[tensor.name for tensor in export.outputs],
            dynamic_shapes=_nested(module, varying),
            opset_version=OPSET,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export returned nothing")
    model = program.model_proto
    _strip(model)
    _name_sizes(model.graph.input, export.inputs)
    _name_sizes(model.graph.output, export.outputs)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _nested(module: nn.Module, varying: list[dict[int, Any]]) -> tuple[Any, ...]:
    """Return ``varying`` as the exporter wants it: what a ``*parameter`` takes is a tuple of its own."""
    kinds = [each.kind for each in inspect.signature(module.forward).parameters.values()]
    named = sum(kind is not inspect.Parameter.VAR_POSITIONAL for kind in kinds)
    return (*varying[:named], *([tuple(varying[named:])] if len(varying) > named else []))


def _strip(model: onnx.ModelProto) -> None:
    """Leave the computation and nothing about how it was made."""
    model.producer_name, model.producer_version = "hybridmix_export", ""
    model.domain, model.doc_string = "", ""
    del model.metadata_props[:]
    graph = model.graph
    graph.doc_string = ""
    del graph.value_info[:]
    for item in (graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        item.doc_string = ""
        del item.metadata_props[:]


def _name_sizes(values: Iterable[onnx.ValueInfoProto], tensors: tuple[Tensor, ...]) -> None:
    """Write the declared shape of every input or output into the model."""
    for value, tensor in zip(values, tensors, strict=True):
        shape = value.type.tensor_type.shape
        del shape.dim[:]
        for size in tensor.shape:
            shape.dim.add(**({"dim_param": size} if isinstance(size, str) else {"dim_value": size}))

"""The card beside every ONNX file: what it is, what it takes and gives, where it ends."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from hybridmix_export.catalogue import Export, Tensor
from hybridmix_export.convert import OPSET
from hybridmix_export.parity import BATCHES

__all__ = ["COMMAND", "card"]

COMMAND = "python -m hybridmix_export"


def card(export: Export, content: bytes) -> str:
    """Return the card of ``export``, whose file is ``content``, as JSON text."""
    entries: dict[str, Any] = {
        "name": export.name,
        "summary": export.summary,
        "file": f"{export.name}.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "opset": OPSET,
        "source": export.source,
        "data": export.data[0] if len(export.data) == 1 else list(export.data),
        "licence": "MIT",
        "inputs": [_tensor(tensor) for tensor in export.inputs],
        "outputs": [
            _tensor(tensor)
            | {"tolerance": tensor.tolerance}
            | ({"range": list(export.ranges[tensor.name])} if tensor.name in export.ranges else {})
            for tensor in export.outputs
        ],
        "parity": {"track_counts": list(BATCHES), "state_frames": export.trial.long},
        "limits": list(export.limits),
        "out_of_scope": list(export.out_of_scope),
        "command": COMMAND,
    } | dict(export.facts)
    return json.dumps(entries, indent=2) + "\n"


def _tensor(tensor: Tensor) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": tensor.name,
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": list(tensor.shape),
        "unit": tensor.unit,
        "meaning": tensor.meaning,
    }
    return entry | ({"state_from": tensor.state} if tensor.state else {})

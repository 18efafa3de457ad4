"""The report and its page say the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from hybridmix.engine.client import Client
from hybridmix.engine.config import ENVIRONMENT
from hybridmix.engine.trace import RECORD
from hybridmix.wire import Kind

from .running import FRAME, block, join, start

_PAGE = (Path(__file__).parents[2] / "docs" / "service-behaviour.md").read_text()
_NAMED = set(re.findall(r"`([^`\n]+)`", _PAGE))


def _keys(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*(_keys(one) for one in value))
    if not isinstance(value, dict):
        return set()
    # Models and values go by names of their own.
    inner = (_keys(one) for key, one in value.items() if key not in ("models", "values"))
    return set(value).union(*inner)


def test_every_key_of_the_report_is_documented(client: Client) -> None:
    instance = client.join(join()).instance
    client.send(start(instance))
    client.send(block(instance, np.zeros((2, FRAME), np.float32), 0))
    client.expect(Kind.PARAMS)
    client.send([b"garbage"])
    keys = _keys(client.status())
    documented = _NAMED | {name.rpartition(".")[2] for name in _NAMED}
    assert keys - documented == set()
    assert "loop_ms" in keys


def test_every_setting_is_documented() -> None:
    assert [name for name, _ in ENVIRONMENT.values() if name not in _PAGE] == []


def test_the_record_of_the_trace_is_documented() -> None:
    assert set(RECORD.names or ()) <= _NAMED
    assert f"one record of {RECORD.itemsize} bytes" in _PAGE

"""Every key of the service's report, its settings and its counters are explained."""

from __future__ import annotations

import ast
import re

from hybridmix.engine import config
from hybridmix.timeline import Counters

from .pages import ROOT

PAGE = (ROOT / "docs/service-behaviour.md").read_text(encoding="utf-8")
ENGINE = ROOT / "python_service/hybridmix/engine"


def _on_the_page(name: str) -> bool:
    return re.search(rf"`(?:[\w\[\]]+\.)*{re.escape(name)}(?:=1)?`", PAGE) is not None


def test_every_key_of_the_report_is_explained() -> None:
    keys = {
        str(key.value)
        for node in ast.walk(ast.parse((ENGINE / "report.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    assert {"service", "peers", "needed_delay_ms"} < keys
    assert sorted(key for key in keys if not _on_the_page(key)) == []


def test_every_counter_is_explained() -> None:
    source = (ENGINE / "service.py").read_text(encoding="utf-8")
    names = set(re.findall(r'counters\["(\w+)"\]', source)) | set(Counters.__dataclass_fields__)
    assert len(names) > 8
    assert sorted(name for name in names if not _on_the_page(name)) == []


def test_every_setting_is_explained() -> None:
    assert [name for name, _ in config.ENVIRONMENT.values() if not _on_the_page(name)] == []

"""Every counter of the service is explained."""

from __future__ import annotations

import re

from hybridmix.timeline import Counters

from .pages import ROOT


def test_every_counter_stands_on_the_page_of_the_service() -> None:
    page = (ROOT / "docs/service-behaviour.md").read_text(encoding="utf-8")
    source = (ROOT / "python_service/hybridmix/engine/service.py").read_text(encoding="utf-8")
    names = set(re.findall(r'counters\["(\w+)"\]', source)) | set(Counters.__dataclass_fields__)
    assert len(names) > 8
    assert sorted(name for name in names if f"`{name}`" not in page) == []

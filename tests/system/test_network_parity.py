"""With a gain network in the service, too, a live pass of the real plugin equals a bounce, bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.service.networks import write

from hybridmix.bench import parity

EXACT = ("late", "stale", "gap", "skipped", "masked", "incomplete")


def test_live_equals_bounce_with_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRIDMIX_MODELS_DIR", str(write(tmp_path / "networks", "alm-mr-plus")))
    figures = parity.measure(2.5, model="alm-mr-plus", scenes=["straight", "seek"])
    for one in figures["passes"]:
        said = {name: value for name, value in one.items() if name != "sha256"}
        assert {name: one[name] for name in EXACT} == dict.fromkeys(EXACT, 0), said
        assert one["identical"], said

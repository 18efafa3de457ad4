from __future__ import annotations

import gc

import pytest


@pytest.fixture(autouse=True, scope="module")
def _no_plugin_is_left() -> None:
    """Plugins of earlier tests that nobody holds any more would keep this process's bridge at their service."""
    gc.collect()

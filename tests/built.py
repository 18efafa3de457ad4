"""Tests that host the real plugin, where it is built."""

from __future__ import annotations

import pytest

from hybridmix.batch.plugin import bundle_path
from hybridmix.errors import InputError

__all__ = ["NEEDS_PLUGIN"]


def _built() -> bool:
    try:
        bundle_path()
    except InputError:
        return False
    return True


#: Skips where somebody runs pytest alone: `make test` builds the plugin first.
NEEDS_PLUGIN = pytest.mark.skipif(not _built(), reason="the plugin is not built: make plugin")

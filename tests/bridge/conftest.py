from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .driving import ROOT, Stage, staged


@pytest.fixture(scope="session")
def program() -> Path:
    """The probe, built as `cargo test` builds it."""
    built = subprocess.run(
        ["cargo", "build", "--locked", "-p", "shim", "--example", "bridge_probe", "--message-format", "json"],
        cwd=ROOT / "plugin_shim",
        stdout=subprocess.PIPE,
        check=True,
    )
    for line in built.stdout.splitlines():
        message = json.loads(line)
        if message.get("target", {}).get("name") == "bridge_probe" and message.get("executable"):
            return Path(message["executable"])
    raise AssertionError("cargo named no executable")


@pytest.fixture
def stage(program: Path) -> Iterator[Stage]:
    """A runtime folder with a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="hm-") as folder:
        yield from staged(program, Path(folder) / "run")

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hybridmix.batch.plugin import bundle_path


@pytest.fixture(scope="session")
def bundle() -> str:
    """The VST3 as it was built."""
    return str(bundle_path())


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime folder of the test's own, with a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="hm-") as folder:
        path = Path(folder) / "run"
        monkeypatch.setenv("HYBRIDMIX_RUNTIME_DIR", str(path))
        # The folder is looked at when the first instance of the process is activated: none may be left over.
        gc.collect()
        yield path


@pytest.fixture
def service(runtime: Path) -> Iterator[None]:
    """A service that answers with the user's own gain alone."""
    command = [sys.executable, "-m", "hybridmix", "serve", "--runtime-dir", str(runtime), "--model", "raw"]
    process = subprocess.Popen([*command, "--quiet"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("ready")
    yield
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)

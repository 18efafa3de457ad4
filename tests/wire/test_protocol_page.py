"""The page specifies the protocol well enough for a client that knows nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hybridmix.generated import checkout

PAGE = checkout() / "docs/protocol.md"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Path]:
    """Runtime folder of a service that runs."""
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "hybridmix", "serve", "--quiet", "--runtime-dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready:")
        yield folder
        process.terminate()
        assert process.wait(10) == 0


def test_the_client_on_the_page_gets_a_value_for_every_frame(service: Path, tmp_path: Path) -> None:
    script = re.search(r"## A whole client.*?```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert script is not None
    file = tmp_path / "client.py"
    file.write_text(script[1])
    run = subprocess.run(
        [sys.executable, "-I", str(file)],
        env={**os.environ, "HYBRIDMIX_RUNTIME_DIR": str(service)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    answers = re.findall(r"frame that ends at (\d+): from (\d+) on (.*)", run.stdout)
    assert [(int(end), int(start)) for end, start, _ in answers] == [
        (end, end + 1920) for end in range(2400, 48001, 2400)
    ]
    assert "1:" in answers[-1][2], "a gain, once the loudness is known"

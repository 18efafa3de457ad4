"""Measurements that need more than the service does say so in one sentence."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(("command", "package"), [("parity", "minihost"), ("render", "pedalboard")])
def test_a_missing_package_is_named_with_the_extra_that_has_it(command: str, package: str) -> None:
    # None in place of a module is how Python is told that there is none.
    program = (
        f"import sys; sys.modules[{package!r}] = None; "
        f"from hybridmix.cli.main import main; main(['bench', {command!r}])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.endswith(
        f"error: this measurement needs {package}, which is not installed; "
        "install the extra: pip install -e '.[dev]'\n"
    )

"""What starts quickly stays quick, and needs no more than is installed with it."""

from __future__ import annotations

import subprocess
import sys

import pytest


def _loaded(program: str, *unwanted: str) -> str:
    """Return which of ``unwanted`` are loaded after ``program``."""
    program += f"\nimport sys\nprint([name for name in {unwanted!r} if name in sys.modules])"
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_the_command_line_loads_neither_models_nor_numbers() -> None:
    program = "from hybridmix.cli.main import build; build()"
    assert _loaded(program, "torch", "numpy", "scipy", "onnxruntime", "pedalboard") == "[]"


def test_the_service_loads_no_torch_and_no_signal_processing_at_large() -> None:
    # These take longer to load than everything else of the service.
    program = "from hybridmix.engine.server import Server"
    assert _loaded(program, "torch", "scipy.signal", "pyloudnorm", "pedalboard") == "[]"


@pytest.mark.parametrize("package", ["torch", "pedalboard", "pyroomacoustics"])
def test_the_command_line_is_there_without_what_an_extra_brings(package: str) -> None:
    program = f"import sys; sys.modules[{package!r}] = None; from hybridmix.cli.main import main; main(['models', '--help'])"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "groove-midi" in shown

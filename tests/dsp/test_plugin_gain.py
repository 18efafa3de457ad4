"""The built plugin, driven by the real service, against the reference: at every sample."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pedalboard
import pytest
from numpy.typing import NDArray

from hybridmix.batch.plugin import bundle_path
from hybridmix.engine import trace
from hybridmix.wire import parameters

from .reference import Change, Pace, gain_db

SECONDS = 5
LEVELS = (0.5, 0.05, 0.004)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A service that records what it decides, and its record."""
    gc.collect()
    with tempfile.TemporaryDirectory(prefix="hm-") as folder:
        runtime, record = Path(folder) / "run", Path(folder) / "trace"
        monkeypatch.setenv("HYBRIDMIX_RUNTIME_DIR", str(runtime))
        options = ["--runtime-dir", str(runtime), "--trace", str(record), "--quiet"]
        command = [sys.executable, "-m", "hybridmix", "serve", *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready")
        yield process, record
        process.kill()
        process.communicate()


def tracks(rate: int) -> list[NDArray[np.float32]]:
    """Noise of different levels, never near zero, so that every sample tells its gain."""
    rng = np.random.default_rng(rate)
    shape = (2, SECONDS * rate)
    signs = rng.choice([-1.0, 1.0], size=(len(LEVELS), *shape))
    sizes = rng.uniform(0.5, 1.0, size=(len(LEVELS), *shape))
    return [
        (level * sign * size).astype(np.float32)
        for level, sign, size in zip(LEVELS, signs, sizes, strict=True)
    ]


def render(inputs: list[NDArray[np.float32]], rate: int, block: int) -> list[NDArray[np.float32]]:
    """All tracks in lockstep, offline, once the service knows every one of them."""
    plugins = [pedalboard.load_plugin(str(bundle_path())) for _ in inputs]
    silence = np.zeros((2, block), np.float32)
    deadline = time.monotonic() + 20
    while any(plugin.status != "Waiting for values" for plugin in plugins):
        assert time.monotonic() < deadline, [plugin.status for plugin in plugins]
        for plugin in plugins:
            plugin.process(silence, rate, buffer_size=block, reset=True)
        time.sleep(0.02)
    for plugin in plugins:
        plugin.reset()
    outputs = [np.zeros_like(audio) for audio in inputs]
    for begin in range(0, inputs[0].shape[1], block):
        for plugin, audio, output in zip(plugins, inputs, outputs, strict=True):
            part = audio[:, begin : begin + block]
            output[:, begin : begin + block] = plugin.process(part, rate, buffer_size=block, reset=False)
    for plugin in plugins:
        assert (plugin.status, plugin.late) == ("Mixing", 0)
    return outputs


@pytest.mark.parametrize(("rate", "block"), [(48000, 512), (44100, 64), (96000, 1000)])
def test_every_sample_has_the_gain_of_the_reference(
    service: tuple[subprocess.Popen[str], Path], rate: int, block: int
) -> None:
    inputs = tracks(rate)
    outputs = render(inputs, rate, block)
    process, record = service
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    rows = trace.read(record)
    rows = rows[rows["epoch"] == rows["epoch"].max()]
    members = sorted(set(rows["member"]), key=lambda member: -rows["energy"][rows["member"] == member].max())
    assert len(members) == len(inputs)
    declared = parameters.load().parameters
    paces = {parameter.id: Pace(parameter.ramp_ms, parameter.slew_per_s) for parameter in declared}
    numbers = {parameter.name: parameter.id for parameter in declared}
    positions = np.arange(SECONDS * rate)
    for member, audio, output in zip(members, inputs, outputs, strict=True):
        changes = [
            Change(int(row["apply_at"]), numbers[name], float(row[name]))
            for row in rows[rows["member"] == member]
            for name in numbers
            if not np.isnan(row[name])
        ]
        expected = gain_db(paces, changes, positions, rate)
        applied = 20.0 * np.log10(np.abs(output.astype(np.float64) / audio))
        error = np.abs(applied - expected).max()
        # A change at the wrong sample would show: one sample of the slowest ramp is more than this.
        assert error < 0.0002
        assert np.ptp(expected) > 1.0, "the gain moved"

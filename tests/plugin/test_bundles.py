"""The layout of the bundles, as hosts of each system look for them."""

from __future__ import annotations

import importlib.util
import plistlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "plugin_shim" / "bundle.py"


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bundle", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("system", "machine", "library", "vst3"),
    [
        ("Linux", "x86_64", "libhybridmix_shim.so", "Contents/x86_64-linux/HybridMix.so"),
        ("Linux", "aarch64", "libhybridmix_shim.so", "Contents/aarch64-linux/HybridMix.so"),
        ("Darwin", "arm64", "libhybridmix_shim.dylib", "Contents/MacOS/HybridMix"),
        ("Windows", "AMD64", "hybridmix_shim.dll", "Contents/x86_64-win/HybridMix.vst3"),
        ("Windows", "ARM64", "hybridmix_shim.dll", "Contents/arm64-win/HybridMix.vst3"),
    ],
)
def test_each_system_finds_the_library_where_it_looks(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    system: str,
    machine: str,
    library: str,
    vst3: str,
) -> None:
    bundle = script()
    monkeypatch.setattr(bundle.platform, "system", lambda: system)
    monkeypatch.setattr(bundle.platform, "machine", lambda: machine)
    built = tmp_path / "target" / "release" / library
    built.parent.mkdir(parents=True)
    out = tmp_path / "out"
    monkeypatch.setattr(
        sys, "argv", ["bundle.py", "--target-dir", str(tmp_path / "target"), "--out", str(out)]
    )
    for content in (b"first", b"second"):
        built.write_bytes(content)
        assert bundle.main() == 0
        assert (out / "HybridMix.vst3" / vst3).read_bytes() == content
        clap = out / "HybridMix.clap"
        assert (clap / "Contents/MacOS/HybridMix" if system == "Darwin" else clap).read_bytes() == content
        assert sorted(path.name for path in out.iterdir()) == ["HybridMix.clap", "HybridMix.vst3"]
    if system == "Darwin":
        listed = plistlib.loads((out / "HybridMix.vst3/Contents/Info.plist").read_bytes())
        assert listed["CFBundleExecutable"] == "HybridMix"


def test_a_missing_library_is_named_with_the_command_that_builds_it(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--target-dir", str(tmp_path), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cargo build --release -p shim" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_library_exports_what_hosts_call_and_no_fault_of_the_tests(bundle: str) -> None:
    library = next(path for path in Path(bundle).rglob("HybridMix*") if path.is_file())
    content = library.read_bytes()
    assert all(name in content for name in (b"GetPluginFactory\0", b"clap_entry\0"))
    assert b"a fault that a test asked for" not in content

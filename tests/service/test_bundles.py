"""Putting the plugin where hosts look."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybridmix import bundles
from hybridmix.errors import InputError


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in which both bundles are built."""
    root = tmp_path / "checkout"
    binary = root / "build" / "plugin" / "HybridMix.vst3" / "Contents" / "x86_64-linux" / "HybridMix.so"
    binary.parent.mkdir(parents=True)
    binary.write_bytes(b"new")
    binary.chmod(0o755)
    (root / "build" / "plugin" / "HybridMix.clap").write_bytes(b"new")
    monkeypatch.setattr(bundles, "_CHECKOUT", root)
    return root


def test_bundles_are_copied_with_their_mode_and_replace_older_ones(checkout: Path, tmp_path: Path) -> None:  # noqa: ARG001
    folder = tmp_path / "vst3"
    old = folder / "HybridMix.vst3" / "Contents" / "leftover"
    old.parent.mkdir(parents=True)
    old.touch()
    target = bundles.install("vst3", folder)
    binary = target / "Contents" / "x86_64-linux" / "HybridMix.so"
    assert (binary.read_bytes(), binary.stat().st_mode & 0o777) == (b"new", 0o755)
    assert [path.name for path in folder.iterdir()] == ["HybridMix.vst3"]
    assert not old.exists()
    assert bundles.install("clap", tmp_path / "clap").read_bytes() == b"new"


def test_a_folder_that_cannot_be_written_is_named_and_left_alone(checkout: Path, tmp_path: Path) -> None:  # noqa: ARG001
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=f"plugin folder {tmp_path}/file/vst3 cannot be written"):
        bundles.install("vst3", tmp_path / "file" / "vst3")


def test_a_bundle_that_was_not_built_is_named(checkout: Path) -> None:
    (checkout / "build" / "plugin" / "HybridMix.clap").unlink()
    with pytest.raises(InputError, match=r"build it with: make plugin"):
        bundles.built("clap")


def test_the_users_own_folders_are_used(tmp_path: Path) -> None:
    assert {bundles.standard_folder(form, tmp_path, {}).parent for form in bundles.BUNDLES} <= {
        tmp_path,
        tmp_path / "Library" / "Audio" / "Plug-Ins",
    }

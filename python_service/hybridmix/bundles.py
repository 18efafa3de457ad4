"""The plugin bundles: where they are built, where hosts look for them, how they get there."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from hybridmix.errors import InputError

__all__ = ["BUNDLES", "built", "install", "standard_folder"]

#: Bundles by format.
BUNDLES: Mapping[str, str] = {"vst3": "HybridMix.vst3", "clap": "HybridMix.clap"}
_CHECKOUT = Path(__file__).parents[2]


def built(form: str) -> Path:
    """The built bundle of ``form`` ("vst3" or "clap"). Raises InputError where it was not built."""
    path = _CHECKOUT / "build" / "plugin" / BUNDLES[form]
    if not path.exists():
        raise InputError(f"plugin {path} does not exist; build it with: make plugin")
    return path


def standard_folder(form: str, home: Path, environ: Mapping[str, str]) -> Path:
    """The user's own folder in which hosts look for plugins of ``form``."""
    if sys.platform == "darwin":
        return home / "Library" / "Audio" / "Plug-Ins" / form.upper()
    if sys.platform == "win32":
        local = Path(environ.get("LOCALAPPDATA", str(home / "AppData" / "Local")))
        return local / "Programs" / "Common" / form.upper()
    return home / f".{form}"


def install(form: str, folder: Path) -> Path:
    """Copy the bundle of ``form`` into ``folder`` and return its path; the old one is replaced at once.

    Raises InputError where the bundle is not built or the folder cannot be written.
    """
    source, target = built(form), folder / BUNDLES[form]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Beside the target, so that the last step is a rename; hosts that have the old one open keep it.
        with tempfile.TemporaryDirectory(prefix=".hybridmix-", dir=folder) as work:
            new, old = Path(work) / "new", Path(work) / "old"
            if source.is_dir():
                shutil.copytree(source, new)
            else:
                shutil.copy2(source, new)
            if os.path.lexists(target):
                target.rename(old)
            new.rename(target)
    except OSError as error:
        raise InputError(
            f"plugin folder {folder} cannot be written ({error.strerror}); choose another with --dir."
        ) from error
    return target

"""Files that are generated from one declaration: write them, or show how they differ."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping
from pathlib import Path

from hybridmix.errors import InputError

__all__ = ["checkout", "differences", "write_or_check"]


def checkout() -> Path:
    """The folder of the source checkout that this package runs from; `InputError` where there is none."""
    root = Path(__file__).resolve().parents[2]
    if not (root / "pyproject.toml").is_file():
        raise InputError(
            f"{root} is no checkout of HybridMix; generated files belong to one: clone it first."
        )
    return root


def differences(files: Mapping[Path, str], repair: str) -> str:
    """Return a unified diff between ``files`` on disk and as they should be; empty when they agree.

    The last line names ``repair``, the command that rewrites them.
    """
    diff: list[str] = []
    for path, wanted in files.items():
        found = path.read_text(encoding="utf-8") if path.exists() else ""
        diff += difflib.unified_diff(
            found.splitlines(keepends=True),
            wanted.splitlines(keepends=True),
            f"{path} (on disk)",
            f"{path} (generated)",
        )
    return "".join(diff) + f"\nrepair with: {repair}\n" if diff else ""


def write_or_check(files: Mapping[Path, str], repair: str) -> None:
    """Command line of a generator: ``--write`` rewrites ``files``, ``--check`` exits 1 with a diff."""
    match sys.argv[1:]:
        case ["--write"]:
            for path, text in files.items():
                path.write_text(text, encoding="utf-8")
        case ["--check"]:
            diff = differences(files, repair)
            sys.stdout.write(diff)
            sys.exit(1 if diff else 0)
        case _:
            sys.exit("expected one argument: --write or --check")

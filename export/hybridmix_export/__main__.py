"""``python -m hybridmix_export``: write every model that the service ships, or check what is there."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import hybridmix
from hybridmix.errors import HybridMixError
from hybridmix_export.card import COMMAND, card
from hybridmix_export.catalogue import CATALOGUE, Export
from hybridmix_export.convert import convert
from hybridmix_export.parity import check, check_declaration

__all__ = ["SHIPPED", "differing", "export_all", "main"]

#: Where the service reads its models.
SHIPPED = Path(hybridmix.__file__).parent / "models"


def export_all(folder: Path) -> None:
    """Convert, check and write every model with its card into ``folder``.

    Nothing is written unless every model passes.

    Raises:
        ParityError: a model does not compute what its module computes.
    """
    files: dict[str, bytes] = {}
    for export in CATALOGUE:
        check_declaration(export)
        content = _reloaded(export)
        check(export, content)
        files |= _files(export, content)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def differing(folder: Path) -> list[str]:
    """Return the names of the files in ``folder`` that are not what an export would write now."""
    wanted = {
        name: content for export in CATALOGUE for name, content in _files(export, convert(export)).items()
    }
    found = {path.name: path.read_bytes() for path in folder.glob("*.*") if path.suffix in {".onnx", ".json"}}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def _reloaded(export: Export) -> bytes:
    """Return ``export`` as read back from a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{export.name}.onnx"
        path.write_bytes(convert(export))
        return path.read_bytes()


def _files(export: Export, content: bytes) -> dict[str, bytes]:
    return {f"{export.name}.onnx": content, f"{export.name}.card.json": card(export, content).encode()}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description="Export every model to ONNX, refusing any that does not compute what its torch module computes.",
        epilog=f"example: {COMMAND} --check",
    )
    parser.add_argument(
        "--out", type=Path, default=SHIPPED, help="folder to write into (default: the package's models)"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 when a file there is out of date"
    )
    options = parser.parse_args(arguments)
    if options.check:
        names = differing(options.out)
        if names:
            print(
                f"out of date in {options.out}: {', '.join(names)}; repair with: {COMMAND}", file=sys.stderr
            )
        return 1 if names else 0
    try:
        export_all(options.out)
    except HybridMixError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"wrote {', '.join(export.name for export in CATALOGUE)} to {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

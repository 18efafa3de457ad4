"""``python -m hybridmix_export``: write every model that the service ships, or check what is there."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hybridmix
from hybridmix.errors import HybridMixError
from hybridmix_export.card import COMMAND, card
from hybridmix_export.catalogue import CATALOGUE, Export
from hybridmix_export.convert import convert
from hybridmix_export.parity import check, check_declaration
from hybridmix_export.trials import EmbeddingTrial

__all__ = ["SHIPPED", "differing", "export_all", "main"]

#: Where the service reads its models.
SHIPPED = Path(hybridmix.__file__).parent / "models"


def export_all(
    folder: Path,
    runs: Sequence[Path] = (),
    figures: Path | None = None,
    vggish: Path | None = None,
    *,
    int8: bool = True,
) -> list[str]:
    """Convert, check and write every model with its card into ``folder``; return their names.

    The rules, and what was trained: the networks of ``runs`` with their embedding, or full VGGish; embeddings
    in ``int8``. Nothing is written unless every model passes.

    Raises:
        ParityError: a model does not compute what its module computes.
        InputError: a run, the figures or the weights of VGGish cannot be used.
    """
    files: dict[str, bytes] = {}
    for export in CATALOGUE:
        check_declaration(export)
        content = _reloaded(export)
        check(export, content)
        files |= _files(export, content)
    if runs or vggish is not None:
        files |= _trained_files(runs, figures, vggish, int8)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return sorted(name.removesuffix(".onnx") for name in files if name.endswith(".onnx"))


def _trained_files(
    runs: Sequence[Path], figures: Path | None, vggish: Path | None, int8: bool
) -> dict[str, bytes]:
    """Return the files of what was trained; see `export_all`."""
    # They need the extra `train`, the rules do not.
    from hybridmix_export.eight_bit import IN_INT8, gain_difference_db, in_int8
    from hybridmix_export.room import is_room, room_export
    from hybridmix_export.trained import exports_of, load_runs, vggish_export

    files: dict[str, bytes] = {}
    rooms = [room_export(folder) for folder in runs if is_room(folder)]
    for export in rooms:
        check_declaration(export)
    trained = load_runs([folder for folder in runs if not is_room(folder)])
    embeddings = [vggish_export(vggish)] if vggish is not None else []
    for export in [*rooms, *embeddings, *(exports_of(trained, figures) if trained else [])]:
        content = _reloaded(export)
        facts: dict[str, Any] = {"parity_measured": check(export, content)}
        if int8 and isinstance(export.trial, EmbeddingTrial):
            single, content = content, in_int8(content)
            facts["int8"] = IN_INT8
            if export.name == "embedding":
                facts["gain_difference_p99_db"] = gain_difference_db(single, content, trained)
        files |= _files(dataclasses.replace(export, facts={**export.facts, **facts}), content)
    return files


def differing(folder: Path) -> list[str]:
    """Return the names of the files in ``folder`` that are not what an export would write now.

    What was trained cannot be written again from the source alone: its file has to be the one of its card.
    """
    wanted = {
        name: content for export in CATALOGUE for name, content in _files(export, convert(export)).items()
    }
    found = {path.name: path.read_bytes() for path in folder.glob("*.*") if path.suffix in {".onnx", ".json"}}
    for name in [name for name in found if name.endswith(".card.json") and name not in wanted]:
        model = name.replace(".card.json", ".onnx")
        if model in found and _of_card(found[model], found[name]):
            del found[name], found[model]
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def _of_card(content: bytes, text: bytes) -> bool:
    """Whether ``text`` is the card of the trained model ``content``."""
    try:
        entries = json.loads(text)
    except ValueError:
        return False
    return entries.get("trained") is True and entries.get("sha256") == hashlib.sha256(content).hexdigest()


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
        epilog=f"example: {COMMAND} --run build/runs/alm-mr-plus --figures build/figures.json",
    )
    parser.add_argument(
        "--out", type=Path, default=SHIPPED, help="folder to write into (default: the package's models)"
    )
    parser.add_argument(
        "--run",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="a training run whose network is exported too; again for more",
    )
    parser.add_argument(
        "--figures",
        type=Path,
        metavar="FILE",
        help="what hybridmix models evaluate --json printed, for the cards",
    )
    parser.add_argument(
        "--vggish", type=Path, metavar="FILE", help="weights of full VGGish, to export it too"
    )
    parser.add_argument(
        "--single-precision", action="store_true", help="write embeddings as they were trained, not in int8"
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
        names = export_all(
            options.out, options.run, options.figures, options.vggish, int8=not options.single_precision
        )
    except HybridMixError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"wrote {', '.join(names)} to {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""One entry point to all songs: generated ones, folders with a manifest, MedleyDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

from hybridmix.errors import InputError
from hybridmix_models.data.generator import is_cache, read_songs
from hybridmix_models.data.manifest import find_manifest, read_manifest
from hybridmix_models.data.medleydb import is_medleydb, read_medleydb
from hybridmix_models.data.types import Song

__all__ = ["Split", "load_songs"]

#: ``all`` is for data that nothing was trained or tuned on, and for leaving one song out.
Split = Literal["training", "validation", "test", "all"]


def load_songs(source: Path, split: Split = "test") -> Iterator[Song]:
    """Yield the songs of ``split`` in ``source`` one by one, always in the same order.

    Args:
        source: a folder that ``hybridmix models generate`` wrote (``build/data/synthetic-a``), a folder with a
            ``MANIFEST.csv`` in it or above it, or MedleyDB.
        split: as the source defines it.

    Raises:
        InputError: the folder is none of these, the split is empty, or files are missing or damaged.
    """
    if split not in get_args(Split):
        raise InputError(f"split {split}: unknown; expected one of {', '.join(get_args(Split))}")
    if not source.is_dir():
        raise InputError(f"{source}: is not a folder; expected one with songs: check --data")
    generated = [path for path in (source, *sorted(source.iterdir())) if is_cache(path)]
    if generated:
        chosen = [path for path in generated if split in (path.name, "all")]
        if not chosen:
            known = ", ".join(path.name for path in generated)
            raise InputError(
                f"{source}: no songs of split {split}, only of {known}; "
                f"make them with hybridmix models generate {source.name} --split {split}"
            )
        return (song for path in chosen for song in read_songs(path))
    if is_medleydb(source):
        return read_medleydb(source, split)
    if find_manifest(source) is not None:
        return read_manifest(source, split)
    raise InputError(
        f"{source}: holds no songs; expected folders that hybridmix models generate wrote, a MANIFEST.csv, "
        "or MedleyDB's Audio/<Song>/<Song>_METADATA.yaml: check --data"
    )

"""The sets of docs/metrics.md: where their songs are, and which rooms they are played in."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from hybridmix.errors import InputError
from hybridmix_models.data.bleed import Split
from hybridmix_models.data.generator import is_cache, read_songs
from hybridmix_models.data.types import PEAK_DBFS, Song
from hybridmix_models.evaluation.scenarios import excerpt
from hybridmix_models.evaluation.sound import loudness_lufs

__all__ = ["NAMES", "SongSet", "digest", "find_set", "places_lufs"]

#: Sets by name: the folder below that of all data, the split, and the rooms that each is played in.
_KNOWN: dict[str, tuple[str, str, Split]] = {
    "synthetic-a": ("synthetic-a/test", "test", "test"),
    "synthetic-b": ("synthetic-b/test", "test", "synthetic-b"),
    "eif": ("eif", "all", "test"),
}
NAMES = tuple(_KNOWN)


@dataclass(frozen=True, slots=True)
class SongSet:
    """Songs to be scored."""

    name: str
    folder: Path
    split: str
    rooms: Split

    @property
    def generated(self) -> bool:
        """Whether the songs were generated: their balance is a rule then, and no prior has to be learned."""
        return is_cache(self.folder)

    def songs(self, limit: int | None = None) -> Iterator[Song]:
        """Return the songs, the first ``limit`` or all, cut to what is scored of them.

        Raises:
            InputError: the folder holds no songs of this split.
        """
        return (excerpt(song) for song in islice(read_songs(self.folder), limit))


def find_set(name: str, data: Path, shared: Path) -> SongSet:
    """Return the set ``name``, generated below ``data`` or recorded below ``shared``.

    Raises:
        InputError: there is no such set, or its folder is missing.
    """
    if name not in _KNOWN:
        raise InputError(
            f"set {name!r} is unknown; expected one of: {', '.join(_KNOWN)}; other songs are given with --data"
        )
    below, split, rooms = _KNOWN[name]
    generated = name.startswith("synthetic-")
    folder = (data if generated else shared) / below
    if not folder.is_dir():
        fix = (
            f"make it with: hybridmix models generate {name}"
            if generated
            else "give its parent with --shared"
        )
        raise InputError(f"folder {folder} of the set {name} does not exist; {fix}")
    return SongSet(name, folder, split, rooms)


def digest(song: Song) -> str:
    """Return a hash of the stems and balance of ``song``, in hex."""
    state = hashlib.blake2b(digest_size=16)
    for stem in song.stems:
        state.update(f"{stem.name} {stem.role} {stem.balance_db}".encode())
        state.update(stem.audio.tobytes())
    return state.hexdigest()


def places_lufs(song: Song) -> dict[str, float]:
    """Return the mean loudness of each role's stems in the reference mix of ``song``, in LUFS."""
    stems = [stem.audio * np.float32(10.0 ** (stem.balance_db / 20.0)) for stem in song.stems]
    peak = np.abs(np.sum(stems, axis=0)).max()
    scale = np.float32(10.0 ** (PEAK_DBFS / 20.0) / peak)
    places: dict[str, list[float]] = defaultdict(list)
    for stem, audio in zip(song.stems, stems, strict=True):
        places[stem.role].append(loudness_lufs(audio * scale))
    return {role: float(np.mean(values)) for role, values in places.items()}

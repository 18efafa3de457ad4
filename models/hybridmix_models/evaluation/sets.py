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
from hybridmix_models.data.bleed import Split as RoomSplit
from hybridmix_models.data.generator import is_cache
from hybridmix_models.data.songs import Split, load_songs
from hybridmix_models.data.types import PEAK_DBFS, Song
from hybridmix_models.evaluation.scenarios import excerpt
from hybridmix_models.evaluation.sound import loudness_lufs

__all__ = ["NAMES", "Places", "SongSet", "digest", "find_set", "places_lufs"]

#: Loudness of each role in the reference mix in LUFS, by song and role.
Places = dict[str, dict[str, float]]

#: Sets by name: the split, the rooms that each is played in, and what its songs have in common.
_KNOWN: dict[str, tuple[Split, RoomSplit, str]] = {
    "synthetic-a": ("test", "test", ""),
    "synthetic-b": ("test", "synthetic-b", ""),
    "eif": ("all", "test", "same act"),
}
NAMES = tuple(_KNOWN)


@dataclass(frozen=True, slots=True)
class SongSet:
    """Songs to be scored."""

    name: str
    folder: Path
    split: Split
    rooms: RoomSplit
    #: What all songs have in common, so that intervals over songs say less than they seem to.
    shared: str = ""

    @property
    def generated(self) -> bool:
        """Whether the songs were generated: their balance is a rule then, and no prior has to be learned."""
        return is_cache(self.folder / self.split)

    def songs(self, limit: int | None = None) -> Iterator[Song]:
        """Return the songs, the first ``limit`` or all, cut to what is scored of them.

        Raises:
            InputError: the folder holds no songs of this split.
        """
        return (excerpt(song) for song in islice(load_songs(self.folder, self.split), limit))

    def survey(self, limit: int | None = None) -> Places:
        """Return the names of the songs, and for recorded ones the places of their roles.

        Raises:
            InputError: the folder holds no songs of this split.
        """
        if self.generated:
            files = sorted((self.folder / self.split).glob("*/song.json"))
            return {path.parent.name: {} for path in islice(files, limit)}
        return {song.name: places_lufs(song) for song in self.songs(limit)}


def find_set(name: str, data: Path, shared: Path) -> SongSet:
    """Return the set ``name``, generated below ``data`` or recorded below ``shared``.

    Raises:
        InputError: there is no such set, or its folder is missing.
    """
    if name not in _KNOWN:
        raise InputError(
            f"set {name!r} is unknown; expected one of: {', '.join(_KNOWN)}; other songs are given with --data"
        )
    split, rooms, common = _KNOWN[name]
    generated = name.startswith("synthetic-")
    folder = (data if generated else shared) / name
    if not folder.is_dir():
        fix = (
            f"make it with: hybridmix models generate {name}"
            if generated
            else "give its parent with --shared"
        )
        raise InputError(f"folder {folder} of the set {name} does not exist; {fix}")
    return SongSet(name, folder, split, rooms, common)


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

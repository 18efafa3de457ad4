"""Pairs of a live source and an AI stem of one song, at levels at which the one covers the other."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hybridmix.errors import InputError
from hybridmix_models.data.audio import read_mono
from hybridmix_models.data.manifest import find_manifest
from hybridmix_models.data.types import RATE, Floats
from hybridmix_models.evaluation.sound import loudness_lufs

__all__ = ["GENERATED", "LIVE", "STANDIN", "Pair", "read_pairs"]

#: Roles of live sources, and of sequenced stems that stand in for generated ones.
LIVE = frozenset({"lead_vocal", "backing_vocal", "vocals", "guitar", "strings", "horns"})
STANDIN = frozenset({"synth", "pad", "keys", "arp", "pluck", "mallet"})
#: Stems from a generator have roles that begin so.
GENERATED = "generated_"

#: Length of an excerpt in s, and loudness of both: the AI stem 2 LU below the live source.
_SECONDS = 20
_LIVE_LUFS, _AI_LUFS = -23.0, -25.0
_SILENCE_LUFS = -60.0


@dataclass(frozen=True, slots=True)
class Pair:
    """A live source and an AI stem, (samples,) at `RATE`."""

    song: str
    live_name: str
    ai_name: str
    generated: bool
    live: Floats
    ai: Floats


def read_pairs(folder: Path, limit: int | None = None) -> Iterator[Pair]:
    """Yield the pairs of every song below ``folder``, from the excerpt in which both play most.

    ``limit`` is the number of songs, None for all.

    Raises:
        InputError: there is no manifest, or no song has a live source and an AI stem.
    """
    manifest = find_manifest(folder)
    if manifest is None:
        raise InputError(f"{folder}: no MANIFEST.csv there or above; expected one with file and role")
    songs: dict[str, list[tuple[str, Path]]] = {}
    with manifest.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            path = manifest.parent / row["file"]
            if path.is_relative_to(folder.resolve()):
                songs.setdefault(path.parent.name, []).append((row["role"] or "", path))
    paired = {
        song: (
            [path for role, path in stems if role in LIVE],
            [
                (role.startswith(GENERATED), path)
                for role, path in stems
                if role in STANDIN or role.startswith(GENERATED)
            ],
        )
        for song, stems in sorted(songs.items())
    }
    paired = {song: both for song, both in paired.items() if all(both)}
    if not paired:
        raise InputError(
            f"{folder}: no song has both a live source ({', '.join(sorted(LIVE))}) and an AI stem "
            f"({', '.join(sorted(STANDIN))}, {GENERATED}…); name roles so in {manifest}"
        )
    for song, (lives, stems) in list(paired.items())[:limit]:
        audio = {path: read_mono(path) for path in {*lives, *(path for _, path in stems)}}
        for live in lives:
            for generated, ai in stems:
                cut = _excerpt(audio[live], audio[ai])
                if cut is not None:
                    yield Pair(song, live.stem, ai.stem, generated, *cut)


def _excerpt(live: Floats, ai: Floats) -> tuple[Floats, Floats] | None:
    """Return the excerpt in which the one that plays less plays most, levelled; None where one is silent."""
    length = _SECONDS * RATE
    last = max(min(len(live), len(ai)) - length, 0)
    begins = range(0, last + 1, length // 4)
    energies = [[float(np.square(one[at : at + length]).mean()) for at in begins] for one in (live, ai)]
    shares = [np.array(one) / max(max(one), 1e-12) for one in energies]
    at = begins[int(np.argmax(np.minimum(*shares)))]
    parts = [one[at : at + length] for one in (live, ai)]
    if len(parts[0]) != len(parts[1]):
        return None
    lufs = [loudness_lufs(part) for part in parts]
    if min(lufs) < _SILENCE_LUFS:
        return None
    wanted = (_LIVE_LUFS, _AI_LUFS)
    levelled = [
        part * np.float32(10.0 ** ((aim - found) / 20.0))
        for part, found, aim in zip(parts, lufs, wanted, strict=True)
    ]
    return levelled[0], levelled[1]

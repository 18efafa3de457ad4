"""Songs from a folder with a ``MANIFEST.csv``: every audio file in one folder is a stem at its mix level."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hybridmix.errors import InputError
from hybridmix_models.data.audio import read_mono, refuse, same_length, seconds_of
from hybridmix_models.data.types import Song, Stem

__all__ = ["find_manifest", "read_manifest"]

_NAME = "MANIFEST.csv"
_COLUMNS = ("file", "role", "split")
_AUDIO = (".wav", ".flac", ".ogg", ".aif", ".aiff")
#: What a row can hold that is no isolated source.
_NO_SOURCE = ("mix", "master", "rir", "table")
#: Stems of a song may differ by so many seconds; they are cut to the shortest.
_TOLERANCE_S = 0.05


@dataclass(frozen=True, slots=True)
class _Row:
    """One stem of the manifest."""

    path: Path
    #: The folder that it lies in, as the manifest has it: the song.
    song: str
    role: str
    split: str


def find_manifest(source: Path) -> Path | None:
    """Return the manifest that describes the files in ``source``: its own, or that of the folder above."""
    folder = source.resolve()
    candidates = (folder / _NAME, folder.parent / _NAME)
    return next((path for path in candidates if path.is_file()), None)


def read_manifest(source: Path, split: str) -> Iterator[Song]:
    """Yield the songs of ``split`` (``all`` for every split) below ``source``, by name.

    A song is a folder with at least two stems. Unity gain is the balance: their plain sum is the reference mix.
    Rows that are no isolated sources are left out: microphones that hear the whole kit (``…_mic``), mixes,
    masters, impulse responses and tables.

    Raises:
        InputError: names every problem found in the manifest and in the headers of its files.
    """
    manifest = find_manifest(source)
    if manifest is None:
        raise InputError(f"{source}: no {_NAME} there or above; expected one with {', '.join(_COLUMNS)}")
    rows = [row for row in _rows(manifest) if row.path.is_relative_to(source.resolve())]
    songs: dict[str, list[_Row]] = {}
    for row in rows:
        songs.setdefault(row.song, []).append(row)
    songs = {name: stems for name, stems in sorted(songs.items()) if len(stems) > 1}
    if not songs:
        raise InputError(f"{source}: {manifest} has no folder there with two stems or more; expected songs")
    if split != "all":
        known = sorted({row.split for stems in songs.values() for row in stems})
        songs = {name: stems for name, stems in songs.items() if any(row.split == split for row in stems)}
        if not songs:
            raise InputError(
                f"{source}: no song of split {split}; {manifest} has {', '.join(known)}: choose one of them or all"
            )
    problems = [problem for name, stems in songs.items() for problem in _problems(name, stems)]
    refuse(source, problems, f"expected what {manifest} says: fetch the files again or mend the manifest")
    for name, stems in songs.items():
        yield _song(name, stems)


def _rows(manifest: Path) -> list[_Row]:
    """Read the rows of ``manifest`` that are isolated sources."""
    with manifest.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        missing = [column for column in _COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise InputError(
                f"{manifest}: no column {', '.join(missing)}; expected {', '.join(_COLUMNS)}: add what is missing"
            )
        return [
            _Row(manifest.parent / file, Path(file).parent.as_posix(), role, split)
            for file, role, split in ([row[column] or "" for column in _COLUMNS] for row in reader)
            if Path(file).suffix.lower() in _AUDIO and role not in _NO_SOURCE and not role.endswith("_mic")
        ]


def _problems(name: str, stems: list[_Row]) -> list[str]:
    """Return what keeps a song from being loaded."""
    lengths = [seconds_of(row.path) for row in stems]
    problems = [length for length in lengths if isinstance(length, str)]
    problems += [f"{row.path}: has no role" for row in stems if not row.role]
    seconds = [length for length in lengths if not isinstance(length, str)]
    if seconds and max(seconds) - min(seconds) > _TOLERANCE_S:
        problems.append(f"{name}: stems of {min(seconds):.2f} to {max(seconds):.2f} s")
    splits = sorted({row.split for row in stems})
    if len(splits) > 1:
        problems.append(f"{name}: stems in the splits {', '.join(splits)}")
    return problems


def _song(name: str, rows: list[_Row]) -> Song:
    """Load one song."""
    tracks = same_length([read_mono(row.path) for row in rows])
    stems = [Stem(row.path.stem, row.role, audio, 0.0) for row, audio in zip(rows, tracks, strict=True)]
    return Song(name, tuple(stems), cluster=name)

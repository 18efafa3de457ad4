"""Songs in a folder: per song a folder of FLAC files with a ``song.json``; resumable, identical by seed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import soundfile as sf

from hybridmix.errors import InputError
from hybridmix_models.data.audio import read_mono
from hybridmix_models.data.generator.palette import SetName, SplitName
from hybridmix_models.data.generator.song import VERSION, Facts, Generator
from hybridmix_models.data.types import RATE, Song, Stem

__all__ = ["DATA", "generate", "is_cache", "read_songs", "write_songs"]

#: Where the shared data lie beside a checkout.
DATA = Path("../shared/data")
_FILE = "song.json"


def generate(
    set_name: SetName,
    split: SplitName,
    count: int,
    seed: int = 0,
    *,
    tracks: tuple[int, int] = (4, 8),
    data: Path = DATA,
) -> Iterator[Song]:
    """Yield the songs 0 to ``count`` - 1 of a set and split; the same arguments give the same samples.

    ``tracks`` is the smallest and largest number of tracks, ``data`` the folder with ``groove_midi``.

    Raises:
        InputError: an argument does not do, or fluidsynth, a sound font or the grooves are missing.
    """
    generator = Generator(set_name, split, seed, tracks, data)
    for index in range(count):
        yield generator.make(index)[0]


def write_songs(
    folder: Path,
    set_name: SetName,
    split: SplitName,
    count: int,
    seed: int = 0,
    *,
    tracks: tuple[int, int] = (4, 8),
    data: Path = DATA,
) -> Iterator[tuple[str, bool]]:
    """Write those songs to ``folder`` one by one, and yield each one's name and whether it was there already.

    A run that was interrupted goes on where it stopped.

    Raises:
        InputError: as `generate`, or ``folder`` holds songs made otherwise.
    """
    recipe = {
        "version": VERSION,
        "set": set_name,
        "split": split,
        "seed": seed,
        "tracks": list(tracks),
    }
    _check_recipe(folder, recipe)
    generator = Generator(set_name, split, seed, tracks, data)
    for index in range(count):
        name = generator.name(index)
        known = (folder / name / _FILE).is_file()
        if not known:
            song, facts = generator.make(index)
            _write(folder / name, song, recipe, facts)
        yield name, known


def _check_recipe(folder: Path, recipe: dict[str, Any]) -> None:
    """Refuse a folder whose songs were made in another way."""
    for path in sorted(folder.glob(f"*/{_FILE}")):
        found = _load(path)["recipe"]
        if found != recipe:
            wrong = ", ".join(f"{key} {found.get(key)}" for key in recipe if found.get(key) != recipe[key])
            raise InputError(
                f"{folder}: holds songs made with {wrong}; expected "
                f"{', '.join(f'{key} {recipe[key]}' for key in recipe if found.get(key) != recipe[key])}: "
                "choose another folder, or delete these songs"
            )


def _write(folder: Path, song: Song, recipe: dict[str, Any], facts: Facts) -> None:
    """Write one song whole or not at all."""
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    stems = []
    for stem in song.stems:
        file = f"{stem.name}.flac"
        sf.write(unfinished / file, stem.audio, RATE, subtype="PCM_16")
        stems.append(
            {
                "name": stem.name,
                "role": stem.role,
                "file": file,
                "balance_db": stem.balance_db,
                "sound": facts.sounds[stem.name],
            }
        )
    about = asdict(facts)
    del about["sounds"]
    content = {"name": song.name, "cluster": song.cluster, "recipe": recipe, **about, "stems": stems}
    (unfinished / _FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(folder)


def is_cache(folder: Path) -> bool:
    """Whether ``folder`` holds generated songs."""
    return any(folder.glob(f"*/{_FILE}"))


def read_songs(folder: Path) -> Iterator[Song]:
    """Yield the songs in ``folder``, by name.

    Raises:
        InputError: there are none, or one is damaged.
    """
    files = sorted(folder.glob(f"*/{_FILE}"))
    if not files:
        raise InputError(
            f"{folder}: holds no generated songs; expected folders with a {_FILE}: "
            "make them with hybridmix models generate"
        )
    for file in files:
        content = _load(file)
        stems = tuple(
            Stem(entry["name"], entry["role"], read_mono(file.parent / entry["file"]), entry["balance_db"])
            for entry in content["stems"]
        )
        yield Song(content["name"], stems, content["cluster"])


def _load(path: Path) -> dict[str, Any]:
    """Read a ``song.json``."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        content["recipe"], content["stems"]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path}: cannot be read ({error}); expected what hybridmix models generate writes: "
            "delete this song's folder and generate it again"
        ) from error
    return content

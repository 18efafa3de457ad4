"""Songs from MedleyDB: dry raw tracks, and the balance of the human mix estimated from it.

Layout (Bittner et al., "MedleyDB: a multitrack dataset for annotation-intensive MIR research", ISMIR 2014):
``Audio/<Song>/`` holds ``<Song>_METADATA.yaml``, ``<Song>_MIX.wav``, ``<Song>_RAW/`` and ``<Song>_STEMS/``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls
from scipy.signal import stft

from hybridmix.errors import InputError
from hybridmix_models.data.audio import read_mono, refuse, same_length, seconds_of
from hybridmix_models.data.types import RATE, Floats, Song, Stem

__all__ = ["MOST_TRACKS", "estimate_balance_db", "is_medleydb", "read_medleydb"]

#: Songs with more raw tracks are left out, as in arXiv 2603.15995.
MOST_TRACKS = 8
#: Of 43 songs, 8 are held out there.
_HELD_OUT = 8 / 43
#: The longest of raw tracks and mix may be longer than the shortest by so many seconds.
_TOLERANCE_S = 1.0
#: Share of the mix's power that gains alone may leave unexplained, and below which a track is not in the mix.
_UNEXPLAINED, _ABSENT = 1e-2, 1e-5
_WINDOW = 4096
#: Edges of the bands in which powers are compared, Hz: half octaves from 44 Hz to 16 kHz.
_EDGES = 44.0 * 2.0 ** (np.arange(18) / 2.0)
_BLOCK_S = 0.5
#: Instruments of each role; others keep their name.
_INSTRUMENTS = {
    "kick": ("kick drum",),
    "snare": ("snare drum",),
    "hihat": ("high hat",),
    "drums": ("drum set", "drum machine"),
    "clap": ("claps",),
    "bass": ("electric bass", "double bass"),
    "electric_guitar": ("clean electric guitar", "distorted electric guitar", "lap steel guitar"),
    "piano": ("tack piano",),
    "keys": ("electric piano",),
    "organ": ("electronic organ",),
    "synth": ("synthesizer",),
    "strings": ("string section", "violin section", "viola section", "cello section"),
    "brass": ("brass section", "horn section", "trumpet section", "trumpet", "trombone", "french horn"),
    "winds": ("flute", "clarinet", "oboe", "soprano saxophone", "alto saxophone", "tenor saxophone"),
    "mallet": ("glockenspiel", "vibraphone", "marimba", "xylophone"),
    "backing_vocal": ("vocalists", "choir"),
}
_ROLES = {instrument: role for role, instruments in _INSTRUMENTS.items() for instrument in instruments}
_SINGERS = ("male singer", "female singer", "male rapper", "female rapper", "male speaker", "female speaker")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A song by its metadata."""

    name: str
    mix: Path
    #: Raw tracks and their roles.
    raws: tuple[tuple[Path, str], ...]
    has_bleed: bool


def is_medleydb(source: Path) -> bool:
    """Whether ``source`` has the layout of MedleyDB; it is the folder with ``Audio``, or ``Audio`` itself."""
    return any(_audio(source).glob("*/*_METADATA.yaml"))


def read_medleydb(source: Path, split: str) -> Iterator[Song]:
    """Yield the songs of a split without bleed and with at most `MOST_TRACKS` raw tracks, by name.

    Which songs are held out depends on their names alone, 8 of 43 as in the paper, at least one. ``training``
    gives the others; ``validation`` and ``test`` both give those held out, ``all`` every song.

    Raises:
        InputError: names every problem found in metadata and headers of the split.
    """
    entries, problems = [], []
    for path in sorted(_audio(source).glob("*/*_METADATA.yaml")):
        found = _entry(path)
        if isinstance(found, str):
            problems.append(found)
        elif not found.has_bleed and len(found.raws) <= MOST_TRACKS:
            entries.append(found)
    entries = _split(entries, split)
    problems += [problem for entry in entries for problem in _problems(entry)]
    refuse(source, problems, "expected the files that the metadata name: fetch these songs again")
    if not entries:
        raise InputError(
            f"{source}: no song of split {split} without bleed and with at most {MOST_TRACKS} raw tracks; "
            "expected MedleyDB, or part of it: fetch more songs, or choose split all"
        )
    for entry in entries:
        yield _song(entry)


def _audio(source: Path) -> Path:
    """Return the folder of the songs."""
    return source / "Audio" if (source / "Audio").is_dir() else source


def _split(entries: list[_Entry], split: str) -> list[_Entry]:
    """Return the songs of ``split``."""
    if split == "all":
        return entries
    shuffled = sorted(entries, key=lambda entry: hashlib.sha256(entry.name.encode()).digest())
    held_out = {entry.name for entry in shuffled[: max(1, round(len(entries) * _HELD_OUT))]}
    return [entry for entry in entries if (entry.name in held_out) != (split == "training")]


def _entry(path: Path) -> _Entry | str:
    """Read one song's metadata, or say what is wrong with it."""
    folder = path.parent
    try:
        content = _mappings(path.read_text(encoding="utf-8"))
        raws = [
            (folder / content["raw_dir"] / raw["filename"], _role(raw["instrument"], stem["component"]))
            for stem in content["stems"].values()
            for raw in stem["raw"].values()
        ]
        return _Entry(
            folder.name, folder / content["mix_filename"], tuple(raws), content["has_bleed"] == "yes"
        )
    except (OSError, UnicodeDecodeError) as error:
        return f"{path}: cannot be read ({error})"
    except (KeyError, TypeError, AttributeError) as error:
        return f"{path}: lacks {error}"


def _mappings(text: str) -> dict[str, Any]:
    """Read the nested block mappings of a YAML file with plain or quoted scalars, which is what MedleyDB has.

    Lists are skipped: nothing that is needed here stands in one.
    """
    root: dict[str, Any] = {}
    open_mappings = [(-1, root)]
    for line in text.splitlines():
        match = re.fullmatch(r"( *)([\w]+):(?: +(.*?))? *", line)
        if match is None:
            continue
        indent, key, value = len(match[1]), match[2], match[3]
        while open_mappings[-1][0] >= indent:
            open_mappings.pop()
        parent = open_mappings[-1][1]
        if value:
            parent[key] = value[1:-1] if value[0] in "'\"" and value[-1] == value[0] else value
        else:
            parent[key] = {}
            open_mappings.append((indent, parent[key]))
    return root


def _role(instrument: str, component: str) -> str:
    """Return the role of a raw track: singers by whether their stem is the melody."""
    if instrument in _SINGERS:
        return "lead_vocal" if component == "melody" else "backing_vocal"
    return _ROLES.get(instrument, re.sub(r"\W+", "_", instrument.lower()))


def _problems(entry: _Entry) -> list[str]:
    """Return what keeps a song from being loaded."""
    lengths = [seconds_of(path) for path in (entry.mix, *(path for path, _ in entry.raws))]
    problems = [length for length in lengths if isinstance(length, str)]
    seconds = [length for length in lengths if not isinstance(length, str)]
    if seconds and max(seconds) - min(seconds) > _TOLERANCE_S:
        problems.append(f"{entry.name}: raw tracks and mix of {min(seconds):.1f} to {max(seconds):.1f} s")
    if not entry.raws:
        problems.append(f"{entry.name}: names no raw tracks")
    return problems


def _song(entry: _Entry) -> Song:
    """Load one song; raw tracks that the mix does not use are left out."""
    mix, *tracks = same_length([read_mono(entry.mix), *(read_mono(path) for path, _ in entry.raws)])
    balance = estimate_balance_db(tracks, mix)
    stems = [
        Stem(path.stem, role, audio, float(gain))
        for (path, role), audio, gain in zip(entry.raws, tracks, balance, strict=True)
        if np.isfinite(gain)
    ]
    if not stems:
        raise InputError(
            f"{entry.mix}: holds nothing of its raw tracks; expected their mix: fetch this song again"
        )
    return Song(entry.name, tuple(stems), cluster=entry.name)


def estimate_balance_db(tracks: list[Floats], mix: Floats) -> npt.NDArray[np.float64]:
    """Return the gain in dB of each of ``tracks`` in ``mix``, (n,); −inf where it is not in it.

    Where gains alone explain all but 1 % of the mix (least squares of the waveforms), these are it. Elsewhere
    delays, polarity, equalisers and reverberation of the mix upset such a fit, and the gains come from
    non-negative least squares of power: in half octaves and blocks of 0.5 s the power of the mix is taken as the
    sum of the tracks' powers times their squared gains, each band weighted by its mean power in the mix. Two
    tracks of one source, whose powers do not add, then come out up to 3 dB too loud together. One gain per song:
    rides of the faders are averaged.

    Args:
        tracks: n arrays of (samples,) at `RATE`.
        mix: (samples,).
    """
    audio = np.stack(tracks, axis=1).astype(np.float64)
    waves, *_ = np.linalg.lstsq(audio.T @ audio, audio.T @ mix)
    squares = np.square(waves)
    power = float(np.mean(np.square(mix, dtype=np.float64)))
    if np.mean(np.square(mix - audio @ waves)) > _UNEXPLAINED * power:
        squares = _fit_powers(tracks, mix)
    absent = squares * np.mean(np.square(audio), axis=0) <= _ABSENT * power
    with np.errstate(divide="ignore"):
        return np.asarray(10.0 * np.log10(np.where(absent, 0.0, squares)))


def _fit_powers(tracks: list[Floats], mix: Floats) -> npt.NDArray[np.float64]:
    """Return the squared gains, (n,), whose sum of powers comes nearest to that of ``mix``."""
    wanted = _powers(mix)
    weight = 1.0 / np.maximum(wanted.mean(axis=1, keepdims=True), 1e-12)
    columns = np.stack([(_powers(track) * weight).ravel() for track in tracks], axis=1)
    # Columns of one size keep the fit well conditioned, however unequal the recorded levels are.
    size = np.maximum(np.linalg.norm(columns, axis=0), 1e-30)
    squares, _ = nnls(columns / size, (wanted * weight).ravel())
    return np.asarray(squares / size)


def _powers(audio: Floats) -> npt.NDArray[np.float64]:
    """Return (bands, blocks): power in half octaves and blocks of 0.5 s."""
    frequencies, times, spectrum = stft(audio, RATE, nperseg=_WINDOW)
    power = np.abs(spectrum) ** 2
    bands = np.stack(
        [power[(frequencies >= low) & (frequencies < high)].sum(axis=0) for low, high in pairwise(_EDGES)]
    )
    starts = np.searchsorted(times, np.arange(0.0, times[-1], _BLOCK_S))
    return np.add.reduceat(bands, starts, axis=1)

"""Fixed pairs of a live source and a stem that stands for an AI one, from songs with roles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from hybridmix.measures.movement import WARM_UP, energies, sounding
from hybridmix_models.data.types import FRAME, RATE, Floats, Song
from hybridmix_models.evaluation.sound import loudness_lufs

__all__ = ["LIVE", "SECONDS", "STANDIN", "Excerpt", "excerpts", "levelled", "pairs"]

#: Roles of live sources, and of sequenced stems that stand in for generated ones.
LIVE = frozenset(
    {"lead_vocal", "backing_vocal", "vocals", "drum_loop", "percussion", "hihat", "kick", "snare", "clap"}
)
STANDIN = frozenset({"synth", "pad", "keys", "arp", "pluck", "mallet", "bass"})
#: Length of an excerpt, in s, its loudness, and the share of it that sounds at least, before and after the warm-up.
SECONDS = 40
_LUFS = -23.0
_SOUNDS = 0.4
#: How often the level of a stem is evened out until it is taken for that of a sustained tone.
_EVENINGS = 4


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What is heard of a stem: (samples,) at `RATE`, 40 s at -23 LUFS."""

    song: str
    name: str
    audio: Floats


def excerpts(songs: Iterable[Song]) -> tuple[list[Excerpt], list[Excerpt]]:
    """Return live sources and stand-ins of ``songs``: the excerpts that sound most, of stems that sound enough."""
    found: tuple[list[Excerpt], list[Excerpt]] = ([], [])
    for song in songs:
        for stem in song.stems:
            for roles, kept in zip((LIVE, STANDIN), found, strict=True):
                cut = _excerpt(stem.audio) if stem.role in roles else None
                if cut is not None:
                    kept.append(Excerpt(song.name, stem.name, cut))
    return found


def pairs(live: list[Excerpt], ai: list[Excerpt]) -> Iterator[tuple[Excerpt, Excerpt]]:
    """Yield every live source with every stand-in."""
    return ((source, stem) for source in live for stem in ai)


def levelled(excerpt: Excerpt) -> Excerpt:
    """Return ``excerpt`` as if it were sustained: without the movement of its level from frame to frame."""
    audio = excerpt.audio
    for _ in range(_EVENINGS):
        energy = energies(audio)
        sounds = np.flatnonzero(sounding(energy))
        level = 10.0 * np.log10(energy[sounds])
        gain_db = np.interp(np.arange(len(audio)), (sounds + 0.5) * FRAME, level.mean() - level)
        audio = np.asarray(audio * 10.0 ** (gain_db / 20.0), np.float32)
    return Excerpt(excerpt.song, excerpt.name, audio)


def _excerpt(audio: Floats) -> Floats | None:
    """Return the excerpt in which what sounds less, the warm-up or the rest, sounds most; None where too little."""
    length, second = SECONDS * 20, 20
    if len(audio) < length * FRAME:
        return None
    sounds = np.concatenate([[0.0], np.cumsum(sounding(energies(audio)))])
    begins = np.arange(0, len(sounds) - length, second)
    warm = (sounds[begins + WARM_UP] - sounds[begins]) / WARM_UP
    rest = (sounds[begins + length] - sounds[begins + WARM_UP]) / (length - WARM_UP)
    least = np.minimum(warm, rest)
    best = int(np.argmax(least))
    if least[best] < _SOUNDS:
        return None
    cut = audio[begins[best] * FRAME :][: SECONDS * RATE]
    return np.asarray(cut * 10.0 ** ((_LUFS - loudness_lufs(cut)) / 20.0), np.float32)

"""Notes and the harmony they are drawn from: what every part writer shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Chord", "Note", "Timeline", "progression", "voicing"]

_QUALITIES = {
    "M": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "M7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
    "s4": (0, 5, 7),
}


@dataclass(frozen=True, slots=True)
class Note:
    """One note; for drums the pitch is the General MIDI key of the drum."""

    start_s: float
    length_s: float
    #: MIDI key, 60 = middle C.
    pitch: int
    #: 1 to 127.
    velocity: int


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord by its root (pitch class) and the semitones above it, root first."""

    root: int
    intervals: tuple[int, ...]

    def tone(self, degree: int) -> int:
        """Return the pitch class offset of degree 1, 3, 5, 7 or 8 above the root, in semitones."""
        if degree == 8:
            return 12
        index = {1: 0, 3: 1, 5: 2, 7: 3}[degree]
        return self.intervals[index] if index < len(self.intervals) else 12


@dataclass(frozen=True, slots=True)
class Timeline:
    """Bars of four beats with one chord each; bar 0 starts at 0 s."""

    bar_s: float
    chords: tuple[Chord, ...]
    #: Pitch classes that melodies are made of.
    scale: tuple[int, ...]
    #: Bars between two places where parts enter or pause.
    section: int

    @property
    def bars(self) -> int:
        """Number of bars; the last one may reach beyond the end of the song."""
        return len(self.chords)


def progression(text: str, key: int) -> tuple[Chord, ...]:
    """Read ``"0:M 9:m 5:M 7:7"``: semitones of each root above ``key`` (pitch class) and its quality."""
    chords = []
    for word in text.split():
        root, _, quality = word.partition(":")
        chords.append(Chord((key + int(root)) % 12, _QUALITIES[quality]))
    return tuple(chords)


def voicing(chord: Chord, low: int, high: int) -> tuple[int, ...]:
    """Return the tones of ``chord`` as MIDI keys, closed, as near as they get to the middle of low–high."""
    middle = (low + high) / 2
    keys = []
    for interval in chord.intervals:
        pitch_class = (chord.root + interval) % 12
        octave = np.round((middle - pitch_class) / 12)
        keys.append(int(pitch_class + 12 * octave))
    return tuple(sorted(keys))

"""The sequenced stems of the demo: bass, pad and electric piano, computed without any sample.

Eight bars in A minor and a last chord, at the tempo and on the grid of the drum recording. Everything is
dry and exactly in time, as stems from a generator are. The same numbers come out on every run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["DURATION_S", "RATE", "STEMS", "bass", "keys", "pad"]

RATE = 44100
DURATION_S = 20.0
_BEAT_S = 60.0 / 105.0
#: Where the drummer's first beat lies in the recording, in seconds.
_GRID_S = 0.014
_FRAMES = round(RATE * DURATION_S)

Audio = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class _Bar:
    """Notes of one bar as MIDI numbers: root of the bass, voices of the pad, chord of the keys."""

    root: int
    pad: tuple[int, ...]
    keys: tuple[int, ...]


_A_MINOR = _Bar(33, (57, 60, 64, 71), (64, 67, 72, 76))
_F_MAJOR = _Bar(29, (57, 60, 65, 69), (64, 69, 72, 77))
_C_MAJOR = _Bar(36, (55, 60, 64, 72), (64, 67, 74, 76))
_G_MAJOR = _Bar(31, (55, 59, 62, 71), (62, 67, 71, 76))
_D_MINOR = _Bar(38, (57, 62, 65, 72), (65, 69, 72, 76))
_E_SEVEN = _Bar(28, (56, 59, 64, 71), (62, 68, 71, 76))
_SONG = (_A_MINOR, _F_MAJOR, _C_MAJOR, _G_MAJOR, _A_MINOR, _F_MAJOR, _D_MINOR, _E_SEVEN, _A_MINOR)

#: Beat in the bar, length in beats, semitones above the root, accent.
_BASS_LINE = (
    (0.0, 0.9, 0, 1.0),
    (1.0, 0.4, 0, 0.7),
    (1.5, 0.45, 12, 0.8),
    (2.0, 0.9, 0, 0.95),
    (3.0, 0.45, 7, 0.8),
    (3.5, 0.45, 12, 0.75),
)
#: Beat in the bar, length in beats, which notes of the chord, accent.
_KEYS_LINE = (
    (0.0, 0.9, (0, 1, 2), 0.9),
    (1.0, 0.5, (3,), 0.6),
    (1.5, 0.9, (0, 2, 3), 0.8),
    (2.5, 0.5, (1,), 0.6),
    (3.0, 0.5, (2, 3), 0.7),
    (3.5, 0.5, (1,), 0.6),
)


def bass() -> Audio:
    """Return the bass, shape (1, frames): a filtered saw, one note at a time."""
    out = np.zeros((1, _FRAMES))
    for start, bar in enumerate(_SONG):
        line = _BASS_LINE if start < len(_SONG) - 1 else ((0.0, 2.6, 0, 1.0),)
        for beat, length, interval, accent in line:
            time = _time(length * _BEAT_S + 0.08)
            tone = np.zeros_like(time)
            for harmonic in range(1, 13):
                brightness = np.exp(-time * 1.6 * harmonic) * 0.75 + 0.25 / harmonic
                tone += (
                    np.sin(2.0 * np.pi * harmonic * _hertz(bar.root + interval) * time)
                    * brightness
                    / harmonic
                )
            _add(out, start * 4.0 + beat, accent * np.tanh(1.2 * tone) * _envelope(time, length, 0.006, 0.07))
    return out


def pad() -> Audio:
    """Return the pad, shape (2, frames): detuned saws under a slowly moving low-pass, wide."""
    out = np.zeros((2, _FRAMES))
    for start, bar in enumerate(_SONG):
        length = 4.0 if start < len(_SONG) - 1 else 1.9
        time = _time(length * _BEAT_S + 0.6)
        moving = 1.0 + 0.35 * np.sin(2.0 * np.pi * (time + start * 4.0 * _BEAT_S) / 9.1)
        shape = _envelope(time, length, 0.25, 0.6)
        for voice, note in enumerate(bar.pad):
            for side in (0, 1):
                for layer, cents in enumerate((-9.0, 0.0, 8.0)):
                    base = _hertz(note + (cents + 3.0 * (2 * side - 1)) / 100.0)
                    tone = np.zeros_like(time)
                    for harmonic in range(1, 10):
                        strength = np.exp(-base * harmonic / (900.0 * moving)) / harmonic
                        phase = 1.7 * voice + 2.3 * layer + 0.9 * side
                        tone += np.sin(2.0 * np.pi * harmonic * base * time + phase * harmonic) * strength
                    _add(out[side : side + 1], start * 4.0, 0.25 * tone * shape)
    return out


def keys() -> Audio:
    """Return the electric piano, shape (2, frames): two operators and a tine, notes spread a little."""
    out = np.zeros((2, _FRAMES))
    for start, bar in enumerate(_SONG):
        line = _KEYS_LINE if start < len(_SONG) - 1 else ((0.0, 2.4, (0, 1, 2, 3), 0.9),)
        for beat, length, notes, accent in line:
            time = _time(length * _BEAT_S + 0.25)
            for index in notes:
                base = _hertz(bar.keys[index])
                bend = 1.4 * accent * np.exp(-time * 4.0) * np.sin(2.0 * np.pi * base * time)
                tine = 0.12 * accent * np.exp(-time * 22.0) * np.sin(2.0 * np.pi * 7.0 * base * time)
                tone = np.sin(2.0 * np.pi * base * time + bend) * np.exp(-time * 1.3) + tine
                right = 0.35 + 0.1 * index
                stereo = np.array([[np.sqrt(1.0 - right)], [np.sqrt(right)]])
                _add(out, start * 4.0 + beat, accent * stereo * tone * _envelope(time, length, 0.003, 0.2))
    return out


#: What is rendered, by name.
STEMS: dict[str, Callable[[], Audio]] = {"bass": bass, "pad": pad, "keys": keys}


def _hertz(note: float) -> float:
    return float(440.0 * 2.0 ** ((note - 69.0) / 12.0))


def _time(seconds: float) -> Audio:
    return np.arange(round(seconds * RATE)) / RATE


def _envelope(time: Audio, length_beats: float, attack_s: float, release_s: float) -> Audio:
    """Raised-cosine attack, level, raised-cosine release that ends after the note."""
    rise = np.clip(time / attack_s, 0.0, 1.0)
    fall = np.clip((time - length_beats * _BEAT_S) / release_s, 0.0, 1.0)
    return np.asarray(0.25 * (1.0 - np.cos(np.pi * rise)) * (1.0 + np.cos(np.pi * fall)))


def _add(out: Audio, beat: float, note: Audio) -> None:
    """Add ``note`` to ``out`` at ``beat`` of the song, cut where the song ends."""
    begin = round((_GRID_S + beat * _BEAT_S) * RATE)
    note = np.atleast_2d(note)[:, : _FRAMES - begin]
    out[:, begin : begin + note.shape[1]] += note

"""Chord changes of a stem, and the short fades by which a plan softens them.

A change is where the pitch classes of 200 ms differ from those of the 200 ms before; it begins with the hop of 10 ms near
there in which the sound, differentiated, rises most.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

__all__ = ["CHORDS", "Chords", "fades_db"]

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

#: What is heard of a frame: how much the pitch classes changed (0 to 2), which hop rises most, and by how many dB.
CHORDS = 3
#: Frames that pitch classes are taken from (200 ms), hops of a frame.
_WINDOW, _HOPS = 4, 5
#: Pitches that tell chords: from A3 on three octaves, in which a semitone is wide enough for the window.
_LOWEST_HZ, _HIGHEST_HZ = 220.0, 1760.0
_FRAMES_PER_SECOND = 20.0
#: Softer frames, mean square, have no chord: one that begins after a rest is no change.
_SILENCE = 1e-6
#: What rises from less than this, mean square from sample to sample, rises from this.
_EDGELESS = 1e-9
#: A change is at least so much, and the largest within half a second.
_LEAST, _APART = 0.2, 10
#: A hop that rises by so much less fades in 10 ms longer, dB; fades last from 10 to 40 ms.
_SOFTER_DB, _LONGEST = 3.0, 4


class Chords:
    """Streaming: what is heard of each frame of a track, see `CHORDS`."""

    def __init__(self, frame: int) -> None:
        """Set up for frames of ``frame`` samples."""
        self._frame = frame
        length = _WINDOW * frame
        hertz = np.arange(length // 2 + 1) * _FRAMES_PER_SECOND / _WINDOW
        self._bins = np.flatnonzero((hertz >= _LOWEST_HZ) & (hertz < _HIGHEST_HZ))
        self._classes = np.rint(12.0 * np.log2(hertz[self._bins] / _LOWEST_HZ)).astype(np.intp) % 12
        self._shape = np.hanning(length)
        self._past = np.zeros(length)
        self._chromas = deque([np.zeros(12)] * (_WINDOW + 1), _WINDOW + 1)
        self._level = _EDGELESS
        self._rest: Floats = np.zeros((0, 0), np.float32)
        self._heard: list[Floats] = []

    def hear(self, audio: Floats) -> Floats:
        """Return what is heard of the next frame, ``audio`` (channels, frame), (3,)."""
        mono = audio.mean(axis=0, dtype=np.float64)
        self._past = np.concatenate([self._past[self._frame :], mono])
        self._chromas.append(self._chroma())
        change = 1.0 - float(self._chromas[0] @ self._chromas[-1])
        known = self._chromas[0].any() and self._chromas[-1].any()
        # Attacks show in what changes from sample to sample.
        edges = np.diff(self._past[-self._frame - 1 :])
        hops = np.square(edges).reshape(_HOPS, -1).mean(axis=1) + _EDGELESS
        rises = 10.0 * np.log10(hops / np.concatenate([[self._level], hops[:-1]]))
        self._level = float(hops[-1])
        first = int(np.argmax(rises))
        return np.array([change if known else 0.0, first, rises[first]], np.float32)

    def add(self, block: Floats) -> None:
        """Take the next samples, (channels, any number), of a track that `heard` is asked about."""
        audio = np.concatenate([self._rest, block], axis=1) if self._rest.size else block
        whole = audio.shape[1] // self._frame * self._frame
        self._heard += [self.hear(audio[:, at : at + self._frame]) for at in range(0, whole, self._frame)]
        self._rest = audio[:, whole:].copy()

    def heard(self, frames: int) -> Doubles:
        """Return what was heard of the first ``frames`` frames that were added, (frames, 3), zeros after the end."""
        table = np.zeros((frames, CHORDS))
        rows = self._heard[:frames]
        if rows:
            table[: len(rows)] = rows
        return table

    def _chroma(self) -> Doubles:
        """Return the amplitude of each pitch class beside their mean, of length 1; zeros where there are gaps."""
        if np.square(self._past).reshape(_WINDOW, -1).mean(axis=1).min() < _SILENCE:
            return np.zeros(12)
        amplitude = np.abs(np.fft.rfft(self._past * self._shape))[self._bins]
        chroma = np.bincount(self._classes, amplitude, 12)
        chroma -= chroma.mean()
        return np.asarray(chroma / max(float(np.linalg.norm(chroma)), 1e-12))


def fades_db(heard: Doubles, breath_db: Doubles | None, limit_db: float) -> Doubles:
    """Return the gain in dB every 10 ms that fades a stem in where its chords change, (5 T,).

    It falls within the 10 ms before and rises within 10 ms after a hard attack, 40 ms after a soft one.

    Args:
        heard: (T, 3), see `Chords`.
        breath_db: (T,), gain of breath at the end of each frame; the two together stay within the limit.
        limit_db: most that a fade takes.
    """
    frames = len(heard)
    fades = np.zeros(_HOPS * frames)
    ridden = np.zeros(frames) if breath_db is None else breath_db
    at_points = np.interp(np.arange(len(fades)) / _HOPS, np.arange(frames) + 1.0, ridden)
    for frame in _changes(heard[:, 0]):
        # The window that differs most from the one before begins with the change.
        near = np.arange(frame - _WINDOW, frame - _WINDOW + 3)
        begin = near[np.argmax(heard[near, 2])]
        point = int(_HOPS * begin + heard[begin, 1])
        length = int(np.clip(_LONGEST - heard[begin, 2] // _SOFTER_DB, 1, _LONGEST))
        rising = np.arange(point, min(point + length, len(fades)))
        deepest = np.minimum(limit_db, np.maximum(limit_db + at_points[rising], 0.0))
        fades[rising] = -deepest * (1.0 - (rising - point) / length)
    return fades


def _changes(change: Doubles) -> list[int]:
    """Return the frames in which ``change`` (T,) is large, and the largest of those around."""
    padded = np.pad(change, _APART, constant_values=-1.0)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _APART + 1)
    largest = (change >= _LEAST) & (np.argmax(around, axis=1) == _APART)
    # Before two whole windows were heard there is no other chord.
    return [int(frame) for frame in np.flatnonzero(largest) if frame >= 2 * _WINDOW - 1]

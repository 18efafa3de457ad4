"""Musical parts from a rhythm, the chords and a register: bass lines, riffs, strums, pads, melodies."""

from __future__ import annotations

import numpy as np

from hybridmix_models.data.generator.notes import Chord, Note, Timeline, voicing
from hybridmix_models.data.generator.palette import Role
from hybridmix_models.data.generator.rules import Rules

__all__ = ["active_bars", "write_part", "write_percussion"]

#: Standard deviation of a player's timing, s, and of the velocity.
_TIMING_S = 0.006
_DYNAMICS = 6.0
#: What starts on a beat is played so much harder.
_ACCENT = 8
#: Seconds from string to string of a strummed chord.
_STRUM_S = 0.012


def active_bars(timeline: Timeline, rules: Rules, rng: np.random.Generator) -> list[bool]:
    """Draw in which bars a part plays: it may enter late and pause, and plays in at least half of the sections."""
    sections = -(-timeline.bars // timeline.section)
    while True:
        plays = rng.random(sections) >= rules.pause
        if 2 * int(plays.sum()) >= sections:
            return [bool(plays[bar // timeline.section]) for bar in range(timeline.bars)]


def write_part(
    timeline: Timeline, role: Role, rules: Rules, rng: np.random.Generator, kind: str | None = None
) -> list[Note]:
    """Write what ``role`` plays from the first to the last bar, in one of its kinds (or the given one)."""
    kind = kind or role.plays[int(rng.integers(len(role.plays)))]
    rhythms = [str(r) for r in rng.choice(rules.rhythms[kind], 2)]
    roll_s = _STRUM_S if kind == "strum" else 0.0
    loudness = int(rng.integers(70, 106))
    melody = _Melody(timeline.scale, role, rules.leap, rng)
    notes: list[Note] = []
    for bar, plays in enumerate(active_bars(timeline, rules, rng)):
        if not plays:
            continue
        chord, following = timeline.chords[bar], timeline.chords[(bar + 1) % timeline.bars]
        for step, steps, held, symbol in _events(rhythms[bar % 2]):
            start = bar * timeline.bar_s + step * timeline.bar_s / steps
            length = held * timeline.bar_s / steps
            velocity = loudness + (_ACCENT if 4 * step % steps == 0 else 0)
            for string, pitch in enumerate(_pitches(symbol, chord, following, role, melody)):
                notes.append(_played(start + string * roll_s, length * 0.97, pitch, velocity, rng))
    return notes


def write_percussion(
    timeline: Timeline, keys: tuple[int, ...], rules: Rules, rng: np.random.Generator
) -> list[Note]:
    """Write a hand percussion part on General MIDI drum ``keys``; accents take the first of them."""
    rhythm = str(rng.choice(rules.rhythms["percussion"]))
    loudness = int(rng.integers(60, 96))
    notes = []
    for bar, plays in enumerate(active_bars(timeline, rules, rng)):
        for step, steps, _, symbol in _events(rhythm) if plays else ():
            start = (bar + step / steps) * timeline.bar_s
            key = keys[0] if symbol == "X" else keys[int(rng.integers(len(keys)))]
            notes.append(_played(start, 0.1, key, loudness + (20 if symbol == "X" else 0), rng))
    return notes


def _events(rhythm: str) -> list[tuple[int, int, int, str]]:
    """Return (step, steps in the bar, steps held, symbol) of everything that starts in a rhythm."""
    events = []
    for step, symbol in enumerate(rhythm):
        if symbol in "-.":
            continue
        held = 1
        while step + held < len(rhythm) and rhythm[step + held] == "-":
            held += 1
        events.append((step, len(rhythm), held, symbol))
    return events


def _pitches(symbol: str, chord: Chord, following: Chord, role: Role, melody: _Melody) -> tuple[int, ...]:
    """Return the MIDI keys that a symbol of a rhythm stands for."""
    if symbol == "c":
        return voicing(chord, role.low, role.high)
    if symbol == "m":
        return (melody.next(chord),)
    if symbol == "a":
        return (_raised(following.root - 1, role.low),)
    root = _raised(chord.root, role.low)
    return (root + chord.tone(int(symbol)),)


def _raised(pitch: int, low: int) -> int:
    """Return ``pitch`` moved by octaves to the lowest place from ``low`` on."""
    return low + (pitch - low) % 12


def _played(start_s: float, length_s: float, pitch: int, velocity: int, rng: np.random.Generator) -> Note:
    """Return the note as a person plays it: never quite in time, never twice alike."""
    start = max(0.0, start_s + rng.normal(0.0, _TIMING_S))
    return Note(
        start, max(0.03, length_s), pitch, int(np.clip(round(velocity + rng.normal(0.0, _DYNAMICS)), 1, 127))
    )


class _Melody:
    """A random walk over the scale that lands on a chord tone every other note."""

    def __init__(self, scale: tuple[int, ...], role: Role, leap: int, rng: np.random.Generator) -> None:
        self._keys = [key for key in range(role.low, role.high + 1) if key % 12 in scale]
        self._leap, self._rng = leap, rng
        self._place, self._count = len(self._keys) // 2, 0

    def next(self, chord: Chord) -> int:
        """Return the next MIDI key over ``chord``."""
        step = int(self._rng.integers(-self._leap, self._leap + 1))
        self._place = int(np.clip(self._place + step, 0, len(self._keys) - 1))
        self._count += 1
        if self._count % 2:
            tones = {(chord.root + interval) % 12 for interval in chord.intervals}
            near = [i for i, key in enumerate(self._keys) if key % 12 in tones]
            self._place = min(near or [self._place], key=lambda i: abs(i - self._place))
        return self._keys[self._place]

"""The groove that a drummer plays, as a MIDI file: one bar of sixteenths, each as late as it was on the whole."""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np
import numpy.typing as npt

__all__ = ["profile", "write"]

Doubles = npt.NDArray[np.float64]

_PER_BAR = 16
_TICKS = 960
#: Note of the template, its length in ticks, and the weakest velocity.
_NOTE, _HELD, _WEAKEST = 38, 60, 20
#: A place in the bar counts from so many hits on.
_FEWEST = 2


def profile(late_ms: Doubles, strength: Doubles) -> tuple[Doubles, Doubles]:
    """Return how late each place of the bar is, (16,) in ms, NaN where hardly anybody played, and how strong, 0 to 1.

    ``late_ms`` and ``strength`` are (slots,), from the first slot of a bar on, NaN where nobody played.
    """
    whole = np.full(-(-len(late_ms) // _PER_BAR) * _PER_BAR, np.nan)
    late, loud = whole.copy(), whole.copy()
    late[: len(late_ms)], loud[: len(strength)] = late_ms, strength
    bars = [part.reshape(-1, _PER_BAR) for part in (late, loud)]
    enough = np.isfinite(bars[0]).sum(axis=0) >= _FEWEST
    found = [
        np.array([np.nanmedian(part[:, place]) if ok else np.nan for place, ok in enumerate(enough.tolist())])
        for part in bars
    ]
    return found[0], found[1]


def write(path: Path, late_ms: Doubles, strength: Doubles, tempo: float) -> None:
    """Write a `profile` to ``path``: the second of two bars in 4/4 at ``tempo``, so that early notes have room."""
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("track_name", name="groove"))
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo)))
    track.append(mido.MetaMessage("time_signature", numerator=4, denominator=4))
    now = 0
    for place in np.flatnonzero(np.isfinite(late_ms)).tolist():
        late = late_ms[place] / 60_000.0 * tempo * _TICKS
        at = round((_PER_BAR + place) * _TICKS / 4 + late)
        velocity = int(max(_WEAKEST, min(127, round(127.0 * strength[place] ** 0.25))))
        track.append(mido.Message("note_on", note=_NOTE, velocity=velocity, time=max(0, at - now)))
        track.append(mido.Message("note_off", note=_NOTE, velocity=0, time=_HELD))
        now = max(now, at) + _HELD
    track.append(mido.MetaMessage("end_of_track", time=max(0, 2 * _PER_BAR * _TICKS // 4 - now)))
    file = mido.MidiFile(ticks_per_beat=_TICKS)
    file.tracks.append(track)
    file.save(path)

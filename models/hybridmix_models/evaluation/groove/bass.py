"""How well the notes of a bass are found: sampled ones, plucked as unevenly as players do."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hybridmix_models.data.generator import fluid
from hybridmix_models.data.generator.notes import Note
from hybridmix_models.data.generator.palette import Sound
from hybridmix_models.data.types import RATE, Floats
from hybridmix_models.evaluation.groove.hits import Heard, compare, detect

__all__ = ["plucked"]

#: General MIDI basses of FluidR3, the strings and frets that are played, and how many notes.
_BASSES = {"fingers": 33, "pick": 34, "fretless": 35}
_KEYS = (28, 31, 33, 36, 38, 40, 43, 45)
_NOTES = 60
#: From note to note, and how unevenly, s; how loud the softest is.
_STEP_S, _UNEVEN_S, _SOFTEST = 0.25, 0.008, 0.3
#: How far apart they are rendered, s: each alone.
_APART_S = 1.0
#: A note begins where 2 ms of its derivative first reach this share of their highest power: samples begin softly.
_BEGINS = 0.1


def plucked(*, as_bass: bool = True) -> list[Heard]:
    """Return what is found of each bass, heard ``as_bass`` or as drums are. Raises InputError without FluidR3."""
    font = fluid.find_font("synthetic-a")
    found = []
    apart = round(_APART_S * RATE)
    for name, program in _BASSES.items():
        notes = [Note(number * _APART_S, 2.0 * _STEP_S, key, 100) for number, key in enumerate(_KEYS)]
        sounds = np.split(fluid.play(notes, Sound(program), font, len(notes) * apart), len(notes))
        audio, begins_s = _line(sounds, np.random.default_rng(program))
        found.append(compare("plucked", name, begins_s, detect([audio], RATE, bass=as_bass)[0]))
    return found


def _line(sounds: list[Floats], random: np.random.Generator) -> tuple[Floats, npt.NDArray[np.float64]]:
    """Return a line of ``sounds``, each cut off by the next, (samples,), and when each note begins, s."""
    step, fade = round(_STEP_S * RATE), RATE // 200
    audio = np.zeros((_NOTES + 4) * step, np.float32)
    places = [
        (number + 2) * step + round(random.normal(0.0, _UNEVEN_S) * RATE)
        for number in range(_NOTES)
        if random.random() < 0.8
    ]
    begins = []
    for at, end in zip(places, [*places[1:], places[-1] + step], strict=True):
        sound = random.uniform(_SOFTEST, 1.0) * sounds[int(random.integers(len(sounds)))]
        note = sound[: min(end - at, len(sound))].copy()
        note[-fade:] *= np.linspace(1.0, 0.0, fade)
        audio[at : at + len(note)] += note
        begins.append((at + _begin(sound)) / RATE)
    return audio, np.array(begins)


def _begin(sound: Floats) -> int:
    """Return the sample at which ``sound`` begins to be heard."""
    window = RATE // 500
    power = np.convolve(np.square(np.diff(sound, prepend=0.0)), np.ones(window) / window, "valid")
    return window + int(np.argmax(power >= _BEGINS * power.max()))

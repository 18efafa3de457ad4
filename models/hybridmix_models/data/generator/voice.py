"""The lead vocal's stand-in: a glottal pulse through the formants of sung vowels.

Source: the source-filter model in cascade form, D. H. Klatt, "Software for a cascade/parallel formant
synthesizer" (1980), with the pulse of A. E. Rosenberg (1971).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, sosfilt

from hybridmix_models.data.generator.notes import Note
from hybridmix_models.data.generator.rules import Rules
from hybridmix_models.data.types import RATE, Floats

__all__ = ["sing"]

_Doubles = npt.NDArray[np.float64]
#: Bandwidths of the three vowel formants and of two fixed ones above, Hz; the fixed ones at these frequencies.
_WIDTHS = (70.0, 90.0, 140.0, 250.0, 300.0)
_UPPER = ((3500.0, 4500.0), (3900.0, 5000.0))
_GLIDE_S = 0.05
_ATTACK_S = 0.04
_RELEASE_S = 0.08
_CONSONANT_S = 0.06


def sing(notes: Sequence[Note], rules: Rules, tract: float, samples: int, rng: np.random.Generator) -> Floats:
    """Sing a melody to (samples,) mono at `RATE`; one vowel per note, consonants before some.

    ``tract`` divides all formants: above 1 a larger singer. Whether man or woman, vibrato and breath are
    drawn once; a woman sings an octave above the notes.
    """
    woman = int(rng.integers(2))
    breath, rate, depth = rng.uniform(0.01, 0.05), rng.uniform(5.0, 6.5), rng.uniform(0.2, 0.5)
    pitch, level, vowel, consonants = _score(notes, len(rules.vowels), samples, rng)
    time = np.arange(samples) / RATE
    pitch = _smoothed(pitch, _GLIDE_S) + depth * np.sin(2 * np.pi * rate * time) * _smoothed(level, 0.3)
    phase = np.cumsum(440.0 * 2.0 ** ((pitch + 12 * woman - 69) / 12) / RATE) % 1.0
    pulse = np.where(
        phase < 0.4,
        0.5 - 0.5 * np.cos(np.pi * phase / 0.4),
        np.where(phase < 0.56, np.cos(0.5 * np.pi * (phase - 0.4) / 0.16), 0.0),
    )
    source = (np.diff(pulse, prepend=0.0) + breath * rng.normal(0.0, 0.3, samples)) * level
    voice = np.zeros(samples)
    for number, formants in enumerate(rules.vowels):
        weight = _smoothed((vowel == number).astype(np.float64), 0.02)
        frequencies = [f / tract for f in (*formants[woman], *_UPPER[woman])]
        voice += weight * sosfilt(_formants(frequencies), source)
    hiss = sosfilt(butter(2, 3000.0, "highpass", fs=RATE, output="sos"), rng.normal(0.0, 1.0, samples))
    voice += 0.15 * float(np.sqrt(np.mean(voice**2))) * consonants * hiss
    return voice.astype(np.float32)


def _score(
    notes: Sequence[Note], vowels: int, samples: int, rng: np.random.Generator
) -> tuple[_Doubles, _Doubles, npt.NDArray[np.int64], _Doubles]:
    """Return pitch (MIDI keys), level (0 to 1), vowel and consonant level of every sample."""
    pitch, level = np.full(samples, 57.0), np.zeros(samples)
    vowel, consonants = np.zeros(samples, np.int64), np.zeros(samples)
    for note in sorted(notes, key=lambda note: note.start_s):
        begin = round(note.start_s * RATE)
        end = min(samples, round((note.start_s + note.length_s) * RATE))
        if begin >= end:
            continue
        pitch[begin:] = note.pitch
        vowel[begin:] = int(rng.integers(vowels))
        shape = np.minimum(1.0, np.arange(end - begin) / (_ATTACK_S * RATE))
        fade = np.minimum(1.0, np.arange(end - begin, 0, -1) / (_RELEASE_S * RATE))
        level[begin:end] = shape * fade * (note.velocity / 127.0)
        if rng.random() < 0.6:
            first = max(0, begin - round(_CONSONANT_S * RATE))
            consonants[first:begin] = np.hanning(begin - first)
    return pitch, level, vowel, consonants


def _smoothed(values: _Doubles, seconds: float) -> _Doubles:
    """Return ``values`` through a one-pole low-pass with the time constant ``seconds``, from their first value."""
    pole = float(np.exp(-1.0 / (seconds * RATE)))
    section = np.array([[1.0 - pole, 0.0, 0.0, 1.0, -pole, 0.0]])
    state = np.array([[pole * values[0], 0.0]])
    smooth, _ = sosfilt(section, values, zi=state)
    return np.asarray(smooth)


def _formants(frequencies: Sequence[float]) -> _Doubles:
    """Return resonators in cascade, each with gain 1 at 0 Hz (Klatt 1980, equation 2)."""
    sections = []
    for frequency, width in zip(frequencies, _WIDTHS, strict=True):
        radius = np.exp(-np.pi * width / RATE)
        b, c = 2.0 * radius * np.cos(2.0 * np.pi * frequency / RATE), -(radius**2)
        sections.append([1.0 - b - c, 0.0, 0.0, 1.0, -b, -c])
    return np.array(sections)

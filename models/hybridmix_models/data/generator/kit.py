"""Sampled drums of a Hydrogen drum kit: layers by velocity, one recording per hit."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

from hybridmix.errors import InputError
from hybridmix_models.data.generator.notes import Note
from hybridmix_models.data.types import RATE, Floats

__all__ = ["KIT", "Kit"]

#: "The Black Pearl 1.0" by Glen MacArthur, GPL-2: evaluation only. Mono, 44.1 kHz, dry, up to five layers.
KIT = Path("/usr/share/hydrogen/data/drumkits/The Black Pearl 1.0")
#: The kit's instrument for each General MIDI drum key.
_INSTRUMENTS = {
    36: "Pearl Kick",
    37: "Pearl Side Stick",
    38: "Pearl Snare",
    42: "Sabian Hat Closed",
    43: "Pearl Tom Floor",
    44: "Sabian Hat Pedal",
    45: "Pearl Tom 2",
    46: "Sabian Hat Open",
    48: "Pearl Tom 1",
    49: "Sabian Crash",
    51: "Paiste Ride",
    52: "Sabian Crash",
    53: "Paiste Bell",
    55: "Zildjian Splash",
    57: "Sabian Crash",
}
_TOM_KEYS = {47: 45}
_HATS = (42, 44, 46)
#: A hit hi-hat ends the one before it within so many seconds.
_CHOKE_S = 0.03


@dataclass(frozen=True, slots=True)
class _Layer:
    """One recording and the velocities, 0 to 1, that it is played at."""

    low: float
    high: float
    audio: Floats


class Kit:
    """The drums of one kit, read once."""

    def __init__(self, folder: Path = KIT) -> None:
        """Read the kit in ``folder``.

        Raises:
            InputError: the kit is not installed (names the Debian package) or lacks an instrument.
        """
        if not (folder / "drumkit.xml").is_file():
            raise InputError(
                f"{folder}: the drum kit of synthetic-b is not there; install it "
                "(Debian: apt install hydrogen-drumkits)"
            )
        found = {
            instrument.findtext("{*}name", ""): self._layers(folder, instrument)
            for instrument in ET.parse(folder / "drumkit.xml").iterfind(".//{*}instrument")
        }
        missing = sorted({name for name in _INSTRUMENTS.values() if not found.get(name)})
        if missing:
            raise InputError(
                f"{folder}: the kit lacks {', '.join(missing)}; expected {KIT.name} of Debian's "
                "hydrogen-drumkits: install that version again"
            )
        self._drums = {key: found[name] for key, name in _INSTRUMENTS.items()}

    @staticmethod
    def _layers(folder: Path, instrument: ET.Element) -> list[_Layer]:
        """Read the recordings of an instrument."""
        layers = []
        for layer in instrument.iterfind(".//{*}layer"):
            audio, rate = sf.read(folder / layer.findtext("{*}filename", ""), dtype="float32", always_2d=True)
            if rate != RATE:
                raise InputError(
                    f"{folder / layer.findtext('{*}filename', '')}: {rate} Hz; expected {RATE} Hz: "
                    f"install the kit {KIT.name} of Debian's hydrogen-drumkits"
                )
            gain = float(layer.findtext("{*}gain", "1")) * float(instrument.findtext("{*}volume", "1"))
            layers.append(
                _Layer(
                    float(layer.findtext("{*}min", "0")),
                    float(layer.findtext("{*}max", "1")),
                    (audio.mean(axis=1) * gain).astype(np.float32),
                )
            )
        return layers

    def play(self, notes: Sequence[Note], samples: int) -> Floats:
        """Render drum ``notes`` (General MIDI keys) to (samples,) mono at `RATE`; hi-hats choke each other."""
        audio = np.zeros(samples, np.float32)
        ordered = sorted(notes, key=lambda note: note.start_s)
        for place, note in enumerate(ordered):
            strength = note.velocity / 127.0
            layers = self._drums[_TOM_KEYS.get(note.pitch, note.pitch)]
            layer = next((x for x in layers if x.low <= strength <= x.high), layers[-1])
            hit = layer.audio * np.float32(strength)
            begin = round(note.start_s * RATE)
            if note.pitch in _HATS and place + 1 < len(ordered):
                hit = _choked(hit, round(ordered[place + 1].start_s * RATE) - begin)
            end = min(samples, begin + len(hit))
            if begin < end:
                audio[begin:end] += hit[: end - begin]
        return audio


def _choked(hit: Floats, after: int) -> Floats:
    """Fade ``hit`` out from sample ``after`` on."""
    fade = round(_CHOKE_S * RATE)
    if after >= len(hit):
        return hit
    kept = hit[: after + fade].copy()
    tail = len(kept) - after
    kept[after:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)[:tail]
    return kept

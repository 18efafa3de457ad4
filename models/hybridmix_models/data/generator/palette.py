"""The roles of a session: how loud engineers set them, and which sounds play them in which split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["DRUMS", "PALETTES", "ROLES", "Palette", "Role", "SetName", "Sound", "SplitName"]

SetName = Literal["synthetic-a", "synthetic-b"]
SplitName = Literal["training", "validation", "test"]


@dataclass(frozen=True, slots=True)
class Role:
    """What a track does in the mix."""

    #: Integrated loudness in the reference mix beside the lead vocal, LU.
    target_lu: float
    #: How often the role is picked for a session, beside the others.
    weight: float
    #: MIDI keys that its parts stay within; unused for drums.
    low: int = 0
    high: int = 0
    #: Kinds of parts that it plays, see ``rules.py``; empty for drums, which play a recorded groove.
    plays: tuple[str, ...] = ()


#: Names as in the shared manifest. The targets are a plain pop balance, set by ear and habit, not measured.
ROLES = {
    "kick": Role(-4.0, 9.0),
    "snare": Role(-4.0, 9.0),
    "hihat": Role(-14.0, 7.0),
    "toms": Role(-8.0, 3.0),
    "cymbal": Role(-12.0, 7.0),
    "percussion": Role(-13.0, 1.5, plays=("percussion",)),
    "bass": Role(-5.0, 9.0, 28, 47, ("bass",)),
    "electric_guitar": Role(-7.0, 5.0, 45, 72, ("chop", "riff", "strum")),
    "acoustic_guitar": Role(-9.0, 3.0, 45, 69, ("strum", "arpeggio")),
    "piano": Role(-8.0, 4.0, 50, 76, ("comp", "arpeggio")),
    "keys": Role(-9.0, 3.0, 50, 74, ("comp", "stabs")),
    "organ": Role(-11.0, 2.0, 50, 74, ("pad", "comp")),
    "strings": Role(-11.0, 2.0, 52, 80, ("pad",)),
    "pad": Role(-13.0, 2.0, 48, 74, ("pad",)),
    "synth": Role(-6.0, 2.0, 60, 84, ("riff", "melody")),
    "lead_vocal": Role(0.0, 8.0, 50, 69, ("melody",)),
    "backing_vocal": Role(-8.0, 2.0, 55, 76, ("pad", "stabs")),
    "brass": Role(-8.0, 2.0, 52, 76, ("stabs", "riff")),
    "winds": Role(-7.0, 2.0, 62, 84, ("melody",)),
    "mallet": Role(-11.0, 1.0, 60, 88, ("arpeggio",)),
}

#: Drums of a recorded groove and the keys they are played with there (Roland TD-11), mapped to General MIDI.
DRUMS: dict[str, dict[int, int]] = {
    "kick": {36: 36},
    "snare": {38: 38, 40: 38, 37: 37},
    "hihat": {42: 42, 22: 42, 44: 44, 46: 46, 26: 46},
    "toms": {48: 48, 50: 48, 45: 45, 47: 45, 43: 43, 58: 43},
    "cymbal": {49: 49, 55: 55, 57: 57, 52: 52, 51: 51, 59: 51, 53: 53},
}


@dataclass(frozen=True, slots=True)
class Sound:
    """A preset of a sound font."""

    program: int
    bank: int = 0


@dataclass(frozen=True, slots=True)
class Palette:
    """The sounds of one split."""

    #: Presets per melodic role; the lead vocal is sung by ``voice.py``.
    presets: dict[str, tuple[Sound, ...]]
    #: Programs of the sound font's drum bank; empty where a sampled kit plays the drums.
    kits: tuple[int, ...]
    #: General MIDI drum keys of each hand percussion.
    percussion: tuple[tuple[int, ...], ...]
    #: Range of the vocal tract's size, 1 = the average adult of the formant table.
    tract: tuple[float, float]


def _presets(**programs: tuple[int | tuple[int, int], ...]) -> dict[str, tuple[Sound, ...]]:
    """Read General MIDI programs from 0, or pairs of bank and program, per role."""
    return {
        role: tuple(Sound(p) if isinstance(p, int) else Sound(p[1], p[0]) for p in sounds)
        for role, sounds in programs.items()
    }


#: Training, validation and test of Synthetic-A share no preset and no kit; B belongs to another sound font.
PALETTES: dict[tuple[SetName, SplitName], Palette] = {
    ("synthetic-a", "training"): Palette(
        _presets(
            bass=(33, 34, 36, 38),
            electric_guitar=(27, 28, 29),
            acoustic_guitar=(24, 25),
            piano=(1, 3),
            keys=(4, 7),
            organ=(16, 17),
            strings=(48, 50),
            pad=(89, 90, 94),
            synth=(80, 81, 87),
            backing_vocal=(52, 53),
            brass=(56, 57, 61),
            winds=(65, 71, 73),
            mallet=(11, 12),
        ),
        kits=(0, 1, 2, 8, 9, 16, 25, 32),
        percussion=((70,), (54,), (62, 63, 64)),
        tract=(0.94, 1.06),
    ),
    ("synthetic-a", "validation"): Palette(
        _presets(
            bass=(32,),
            electric_guitar=(26,),
            acoustic_guitar=((16, 25),),
            piano=(2,),
            keys=((8, 4),),
            organ=(20,),
            strings=(51,),
            pad=(92,),
            synth=(84,),
            backing_vocal=(54,),
            brass=(62,),
            winds=(68,),
            mallet=(13,),
        ),
        kits=(10, 40),
        percussion=((60, 61),),
        tract=(1.07, 1.10),
    ),
    ("synthetic-a", "test"): Palette(
        _presets(
            bass=(35, 37, 39),
            electric_guitar=(30, (8, 28)),
            acoustic_guitar=((8, 25),),
            piano=(0,),
            keys=(5,),
            organ=(18,),
            strings=(49,),
            pad=(95, 99),
            synth=((8, 80), 86),
            backing_vocal=(91,),
            brass=(60, 63),
            winds=(66, 75),
            mallet=(108, 114),
        ),
        kits=(17, 24, 33),
        percussion=((56,), (69,)),
        tract=(0.89, 0.93),
    ),
    ("synthetic-b", "test"): Palette(
        _presets(
            bass=(32, 33, 39),
            electric_guitar=(26, 27, 30),
            acoustic_guitar=(24, 25),
            piano=(0, 3),
            keys=(4, 5),
            organ=(16, 18),
            strings=(44, 48, 49),
            pad=(88, 91, 93),
            synth=(81, 82, 86),
            backing_vocal=(52, 53),
            brass=(56, 61, 63),
            winds=(64, 66, 73),
            mallet=(9, 11, 114),
        ),
        kits=(),
        percussion=((54,), (75,), (60, 61)),
        tract=(0.90, 1.10),
    ),
}

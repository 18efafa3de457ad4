"""The arrangement rules of the two sets: other harmony, rhythms, forms and vowels; our own, written as tables.

A rhythm is one bar of equal steps, sixteen of them or twelve for triplets. What starts on a step: ``c`` the
chord, ``1 3 5 7 8`` that tone of it, ``a`` a semitone below the next chord's root, ``m`` the next tone of a
melody, ``x`` a hit, ``X`` an accented one; ``-`` holds, ``.`` rests.
"""

from __future__ import annotations

from dataclasses import dataclass

from hybridmix_models.data.generator.palette import SetName

__all__ = ["RULES", "Rules"]


@dataclass(frozen=True, slots=True)
class Rules:
    """How songs of one set are arranged."""

    #: Chord loops with the semitones of their scale above the key, see `notes.progression`.
    harmony: tuple[tuple[str, tuple[int, ...]], ...]
    #: Bars of each kind of part.
    rhythms: dict[str, tuple[str, ...]]
    #: Bars between two places where parts enter or pause.
    section: int
    #: How likely a part pauses for a section.
    pause: float
    #: Largest step of a melody in tones of its scale.
    leap: int
    #: Formants of the vowels sung, Hz, for an average man and woman.
    vowels: tuple[tuple[tuple[int, int, int], tuple[int, int, int]], ...]


_MAJOR = (0, 2, 4, 7, 9)
_MINOR = (0, 3, 5, 7, 10)
_DORIAN = (0, 2, 3, 5, 7, 9, 10)
_MIXOLYDIAN = (0, 2, 4, 5, 7, 9, 10)

# Formants: averages of G. E. Peterson and H. L. Barney, "Control methods used in a study of the vowels" (1952).
_A = Rules(
    harmony=(
        ("0:M 7:M 9:m 5:M", _MAJOR),
        ("9:m 5:M 0:M 7:M", _MAJOR),
        ("0:M 5:M 7:M 5:M", _MAJOR),
        ("0:M 9:m 2:m 7:M", _MAJOR),
        ("0:m 10:M 8:M 10:M", _MINOR),
        ("0:m 8:M 3:M 10:M", _MINOR),
        ("0:m 5:m 8:M 7:M", _MINOR),
    ),
    rhythms={
        "bass": (
            "1---1---1---1---",
            "1-1-1-1-1-1-1-1-",
            "1--1--1-5---8---",
            "1-----1-1---5-a-",
            "1-------....5-a-",
        ),
        "chop": ("..c...c...c...c.", "....c-......c-..", "c-c...c-c-c...c-", "c-------c-c-...."),
        "strum": ("c---c-c-..c-c-c-", "c-c-c-c-c-c-c-c-", "c---..c-c-..c-c-"),
        "comp": ("c---c---c---c---", "c-----c-----c---", "..c-..c-..c-..c-", "c-------c-------"),
        "pad": ("c---------------",),
        "riff": ("1-8-5-8-1-8-5-8-", "1.1.3-5-..1.3.5.", "8--5--3-1-......"),
        "arpeggio": ("1-3-5-8-5-3-1-3-", "1.5.8.5.1.5.8.5."),
        "stabs": ("c..c..c.........", "......c-c.......", "c-------....c.c."),
        "melody": ("m---m-m-m---....", "..m-m-m-m-----..", "m-----m-m---m---", "m-m-m-m-m-----.."),
        "percussion": ("X.x.X.x.X.x.X.x.", "..X...X...X...X.", "X..x..X.x..X..x.", "XxxxXxxxXxxxXxxx"),
    },
    section=2,
    pause=0.2,
    leap=2,
    vowels=(
        ((270, 2290, 3010), (310, 2790, 3310)),
        ((530, 1840, 2480), (610, 2330, 2990)),
        ((730, 1090, 2440), (850, 1220, 2810)),
        ((300, 870, 2240), (370, 950, 2670)),
    ),
)

_B = Rules(
    harmony=(
        ("0:7 0:7 5:7 5:7 0:7 0:7 7:7 5:7", _MIXOLYDIAN),
        ("0:m7 0:m7 5:M 5:M", _DORIAN),
        ("0:M7 9:m7 2:m7 7:s4", (0, 2, 4, 5, 7, 9, 11)),
        ("0:m7 10:M 5:M7 0:m7 3:M 10:M", _DORIAN),
        ("0:M 10:M 5:M", _MIXOLYDIAN),
    ),
    rhythms={
        "bass": (
            "1---3---5---a---",
            "1--8--1..8.1.5..",
            "1.....1...8.7.a.",
            "1-.8-.1-.8-.",
            "..1-..1-5-..1-a-",
        ),
        "chop": ("c.cc..c.c..c.cc.", "...c-..c...c-..c", "..c..c..c..c", "......c.......c."),
        "strum": ("c..cc.c..cc.c.c.", "c-cc-cc-cc-c", "c-----cc-cc-c-c-"),
        "comp": ("...c--....c--...", "c--..c--..c--..c", "c--..c-....c", "......c-......c-"),
        "pad": ("c-------c-------", "....c-----------"),
        "riff": ("1..3..5..7..8...", "8.7.5.3.1...3.5.", "1-.3-.5-.3-.", "....1.3.5-......"),
        "arpeggio": ("1.3.5.7.8.7.5.3.", "135135135138", "8-5-3-1-8-5-3-1-"),
        "stabs": ("...c..c.........", "c.cc......c.....", "..........c-c-c-", "c.....c....c"),
        "melody": (
            "....m--m--m--m--",
            "m--m--m--m--....",
            "m-m-mm......",
            "m-------....m-m-",
            "..m--m-m-m--m...",
        ),
        "percussion": ("X..X..X...X.X...", "x.Xx.Xx.Xx.X", "..Xx..Xx..Xx..Xx"),
    },
    section=3,
    pause=0.35,
    leap=4,
    vowels=(
        ((390, 1990, 2550), (430, 2480, 3070)),
        ((660, 1720, 2410), (860, 2050, 2850)),
        ((570, 840, 2410), (590, 920, 2710)),
        ((640, 1190, 2390), (760, 1400, 2780)),
    ),
)

RULES: dict[SetName, Rules] = {"synthetic-a": _A, "synthetic-b": _B}

"""Target profiles: what the parts of a mix get on top of the gain model's aim; one JSON file each.

The gain models know no words; which part a track plays is read from its name. A name that says nothing, and a part
that the profile does not list, get 0 dB.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

import msgspec

from hybridmix.errors import InputError

__all__ = ["DEFAULT", "Part", "Profile", "load", "names", "part_of", "schema"]

#: The profile where nobody names one.
DEFAULT: Final = "balanced"

Part = Literal[
    "vocals", "backing_vocals", "drums", "percussion", "bass", "guitars", "keys", "strings", "winds", "synths"
]

#: Words that name a part, the most telling part first: "backing vocals" are no vocals, a "bass drum" is no bass.
_WORDS: Final[Mapping[Part, str]] = {
    "backing_vocals": r"backing|back(ing)? ?vo(x|c\w*)|b ?v|bgvs?|bvs|choir|chorus|harmony",
    "vocals": r"vo(x|c|cals?|ice)|sing(er|ing)?|rap",
    "drums": r"drums?|drum ?kit|kit|kick|kik|bd|snare|snr|sd|hi ?hats?|hh|hats?|toms?|oh|overheads?|cymbals?|ride|crash",
    "percussion": r"perc(ussion)?|shaker|conga|bongo|tamb(ourine)?|clap|cowbell|cajon",
    "bass": r"bass|sub|contrabass|upright",
    "guitars": r"guitars?|gtr|git|ukulele|banjo|mandolin",
    "keys": r"keys?|piano|pno|rhodes|organ|hammond|clav(inet)?|harpsichord|wurl(itzer)?",
    "strings": r"strings?|violins?|viola|cello|orchestra",
    "winds": r"brass|horns?|trumpet|trombone|sax(ophone)?|flute|clarinet|oboe|winds?",
    "synths": r"synths?|pads?|lead|arp|pluck",
}
_PATTERNS: Final = {part: re.compile(rf"(?<![a-z])({words})(?![a-z])") for part, words in _WORDS.items()}


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a profile adds to the gain of each part, dB."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64, description="name that a user sees")]
    description: Annotated[str, msgspec.Meta(max_length=400, description="what it is for")] = ""
    offsets_db: Annotated[
        dict[Part, Annotated[float, msgspec.Meta(ge=-12.0, le=12.0)]],
        msgspec.Meta(description="added to the model's gain by part, in dB; parts left out get 0"),
    ] = {}

    def aim_db(self, track: str) -> float:
        """What a track called ``track`` gets, dB."""
        part = part_of(track)
        return self.offsets_db.get(part, 0.0) if part is not None else 0.0


def part_of(track: str) -> Part | None:
    """The part that a track called ``track`` plays; None where its name does not tell."""
    words = re.sub(r"[\W_\d]+", " ", re.sub(r"([a-z])([A-Z])", r"\1 \2", track)).lower()
    return next((part for part, pattern in _PATTERNS.items() if pattern.search(words)), None)


def names() -> list[str]:
    """The shipped profiles, sorted."""
    found = (entry.name for entry in resources.files(__package__).iterdir())
    return sorted(name.removesuffix(".json") for name in found if re.fullmatch(r"[a-z-]+\.json", name))


def load(name: str) -> Profile:
    """The shipped profile called ``name``, or that of a file whose path ends with ``.json``. Raises InputError."""
    if name in names():
        return msgspec.json.decode((resources.files(__package__) / f"{name}.json").read_bytes(), type=Profile)
    if not name.endswith(".json"):
        raise InputError(
            f"profile {name!r} is unknown; expected one of: {', '.join(names())}, or the path of a .json file."
        )
    try:
        return msgspec.json.decode(Path(name).read_bytes(), type=Profile)
    except OSError as error:
        raise InputError(
            f"profile {name} cannot be read ({error.strerror}); name an existing file."
        ) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(
            f"profile {name} cannot be used ({error}); expected name, description and offsets_db with "
            f"{', '.join(get_args(Part))} from -12 to 12 dB."
        ) from None


def schema() -> dict[str, Any]:
    """The JSON schema of a profile."""
    return msgspec.json.schema(Profile)

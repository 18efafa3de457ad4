"""The session file: which tracks, how they are mixed, what is written.

TOML, decoded into frozen structs; ``session.schema.json`` beside this module is generated from them by
`hybridmix.docs_tables`. Paths are relative to the session file.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from hybridmix import presets, profiles
from hybridmix.engine.names import DEFAULT, HIGHEST_BOOST_DB, MAX_BOOST_DB
from hybridmix.errors import InputError

__all__ = ["Output", "Session", "SessionFile", "Track", "label_of", "load", "schema"]

ControlDelay = Literal[20, 40, 60, 100, 200]


class Session(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of the group."""

    name: Annotated[str, msgspec.Meta(description="title of the report and the picture")] = "Untitled"
    group: Annotated[int, msgspec.Meta(ge=1, le=16, description="group number, as in the plugin")] = 1
    model: Annotated[str, msgspec.Meta(description="gain model of the service")] = DEFAULT
    profile: Annotated[
        str,
        msgspec.Meta(
            description="target profile: balanced, vocal-forward, rhythm-forward, or a .json file relative to this one"
        ),
    ] = profiles.DEFAULT
    max_boost_db: Annotated[
        float,
        msgspec.Meta(
            ge=0.0, le=HIGHEST_BOOST_DB, description="most that the model may raise a track by, in dB"
        ),
    ] = MAX_BOOST_DB
    situation: Annotated[
        str | None,
        msgspec.Meta(
            description="a preset for every track, over its own: small-room, hall, broadcast, or a .json file"
        ),
    ] = None
    control_delay_ms: Annotated[
        ControlDelay, msgspec.Meta(description="how long after a frame its gain applies")
    ] = 40
    sample_rate: (
        Annotated[
            int, msgspec.Meta(description="rate of the mix in Hz; the highest of the files when left out")
        ]
        | None
    ) = None
    block: (
        Annotated[
            int,
            msgspec.Meta(
                description="samples per block; about the most that half of the control delay holds, in step with frames of 50 ms, when left out"
            ),
        ]
        | None
    ) = None
    start: Annotated[
        Literal["learned", "neutral"],
        msgspec.Meta(
            description="gains and trim to begin with: learned from the first seconds, or 0 dB until the model has heard enough (about 0.5 s)"
        ),
    ] = "learned"
    tempo_bpm: (
        Annotated[
            float,
            msgspec.Meta(
                ge=20.0,
                le=300.0,
                description="tempo that groove counts by; heard from the AI stems, with the beat, when left out",
            ),
        ]
        | None
    ) = None
    first_beat_s: Annotated[
        float, msgspec.Meta(ge=0.0, le=30.0, description="where a beat of that tempo lies, in seconds")
    ] = 0.0
    learn_s: Annotated[
        float, msgspec.Meta(ge=1.0, le=60.0, description="seconds that start values are learned from")
    ] = 6.0
    plan: (
        Annotated[
            str,
            msgspec.Meta(
                description="plan file that freezes the session, relative to this one; where learn writes it"
            ),
        ]
        | None
    ) = None


class Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is written."""

    format: Annotated[Literal["wav", "flac"], msgspec.Meta(description="file format")] = "wav"
    bits: Annotated[
        Literal["24", "float"], msgspec.Meta(description="sample format, in quotes; flac has no float")
    ] = "24"
    stems: Annotated[bool, msgspec.Meta(description="also write every processed track")] = True


class Track(presets.Settings, frozen=True, forbid_unknown_fields=True):
    """One track of the session: its own settings win over those of its preset."""

    path: Annotated[str, msgspec.Meta(min_length=1, description="audio file, relative to the session file")]
    label: Annotated[
        str, msgspec.Meta(max_length=64, description="name in reports; the file's name when empty")
    ] = ""
    preset: Annotated[
        str | None,
        msgspec.Meta(description="a shipped preset, or a .json file relative to this one"),
    ] = None
    mute: Annotated[bool, msgspec.Meta(description="leave the track out of the group and of the mix")] = False
    offset_s: Annotated[
        float, msgspec.Meta(ge=0.0, le=86400.0, description="where the file begins, in seconds")
    ] = 0.0


class SessionFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    track: Annotated[tuple[Track, ...], msgspec.Meta(min_length=1, max_length=128)]
    session: Session = Session()
    output: Output = Output()


def load(path: Path) -> SessionFile:
    """Read and check the session file at ``path``.

    Raises:
        InputError: it cannot be read, is not TOML, or a field has a value that cannot be used.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"session file {path} does not exist; name an existing .toml file.") from None
    except IsADirectoryError:
        raise InputError(f"session file {path} is a folder; name the .toml file inside it.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"session file {path} cannot be read ({error}); expected a UTF-8 text file."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"session file {path} is not valid TOML: {error}.") from None
    try:
        parsed = msgspec.convert(raw, SessionFile)
    except msgspec.ValidationError as error:
        raise InputError(f"session file {path}: {_explain(str(error), raw)}") from None
    _check(path, parsed)
    return parsed


def _check(path: Path, parsed: SessionFile) -> None:
    """Refuse what is well-formed but cannot be rendered."""
    rate = parsed.session.sample_rate
    if rate is not None and (not 44100 <= rate <= 192000 or rate % 100):
        raise InputError(
            f"session file {path}: session.sample_rate is {rate}; expected a multiple of 100 from 44100 to 192000."
        )
    block = parsed.session.block
    if block is not None and not 16 <= block <= 8192:
        raise InputError(f"session file {path}: session.block is {block}; expected 16 to 8192 samples.")
    if parsed.session.first_beat_s and parsed.session.tempo_bpm is None:
        raise InputError(
            f"session file {path}: session.first_beat_s is {parsed.session.first_beat_s:g} without "
            "session.tempo_bpm; add the tempo, or remove it: the beat is heard then."
        )
    if parsed.output.format == "flac" and parsed.output.bits == "float":
        raise InputError(
            f'session file {path}: output.bits is "float" with output.format "flac"; '
            'flac holds integers only: use bits = "24", or format = "wav".'
        )
    if all(track.mute for track in parsed.track):
        raise InputError(f"session file {path}: every track has mute = true; leave at least one audible.")
    named = {f"track[{index}].preset": track.preset for index, track in enumerate(parsed.track)}
    for field, name in {"session.situation": parsed.session.situation, **named}.items():
        if name is not None and name not in presets.names() and not name.endswith(".json"):
            raise InputError(
                f"session file {path}: {field} is {name!r}; expected one of: "
                f"{', '.join(presets.names())}, or the path of a .json file."
            )
    seen: dict[str, int] = {}
    for index, track in enumerate(parsed.track):
        label = label_of(track)
        if label in seen:
            raise InputError(
                f"session file {path}: track[{index}] and track[{seen[label]}] are both called {label!r}; "
                "give each its own label."
            )
        seen[label] = index


def label_of(track: Track) -> str:
    """Return the name under which ``track`` is reported."""
    return track.label or Path(track.path).stem


def _explain(message: str, raw: dict[str, Any]) -> str:
    """Turn a validation message into field, value, expectation."""
    reason, _, where = message.partition(" - at `$")
    field = where.rstrip("`").lstrip(".")
    if unknown := re.match(r"Object contains unknown field `(.+)`", reason):
        name = ".".join(filter(None, (field, unknown[1])))
        return f"{name} is not a known field; remove it or correct its spelling (see docs/session-file.md)."
    if missing := re.match(r"Object missing required field `(.+)`", reason):
        name = ".".join(filter(None, (field, missing[1])))
        if missing[1] == "track":
            return "there is no [[track]]; add at least one with a path."
        return f"{name} is missing; add it."
    value: Any = raw
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", field):
        value = value[int(index)] if index else value[name]
    return f"{field} is {value!r}; {_expectation(reason, field, quoted=not isinstance(value, str))}."


def _expectation(reason: str, field: str, *, quoted: bool) -> str:
    """Say what ``field`` takes, from the schema where it lists values, else from the validator.

    Args:
        quoted: show texts in quotes, since what was given is none: ``24`` is not ``"24"``.
    """
    leaf = field.rpartition(".")[2]
    for struct in (Session, Output, Track):
        for item in msgspec.structs.fields(struct):
            if item.name != leaf:
                continue
            listed = msgspec.json.schema(item.type)
            options = next(
                (part["enum"] for part in [listed, *listed.get("anyOf", [])] if "enum" in part), None
            )
            if options:
                shown = (
                    f'"{option}"' if quoted and isinstance(option, str) else str(option)
                    for option in options
                    if option is not None
                )
                return f"expected one of: {', '.join(shown)}"
    words = {
        "int": "a whole number",
        "float": "a number",
        "str": "text",
        "array": "a list",
        "bool": "true or false",
    }
    return re.sub(r"`(\w+)`", lambda match: words.get(match[1], match[1]), reason[0].lower() + reason[1:])


def schema() -> dict[str, Any]:
    """Return the JSON schema of the session file."""
    return msgspec.json.schema(SessionFile)

"""The plan file of a session, and the plan of one track as the plugin's state holds it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from hybridmix.errors import HybridMixError, InputError
from hybridmix.plan import coding
from hybridmix.wire import parameters

__all__ = [
    "FADES",
    "LEVEL",
    "Learned",
    "PlanFile",
    "Series",
    "TrackPlan",
    "load",
    "save",
    "schema",
    "series",
    "steps",
]

#: Numbers per frame of what fades.
FADES = 5
#: Steps per dB of the input's level.
LEVEL = 2
#: Steps per unit of a parameter: finer than anything that is heard, and zero is zero.
_STEPS = {"dB": 100, "Hz": 10, "s": 1000, "ms": 100}
_OTHER_STEPS = 1000

Doubles = npt.NDArray[np.float64]


class Series(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number per frame of 50 ms."""

    data: Annotated[str, msgspec.Meta(description="differences as variable-length integers, in base64")]
    per: Annotated[int, msgspec.Meta(ge=1, le=1_000_000, description="whole numbers per unit")]

    def numbers(self, frames: int) -> Doubles:
        """Return the numbers, (frames,), in their unit. Raises InputError."""
        return coding.unpack(self.data, frames) / self.per


class TrackPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the plugin on one track plays: fields in the order in which its state has them."""

    frames: Annotated[int, msgspec.Meta(ge=1, le=coding.MAX_FRAMES, description="frames of 50 ms")]
    level: Annotated[Series, msgspec.Meta(description="level of the input in dBFS, mean over its channels")]
    values: Annotated[
        dict[str, Series],
        msgspec.Meta(description="by parameter: what it moves to from the start of each frame on"),
    ]
    begin: Annotated[int, msgspec.Meta(description="first frame, counted from position 0")] = 0
    fades: (
        Annotated[Series, msgspec.Meta(description="gain in dB where chords change, five numbers per frame")]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    version: Annotated[Literal[1], msgspec.Meta(description="of this form")] = 1

    def table(self, name: str) -> Doubles | None:
        """Return what parameter ``name`` moves to, (frames,), in its unit; None where it is not in the plan."""
        found = self.values.get(name)
        return None if found is None else found.numbers(self.frames)


class Learned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A track of the session: its plan, and what it was set to when it was learned."""

    plan: Annotated[TrackPlan, msgspec.Meta(description="what its plugin plays")]
    settings: Annotated[
        dict[str, float], msgspec.Meta(description="plain values of the plugin's settings that were in use")
    ]


class PlanFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole session."""

    format: Annotated[Literal["hybridmix-plan"], msgspec.Meta(description="what the file is")] = (
        "hybridmix-plan"
    )
    version: Annotated[Literal[1], msgspec.Meta(description="of the file's form")] = 1
    hybridmix: Annotated[str, msgspec.Meta(description="release that wrote it")]
    session: Annotated[str, msgspec.Meta(description="name of the session")]
    model: Annotated[str, msgspec.Meta(description="gain model")]
    sample_rate: Annotated[int, msgspec.Meta(description="rate at which it was learned, in Hz")]
    tracks: Annotated[dict[str, Learned], msgspec.Meta(description="by label")]


def series(values: Doubles, per: int) -> Series:
    """Return ``values`` (frames,) to 1 / ``per`` of their unit."""
    return Series(coding.pack(np.rint(values * per).astype(np.int64)), per)


def steps(name: str) -> int:
    """Return into how many steps a plan cuts the unit of parameter ``name``."""
    return _STEPS.get(parameters.load().named(name).unit, _OTHER_STEPS)


class _Envelope(msgspec.Struct):
    """What tells a plan file of any version."""

    format: str = ""
    version: int = 0


def load(path: Path) -> PlanFile:
    """Read and check the plan file at ``path``.

    Raises:
        InputError: it cannot be read, is no plan, of a later release, or damaged.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"plan file {path} cannot be read ({error.strerror}); name one that hybridmix learn wrote."
        ) from None
    try:
        envelope = msgspec.json.decode(content, type=_Envelope)
        if envelope.format == "hybridmix-plan" and envelope.version > 1:
            raise InputError(
                f"plan file {path} has version {envelope.version}, this release reads up to 1; learn again."
            )
        plan = msgspec.json.decode(content, type=PlanFile)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"plan file {path} is no plan ({error}); learn again.") from None
    for label, learned in plan.tracks.items():
        one = learned.plan
        tables = [("level", one.level, 1), *((name, table, 1) for name, table in one.values.items())]
        if one.fades is not msgspec.UNSET:
            tables.append(("fades", one.fades, FADES))
        for name, table, points in tables:
            try:
                table.numbers(points * one.frames)
            except InputError as error:
                raise InputError(
                    f"plan file {path} is damaged: {name} of track {label!r} {error}; learn again."
                ) from None
    return plan


def save(plan: PlanFile, path: Path) -> None:
    """Write ``plan`` at ``path``, in one step.

    Raises:
        HybridMixError: the file cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(msgspec.json.encode(plan) + b"\n")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise HybridMixError(
            f"plan file {path} cannot be written ({error.strerror}); name another with --out."
        ) from None


def schema() -> dict[str, Any]:
    """Return the JSON schema of a plan file."""
    return msgspec.json.schema(PlanFile)

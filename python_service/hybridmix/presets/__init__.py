"""Presets: one JSON file each, named in session files by the file's stem."""

from __future__ import annotations

from importlib import resources
from typing import Annotated, Literal

import msgspec

from hybridmix.errors import InputError

__all__ = ["Preset", "Role", "load", "names"]

Role = Literal["ai_stem", "live_source"]


class Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a preset sets on a track; ``amount`` is 0 to 1, ``gain_offset_db`` in dB."""

    name: str
    description: str
    role: Role
    amount: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 1.0
    gain_offset_db: Annotated[float, msgspec.Meta(ge=-24.0, le=24.0)] = 0.0


def names() -> list[str]:
    """Return the names of the shipped presets, sorted."""
    folder = resources.files(__package__)
    return sorted(
        entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json")
    )


def load(name: str) -> Preset:
    """Return the preset called ``name``.

    Raises:
        InputError: there is none of that name.
    """
    if name not in names():
        raise InputError(f"preset {name!r} is unknown; expected one of: {', '.join(names())}.")
    return msgspec.json.decode((resources.files(__package__) / f"{name}.json").read_bytes(), type=Preset)

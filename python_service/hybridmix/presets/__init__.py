"""Presets: one JSON file each, named in session files by the file's stem."""

from __future__ import annotations

from importlib import resources
from typing import Annotated, Literal

import msgspec

from hybridmix.errors import InputError

__all__ = ["NEUTRAL", "Preset", "Role", "load", "names"]

Role = Literal["ai_stem", "live_source"]


class Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a preset sets on a track; amounts are 0 to 1, what ends in ``_db`` is in dB, in ``_lu`` in LU."""

    name: str
    description: str
    role: Role | None = None
    amount: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 1.0
    gain_offset_db: Annotated[float, msgspec.Meta(ge=-24.0, le=24.0)] = 0.0
    dip_amount: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 0.0
    dip_budget_lu: Annotated[float, msgspec.Meta(ge=0.5, le=6.0)] = 1.0
    breath_amount: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 0.0
    breath_depth_db: Annotated[float, msgspec.Meta(ge=0.0, le=5.0)] = 2.5


#: What a track without a preset gets.
NEUTRAL = Preset("Neutral", "Nothing but mixed.")


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

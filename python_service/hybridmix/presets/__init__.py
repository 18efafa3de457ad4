"""Presets: what a kind of track is set to; one JSON file each, shipped or made by users.

Session files and command lines name a shipped preset, or the path of a ``.json`` file. Hosts get presets as files for
their own browser, see `hybridmix.presets.host`.
"""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

import msgspec

from hybridmix.errors import InputError

__all__ = ["NEUTRAL", "ROLES", "Preset", "Role", "load", "names", "schema"]

Role = Literal["ai_stem", "live_source"]
#: Value of the plugin's parameter ``role``: its number in the list, after "Unset".
ROLES: Final[dict[Role | None, int]] = {None: 0, "ai_stem": 1, "live_source": 2}


class Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a preset sets on a track."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64, description="name that a user sees")]
    description: Annotated[str, msgspec.Meta(max_length=400, description="what it is for")] = ""
    role: Annotated[
        Role | None, msgspec.Meta(description="what the track is; left out, it stays what it was")
    ] = None
    amount: Annotated[
        float, msgspec.Meta(ge=0.0, le=1.0, description="share of the model's gain that is used")
    ] = 1.0
    gain_offset_db: Annotated[
        float, msgspec.Meta(ge=-24.0, le=24.0, description="added after the model, in dB")
    ] = 0.0
    dip_amount: Annotated[
        float,
        msgspec.Meta(ge=0.0, le=1.0, description="how much an AI stem makes room for the live sources"),
    ] = 0.0
    dip_budget_lu: Annotated[
        float, msgspec.Meta(ge=0.5, le=6.0, description="most loudness that the dip may take, in LU")
    ] = 1.0
    breath_amount: Annotated[
        float, msgspec.Meta(ge=0.0, le=1.0, description="how much an AI stem moves like the live sources")
    ] = 0.0
    breath_depth_db: Annotated[
        float, msgspec.Meta(ge=0.0, le=5.0, description="most that breath moves the level by, in dB")
    ] = 2.5
    room_amount: Annotated[
        float, msgspec.Meta(ge=0.0, le=1.0, description="how much of the live sources' room an AI stem gets")
    ] = 0.0

    def params(self) -> dict[str, float]:
        """Return what it sets in the plugin: plain values by the permanent names of the host parameters."""
        role = {"role": float(ROLES[self.role])} if self.role is not None else {}
        return role | {
            "amount": 100.0 * self.amount,
            "breath_amount": 100.0 * self.breath_amount,
            "breath_depth": self.breath_depth_db,
            "dip_amount": 100.0 * self.dip_amount,
            "dip_budget": self.dip_budget_lu,
            "gain_offset": self.gain_offset_db,
            "room_amount": 100.0 * self.room_amount,
        }


#: What a track without a preset gets.
NEUTRAL: Final = Preset("Neutral")


def names() -> list[str]:
    """Return the names of the shipped presets, sorted."""
    found = (entry.name for entry in resources.files(__package__).iterdir())
    return sorted(name.removesuffix(".json") for name in found if re.fullmatch(r"[a-z-]+\.json", name))


def load(name: str) -> Preset:
    """Return the shipped preset called ``name``, or that of a file whose path ends with ``.json``.

    Raises:
        InputError: there is none of that name, or the file cannot be used.
    """
    if name in names():
        return msgspec.json.decode((resources.files(__package__) / f"{name}.json").read_bytes(), type=Preset)
    if not name.endswith(".json"):
        raise InputError(
            f"preset {name!r} is unknown; expected one of: {', '.join(names())}, or the path of a .json file."
        )
    try:
        return msgspec.json.decode(Path(name).read_bytes(), type=Preset)
    except OSError as error:
        raise InputError(f"preset {name} cannot be read ({error.strerror}); name an existing file.") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(
            f"preset {name} cannot be used ({error}); expected {', '.join(Preset.__struct_fields__)} with role "
            f"{' or '.join(get_args(Role))}, as in preset.schema.json."
        ) from None


def schema() -> dict[str, Any]:
    """Return the JSON schema of a preset."""
    return msgspec.json.schema(Preset)

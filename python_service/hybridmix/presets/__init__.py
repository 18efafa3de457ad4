"""Presets: what a kind of track is set to; one JSON file each, shipped or made by users.

Session files and command lines name a shipped preset, or the path of a ``.json`` file. Hosts get presets as files for
their own browser, see `hybridmix.presets.host`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, get_args

import msgspec

from hybridmix.errors import InputError
from hybridmix.presets.settings import (
    BreathDirection,
    BreathSustained,
    GrooveConstant,
    GrooveLimit,
    GrooveSource,
    Role,
    Settings,
)

__all__ = [
    "NEUTRAL",
    "ROLES",
    "SETTINGS",
    "BreathDirection",
    "BreathSustained",
    "GrooveConstant",
    "GrooveLimit",
    "GrooveSource",
    "Preset",
    "Role",
    "Settings",
    "load",
    "names",
    "of_params",
    "schema",
    "write",
]

#: Value of the plugin's parameter ``role``: its number in the list, after "Unset".
ROLES: Final[dict[Role | None, int]] = {None: 0, "ai_stem": 1, "live_source": 2}


class Preset(Settings, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Settings under a name; whatever is left out stays what it was."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64, description="name that a user sees")]
    description: Annotated[str, msgspec.Meta(max_length=400, description="what it is for")] = ""

    def params(self) -> dict[str, float]:
        """Return what it sets in the plugin: plain values by the permanent names of the host parameters."""
        role = {"role": float(ROLES[self.role])} if self.role is not None else {}
        settings = {
            param: _plain(value, scale)
            for name, (param, scale) in SETTINGS.items()
            if (value := getattr(self, name)) is not None
        }
        return dict(sorted((role | settings).items()))

    def over(self, other: Preset) -> Preset:
        """Return what both set together: this one's settings win over those of ``other``."""
        return msgspec.structs.replace(other, **self.given())


#: Host parameter of every setting, and its plain value for a setting of 1, or the settings in the order of its choices.
SETTINGS: Final[dict[str, tuple[str, float | tuple[Any, ...]]]] = {
    "overall_amount": ("overall_amount", 100.0),
    "amount": ("amount", 100.0),
    "gain_offset_db": ("gain_offset", 1.0),
    "staging_amount": ("staging_amount", 100.0),
    "staging_level_db": ("staging_level", 1.0),
    "high_pass_amount": ("high_pass_amount", 100.0),
    "dip_amount": ("dip_amount", 100.0),
    "dip_budget_lu": ("dip_budget", 1.0),
    "density_amount": ("density_amount", 100.0),
    "breath_amount": ("breath_amount", 100.0),
    "breath_depth_db": ("breath_depth", 1.0),
    "breath_direction": ("breath_direction", get_args(BreathDirection)),
    "breath_sustained": ("breath_sustained", get_args(BreathSustained)),
    "breath_fades": ("breath_fades", (False, True)),
    "groove_amount": ("groove_amount", 100.0),
    "groove_limit_ms": ("groove_limit", get_args(GrooveLimit)),
    "groove_constant": ("groove_constant", get_args(GrooveConstant)),
    "groove_source": ("groove_source", get_args(GrooveSource)),
    "room_amount": ("room_amount", 100.0),
}
#: What a new plugin is set to, and a track without a preset.
NEUTRAL: Final = Preset(
    "Neutral",
    overall_amount=1.0,
    amount=1.0,
    gain_offset_db=0.0,
    staging_amount=0.0,
    staging_level_db=-18.0,
    high_pass_amount=0.0,
    dip_amount=0.0,
    dip_budget_lu=1.0,
    density_amount=0.0,
    breath_amount=0.0,
    breath_depth_db=2.5,
    breath_direction="expand",
    breath_sustained="off",
    breath_fades=False,
    groove_amount=0.0,
    groove_limit_ms=5,
    groove_constant="follow",
    groove_source="auto",
    room_amount=0.0,
)


def _plain(setting: Any, scale: float | tuple[Any, ...]) -> float:
    """Return the plain value of a host parameter for a ``setting``, see `SETTINGS`."""
    return float(scale.index(setting)) if isinstance(scale, tuple) else scale * float(setting)


def _setting(plain: float, scale: float | tuple[Any, ...]) -> Any:
    """Return the setting for the ``plain`` value of a host parameter; a choice that there is not stays a number."""
    if isinstance(scale, tuple):
        return scale[round(plain)] if 0 <= round(plain) < len(scale) else plain
    return round(plain / scale, 6)


def of_params(name: str, params: Mapping[str, float], description: str = "") -> Preset:
    """Return the preset that sets a plugin to ``params``, plain values by the permanent names of the host parameters.

    Parameters that no preset sets are left out, and so are settings that are not there.

    Raises:
        InputError: a value is outside its range.
    """
    settings: dict[str, Any] = {
        setting: _setting(params[param], scale)
        for setting, (param, scale) in SETTINGS.items()
        if param in params
    }
    roles = {number: role for role, number in ROLES.items()}
    try:
        role = roles.get(round(params.get("role", 0.0)))
        return msgspec.convert({"name": name, "description": description, "role": role, **settings}, Preset)
    except msgspec.ValidationError as error:
        raise InputError(
            f"preset {name!r} cannot be made ({error}); expected values as in preset.schema.json."
        ) from None


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


def write(preset: Preset, path: Path) -> None:
    """Write ``preset`` as a .json file at ``path``, in one step.

    Raises:
        InputError: the file cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(preset), indent=2) + b"\n")
        partial.replace(path)
    except OSError as error:
        raise InputError(
            f"preset {path} cannot be written ({error.strerror}); name a file in an existing folder."
        ) from error


def schema() -> dict[str, Any]:
    """Return the JSON schema of a preset."""
    return msgspec.json.schema(Preset)

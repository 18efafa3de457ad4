"""Presets as hosts list them: ``.vstpreset`` files in the user's folder for them.

Format: VST 3 SDK documentation, "Preset Format"; folders: the same, "Preset Locations".
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hybridmix.errors import InputError
from hybridmix.presets import Preset

__all__ = ["CLASS_ID", "folder", "install", "preset_state", "read", "vst_preset"]

#: Class of the VST3 plugin, as preset files spell it.
CLASS_ID: Final = b"4879627269644D69785368696D303031"
_NAME: Final = "HybridMix"


def folder(home: Path) -> Path:
    """Return the user's own folder for this plugin's presets."""
    place = {
        "darwin": home / "Library" / "Audio" / "Presets",
        "win32": home / "Documents" / "VST3 Presets",
    }.get(sys.platform, home / ".vst3" / "presets")
    return place / _NAME / _NAME


def install(preset: Preset, into: Path) -> Path:
    """Write ``preset`` into the folder ``into``, in place of one of the same name; return the file.

    Raises:
        InputError: the name cannot be that of a file, or the folder cannot be written.
    """
    if "/" in preset.name or "\\" in preset.name or preset.name.startswith("."):
        raise InputError(f"preset name {preset.name!r} cannot be a file's; choose one without / and \\.")
    target = into / f"{preset.name}.vstpreset"
    state = preset_state(preset.params())
    try:
        into.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial")
        partial.write_bytes(vst_preset(state))
        partial.replace(target)
    except OSError as error:
        raise InputError(
            f"preset folder {into} cannot be written ({error.strerror}); choose another with --dir."
        ) from error
    return target


def read(path: Path) -> dict[str, float]:
    """Return the host parameters that the .vstpreset file at ``path`` sets: plain values by permanent name.

    Hosts write such a file of a plugin's state; `install` writes one of a preset.

    Raises:
        InputError: the file cannot be read, or is none of this plugin.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"preset {path} cannot be read ({error.strerror}); name an existing file.") from None
    try:
        magic, _, owner, entries = struct.unpack_from("<4si32sq", content)
        if (magic, owner) != (b"VST3", CLASS_ID):
            raise ValueError("another plugin's")
        _, count = struct.unpack_from("<4si", content, entries)
        for index in range(count):
            kind, begin, size = struct.unpack_from("<4sqq", content, entries + 8 + 20 * index)
            if kind == b"Comp":
                params = json.loads(content[begin : begin + size])["params"]
                return {str(name): float(value) for name, value in params.items()}
        raise ValueError("no state in it")
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"preset {path} cannot be used ({error}); expected a .vstpreset that a host saved from HybridMix."
        ) from None


def preset_state(params: Mapping[str, float]) -> dict[str, Any]:
    """Return the state that sets ``params``, plain values by permanent name, and leaves the rest of a plugin alone."""
    return {"format": "hybridmix-preset", "params": dict(params), "version": 1}


def vst_preset(state: Mapping[str, Any]) -> bytes:
    """Return a .vstpreset file with ``state`` as the component's chunk."""
    chunk = json.dumps(state, sort_keys=True).encode()
    header = struct.calcsize("<4si32sq")
    entries = struct.pack("<4si", b"List", 1) + struct.pack("<4sqq", b"Comp", header, len(chunk))
    return struct.pack("<4si32sq", b"VST3", 1, CLASS_ID, header + len(chunk)) + chunk + entries

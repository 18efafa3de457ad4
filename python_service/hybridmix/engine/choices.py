"""What each group is mixed by: the settings of the service, and for single groups what ``hybridmix group`` wrote.

The file ``groups.json`` lies in the runtime folder, which is the user's alone. The service looks once a second
whether it changed; a file that cannot be used changes nothing and is named in the log.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from hybridmix import profiles
from hybridmix.engine.config import Config
from hybridmix.engine.discovery import open_folder
from hybridmix.engine.logs import event
from hybridmix.engine.models import Models, load_models
from hybridmix.engine.names import require_known
from hybridmix.errors import InputError
from hybridmix.wire.limits import MAX_GROUP

__all__ = ["FILE", "Choice", "Choices", "read", "write"]

log = logging.getLogger(__name__)

#: Name of the file.
FILE = "groups.json"


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one group differs in; None: as the service was started."""

    model: str | None = None
    profile: str | None = None


class Choices:
    """Models and profiles by group number; models are opened once."""

    def __init__(self, config: Config, models: Models) -> None:
        """Set up from ``config``, whose own ``models`` are open already. Raises InputError."""
        self._config = config
        self._path = config.runtime_dir / FILE
        self._models = {config.model: models}
        self._profiles = {config.profile: profiles.load(config.profile)}
        self._groups: Mapping[int, Choice] = {}
        self._seen: tuple[int, int] | None = None

    def changed(self) -> bool:
        """Whether the file changed since the last call and can be used."""
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_ino)
        except FileNotFoundError:
            seen = None
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            groups = read(self._path.parent)
            for choice in groups.values():
                if choice.model is not None and choice.model not in self._models:
                    self._models[choice.model] = load_models(choice.model, self._config.models_dir)
            wanted = {self._config.profile, *(one.profile for one in groups.values() if one.profile)}
            self._profiles = {name: profiles.load(name) for name in wanted}
        except InputError as error:
            log.error(event("group settings cannot be used", reason=error))
            return False
        self._groups = groups
        return True

    def models_of(self, group: int) -> Models:
        """What the group of this number is mixed by."""
        chosen = self._groups.get(group, Choice()).model
        return self._models[chosen or self._config.model]

    def profile_of(self, group: int) -> profiles.Profile:
        """The profile of the group of this number."""
        chosen = self._groups.get(group, Choice()).profile
        return self._profiles[chosen or self._config.profile]


def read(folder: Path) -> dict[int, Choice]:
    """What the groups differ in; nothing where there is no file. Raises InputError."""
    path = folder / FILE
    try:
        groups = msgspec.json.decode(path.read_bytes(), type=dict[int, Choice])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"group settings {path} cannot be read ({error}); remove the file.") from None
    for number, choice in groups.items():
        _require_group(number)
        if choice.model is not None:
            require_known(choice.model)
    return groups


def write(folder: Path, number: int, choice: Choice) -> None:
    """Let group ``number`` differ by ``choice``, whole or not at all. Raises InputError."""
    _require_group(number)
    if choice.model is not None:
        require_known(choice.model)
    if choice.profile is not None:
        profiles.load(choice.profile)
    groups = read(open_folder(folder))
    groups[number] = choice
    if choice == Choice():
        del groups[number]
    new = folder / f"{FILE}.{os.getpid()}"
    new.write_bytes(msgspec.json.encode({str(one): groups[one] for one in sorted(groups)}))
    new.replace(folder / FILE)


def _require_group(number: int) -> None:
    if not 1 <= number <= MAX_GROUP:
        raise InputError(f"group {number} does not exist; expected 1 to {MAX_GROUP}.")

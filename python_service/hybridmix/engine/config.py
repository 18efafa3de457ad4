"""The settings of the service: one frozen dataclass, arguments over environment over defaults."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from pathlib import Path

from hybridmix import profiles
from hybridmix.engine.discovery import runtime_folder
from hybridmix.engine.names import DEFAULT, HIGHEST_BOOST_DB, MAX_BOOST_DB
from hybridmix.errors import InputError

__all__ = ["ENVIRONMENT", "Config", "load"]

MODELS_FOLDER = Path(__file__).resolve().parent.parent / "models"


@dataclasses.dataclass(frozen=True, slots=True)
class Config:
    """What a service is started with."""

    #: Folder of the socket, the lock and the discovery file; mode 0700.
    runtime_dir: Path
    #: Name of the gain model, one of `models.MODELS`.
    model: str = DEFAULT
    #: Port on 127.0.0.1 (0: any free one) instead of a socket in the folder.
    tcp: int | None = None
    #: File that receives one record per computed frame and member.
    trace: Path | None = None
    #: Folder of the ONNX files.
    models_dir: Path = MODELS_FOLDER
    #: Most that a gain model may raise a track by, dB.
    max_boost_db: float = MAX_BOOST_DB
    #: Target profile: a shipped one, or the path of a file.
    profile: str = profiles.DEFAULT
    #: Log warnings and errors only.
    quiet: bool = False


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise InputError(f"TCP port {text!r} cannot be used; expected a number from 0 to 65535.")
    return int(text)


def _boost(text: str) -> float:
    try:
        boost = float(text)
    except ValueError:
        boost = math.nan
    if not 0.0 <= boost <= HIGHEST_BOOST_DB:
        raise InputError(f"largest boost {text!r} cannot be used; expected 0 to {HIGHEST_BOOST_DB:g} dB.")
    return boost


def _switch(text: str) -> bool:
    if text not in ("0", "1"):
        raise InputError(f"HYBRIDMIX_QUIET is {text!r}; expected 0 or 1.")
    return text == "1"


#: Environment variable of each setting and how its text is read.
ENVIRONMENT: Mapping[str, tuple[str, Callable[[str], object]]] = {
    "runtime_dir": ("HYBRIDMIX_RUNTIME_DIR", Path),
    "model": ("HYBRIDMIX_MODEL", str),
    "tcp": ("HYBRIDMIX_TCP", _port),
    "trace": ("HYBRIDMIX_TRACE", Path),
    "models_dir": ("HYBRIDMIX_MODELS_DIR", Path),
    "max_boost_db": ("HYBRIDMIX_MAX_BOOST_DB", _boost),
    "profile": ("HYBRIDMIX_PROFILE", str),
    "quiet": ("HYBRIDMIX_QUIET", _switch),
}


def load(arguments: Mapping[str, object], environ: Mapping[str, str]) -> Config:
    """Settings from command-line ``arguments`` (None: not given), then ``environ``, then the defaults.

    Raises InputError for a value that cannot be used.
    """
    values: dict[str, object] = {"runtime_dir": runtime_folder(environ)}
    for name, (variable, parse) in ENVIRONMENT.items():
        if text := environ.get(variable):
            values[name] = parse(text)
    values.update({name: value for name, value in arguments.items() if value is not None})
    config = Config(**values)  # type: ignore[arg-type]
    if config.tcp is not None:
        _port(str(config.tcp))
    _boost(str(config.max_boost_db))
    return config

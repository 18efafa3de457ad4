"""The states that the plugin shows, from ``schema/status.toml``."""

from __future__ import annotations

import functools
from importlib import resources

import msgspec

__all__ = ["Status", "load"]


class Status(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One state: permanent code and name, what is shown (up to 30 characters), what it means, what to do."""

    code: int
    name: str
    text: str
    sentence: str
    fix: str


class _File(msgspec.Struct, forbid_unknown_fields=True):
    status: list[Status]


@functools.cache
def load() -> tuple[Status, ...]:
    """Every state, by code."""
    data = resources.files("hybridmix").joinpath("schema/status.toml").read_bytes()
    return tuple(msgspec.toml.decode(data, type=_File).status)

"""The values that travel from the service to the shim, from ``schema/parameters.toml``."""

from __future__ import annotations

import functools
import hashlib
import struct
from importlib import resources

import msgspec

__all__ = ["Parameter", "Schema", "load"]


class Parameter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One declared value; the comment in the file says what the fields mean."""

    id: int
    name: str
    section: str
    unit: str
    min: float
    max: float
    neutral: float
    ramp_ms: float
    slew_per_s: float
    source: str
    description: str

    def __post_init__(self) -> None:
        if not (self.min < self.max and self.min <= self.neutral <= self.max):
            raise ValueError(f"{self.name}: min < max and neutral between them were expected")
        if not (self.ramp_ms > 0 and self.slew_per_s > 0):
            raise ValueError(f"{self.name}: ramp_ms and slew_per_s above 0 were expected")

    @property
    def range(self) -> tuple[float, float]:
        """Least and greatest value as 32-bit floats, as the wire carries them."""
        low, high = struct.unpack("<2f", struct.pack("<2f", self.min, self.max))
        return low, high


class Schema(msgspec.Struct, frozen=True):
    """The declaration: parameters by ascending id, and the SHA-256 of the file in hex."""

    parameters: tuple[Parameter, ...]
    sha256: str

    def named(self, name: str) -> Parameter:
        """The parameter called ``name``; `KeyError` where there is none."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(name)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    parameter: list[Parameter]


@functools.cache
def load() -> Schema:
    """Read the declaration that ships with the package."""
    data = resources.files("hybridmix").joinpath("schema/parameters.toml").read_bytes()
    parameters = tuple(msgspec.toml.decode(data, type=_File).parameter)
    ids = [parameter.id for parameter in parameters]
    if ids != sorted(set(ids)):
        raise ValueError("parameters.toml: ids must ascend, each once")
    return Schema(parameters, hashlib.sha256(data).hexdigest())

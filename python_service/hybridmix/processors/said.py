"""What a processor says of one frame, and how members are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hybridmix.engine.gain import Flags, Floats
from hybridmix.wire import parameters

__all__ = ["Said", "Value"]

#: Id of a parameter and its value.
Value = tuple[int, float]


class Said(NamedTuple):
    """Values of the members of a frame, a row each."""

    #: By parameter name, ids ascending, (n,) each.
    values: Mapping[str, Floats]
    #: (n,): who is told; whoever is not holds.
    told: Flags

    def add_to(self, told: list[list[Value]]) -> list[list[Value]]:
        """Return what each member is ``told`` with this behind it."""
        schema = parameters.load()
        ids = [schema.named(name).id for name in self.values]
        rows = zip(*(values.tolist() for values in self.values.values()), strict=True)
        return [
            [*before, *zip(ids, row, strict=True)] if hears else before
            for before, row, hears in zip(told, rows, self.told.tolist(), strict=True)
        ]

    def sent(self) -> dict[str, npt.ArrayLike]:
        """Return what was sent by name, NaN where a member holds."""
        return {name: np.where(self.told, values, np.nan) for name, values in self.values.items()}

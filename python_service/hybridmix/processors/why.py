"""What a processor knows of why it does something, for the sentences of `hybridmix.engine.reasons`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["LEAST_DB", "Sent", "Why"]

#: What was sent during a second by name, (frames, n); NaN where a member held.
Sent = dict[str, npt.NDArray[np.float32]]

#: What moves a level by less than this does nothing, dB.
LEAST_DB = 0.05


class Why(NamedTuple):
    """What one section did during a second, a row per member."""

    section: str
    #: (n,): whether it did anything.
    at_work: npt.NDArray[np.bool_]
    #: The values of its sentence, (n,) each; any number where it did nothing.
    values: Mapping[str, npt.NDArray[np.floating]]

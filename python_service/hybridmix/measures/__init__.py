"""What is measured of a mix, by the definitions of docs/metrics.md: one place for the command line and for evaluation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["RATE", "Doubles", "Floats"]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

#: Sample rate of what is measured, Hz.
RATE = 44100

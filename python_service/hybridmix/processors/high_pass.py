"""The high-pass of AI stems: the user's amount, sent back so that it begins at a sample like everything else.

It tells nobody anything before somebody had an amount above 0.
"""

from __future__ import annotations

import numpy as np

from hybridmix.engine.gain import Flags, Floats, Slots
from hybridmix.processors.said import Said
from hybridmix.processors.why import Sent, Why

__all__ = ["HighPass"]


class HighPass:
    """Mix of every AI stem's high-pass; one slot per member."""

    def __init__(self) -> None:
        """Nobody was told anything."""
        self._told: Flags = np.zeros(0, np.bool_)

    def reset(self) -> None:
        """Nothing is kept that a new beginning would change."""

    def clear(self, slot: int) -> None:
        """Forget the member of ``slot``, growing to hold it where needed."""
        if slot >= len(self._told):
            self._told = np.concatenate([self._told, np.zeros(slot + 1 - len(self._told), np.bool_)])
        self._told[slot] = False

    def step(self, slots: Slots, present: Flags, *, is_ai: Flags, amount: Floats) -> Said | None:
        """Return the mixes of a frame; None where nobody is told anything. Rows (n,) as everywhere."""
        mix = np.where(is_ai, amount, np.float32(0.0))
        told = self._told[slots] | (mix > 0.0)
        if not told.any():
            return None
        self._told[slots] = told
        return Said({"high_pass_mix": mix}, told & present)

    def explain(self, sent: Sent) -> Why:
        """Return how much of the members' lows goes."""
        mix = np.fmax.reduce(sent["high_pass_mix"])
        return Why("high_pass", mix > 0.0, {"mix_percent": 100.0 * mix})

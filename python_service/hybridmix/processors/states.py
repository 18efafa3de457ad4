"""What a model gives back from frame to frame, kept per member."""

from __future__ import annotations

import numpy as np

from hybridmix.engine.gain import Slots
from hybridmix.engine.models import Arrays, Session

__all__ = ["States"]


class States:
    """The states of one model, zeros before the first frame; one slot per member."""

    def __init__(self, session: Session) -> None:
        """Make room for the states of ``session``, and for nobody yet."""
        self._arrays: Arrays = {
            state.name: np.zeros((0, *state.shape), state.dtype) for state in session.states
        }
        self.names = frozenset(self._arrays)
        #: Names of the outputs that bring them.
        self.outputs = frozenset(f"{name}_out" for name in self._arrays)

    def reset(self) -> None:
        """Forget everybody."""
        for array in self._arrays.values():
            array[...] = 0

    def clear(self, slot: int) -> None:
        """Forget the member of ``slot``, growing to hold it where needed."""
        for name, array in self._arrays.items():
            if slot >= len(array):
                more = np.zeros((slot + 1 - len(array), *array.shape[1:]), array.dtype)
                self._arrays[name] = array = np.concatenate([array, more])
            array[slot] = 0

    def still(self, name: str, slots: Slots | int) -> None:
        """Begin one state of the members in ``slots`` anew."""
        self._arrays[name][slots] = 0

    def of(self, slots: Slots) -> Arrays:
        """Return the states of the members in ``slots`` by name, a row each."""
        return {name: array[slots] for name, array in self._arrays.items()}

    def keep(self, slots: Slots, out: Arrays) -> None:
        """Take over what the model gave back in ``out`` for the members in ``slots``."""
        for name, array in self._arrays.items():
            array[slots] = out[f"{name}_out"]

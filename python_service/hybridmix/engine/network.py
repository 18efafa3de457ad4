"""A gain network as a rule: one step per frame over all members, equal loudness ready to stand in."""

from __future__ import annotations

import logging

import numpy as np

from hybridmix.engine.ears import Ears
from hybridmix.engine.gain import EqualLoudness, Flags, Floats, Gains, ModelError, Slots, run
from hybridmix.engine.logs import event
from hybridmix.engine.models import Arrays, Session

__all__ = ["Network"]

log = logging.getLogger(__name__)

_INPUTS = frozenset({"embedding", "level_db", "energy", "mask"})
_GAIN = "gain_db"


class Network:
    """Gains by the step graph of a network; what it keeps from frame to frame is what the graph gives back."""

    #: As trained and measured: 0.5 dB in 50 ms.
    slew_db = 0.5
    hears = True

    def __init__(self, step: Session, ears: Ears, stand_in: EqualLoudness) -> None:
        """Check that ``step`` is a model this rule knows how to call. Raises InputError."""
        states = step.states
        step.require(
            _INPUTS | {state.name for state in states},
            frozenset({_GAIN, *(f"{state.name}_out" for state in states)}),
        )
        self._session, self._ears, self._stand_in = step, ears, stand_in
        self._state: Arrays = {state.name: np.zeros((0, *state.shape), state.dtype) for state in states}
        self._gain: Floats = np.zeros(0, np.float32)
        self._failing = False
        #: Frames in which equal loudness stood in for somebody.
        self.stood_in = 0
        #: Whether it did in the last frame.
        self.standing_in = False

    def reset(self) -> None:
        """Forget everything about every member."""
        self._stand_in.reset()
        self._ears.reset()
        for state in (self._gain, *self._state.values()):
            state[...] = 0

    def clear(self, slot: int) -> None:
        """Forget the member of ``slot``, growing to hold it where needed."""
        self._stand_in.clear(slot)
        self._ears.clear(slot)
        if slot >= len(self._gain):
            more = slot + 1 - len(self._gain)
            self._gain = np.concatenate([self._gain, np.zeros(more, np.float32)])
            for name, state in self._state.items():
                self._state[name] = np.concatenate([state, np.zeros((more, *state.shape[1:]), state.dtype)])
        for state in (self._gain, *self._state.values()):
            state[slot] = 0

    def begin(self, slots: Slots, gain_db: Floats) -> None:
        """See `GainRule.begin`: equal loudness begins there; the network begins at rest."""
        self._stand_in.begin(slots, gain_db)

    def deliver(self, slot: int, turn: int, audio: Floats) -> None:
        """See `GainRule.deliver`."""
        self._ears.deliver(slot, turn, audio)

    def work(self) -> None:
        """See `GainRule.work`."""
        self._ears.work()

    def step(self, slots: Slots, energy: Floats, present: Flags, level_db: Floats | None) -> Gains:
        """See `GainRule.step`; a gain is known as soon as equal loudness knows one."""
        spare = self._stand_in.step(slots, energy, present, level_db)
        assert level_db is not None
        embedding, usable = self._ears.newest(slots)
        usable = usable & np.isfinite(level_db) & np.isfinite(energy)
        mask = present & usable
        if mask.any():
            given: Arrays = {"embedding": embedding, "level_db": level_db, "energy": energy, "mask": mask}
            try:
                self._advance(slots, given, mask)
            except ModelError as error:
                if not self._failing:
                    log.error(event("network failed, equal loudness stands in", reason=error))
                self._failing, usable = True, np.zeros_like(usable)
        self.standing_in = not usable.all()
        self.stood_in += self.standing_in
        gains = np.where(usable, self._gain[slots], spare.db)
        return Gains(gains, spare.known, np.where(usable, 1, 0))

    def _advance(self, slots: Slots, given: Arrays, mask: Flags) -> None:
        state = {name: values[slots] for name, values in self._state.items()}
        out = run(self._session, given | state)
        for name, values in self._state.items():
            values[slots] = out[f"{name}_out"]
        self._gain[slots] = np.where(mask, out[_GAIN], self._gain[slots])

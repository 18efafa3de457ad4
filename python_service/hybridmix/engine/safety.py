"""Between a gain rule and the plugin: how much a gain may rise, and how it moves.

In this order: the target profile moves the aim, the boost is limited, what stands by itself in an open
microphone is not pulled up, a change of the rule glides, networks move no faster than 0.5 dB in 50 ms, a locked
track holds. Your Amount and Gain offset come after all of this.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hybridmix.engine.gain import Flags, Floats, Gains, Slots
from hybridmix.engine.names import MAX_BOOST_DB
from hybridmix.engine.open_microphones import OpenMicrophones

__all__ = ["GLIDE_FRAMES", "Safety"]

#: Frames from one rule to the next: 2 s.
GLIDE_FRAMES = 40

#: What no rule is: whatever comes next is another one.
_NOBODY = -1


class Safety:
    """What was sent last, kept per member; one slot each."""

    def __init__(self, max_boost_db: float = MAX_BOOST_DB) -> None:
        """Limit boosts to ``max_boost_db``."""
        self.max_boost_db = max_boost_db
        self._microphones = OpenMicrophones()
        self._sent: Floats = np.zeros(0, np.float32)
        self._known: Flags = np.zeros(0, np.bool_)
        #: Who said it, what is left behind in dB, and for how many more frames.
        self._source = np.zeros(0, np.int64)
        self._behind: Floats = np.zeros(0, np.float32)
        self._left: Floats = np.zeros(0, np.float32)

    def reset(self) -> None:
        """Forget everything about every member."""
        self._microphones.reset()
        for state in self._all():
            state[...] = 0

    def work(self) -> None:
        """Find open microphones; called before the next frame, when nobody waits if possible."""
        self._microphones.work()

    def clear(self, slot: int) -> None:
        """Forget the member of ``slot``, growing to hold it where needed."""
        self._microphones.clear(slot)
        if slot >= len(self._sent):
            more = slot + 1 - len(self._sent)
            self._sent, self._known, self._source, self._behind, self._left = (
                np.concatenate([state, np.zeros(more, state.dtype)]) for state in self._all()
            )
        for state in self._all():
            state[slot] = 0

    def begin(self, slots: Slots, gain_db: Floats) -> None:
        """Begin at ``gain_db`` (n,) where no gain is known yet, and glide to what the rule says."""
        unknown = ~self._known[slots]
        slots, gain_db = slots[unknown], gain_db[unknown]
        self._sent[slots] = gain_db
        self._known[slots] = True
        self._source[slots] = _NOBODY

    def glide(self, slot: int) -> None:
        """Go from what was sent last to what comes next by a glide."""
        self._source[slot] = _NOBODY

    def step(
        self,
        slots: Slots,
        gains: Gains,
        aim_db: Floats,
        locked: Flags,
        slew_db: float,
        energy: Floats | None = None,
    ) -> tuple[Floats, Flags]:
        """Gains in dB (n,) to send, before the user's part, and whether each is known (n,).

        ``aim_db`` (n,) is added by the profile; ``slew_db`` is the most that a gain moves in a frame; ``energy``
        (n,) finds open microphones, None where the rule is meant to raise them.
        """
        sent, had = self._sent[slots], self._known[slots]
        wanted = np.minimum(gains.db + aim_db, np.float32(self.max_boost_db))
        if energy is not None:
            wanted = np.minimum(wanted, self._microphones.ceilings_db(slots))
        fresh = had & gains.known & (gains.source != self._source[slots])
        behind = np.where(fresh, sent, self._behind[slots])
        left = np.where(fresh, np.float32(GLIDE_FRAMES), self._left[slots])
        left = np.maximum(left - np.float32(1.0), np.float32(0.0))
        share = left / np.float32(GLIDE_FRAMES)
        wanted = wanted * (np.float32(1.0) - share) + behind * share
        if slew_db < np.inf:
            limit = np.float32(slew_db)
            wanted = np.where(had, sent + np.clip(wanted - sent, -limit, limit), wanted)
        free = gains.known & ~locked
        sent = np.where(free, wanted, sent)
        known = had | free
        self._sent[slots], self._known[slots] = sent, known
        self._behind[slots], self._left[slots] = behind, left
        # What was held goes on by a glide.
        self._source[slots] = np.where(free, gains.source, _NOBODY)
        if energy is not None:
            self._microphones.note(slots, energy, sent)
        return sent, known

    def _all(self) -> tuple[npt.NDArray[np.generic], ...]:
        return self._sent, self._known, self._source, self._behind, self._left

"""Which tracks are open microphones whose performer is silent: they are not pulled up.

A track that went down looks the same to a loudness rule whether a fader was pulled or a performer stopped. What
is left in an open microphone is bleed, though, and bleed follows from the other tracks: its power is a sum of
theirs. So while the last half second of a track lies at least 2 dB below its loudest 3 s, its gain may be at most
2 dB higher than when it was last loud. After 3 s of that: where the power is explained by that of at most six
others, or lies 16 dB below, no higher at all; where it is not for most of a second, as it likes. That looks at the
past alone. Measured on simulated stages: bleed is explained with a correlation of 0.78 to 0.97, a track that plays on
after a step of -12 dB with 0.82 at most.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from hybridmix.engine.gain import Floats, Slots

__all__ = ["OpenMicrophones"]

#: Frames that are looked at: 3 s; those that tell how loud it is now; and from one look at a track to the next.
WINDOW = 60
_NOW = 10
STRIDE = 6
#: Other tracks that may explain one.
_OTHERS = 6
#: Correlation in dB between the power and what explains it: from here on it is bleed; below that it is none,
#: where so many looks in succession say so.
_BEGINS, _ENDS, _LOOKS = 0.85, 0.65, 3
#: Bleed is this far below the loudest 3 s; what the loudest loses per frame: 0.1 dB/s.
_BELOW = 10.0**-0.2
_FORGETTING = 10.0 ** (-0.1 / 20.0 / 10.0)
#: No fader step is this deep: bleed, whatever explains it.
_FAR_BELOW = 10.0**-1.6
#: A track that may rise and is so far below its last 3 s has fallen.
_FALL = 10.0**-0.6
#: Mean square of silence (-70 dBFS), and the least that is told apart.
_SILENCE, _FLOOR = 1e-7, 1e-12
#: Rise that is let pass while it is not known whether it is bleed, dB.
_DOUBT_DB = 2.0

Doubles = npt.NDArray[np.float64]


class OpenMicrophones:
    """The last 3 s of every member's energy and gain; one slot each."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._frame = 0
        self._rows: list[int] = []
        self._waiting = False
        self._power: Doubles = np.zeros((0, WINDOW))
        #: The gain sent last, that of the last loud moment, the frames since then, and looks in succession in which
        #: others did not explain the track.
        self._sent: Doubles = np.zeros(0)
        self._loud_db: Doubles = np.zeros(0)
        self._soft = np.zeros(0, np.int64)
        self._unlike = np.zeros(0, np.int64)
        #: Frames without a gap, and the last one of them.
        self._count = np.zeros(0, np.int64)
        self._last = np.zeros(0, np.int64)
        self._loudest: Doubles = np.zeros(0)
        self._ceiling: Doubles = np.zeros(0)

    def reset(self) -> None:
        """Forget everything about every member."""
        self._frame, self._waiting = 0, False
        for slot in range(len(self._count)):
            self.clear(slot)

    def clear(self, slot: int) -> None:
        """Forget the member of ``slot``, growing to hold it where needed."""
        if slot >= len(self._count):
            more = slot + 1 - len(self._count)
            self._power = np.concatenate([self._power, np.zeros((more, WINDOW))])
            self._sent = np.concatenate([self._sent, np.zeros(more)])
            self._loud_db = np.concatenate([self._loud_db, np.zeros(more)])
            self._soft = np.concatenate([self._soft, np.zeros(more, np.int64)])
            self._unlike = np.concatenate([self._unlike, np.zeros(more, np.int64)])
            self._count = np.concatenate([self._count, np.zeros(more, np.int64)])
            self._last = np.concatenate([self._last, np.zeros(more, np.int64)])
            self._loudest = np.concatenate([self._loudest, np.zeros(more)])
            self._ceiling = np.concatenate([self._ceiling, np.zeros(more)])
        self._count[slot] = self._last[slot] = self._soft[slot] = self._unlike[slot] = 0
        self._loudest[slot] = 0.0
        self._loud_db[slot] = self._ceiling[slot] = np.inf

    def ceilings_db(self, slots: Slots) -> Floats:
        """The highest gain of each (n,), dB; infinite where nothing is known against raising it."""
        return self._ceiling[slots].astype(np.float32)

    def note(self, slots: Slots, energy: Floats, sent_db: Floats) -> None:
        """Take a frame: ``energy`` (n,), K-weighted mean square, and the gains sent (n,), dB."""
        self._frame += 1
        column = self._frame % WINDOW
        self._count[slots] = np.where(self._last[slots] == self._frame - 1, self._count[slots], 0) + 1
        self._last[slots] = self._frame
        self._power[slots, column] = energy
        self._sent[slots] = sent_db
        self._rows = slots.tolist()
        self._waiting = True

    def work(self) -> None:
        """Look at a sixth of the tracks of the frame that was noted last."""
        if not self._waiting:
            return
        self._waiting = False
        ready = [slot for slot in self._rows if self._count[slot] >= WINDOW]
        for slot in self._rows[self._frame % STRIDE :: STRIDE]:
            if slot in ready:
                self._look(slot, [other for other in ready if other != slot])

    def _look(self, slot: int, others: list[int]) -> None:
        power = np.roll(self._power[slot], -1 - self._frame % WINDOW)
        mean = float(power.mean())
        # While only bleed is left, what the performer was is not forgotten.
        kept = _FORGETTING**STRIDE if np.isinf(self._ceiling[slot]) else 1.0
        self._loudest[slot] = max(mean, self._loudest[slot] * kept)
        now = float(power[-_NOW:].mean())
        free = not others or mean <= _SILENCE or now >= self._loudest[slot] * _BELOW
        # One that plays softly and then falls silent has fallen, too; one that was never loud rises from where it is.
        fallen = np.isinf(self._ceiling[slot]) and (now < mean * _FALL or np.isinf(self._loud_db[slot]))
        if free or fallen:
            self._loud_db[slot], self._soft[slot], self._unlike[slot] = self._sent[slot], 0, 0
        if free:
            self._ceiling[slot] = np.inf
            return
        self._soft[slot] += STRIDE
        if self._soft[slot] < WINDOW:
            self._ceiling[slot] = self._loud_db[slot] + _DOUBT_DB
            return
        likeness = _explained(power, np.roll(self._power[others], -1 - self._frame % WINDOW, axis=1))
        self._unlike[slot] = self._unlike[slot] + 1 if likeness < _ENDS else 0
        if likeness >= _BEGINS or mean < self._loudest[slot] * _FAR_BELOW:
            self._ceiling[slot] = min(self._loud_db[slot], self._ceiling[slot])
        elif self._unlike[slot] >= _LOOKS:
            self._ceiling[slot] = np.inf


def _explained(power: Doubles, others: Doubles) -> float:
    """How well ``power`` (frames,) follows from a sum of ``others`` (n, frames): correlation in dB, at most 1."""
    power, others = np.maximum(power, _FLOOR), np.maximum(others, _FLOOR)
    alike = _correlation(np.log(others), np.log(power))
    nearest = others[np.argsort(-alike, kind="stable")[:_OTHERS]]
    # Errors count relative to the power, as the ear does.
    shares, _ = nnls((nearest / power).T, np.ones(len(power)))
    return float(_correlation(np.log(np.maximum(shares @ nearest, _FLOOR))[np.newaxis], np.log(power))[0])


def _correlation(rows: Doubles, row: Doubles) -> Doubles:
    """Correlation of each of ``rows`` (n, frames) with ``row`` (frames,); 0 where one does not move."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    row = row - row.mean()
    norm = np.sqrt((rows * rows).sum(axis=1) * (row * row).sum())
    moving = norm > 1e-9
    return np.asarray(np.where(moving, (rows @ row) / np.where(moving, norm, 1.0), 0.0))

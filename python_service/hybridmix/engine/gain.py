"""The gain rules: rows of one frame in, gains and the group's trim out, state kept per member.

A rule keeps its state in arrays with one slot per member, so that a frame reads and writes the rows it
needs at once. `step` changes nothing when the model fails: the caller holds what it had.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from hybridmix.engine.models import Arrays, Session
from hybridmix.processors.why import LEAST_DB, Sent, Why

__all__ = ["EqualLoudness", "GainRule", "Gains", "Headroom", "ModelError", "Raw", "run"]

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
Slots = npt.NDArray[np.intp]

_WINDOW = 60


class ModelError(Exception):
    """A model raised or answered with something that is no number."""


class Gains(NamedTuple):
    """What a rule says of one frame, (n,) each."""

    db: Floats
    #: Whether the gain is known.
    known: Flags
    #: Who of several said it: where that changes, the gain glides.
    source: npt.NDArray[np.int64]


class GainRule(Protocol):
    """What turns a frame into gains."""

    #: Most that a gain moves in a frame, dB; infinite where the rule's own pace is meant to be heard.
    slew_db: float
    #: Whether it takes audio and levels, or energies alone.
    hears: bool
    #: Frames in which another rule stood in for somebody, and whether one did in the last.
    stood_in: int
    standing_in: bool

    def reset(self) -> None:
        """Forget everything about every member."""

    def clear(self, slot: int) -> None:
        """Forget the member of ``slot``, growing to hold it where needed."""

    def begin(self, slots: Slots, gain_db: Floats) -> None:
        """Begin at ``gain_db`` (n,) where no gain is known yet. Raises ModelError."""

    def deliver(self, slot: int, turn: int, audio: Floats) -> None:
        """Take a frame (channels, samples) to hear; ``turn`` 0 to 5 spreads the work over members."""

    def work(self) -> None:
        """Hear what was delivered; called before the next frame, when nobody waits if possible."""

    def step(self, slots: Slots, energy: Floats, present: Flags, level_db: Floats | None) -> Gains:
        """Gains of a frame.

        ``energy`` (n,) is the K-weighted mean square, ``level_db`` (n,) the mean square in dBFS, at least -100,
        both summed over channels, the latter None for a rule that does not hear it; rows that are not ``present``
        keep their state. Raises ModelError.
        """
        ...


class _Deaf:
    """A rule that rests on energies alone."""

    slew_db = float("inf")
    hears = False
    stood_in = 0
    standing_in = False

    def deliver(self, slot: int, turn: int, audio: Floats) -> None:
        """Nothing is heard."""

    def work(self) -> None:
        """Nothing is heard."""


class Raw(_Deaf):
    """Every gain 0 dB."""

    def reset(self) -> None:
        """Nothing is kept."""

    def clear(self, slot: int) -> None:
        """Nothing is kept."""

    def begin(self, slots: Slots, gain_db: Floats) -> None:
        """Nothing is kept."""

    def step(self, slots: Slots, energy: Floats, present: Flags, level_db: Floats | None) -> Gains:  # noqa: ARG002
        """0 dB for everybody, always known."""
        count = len(slots)
        return Gains(np.zeros(count, np.float32), np.ones(count, np.bool_), np.zeros(count, np.int64))


class EqualLoudness(_Deaf):
    """Every active track brought to the same running loudness, by ``equal_loudness.onnx``."""

    _INPUTS = frozenset({"energy", "present", "window", "filled", "gain_in", "known_in"})
    _OUTPUTS = frozenset({"gain_db", "known", "window_out", "filled_out"})

    def __init__(self, session: Session) -> None:
        """Check that ``session`` is the model this rule knows how to call."""
        session.require(self._INPUTS, self._OUTPUTS)
        self._session = session
        self._window: Floats = np.zeros((0, _WINDOW), np.float32)
        self._filled = np.zeros(0, np.int64)
        self._gain: Floats = np.zeros(0, np.float32)
        self._known: Flags = np.zeros(0, np.bool_)

    def reset(self) -> None:
        """Forget everything about every member."""
        for state in (self._window, self._filled, self._gain, self._known):
            state[...] = 0

    def clear(self, slot: int) -> None:
        """Forget the member of ``slot``, growing to hold it where needed."""
        if slot >= len(self._filled):
            more = slot + 1 - len(self._filled)
            self._window = np.concatenate([self._window, np.zeros((more, _WINDOW), np.float32)])
            self._filled = np.concatenate([self._filled, np.zeros(more, np.int64)])
            self._gain = np.concatenate([self._gain, np.zeros(more, np.float32)])
            self._known = np.concatenate([self._known, np.zeros(more, np.bool_)])
        for state in (self._window, self._filled, self._gain, self._known):
            state[slot] = 0

    def begin(self, slots: Slots, gain_db: Floats) -> None:
        """See `GainRule.begin`: as if ``gain_db`` were what the last 3 s had asked for."""
        unknown = ~self._known[slots]
        slots, gain_db = slots[unknown], gain_db[unknown]
        one = np.ones(1, np.float32)
        state = {"window": np.ones((1, _WINDOW), np.float32), "filled": np.full(1, _WINDOW)}
        fresh = {"gain_in": np.zeros(1, np.float32), "known_in": np.zeros(1, np.bool_)}
        out = run(self._session, {"energy": one, "present": one > 0, **state, **fresh})
        asked = float(out["gain_db"][0])
        # A mean square of 1 asks for ``asked``; this one asks for ``gain_db``.
        self._window[slots] = (10.0 ** ((asked - gain_db) / 10.0))[:, np.newaxis]
        self._filled[slots] = _WINDOW
        self._gain[slots] = gain_db
        self._known[slots] = True

    def step(self, slots: Slots, energy: Floats, present: Flags, level_db: Floats | None) -> Gains:  # noqa: ARG002
        """See `GainRule.step`."""
        out = run(
            self._session,
            {
                "energy": energy,
                "present": present,
                "window": self._window[slots],
                "filled": self._filled[slots],
                "gain_in": self._gain[slots],
                "known_in": self._known[slots],
            },
        )
        gain, known = out["gain_db"], out["known"]
        self._window[slots] = out["window_out"]
        self._filled[slots] = out["filled_out"]
        self._gain[slots] = gain
        self._known[slots] = known
        return Gains(
            gain.astype(np.float32, copy=False),
            known.astype(np.bool_, copy=False),
            np.zeros(len(slots), np.int64),
        )


class Headroom:
    """The group's trim, from the running peak of the gained sum, by ``headroom.onnx``."""

    _OUTPUT = "trim_db"

    def __init__(self, session: Session) -> None:
        """Check that ``session`` is the model this rule knows how to call."""
        self._session = session
        self._state_names = tuple(sorted(session.inputs - {"audio", "gain_db"}))
        session.require(
            frozenset({"audio", "gain_db", *self._state_names}),
            frozenset({self._OUTPUT, *(f"{name}_out" for name in self._state_names)}),
        )
        self._state: Arrays = {}
        self.reset()

    def reset(self) -> None:
        """Forget the peak."""
        self._state = {name: np.zeros(1, np.float32) for name in self._state_names}

    def begin(self, trim_db: float) -> None:
        """Begin as after a peak that asked for ``trim_db`` (0 or less). Raises ModelError."""
        peak = 10.0 ** ((self._aim_dbfs - trim_db) / 20.0)
        self.reset()
        self.step(np.full((1, 1), peak, np.float32), np.zeros(1, np.float32))

    def step(self, audio: Floats, gain_db: Floats) -> float:
        """Trim in dB (0 or less) for ``audio`` (n, samples) gained by ``gain_db`` (n,)."""
        out = run(self._session, {"audio": audio, "gain_db": gain_db, **self._state})
        self._state = {name: out[f"{name}_out"] for name in self._state_names}
        return float(out[self._OUTPUT][0])

    def explain(self, sent: Sent) -> Why:
        """Return why each member gets the trim: how far the sum would pass the aim. Raises ModelError."""
        aim, lowest = self._aim_dbfs, np.fmin.reduce(sent["trim_db"])
        values = {"peak_dbfs": aim - lowest, "trim_db": lowest, "aim_dbfs": np.full_like(lowest, aim)}
        return Why("headroom", lowest <= -LEAST_DB, values)

    @cached_property
    def _aim_dbfs(self) -> float:
        """Where the model keeps the peak of the sum: the trim that it asks for at full scale."""
        silence = {name: np.zeros(1, np.float32) for name in self._state_names}
        given = {"audio": np.ones((1, 1), np.float32), "gain_db": np.zeros(1, np.float32)}
        return float(run(self._session, given | silence)[self._OUTPUT][0])


def run(session: Session, arrays: Arrays) -> Arrays:
    """Outputs of ``session`` by name. Raises ModelError where it raises or gives something that is no number."""
    try:
        out = session.run(arrays)
    except Exception as error:  # onnxruntime raises its own exceptions and plain ones
        raise ModelError(str(error).splitlines()[0]) from error
    for name, values in out.items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ModelError(f"output {name} is not finite")
    return out

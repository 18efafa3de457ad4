"""What a gain network hears beside levels: an embedding of the last 975 ms of every member, all 300 ms.

Which frame brings a member's embedding follows from its identity and from how many frames it delivered: never
from time, from its slot or from other members. Audio is resampled a frame at a time and embedded one member at
a time, so a member's embeddings have the same bits in any company and however its hops arrived.

The work is put off until the frame's answers are out: an embedding serves from the next frame on.
"""

from __future__ import annotations

import logging
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from hybridmix.engine.logs import event
from hybridmix.engine.models import Session
from hybridmix.features import To16k
from hybridmix.features.resampling import RATE
from hybridmix.wire.limits import FRAMES_PER_SECOND

__all__ = ["STRIDE", "Ears"]

log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
Slots = npt.NDArray[np.intp]
_Number = TypeVar("_Number", bound=np.generic)

#: Frames from one embedding of a member to its next.
STRIDE = 6
#: Samples at 16 kHz that an embedding hears: 975 ms; in a frame; and frames kept, a little more than that.
_WINDOW = 15600
_FRAME = RATE // FRAMES_PER_SECOND
_FRAMES = -(-_WINDOW // _FRAME)
#: Numbers in an embedding.
_WIDTH = 128


class Ears:
    """The recent past of every member at 16 kHz, and what the embedding made of it; one slot per member."""

    def __init__(self, rate: int, embedding: Session, *, normalised: bool) -> None:
        """Set up for audio at ``rate`` Hz; ``normalised`` is what the network's card says.

        Raises InputError for a model that is no embedding.
        """
        embedding.require(frozenset({"audio", "normalised"}), frozenset({"embedding"}))
        self._session = embedding
        self._normalised = np.array([normalised])
        self._resampler = To16k(rate)
        self._past: Floats = np.zeros((0, self._resampler.past), np.float32)
        self._audio: Floats = np.zeros((0, _FRAMES, _FRAME), np.float32)
        self._count = np.zeros(0, np.int64)
        self._newest: Floats = np.zeros((0, _WIDTH), np.float32)
        self._usable: Flags = np.zeros(0, np.bool_)
        #: Frames that were delivered and not heard yet: slot, turn of the member, audio (channels, samples).
        self._waiting: list[tuple[int, int, Floats]] = []
        self._failing = False

    def reset(self) -> None:
        """Forget everything about every member."""
        self._waiting.clear()
        for state in (self._past, self._audio, self._count, self._newest):
            state[...] = 0
        self._usable[:] = True

    def clear(self, slot: int) -> None:
        """Forget the member of ``slot``, growing to hold it where needed."""
        self._waiting = [one for one in self._waiting if one[0] != slot]
        if slot >= len(self._count):
            more = slot + 1 - len(self._count)
            self._past = _longer(self._past, more)
            self._audio = _longer(self._audio, more)
            self._count = _longer(self._count, more)
            self._newest = _longer(self._newest, more)
            self._usable = _longer(self._usable, more)
        for state in (self._past, self._audio, self._count, self._newest):
            state[slot] = 0
        self._usable[slot] = True

    def deliver(self, slot: int, turn: int, audio: Floats) -> None:
        """Take a frame (channels, samples), full scale 1, of the member whose ``turn`` is 0 to 5."""
        self._waiting.append((slot, turn, audio))

    def newest(self, slots: Slots) -> tuple[Floats, Flags]:
        """Embeddings (n, 128), zeros before the first, and whether each is finite (n,)."""
        return self._newest[slots], self._usable[slots]

    def work(self) -> None:
        """Hear what was delivered, each member's frames in order."""
        while self._waiting:
            # One frame of each member at a time.
            now: dict[int, tuple[int, Floats]] = {}
            later = []
            for slot, turn, audio in self._waiting:
                if slot in now:
                    later.append((slot, turn, audio))
                else:
                    now[slot] = turn, audio
            self._waiting = later
            self._hear(now)

    def _hear(self, frames: dict[int, tuple[int, Floats]]) -> None:
        slots = np.fromiter(frames, np.intp, len(frames))
        mono = [
            audio if len(audio) == 1 else (audio[:1] + audio[1:]) * np.float32(0.5)
            for _, audio in frames.values()
        ]
        heard, self._past[slots] = self._resampler.resample(np.concatenate(mono), self._past[slots])
        self._audio[slots, self._count[slots] % _FRAMES] = heard
        self._count[slots] += 1
        for slot, (turn, _) in frames.items():
            if (self._count[slot] + turn) % STRIDE == 0:
                self._embed(slot)

    def _embed(self, slot: int) -> None:
        first = int(self._count[slot] % _FRAMES)
        frames = np.concatenate([self._audio[slot, first:], self._audio[slot, :first]])
        audio = frames.reshape(1, -1)[:, -_WINDOW:]
        try:
            (newest,) = self._session.run({"audio": audio, "normalised": self._normalised})["embedding"]
        except Exception as error:  # onnxruntime raises its own exceptions and plain ones
            self._fail(str(error).splitlines()[0])
            self._usable[slot] = False
            return
        self._usable[slot] = np.isfinite(newest).all()
        if self._usable[slot]:
            self._newest[slot] = newest
        else:
            self._fail("it is not finite")

    def _fail(self, reason: str) -> None:
        if not self._failing:
            log.error(event("embedding failed, equal loudness stands in", reason=reason))
        self._failing = True


def _longer(state: npt.NDArray[_Number], more: int) -> npt.NDArray[_Number]:
    """Return ``state`` with ``more`` slots of zeros behind."""
    return np.concatenate([state, np.zeros((more, *state.shape[1:]), state.dtype)])

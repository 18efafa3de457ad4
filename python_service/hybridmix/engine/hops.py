"""The hops of one member, gathered into frames and handed out in order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["MAX_PENDING", "Frame", "HopStore", "UserValues"]

#: Frames a member may be ahead of its group (16 s); the timeline gives up waiting for others before that.
MAX_PENDING = 320


@dataclass(frozen=True, slots=True)
class UserValues:
    """The user's own settings, as they travelled with the audio they belong to."""

    #: Share of the model's gain, 0..1.
    amount: float = 1.0
    #: Added to the gain, dB.
    offset_db: float = 0.0
    #: Control delay in samples.
    delay: int = 0


@dataclass(slots=True)
class Frame:
    """One F2 frame of a member; hops that were lost or lie before the run's beginning are zeros."""

    run: int
    end: int
    #: (channels, frames), full scale 1.0.
    audio: npt.NDArray[np.float32]
    user: UserValues
    #: The first frame of a run: filters start from rest.
    first: bool
    #: The hop that ends the frame has arrived.
    complete: bool = False
    #: K-weighted mean square summed over the channels, once the frame was heard.
    energy: float = 0.0


class HopStore:
    """Frames of one member between their arrival and their turn."""

    def __init__(self, frame: int) -> None:
        """``frame`` is the length of an F2 frame in samples."""
        self._frame = frame
        self._frames: deque[Frame] = deque()
        self._run: int | None = None
        self._first = True

    @property
    def full(self) -> bool:
        """Whether nothing more is accepted until frames have been taken."""
        return len(self._frames) >= MAX_PENDING

    def push(self, run: int, position: int, audio: npt.NDArray[np.float32], user: UserValues) -> list[Frame]:
        """Add hops: ``audio`` (channels, frames) begins at ``position`` samples; in order within a run.

        Returns the frames that are complete now.
        """
        if run != self._run:
            self._run, self._first = run, True
        size = self._frame
        complete = []
        start, stop = position, position + audio.shape[1]
        while start < stop:
            end = (start // size + 1) * size
            until = min(end, stop)
            frame = self._open(run, end, audio.shape[0], user)
            frame.audio[:, start - end + size : until - end + size] = audio[
                :, start - position : until - position
            ]
            frame.user = user
            if until == end:
                frame.complete = True
                complete.append(frame)
            start = until
        return complete

    def take(self, end: int) -> Frame | None:
        """Remove and return the oldest frame that ends at ``end``, and drop what came before it."""
        for index, frame in enumerate(self._frames):
            if frame.end == end and frame.complete:
                for _ in range(index):
                    self._frames.popleft()
                return self._frames.popleft()
        return None

    def _open(self, run: int, end: int, channels: int, user: UserValues) -> Frame:
        if self._frames and not self._frames[-1].complete:
            last = self._frames[-1]
            if last.run == run and last.end == end and len(last.audio) == channels:
                return last
            # Its last hop will never come: the run ended or the hop was lost.
            self._first |= last.first and last.run == run
            self._frames.pop()
        frame = Frame(run, end, np.zeros((channels, self._frame), np.float32), user, self._first)
        self._first = False
        self._frames.append(frame)
        return frame

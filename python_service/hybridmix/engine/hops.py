"""The hops of one member, gathered into frames and handed out in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hybridmix.wire.header import Role

__all__ = ["HOPS", "MAX_PENDING", "Frame", "HopStore", "Pulse", "Stretch", "UserValues"]

#: Frames a member may be ahead of its group (16 s); the timeline gives up waiting for others before that.
MAX_PENDING = 320
#: Hops in a frame.
HOPS = 5
#: Finite samples can still be absurd; this bound keeps every sum of energies in single precision.
MAX_ENERGY = 1e30


@dataclass(frozen=True, slots=True)
class UserValues:
    """The user's own settings, as they travelled with the audio they belong to."""

    #: Share of the model's gain, 0..1.
    amount: float = 1.0
    #: Added to the gain, dB.
    offset_db: float = 0.0
    #: Control delay in samples.
    delay: int = 0
    #: Start values of the run: parameter ids and values.
    start: Sequence[tuple[int, float]] = ()
    #: The model's part of the gain holds.
    locked: bool = False
    #: See `hybridmix.wire.header.Role`.
    role: int = Role.UNSET
    #: Share of the dip, 0..1, and the loudness that it may take, LU.
    dip_amount: float = 0.0
    dip_budget_lu: float = 0.0
    #: Share of breath, 0..1, and the most that it may move the level, dB.
    breath_amount: float = 0.0
    breath_depth_db: float = 0.0
    #: Share of staging, 0..1, and the level that it brings the track to, dBFS.
    staging_amount: float = 0.0
    staging_level_db: float = 0.0
    #: Share of density, and of the high-pass, 0..1.
    density_amount: float = 0.0
    high_pass_amount: float = 0.0
    #: Share of the room, 0..1.
    room_amount: float = 0.0
    #: Share of groove, 0..1, the most that it may shift around its constant, and the most that this may be, ms.
    groove_amount: float = 0.0
    groove_limit_ms: float = 0.0
    groove_constant_ms: float = 0.0
    #: What is played is to become a plan.
    learns: bool = False
    #: Breath compresses too; and what it gives a sustained tone (`hybridmix.processors.swell`).
    breath_both: bool = False
    breath_sustained: int = 0
    #: A plan fades where chords change.
    breath_fades: bool = False
    #: What groove is to hear a live source as.
    is_drums: bool = False
    is_bass: bool = False


class Pulse(NamedTuple):
    """What the host counts: quarter notes at a sample, and per minute."""

    position: int
    beat: float
    tempo: float


@dataclass(slots=True, eq=False)
class Frame:
    """One F2 frame of a member; hops that were lost or lie before the run's beginning are zeros."""

    run: int
    end: int
    #: (channels, frames), full scale 1.0.
    audio: npt.NDArray[np.float32]
    user: UserValues
    #: The hop that ends the frame has arrived.
    complete: bool = False
    #: Sum of the squared K-weighted samples of each hop over the channels, once it was heard.
    squares: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(HOPS))
    #: Where it lies in memory beside those of other members, and as which of them.
    sheet: Sheet | None = None
    place: int = 0
    #: Of the hops that complete it, where the host counts.
    pulse: Pulse | None = None


class Sheet:
    """The same frame of several members, in one piece of memory."""

    def __init__(self, rows: int, members: int, frame: int) -> None:
        """Room for ``members`` with ``rows`` channels in all; ``frame`` in samples."""
        self.audio = np.zeros((rows, frame), np.float32)
        self.squares = np.zeros((members, HOPS))

    @staticmethod
    def of(frames: Sequence[Frame | None]) -> Sheet | None:
        """Find the sheet that has just these ``frames``, in this order; None where there is none."""
        sheet = frames[0].sheet if frames[0] is not None else None
        if sheet is None or len(sheet.squares) != len(frames):
            return None
        for place, frame in enumerate(frames):
            if frame is None or frame.sheet is not sheet or frame.place != place:
                return None
        return sheet


class Stretch(NamedTuple):
    """Hops that arrived together."""

    #: (channels, frames), full scale 1.0.
    audio: npt.NDArray[np.float32]
    #: Frame and index in it of each hop.
    hops: list[tuple[Frame, int]]
    #: A run begins with them: filters start from rest.
    begins: bool


class HopStore:
    """Frames of one member between their arrival and their turn."""

    def __init__(self, frame: int) -> None:
        """``frame`` is the length of an F2 frame in samples."""
        self._frame = frame
        self._frames: deque[Frame] = deque()
        self._run: int | None = None
        self._begins = True

    @property
    def newest(self) -> Frame | None:
        """The frame that came last, complete or not."""
        return self._frames[-1] if self._frames else None

    def goes_on(self, run: int) -> bool:
        """Whether the next hop of ``run`` would begin a frame of a run that has begun."""
        return self._run == run and not self._begins and (not self._frames or self._frames[-1].complete)

    def add(self, frame: Frame) -> None:
        """Append a frame that somebody else fills."""
        self._frames.append(frame)

    @property
    def full(self) -> bool:
        """Whether nothing more is accepted until frames have been taken."""
        return len(self._frames) >= MAX_PENDING

    def push(
        self,
        run: int,
        position: int,
        audio: npt.NDArray[np.float32],
        user: UserValues,
        pulse: Pulse | None = None,
    ) -> Stretch:
        """Add hops: ``audio`` (channels, frames) begins at ``position`` samples; in order within a run.

        Returns them with their places in the frames.
        """
        if run != self._run:
            self._run, self._begins = run, True
        size, hop = self._frame, self._frame // HOPS
        begins, self._begins = self._begins, False
        offset = position % size
        if audio.shape[1] == hop and offset and self._frames:
            # What happens most: one more hop of the frame that is being gathered.
            last = self._frames[-1]
            if (
                not last.complete
                and last.end == position - offset + size
                and last.run == run
                and len(last.audio) == len(audio)
            ):
                last.audio[:, offset : offset + hop] = audio
                last.user = user
                last.pulse = pulse
                last.complete = offset + hop == size
                return Stretch(audio, [(last, offset // hop)], begins)
        hops: list[tuple[Frame, int]] = []
        start, stop = position, position + audio.shape[1]
        while start < stop:
            end = (start // size + 1) * size
            until = min(end, stop)
            frame = self._open(run, end, audio.shape[0], user)
            frame.audio[:, start - end + size : until - end + size] = audio[
                :, start - position : until - position
            ]
            frame.user = user
            frame.pulse = pulse
            frame.complete = until == end
            first = (start - end + size) // hop
            hops += [(frame, first + index) for index in range((until - start) // hop)]
            start = until
        return Stretch(audio, hops, begins)

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
            self._frames.pop()
        frame = Frame(run, end, np.zeros((channels, self._frame), np.float32), user)
        self._frames.append(frame)
        return frame

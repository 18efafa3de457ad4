"""Listens to passes with Learn: keeps what a plan needs to know, in a file, once the answers of a frame are out."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from typing import IO, NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt

from hybridmix.engine.gain import Floats
from hybridmix.engine.hops import HOPS, Frame
from hybridmix.engine.logs import event
from hybridmix.features.levels import PAST, PEAK_BOUND, power, true_peak
from hybridmix.plan.chords import Chords
from hybridmix.plan.passing import POINTS, RECORD, SENT
from hybridmix.timeline import Compute
from hybridmix.wire.limits import FRAMES_PER_SECOND

__all__ = ["Heard", "Learner", "Pass"]

log = logging.getLogger(__name__)

#: Shorter passes are none: 5 s.
_LEAST_FRAMES = 5 * FRAMES_PER_SECOND
#: Rows that are kept of a pass, some 400 MB: 52 minutes of 32 tracks. And frames, the most that a plan may have.
MAX_ROWS, MAX_FRAMES = 2_000_000, 144_000
#: Share of the frames of a member that may be missing.
_GAPS = 0.01


class Heard(NamedTuple):
    """A computed frame, a row per member."""

    action: Compute
    #: None where a member did not come.
    frames: Sequence[Frame | None]
    energy: Floats
    #: What was sent by parameter, (n,) or one number for all, NaN where a member holds.
    sent: dict[str, npt.ArrayLike]
    #: By how much the sum of the group heard each of them louder, (n,) dB.
    level_db: Floats


class Pass(NamedTuple):
    """A pass that is over; ``file`` holds its records (`hybridmix.plan.passing`)."""

    file: IO[bytes]
    members: list[UUID]
    rate: int


class _Track:
    """What is known of a member so far."""

    def __init__(self, number: int) -> None:
        self.number = number
        #: Of a track that fades where chords change.
        self.chords: Chords | None = None
        self.past: Floats = np.zeros((2, PAST), np.float32)
        self.true_peak = 0.0
        #: Ends of its first frame and of its last, and how many came.
        self.first = self.last = 0
        self.there = 0


class Learner:
    """The pass of one group that is under way, and what became of those before."""

    def __init__(self, rate: int) -> None:
        """Set up for audio at ``rate`` Hz."""
        self._rate = rate
        self._frame = rate // FRAMES_PER_SECOND
        #: Frames that were not worked on yet; None ends a pass.
        self._due: list[Heard | None] = []
        self._file: IO[bytes] | None = None
        self._tracks: dict[UUID, _Track] = {}
        self._rows = self._epoch = self._first = self._last = 0
        #: Calls of `second` since the last frame.
        self._silent = 0
        self._states: list[str] = []
        self._passes: list[Pass] = []

    @property
    def listens(self) -> bool:
        """Whether a pass is under way."""
        return self._file is not None

    def wants(self, frames: Sequence[Frame | None]) -> bool:
        """Whether somebody learns in a frame, of which these came; otherwise a pass that is under way is over."""
        learns = any(frame is not None and frame.user.learns for frame in frames)
        if not learns and (self._file is not None or self._due):
            self._due.append(None)
        return learns

    def note(self, heard: Heard) -> None:
        """Take a frame in which somebody learns; `work` looks at it."""
        self._due.append(heard)

    def second(self) -> None:
        """To be called about once a second: a pass is over when nothing came for two of them."""
        self._silent += 1
        if self._silent > 2 and self._file is not None:
            self._end()

    def states(self) -> list[str]:
        """Return what is to be said to the members since the last call, see the message LEARNING."""
        states, self._states = self._states, []
        return states

    def passes(self) -> list[Pass]:
        """Return the passes that are over since the last call; who takes one closes its file."""
        passes, self._passes = self._passes, []
        return passes

    def close(self) -> None:
        """Forget everything."""
        self._due = []
        self._drop()
        for one in self.passes():
            one.file.close()

    def work(self) -> None:
        """Work on what was noted: nothing of it does an answer wait for."""
        due, self._due = self._due, []
        for heard in due:
            self._silent = 0
            try:
                if heard is None:
                    self._end()
                else:
                    self._take(heard)
            except OSError as error:
                log.error(event("pass could not be kept", reason=error))
                self._refuse("plan_failed")

    def _take(self, heard: Heard) -> None:
        action = heard.action
        if self._file is not None and action.epoch != self._epoch:
            if action.fresh:
                self._end()
            else:
                self._refuse("plan_jumped")
        if self._file is None:
            # What came to nothing goes on to do so until the next start.
            if not action.fresh:
                return
            self._file = tempfile.TemporaryFile(prefix="hybridmix-pass-", buffering=1 << 18)  # noqa: SIM115
            self._epoch, self._first = action.epoch, action.end
            self._states.append("learning")
        self._last = action.end
        self._rows += len(action.rows)
        if self._rows > MAX_ROWS or (self._last - self._first) // self._frame >= MAX_FRAMES:
            self._refuse("plan_long")
            return
        self._file.write(self._records(heard).tobytes())

    def _end(self) -> None:
        """The pass is over: it becomes a plan, or nothing."""
        if self._file is None:
            return
        if self._last - self._first < (_LEAST_FRAMES - 1) * self._frame:
            self._refuse("plan_short")
        elif any(self._lacks(track) for track in self._tracks.values()):
            self._refuse("plan_gaps")
        else:
            self._file.flush()
            self._passes.append(Pass(self._file, list(self._tracks), self._rate))
            self._states.append("planning")
            self._file = None
            self._drop()

    def _lacks(self, track: _Track) -> bool:
        """Whether too much of ``track`` is missing; all of it was, where nothing came."""
        frames = (track.last - track.first) // self._frame + 1
        return not track.there or frames - track.there > _GAPS * frames

    def _refuse(self, state: str) -> None:
        self._states.append(state)
        self._drop()

    def _drop(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file, self._tracks, self._rows = None, {}, 0

    def _records(self, heard: Heard) -> npt.NDArray[np.void]:
        action, frames = heard.action, heard.frames
        made = np.zeros(len(frames), RECORD)
        made["end"], made["energy"] = action.end, heard.energy
        for name in SENT:
            made[name] = heard.sent.get(name, np.nan)
        made["points"] = _points(frames, heard.level_db, self._frame)
        for record, row, frame in zip(made, action.rows, frames, strict=True):
            track = self._tracks.get(row.member)
            if track is None:
                track = self._tracks[row.member] = _Track(len(self._tracks))
                track.first = action.end
            record["member"] = track.number
            if frame is None:
                continue
            track.last = action.end
            track.there += 1
            record["whole"], record["power"] = True, power(frame.audio)
            user = frame.user
            record["asked"] = (
                *(user.role, user.amount, user.breath_amount, user.breath_depth_db),
                *(user.staging_amount, user.staging_level_db),
                *(user.groove_amount, user.groove_limit_ms, user.groove_constant_ms),
                *(user.breath_sustained, user.breath_fades),
            )
            if user.breath_fades:
                track.chords = track.chords or Chords(self._frame)
                record["chords"] = track.chords.hear(frame.audio)
            if user.staging_amount > 0.0:
                record["true_peak"] = _true_peak(track, frame.audio)
        return made


def _true_peak(track: _Track, audio: Floats) -> float:
    """Return the true peak of ``track`` with its next frame, (channels, samples)."""
    past = track.past[: len(audio)]
    # Most frames cannot hold a greater one than was heard already.
    if max(float(np.abs(audio).max()), float(np.abs(past).max())) * PEAK_BOUND > track.true_peak:
        track.true_peak = max(track.true_peak, true_peak(audio, past))
    track.past[: len(audio)] = audio[:, -PAST:]
    return track.true_peak


def _points(frames: Sequence[Frame | None], level_db: Floats, length: int) -> Floats:
    """Return the samples of each of ``frames``, (n, POINTS), at which their sum is largest: left, then right, by hop."""
    audio = np.zeros((len(frames), 2, length), np.float32)
    for row, frame in zip(audio, frames, strict=True):
        if frame is not None:
            row[:] = frame.audio
    summed = np.tensordot(10.0 ** (level_db / np.float32(20.0)), audio, axes=1).reshape(
        POINTS, length // HOPS
    )
    largest = np.abs(summed).argmax(axis=1)
    by_hop = audio.reshape(len(frames), POINTS, length // HOPS)
    return np.take_along_axis(by_hop, largest[np.newaxis, :, np.newaxis], axis=2)[..., 0]

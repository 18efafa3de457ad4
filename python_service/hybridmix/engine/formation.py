"""Members whose hops come together, message after message: one array operation serves them all.

Live, a bridge sends one message per host block with a BLOCK of every track. What would be done for one
BLOCK after the other is then done for all of them at once; values have the same bits either way.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hybridmix.engine.hops import HOPS, Frame, HopStore, Pulse, Sheet, UserValues

__all__ = ["Formation", "Kept"]

Floats = npt.NDArray[np.float32]


class Kept:
    """What the engine keeps of one member."""

    __slots__ = ("aim_db", "channels", "run", "slot", "store", "turn", "user")

    def __init__(self, slot: int, frame: int, turn: int = 0) -> None:
        self.slot = slot
        #: Which of six frames brings its embedding.
        self.turn = turn
        #: What the group's profile adds to its gain, dB.
        self.aim_db = 0.0
        self.store = HopStore(frame)
        #: Channels that were heard last; 0 before the first.
        self.channels = 0
        #: Run that counted last.
        self.run: int | None = None
        self.user = UserValues()


class Formation:
    """Members in the order of their packets, and the frame that they are filling."""

    def __init__(
        self,
        members: Sequence[Kept],
        runs: Sequence[int],
        users: Sequence[UserValues],
        order: Sequence[int],
        frame: int,
    ) -> None:
        """``order`` sorts the members as frames list them; ``frame`` is the length of an F2 frame in samples."""
        self._members = members
        self._runs = runs
        self._users = users
        self._order = order
        self._frame = frame
        self._channels = [kept.channels for kept in members]
        #: First row of each member in a message, and how many rows it has.
        self.starts = np.cumsum([0, *self._channels[:-1]])
        self.rows = sum(self._channels)
        #: Rows of the filters' state, two per slot.
        self.filters = np.array(
            [2 * kept.slot + channel for kept in members for channel in range(kept.channels)], np.intp
        )
        #: Row in the message of each row of a sheet, and member of each of its members.
        self._rows_of = np.concatenate(
            [self.starts[index] + np.arange(self._channels[index]) for index in order]
        )
        self._members_of = np.array(order, np.intp)
        self._sheet = Sheet(0, 0, frame)
        #: The frames on the sheet, in its order; empty before the first.
        self._frames: list[Frame] = []

    def ready(self, position: int) -> bool:
        """Whether at ``position`` every member's next hop begins a frame, or goes on with the one in the sheet."""
        for kept, channels in zip(self._members, self._channels, strict=True):
            if kept.channels != channels or kept.store.full:
                return False
        offset = position % self._frame
        if offset == 0:
            return all(kept.store.goes_on(run) for kept, run in zip(self._members, self._runs, strict=True))
        # The frames of a sheet end together and are complete together.
        if (
            not self._frames
            or self._frames[0].end != position - offset + self._frame
            or self._frames[0].complete
        ):
            return False
        return all(
            self._members[index].store.newest is frame
            for index, frame in zip(self._order, self._frames, strict=True)
        )

    def fill(self, position: int, audio: Floats, pulse: Pulse | None = None) -> list[tuple[Sheet, int, int]]:
        """Put ``audio`` (rows, frames) in its frames; the formation is `ready` for its ``position`` in samples.

        Returns the sheets with first hop and number of hops.
        """
        size = self._frame
        frames: int = audio.shape[1]
        hop = size // HOPS
        filled: list[tuple[Sheet, int, int]] = []
        at = 0
        while at < frames:
            offset = (position + at) % size
            count = min(size - offset, frames - at)
            if offset == 0:
                self._open(position + at + size)
            self._sheet.audio[:, offset : offset + count] = audio[self._rows_of, at : at + count]
            if offset + count == size:
                for frame in self._frames:
                    frame.complete = True
                    frame.pulse = pulse
            filled.append((self._sheet, offset // hop, count // hop))
            at += count
        return filled

    def note(self, sheet: Sheet, first: int, squares: npt.NDArray[np.float64]) -> None:
        """Keep the sums of ``squares`` (members, hops) of hop ``first`` on; members as in the message."""
        sheet.squares[:, first : first + squares.shape[1]] = squares[self._members_of]

    def _open(self, end: int) -> None:
        sheet = self._sheet = Sheet(self.rows, len(self._members), self._frame)
        self._frames = []
        row = 0
        for number, index in enumerate(self._order):
            kept, channels = self._members[index], self._channels[index]
            frame = Frame(
                self._runs[index],
                end,
                sheet.audio[row : row + channels],
                self._users[index],
                squares=sheet.squares[number],
                sheet=sheet,
                place=number,
            )
            self._frames.append(frame)
            kept.store.add(frame)
            row += channels

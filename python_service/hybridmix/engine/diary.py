"""What the sections of a group did, second by second: the reasons that are shown and kept per track.

The hot path leaves a reference to what it decided; once a second of positions, when the answers are out, that is
summed up. The same frames give the same reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from hybridmix.engine.gain import Flags, Floats
from hybridmix.engine.lineup import Lineup
from hybridmix.engine.reasons import Reason, explain
from hybridmix.engine.trace import Second, TraceWriter
from hybridmix.processors.said import Said
from hybridmix.processors.why import LEAST_DB, Sent, Why
from hybridmix.timeline import Compute
from hybridmix.wire.limits import FRAMES_PER_SECOND

__all__ = ["Diary", "Page"]

#: A frame below this says nothing about how loud a track is: the absolute gate of BS.1770, as a mean square.
_SOUNDS = 10.0 ** ((-70.0 + 0.691) / 10.0)


class Page(NamedTuple):
    """One computed frame: what came, and what the members were told."""

    action: Compute
    lineup: Lineup
    energy: Floats
    gains: Floats
    known: Flags
    trim: float | None
    said: Sequence[Said]


class Diary:
    """The second that is under way, and what each section last did on each track; one slot per member."""

    def __init__(self, frame: int, trace: TraceWriter | None = None) -> None:
        """Set up for frames of ``frame`` samples; ``trace`` gets the values of every second."""
        self._second = frame * FRAMES_PER_SECOND
        self._trace = trace
        self._pages: list[Page] = []
        #: A second that is over and was not summed up yet.
        self._due: list[Page] = []
        #: By slot and section: whether it was at work in the last second, and the values of the last in which it was.
        self._kept: dict[int, dict[str, tuple[bool, dict[str, float]]]] = {}

    def clear(self, slot: int) -> None:
        """Forget the member of ``slot``, and the second in which another one takes its place."""
        self._kept[slot] = {}
        self._pages, self._due = [], []

    def note(self, page: Page) -> None:
        """Keep a frame; a second in which somebody comes or goes is not summed up."""
        if self._pages:
            first = self._pages[0]
            if first.lineup is not page.lineup or first.action.epoch != page.action.epoch:
                self._pages = []
        self._pages.append(page)
        if page.action.end % self._second == 0:
            self._due, self._pages = self._pages, []

    def work(self, ask: Callable[[Lineup, Sent], Sequence[Why]]) -> None:
        """Sum up the second that is over, if one is; ``ask`` asks the processors."""
        if not self._due:
            return
        pages, self._due = self._due, []
        lineup, action, sent = pages[0].lineup, pages[-1].action, _sent(pages)
        slots = lineup.slots.tolist()
        for why in [_gain(np.array([page.energy for page in pages]), sent), *ask(lineup, sent)]:
            names = list(why.values)
            columns = zip(*(values.tolist() for values in why.values.values()), strict=True)
            for row, (slot, numbers) in enumerate(zip(slots, columns, strict=True)):
                kept = self._kept[slot]
                if why.at_work[row]:
                    values = dict(zip(names, numbers, strict=True))
                    kept[why.section] = (True, values)
                    if self._trace is not None:
                        member = action.rows[row].member
                        self._trace.explain(Second(action.epoch, action.end, member, why.section, values))
                elif why.section in kept:
                    kept[why.section] = (False, kept[why.section][1])

    def reasons(self, slot: int) -> list[tuple[bool, Reason]]:
        """Return what each section last did on the track of ``slot``, and whether that was in the last second."""
        return [(now, explain(section, values)) for section, (now, values) in self._kept[slot].items()]


def _sent(pages: Sequence[Page]) -> Sent:
    """Return what was sent by name, (frames, n); NaN where a member held."""
    gains, known = (np.array([getattr(page, name) for page in pages]) for name in ("gains", "known"))
    sent: Sent = {"gain_db": np.where(known, gains, np.float32(np.nan))}
    trims = [np.nan if page.trim is None else page.trim for page in pages]
    if not np.isnan(trims).all():
        sent["trim_db"] = np.repeat(np.array(trims, np.float32)[:, np.newaxis], gains.shape[1], axis=1)
    said: dict[str, list[tuple[int, Said]]] = {}
    for frame, page in enumerate(pages):
        for one in page.said:
            for name in one.values:
                said.setdefault(name, []).append((frame, one))
    for name, there in said.items():
        told = np.array([one.told for _, one in there])
        values = np.array([one.values[name] for _, one in there])
        sent[name] = np.full(gains.shape, np.nan, np.float32)
        sent[name][[frame for frame, _ in there]] = np.where(told, values, np.float32(np.nan))
    return sent


def _gain(energy: Floats, sent: Sent) -> Why:
    """Why each track gets its gain: how loud it comes in, where it sounds."""
    sounds = energy > _SOUNDS
    frames = sounds.sum(axis=0)
    power = np.where(sounds, energy, 0.0).sum(axis=0, dtype=np.float64) / np.maximum(frames, 1)
    low, high = np.fmin.reduce(sent["gain_db"]), np.fmax.reduce(sent["gain_db"])
    loudness = -0.691 + 10.0 * np.log10(np.maximum(power, _SOUNDS))
    at_work = (frames > 0) & (np.maximum(-low, high) >= LEAST_DB)
    return Why("gain", at_work, {"in_lufs": loudness, "low_db": low, "high_db": high})

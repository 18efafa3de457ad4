"""The two sides of the seam: the sum of the AI stems and the sum of the live sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np
import soxr

from hybridmix import presets
from hybridmix.batch import MixSession, MixTrack
from hybridmix.batch.audio import Audio, Source, file_source
from hybridmix.batch.folder import stem_path
from hybridmix.batch.outcome import Sinks
from hybridmix.batch.report import Report
from hybridmix.errors import InputError
from hybridmix.measures import RATE, Doubles, Floats
from hybridmix.measures.onsets import onsets
from hybridmix.seam.room import HeardRoom, heard

__all__ = ["Bus", "Buses", "Said", "as_recorded", "mixed", "rendered", "said_of", "sides"]

#: Samples that are read at once.
_BLOCK = 65536


@dataclass(frozen=True)
class Bus:
    """One side, stereo, (2, frames) at `RATE`."""

    stereo: Audio

    @cached_property
    def mono(self) -> Floats:
        """Half the sum of both channels, (frames,)."""
        return np.asarray(self.stereo.mean(axis=0))

    @cached_property
    def room(self) -> HeardRoom:
        """The room that it is heard in, in mono."""
        return heard(self.mono)


@dataclass(frozen=True)
class Buses:
    """Both sides, equally long, and when the sounds of each AI stem begin, s, by label."""

    ai: Bus
    live: Bus
    ai_onsets: Mapping[str, Doubles]


def sides(session: MixSession) -> Mapping[presets.Role, list[str]]:
    """Return the labels of the audible tracks of each role.

    Raises:
        InputError: there is no AI stem, or no live source.
    """
    found: dict[presets.Role, list[str]] = {"ai_stem": [], "live_source": []}
    for track in session.tracks:
        role = session.role_of(track)
        if role is not None:
            found[role].append(track.label)
    for role, labels in found.items():
        if not labels:
            raise InputError(
                f'no audible track of the session has the role {role}; the seam is between both: set role = "{role}" '
                "on at least one, or give it a preset of that role."
            )
    return found


def as_recorded(session: MixSession) -> Buses:
    """Return the plain sums of the files, every fader at unity. Raises InputError for a file that cannot be read."""
    return _summed(session, session.open)


class Said(msgspec.Struct, frozen=True):
    """What the report of a render says about the whole of it."""

    complete: bool
    advice: str


def said_of(folder: Path) -> Said:
    """Return what the report in ``folder`` says. Raises InputError where there is none."""
    try:
        return msgspec.json.decode((folder / "report.json").read_bytes(), type=Said)
    except (OSError, msgspec.MsgspecError):
        raise InputError(
            f"rendered folder {folder} has no report.json that can be read; render the session there: "
            f"hybridmix render session.toml --out {folder}"
        ) from None


def rendered(session: MixSession, folder: Path) -> Buses:
    """Return the sums of the stems of ``session`` in ``folder``. Raises InputError where one is missing."""
    for track in session.tracks:
        if not stem_path(folder, track.label, session.output).is_file():
            raise InputError(
                f"rendered folder {folder} has no stem of track {track.label!r}; render the session there again, "
                "with stems = true."
            )
    return _summed(
        session, lambda track: file_source(stem_path(folder, track.label, session.output), session.rate, 0.0)
    )


def mixed(session: MixSession, progress: Callable[[float], None] | None = None) -> tuple[Buses, Report]:
    """Render ``session``, which was entered, and return what left the plugins, and the report."""
    sums = _Sums(session, session.frames)
    writers = {track.label: write for track in session.tracks if (write := sums.writer(track)) is not None}
    report = session.render_into(Sinks(writers, lambda _mix: None), progress)
    return sums.finish(), report


def _summed(session: MixSession, opened: Callable[[MixTrack], Source]) -> Buses:
    """Return the sums of what ``opened`` gives for each track."""
    sources = {track.label: opened(track) for track in session.tracks}
    frames = max(source.frames for source in sources.values())
    sums = _Sums(session, frames)
    for track in session.tracks:
        source, write = sources[track.label], sums.writer(track)
        if write is not None:
            for begin in range(0, frames, _BLOCK):
                write(source.read(min(_BLOCK, frames - begin)))
        source.close()
        sums.listen()
    return sums.finish()


class _Sums:
    """Tracks added up by role, block after block."""

    def __init__(self, session: MixSession, frames: int) -> None:
        self._session = session
        self._audio = {role: np.zeros((2, frames), np.float32) for role in presets.ROLES if role is not None}
        #: AI stems whose onsets are not known yet, in mono.
        self._stems: dict[str, Floats] = {}
        self._onsets: dict[str, Doubles] = {}

    def writer(self, track: MixTrack) -> Callable[[Audio], None] | None:
        """Return what adds the blocks of ``track`` to its side; None where it is on neither."""
        role = self._session.role_of(track)
        if role is None:
            return None
        audio, at = self._audio[role], 0
        stem = np.zeros(audio.shape[1] if role == "ai_stem" else 0, np.float32)
        if role == "ai_stem":
            self._stems[track.label] = stem

        def write(block: Audio) -> None:
            nonlocal at
            part = slice(at, at + block.shape[1])
            audio[:, part] += block
            if len(stem):
                np.mean(block, axis=0, out=stem[part])
            at = part.stop

        return write

    def listen(self) -> None:
        """Find the onsets of the AI stems that were written, and let go of their audio."""
        for label, stem in self._stems.items():
            self._onsets[label] = onsets(self._at_rate(stem))
        self._stems = {}

    def finish(self) -> Buses:
        """Return both sides at `RATE`."""
        self.listen()
        ai, live = (Bus(self._at_rate(self._audio[role].T).T) for role in ("ai_stem", "live_source"))
        return Buses(ai, live, self._onsets)

    def _at_rate(self, audio: Floats) -> Floats:
        """Return ``audio`` (frames,) or (frames, channels) at `RATE`."""
        if self._session.rate == RATE:
            return audio
        return np.asarray(soxr.resample(audio, self._session.rate, RATE))

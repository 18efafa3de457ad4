"""``hybridmix bench frames``: what a frame of 50 ms costs the service, with every section on, beside gain alone."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from importlib import resources
from typing import Any
from uuid import UUID

import numpy as np

from hybridmix.batch.audio import file_source
from hybridmix.batch.session_file import load
from hybridmix.bench.control_timer import ControlTimer
from hybridmix.bench.everything import EVERYTHING
from hybridmix.bench.quantiles import quantiles
from hybridmix.engine.config import MODELS_FOLDER
from hybridmix.engine.gain import Floats
from hybridmix.engine.group import Engine
from hybridmix.engine.hops import HOPS, Pulse, UserValues
from hybridmix.engine.models import load_models
from hybridmix.presets import ROLES, Role
from hybridmix.processors import rack
from hybridmix.timeline import Compute, Row, Standing

__all__ = ["measure"]

_RATE = 48000
_FRAME = _RATE // 20
_HOP = _FRAME // HOPS
_SONG_S = 20
_TEMPO = 105.0
#: Frames that are run before anything is counted: 2 s.
_WARM = 40
#: What the rack is asked for in each frame, by section.
_SECTIONS = {
    "staging": "stage",
    "breath": "ride",
    "room": "surround",
    "dip": "make_room",
    "density": "thicken",
    "groove": "follow",
    "high_pass": "cut_lows",
}

Figures = dict[str, Any]


def measure(tracks: int, seconds: float, model: str, progress: Callable[[str], None]) -> Figures:
    """Mix ``tracks`` of the demo session at audio cadence for ``seconds``; return the figures of docs/benchmarks.md."""
    progress("reading the demo session")
    songs, roles = _song(tracks)
    every = _Group(model, [_all_on(role) for role in roles])
    alone = _Group(model, [UserValues(delay=_RATE // 25, role=ROLES[role]) for role in roles])
    sections = every.split()
    progress(f"{seconds:g} s at audio cadence")
    gc.collect()
    gc.freeze()
    with ControlTimer() as timer:
        due = time.perf_counter()
        for frame in range(_WARM + round(seconds * 20)):
            due += 0.05
            time.sleep(max(0.0, due - time.perf_counter()))
            if frame == _WARM:
                for group in (every, alone):
                    group.forget_times()
                sections.clear()
            begin = frame * _FRAME % songs.shape[1]
            for group in (every, alone):
                group.frame(songs[:, begin : begin + _FRAME], frame)
    gc.unfreeze()
    return {
        "model": model,
        "tracks": tracks,
        "seconds": seconds,
        "rate": _RATE,
        "frame_ms": quantiles(every.wall_ms),
        "frame_cpu_ms": quantiles(every.cpu_ms),
        "answer_ms": quantiles(every.answer_ms),
        "core_share": round(sum(every.cpu_ms) / (1e3 * seconds), 4),
        "gain_frame_ms": quantiles(alone.wall_ms),
        "gain_core_share": round(sum(alone.cpu_ms) / (1e3 * seconds), 4),
        "section_ms": {name: round(float(np.mean(times)), 3) for name, times in sections.items()},
        "timer_stalls": timer.stalls,
        "timer_stall_ms_max": round(timer.worst_ms, 1),
    }


def _song(tracks: int) -> tuple[Floats, list[Role | None]]:
    """Return the demo's tracks over and over, in mono, (tracks, frames), and their roles; each turn is later by a bar."""
    audio, roles = [], []
    with resources.as_file(resources.files("hybridmix") / "demo" / "session.toml") as session:
        for track in load(session).track:
            source = file_source(session.parent / track.path, _RATE, track.offset_s)
            audio.append(source.read(_SONG_S * _RATE).mean(axis=0))
            roles.append(track.role)
            source.close()
    count = len(audio)
    turned = [np.roll(audio[index % count], index // count * 5 * _RATE) for index in range(tracks)]
    return np.stack(turned), [roles[index % count] for index in range(tracks)]


def _all_on(role: Role | None) -> UserValues:
    preset = EVERYTHING[role]
    chosen = {
        name: float(value)
        for name in UserValues.__dataclass_fields__
        if name not in ("role", "amount") and isinstance(value := getattr(preset, name, None), int | float)
    }
    return UserValues(delay=_RATE // 25, role=ROLES[role], groove_constant_ms=20.0, **chosen)  # type: ignore[arg-type]


class _Group:
    """A group of the service, fed as by a live host that sends a hop of all tracks in each message."""

    def __init__(self, model: str, users: list[UserValues]) -> None:
        self._engine = Engine(_RATE, load_models(model, MODELS_FOLDER))
        self._members = [UUID(int=number + 1) for number in range(len(users))]
        for member in self._members:
            self._engine.register(member)
        self._users = users
        self._formation: Any = None
        self.forget_times()

    def forget_times(self) -> None:
        """Count from now on."""
        #: Milliseconds of each frame: all of it, on the clock and of the processor, and what its answer waited for.
        self.wall_ms: list[float] = []
        self.cpu_ms: list[float] = []
        self.answer_ms: list[float] = []

    def split(self) -> dict[str, list[float]]:
        """Return where the time of each section goes to, ms a frame; `rack.Rack` is asked for one after the other."""
        times: dict[str, list[float]] = {}
        asked = self._engine._rack
        assert isinstance(asked, rack.Rack)
        for name, method in _SECTIONS.items():
            setattr(asked, method, _timed(getattr(asked, method), name, times))
        return times

    def frame(self, audio: Floats, number: int) -> None:
        """Take the frame ``number`` of all members, (tracks, samples), hop by hop, compute it, and do what is left."""
        wall, cpu = time.perf_counter(), time.thread_time()
        begin, end = number * _FRAME, (number + 1) * _FRAME
        for at in range(0, _FRAME, _HOP):
            hop = audio[:, at : at + _HOP]
            pulse = Pulse(begin + at, (begin + at) * _TEMPO / 60.0 / _RATE, _TEMPO)
            if number == 0:
                for member, row, user in zip(self._members, hop, self._users, strict=True):
                    self._engine.push(member, 1, begin + at, row[np.newaxis], user, pulse)
            else:
                self._engine.push_together(self._formation, begin + at, hop, pulse)
        asked = time.perf_counter()
        rows = tuple(Row(member, Standing.WHOLE, end) for member in self._members)
        self._engine.compute(Compute(0, end, number == 0, False, rows, False))
        answered = time.perf_counter()
        self._engine.work()
        if number == 0:
            self._formation = self._engine.form(self._members, [1] * len(self._members), self._users)
        self.wall_ms.append(1e3 * (time.perf_counter() - wall))
        self.cpu_ms.append(1e3 * (time.thread_time() - cpu))
        self.answer_ms.append(1e3 * (answered - asked))


def _timed(call: Callable[..., Any], name: str, times: dict[str, list[float]]) -> Callable[..., Any]:
    def run(*arguments: Any) -> Any:
        begun = time.perf_counter()
        result = call(*arguments)
        times.setdefault(name, []).append(1e3 * (time.perf_counter() - begun))
        return result

    return run

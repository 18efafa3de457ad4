"""``hybridmix bench parity``: a live pass and a render give the same samples; outside the rule nothing hangs."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

import numpy as np

from hybridmix.batch.audio import Audio
from hybridmix.batch.private_service import PrivateService
from hybridmix.batch.session_file import load
from hybridmix.bench.control_timer import ControlTimer
from hybridmix.bench.everything import DEFAULT_TEMPO, of_role
from hybridmix.bench.stage import Part, Stage, Voice, load_voices, members, on_stage
from hybridmix.engine.names import DEFAULT
from hybridmix.presets import ROLES
from hybridmix.wire import parameters

__all__ = ["measure"]

#: What has to be 0 for a pass to be exact.
_EXACT = ("late", "stale", "gap", "skipped", "masked")
#: A live pass during which the machine stalled is no measurement; it is repeated this often at most.
_ATTEMPTS = 6
_SKEW = 4096
_REPEATS = 3

Progress = Callable[[str], None]
Figures = dict[str, Any]


@dataclass(frozen=True)
class Scene:
    """What is played: passes of one scene have to give the same samples."""

    name: str
    parts: Sequence[Part]
    delay_ms: int
    live: Sequence[int]
    """Block sizes played in real time."""
    sync: Sequence[int]
    """Block sizes rendered."""
    order: Sequence[int] | None = None
    """Tracks in the order in which all passes but the first call them; as they stand when left out."""


def measure(
    seconds: float,
    progress: Progress = lambda _: None,
    model: str = DEFAULT,
    scenes: Collection[str] | None = None,
    *,
    everything: bool = False,
) -> Figures:
    """Play and render ``seconds`` of the demo session by ``model``; return the figures of docs/benchmarks.md.

    Args:
        seconds: How much of the session is played.
        progress: Told what is played next.
        model: The gain model of the service.
        scenes: The scenes to play; when left out all of them, and what no rule covers.
        everything: With every section on, instead of gain alone.

    Raises:
        HybridMixError: the service ended, or did not hear of every track.
    """
    with resources.as_file(resources.files("hybridmix") / "demo" / "session.toml") as session:
        voices, rate = load_voices(session, seconds)
        tempo = load(session).session.tempo_bpm or DEFAULT_TEMPO
    # As after a render that left its values in half of the tracks.
    voices[::2] = [replace(voice, start=dict.fromkeys(("gain_db", "trim_db"), -4.5)) for voice in voices[::2]]
    if everything:
        voices = [_with_everything(voice) for voice in voices]
    frames = max(voice.audio.shape[1] for voice in voices)
    with PrivateService(model) as service, ControlTimer() as timer:
        passes: list[Figures] = []
        for scene in _scenes(frames, rate, len(voices)):
            if scenes is not None and scene.name not in scenes:
                continue
            with on_stage(service, voices, rate, scene.delay_ms, tempo) as stage:
                passes += _scene(scene, Crew(service, stage, timer, everything), progress)
        moved = _moved(service)
        theatre = Theatre(service, voices, rate, timer)
        checks = (_long_blocks, _skewed, _track_by_track) if scenes is None else ()
        beyond = [check(theatre, progress) for check in checks]
    return {
        "tracks": len(voices),
        "rate": rate,
        "seconds": round(frames / rate, 3),
        "everything": everything,
        "identical": all(one["identical"] for one in passes),
        "moved": moved,
        "passes": passes,
        "outside": beyond,
        "timer_stalls": timer.stalls,
        "timer_stall_ms_max": max(one["timer_stall_ms"] for one in passes),
    }


def _with_everything(voice: Voice) -> Voice:
    """Every section of ``voice`` on; it begins staged, an AI stem in a room, a live source dense."""
    start = dict(voice.start, staging_db=-3.0)
    if voice.role == ROLES["ai_stem"]:
        start |= {
            one.name: 2.0 * one.neutral for one in parameters.load().parameters if one.section == "reverb"
        }
        start["reverb_send"] = 0.5
    else:
        start["density_mix"] = 0.5
    return replace(voice, start=start, settings=of_role(voice.role))


def _moved(service: PrivateService) -> Figures:
    """By how much each parameter was away from its neutral value at most, on any track, as far as it was sent."""
    rows = service.traced(0)
    away = {}
    for one in parameters.load().parameters:
        sent = rows[one.name][np.isfinite(rows[one.name])]
        away[one.name] = round(float(np.abs(sent - one.neutral).max()), 3) if sent.size else 0.0
    return away


def _scenes(frames: int, rate: int, tracks: int) -> Iterator[Scene]:
    """The scenes; the points of jumps lie on no grid."""
    whole = [Part(0, frames)]
    third = frames // 3
    seek = [Part(0, third + 1234), Part(frames - third - 777, frames)]
    loop = [Part(third, 2 * third + 321), Part(third, 2 * third + 321)]
    shuffled = [*range(1, tracks, 2), *range(0, tracks, 2)][::-1]
    yield Scene("straight", whole, 40, live=(512, 64), sync=(64, 512, 1024))
    yield Scene("other order", whole, 40, live=(512,), sync=(1024, 1024), order=shuffled)
    yield Scene("seek", seek, 40, live=(512,), sync=(64, 1024))
    yield Scene("loop", loop, 40, live=(512,), sync=(64, 1024))
    # Live, D has to be at least two blocks and 8 ms.
    longest = (rate * 200 // 1000 - rate * 8 // 1000) // 2 // 512 * 512
    yield Scene("long delay", whole, 200, live=(longest,), sync=(8192, 512))


@dataclass(frozen=True)
class Crew:
    """Who takes part in a pass."""

    service: PrivateService
    stage: Stage
    timer: ControlTimer
    anew: bool = False
    """Plugins are started anew before each pass, so that no room rings on from the one before."""

    def play(
        self, parts: Sequence[Part], block: int, *, offsets: Sequence[int] | None = None, **how: Any
    ) -> tuple[list[Audio], Figures]:
        """Play ``parts``; return the outputs and what was counted meanwhile."""
        before = self.service.status()["totals"]
        if self.anew:
            self.stage.restart()
            # Plugins count from their start on.
            before["late"] = 0
        self.timer.worst_ms = 0.0
        began = time.perf_counter()
        outputs = self.stage.play(parts, block, offsets=offsets, **how)
        seconds = time.perf_counter() - began
        worst_ms = self.timer.worst_ms
        called = how.get("order") or range(len(self.stage.voices))
        ends = {
            str(self.stage.instances[index]): parts[-1].end + (offsets[index] if offsets else 0)
            for index in called
        }
        self.service.wait_for(
            lambda status: all(members(status)[name]["reported"] == end for name, end in ends.items()),
            "the plugins' final report",
        )
        # The last frames of a live pass may still wait for their deadline.
        time.sleep(self.stage.delay_ms / 1000)
        after = self.service.status()["totals"]
        return outputs, {
            "control_delay_ms": self.stage.delay_ms,
            "block": block,
            "seconds": round(seconds, 3),
            **{name: after[name] - before[name] for name in (*_EXACT, "incomplete")},
            "timer_stall_ms": round(worst_ms, 1),
        }


def _scene(scene: Scene, crew: Crew, progress: Progress) -> list[Figures]:
    """All passes of one scene; the first render is what the others are compared with."""
    passes: list[Figures] = []
    rendered: dict[str, str] = {}
    for mode, block in [
        *(("sync", block) for block in scene.sync),
        *(("live", block) for block in scene.live),
    ]:
        order = scene.order if rendered else None
        for attempt in range(1, 1 + (_ATTEMPTS if mode == "live" else 1)):
            progress(
                f"{scene.name}: {mode}, blocks of {block}" + (f", attempt {attempt}" if attempt > 1 else "")
            )
            outputs, counted = crew.play(scene.parts, block, live=mode == "live", order=order)
            hashes = _hashes(crew.stage.voices, outputs)
            rendered = rendered or hashes
            if not any(counted[name] for name in _EXACT):
                break
        exact = not any(counted[name] for name in (*_EXACT, "incomplete"))
        passes.append(
            {
                "scene": scene.name,
                "mode": mode,
                **counted,
                "attempts": attempt,
                "identical": exact and hashes == rendered,
                "sha256": hashes,
            }
        )
    return passes


def _hashes(voices: Sequence[Voice], outputs: Sequence[Audio]) -> dict[str, str]:
    return {
        voice.label: hashlib.sha256(np.ascontiguousarray(audio).tobytes()).hexdigest()
        for voice, audio in zip(voices, outputs, strict=True)
    }


@dataclass(frozen=True)
class Theatre:
    """What every check outside the rule needs."""

    service: PrivateService
    voices: Sequence[Voice]
    rate: int
    timer: ControlTimer

    @property
    def whole(self) -> list[Part]:
        """All of the session, as one part."""
        return [Part(0, max(voice.audio.shape[1] for voice in self.voices))]

    @contextmanager
    def crew(self, delay_ms: int, voices: Sequence[Voice] | None = None) -> Iterator[Crew]:
        """Load the plugins of ``voices``, all when left out."""
        with on_stage(self.service, voices or self.voices, self.rate, delay_ms) as stage:
            yield Crew(self.service, stage, self.timer)

    def compare(self, name: str, block: int, offsets: Sequence[int] | None = None) -> Figures:
        """Render with a control delay of 200 ms, which is enough, and of 40 ms, which is not.

        Each render is repeated and the quickest counts, because these are short and machines are noisy.
        """
        quickest = []
        for delay_ms in (200, 40):
            with self.crew(delay_ms) as crew:
                runs = [crew.play(self.whole, block, live=False, offsets=offsets)[1] for _ in range(_REPEATS)]
                quickest.append(min(runs, key=lambda counted: float(counted["seconds"])))
                statuses = crew.stage.statuses()
        complete, short = quickest
        return _compared(name, complete["seconds"], short, statuses)


def _long_blocks(theatre: Theatre, progress: Progress) -> Figures:
    progress("outside the rule: blocks longer than the control delay")
    return theatre.compare("blocks of 8192 at 40 ms", 8192)


def _skewed(theatre: Theatre, progress: Progress) -> Figures:
    progress("outside the rule: skewed positions")
    ahead = [_SKEW * (index % 2) for index in range(len(theatre.voices))]
    return theatre.compare(f"skew of {_SKEW} samples at 40 ms", 512, ahead)


def _track_by_track(theatre: Theatre, progress: Progress) -> Figures:
    progress("outside the rule: track by track")
    alone = 0.0
    for voice in theatre.voices:
        with theatre.crew(40, [voice]) as crew:
            alone += crew.play(theatre.whole, 512, live=False)[1]["seconds"]
    with theatre.crew(40) as crew:
        counted: Counter[str] = Counter()
        for index in range(len(theatre.voices)):
            counted.update(crew.play(theatre.whole, 512, live=False, order=[index])[1])
        return _compared("track by track", alone, counted, crew.stage.statuses())


def _compared(name: str, complete_s: float, counted: Mapping[str, Any], statuses: list[str]) -> Figures:
    return {
        "case": name,
        "incomplete": counted["incomplete"],
        "masked": counted["masked"],
        "statuses": dict(sorted(Counter(statuses).items())),
        "seconds": round(counted["seconds"], 3),
        "complete_seconds": round(complete_s, 3),
        "ratio": round(counted["seconds"] / complete_s, 2),
    }

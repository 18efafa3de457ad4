"""``hybridmix bench chain``: all sections on the demo session, and a host that does what it likes, from a seed.

Rendered offline, so what is heard follows from the seed. Tracks start late, stop and come back, the transport stops,
starts and jumps, tracks are muted, bypassed and started anew, amounts turn, presets are loaded, blocks change. At the end
the plugins that went through all this play a stretch from a stop, and so do new ones in a new service with what a project
would have saved of the old: they should sound the same.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from importlib import resources
from typing import Any

import numpy as np

from hybridmix import presets
from hybridmix.batch.audio import Audio
from hybridmix.batch.private_service import PrivateService
from hybridmix.batch.session_file import load
from hybridmix.bench.everything import AMOUNTS, DEFAULT_TEMPO, of_role
from hybridmix.bench.stage import Part, Stage, Voice, load_voices, on_stage
from hybridmix.wire import parameters

__all__ = ["measure"]

_DELAY_MS = 40
_BLOCKS = (64, 256, 441, 512, 1024)
#: From one action to the next, s; how long the transport stands, s; farthest before the beginning that it seeks, s.
_APART_S = (0.05, 0.6)
_STANDS_S = 0.5
_PRE_ROLL_S = 1.0
#: Before the stretch at the end the transport stands so long that no room is heard any more, s.
_REST_S = 10.0
_STRETCH_S = 10.0
#: How often each action is chosen beside the others.
_ACTIONS = {
    "seek": 3,
    "loop": 2,
    "stop": 2,
    "leave": 3,
    "return": 4,
    "mute": 3,
    "unmute": 4,
    "bypass": 1,
    "amount": 10,
    "preset": 4,
    "restart": 1,
    "block": 2,
    "order": 2,
}

Figures = dict[str, Any]


def measure(seconds: float, seed: int, model: str, progress: Callable[[str], None]) -> Figures:
    """Do as the host likes for ``seconds`` of audio; return the figures of docs/benchmarks.md.

    Raises:
        HybridMixError: the service ended, or did not hear of every track.
    """
    with resources.as_file(resources.files("hybridmix") / "demo" / "session.toml") as session:
        voices, rate = load_voices(session, 20.0)
        tempo = load(session).session.tempo_bpm or DEFAULT_TEMPO
    voices = [Voice(voice.label, voice.role, voice.audio, settings=of_role(voice.role)) for voice in voices]
    begun = time.perf_counter()
    with PrivateService(model) as service:
        with on_stage(service, voices, rate, _DELAY_MS, tempo) as stage:
            host = _Host(stage, np.random.default_rng(seed))
            host.play(round(seconds * rate), lambda share: progress(f"{100 * share:.0f} %"))
            took = time.perf_counter() - begun
            counted = service.status()["totals"]
            progress("the same stretch by those that are left")
            host.rest()
            left = [stage.saved(index) for index in range(len(voices))]
            survivors = _stretch(stage)
        outside = _outside(service)
    progress("the same stretch from a fresh start")
    fresh = [
        Voice(voice.label, int(saved["params"]["role"]), voice.audio, saved["start"], saved["params"])
        for voice, saved in zip(voices, left, strict=True)
    ]
    with PrivateService(model) as service, on_stage(service, fresh, rate, _DELAY_MS, tempo) as stage:
        anew = _stretch(stage)
    residuals = {
        voice.label: _residual_db(*both) for voice, *both in zip(voices, survivors, anew, strict=True)
    }
    silent = [voice.label for voice, audio in zip(voices, anew, strict=True) if not audio.any()]
    return {
        "model": model,
        "seconds": seconds,
        "seed": seed,
        "tracks": len(voices),
        "blocks": host.blocks,
        "actions": dict(sorted(host.done.items())),
        "nonfinite_samples": host.nonfinite,
        "peak_dbfs": round(20.0 * float(np.log10(max(host.peak, 1e-10))), 2),
        "outside_range": outside,
        "incomplete": counted["incomplete"],
        "masked": counted["masked"],
        "recovered_residual_db": max(residuals.values()),
        "recovered_identical": all(
            np.array_equal(one, other) for one, other in zip(survivors, anew, strict=True)
        ),
        "silent_tracks": silent,
        "longest_block_ms": round(host.longest_ms, 1),
        "x_realtime": round(seconds / took, 2),
    }


class _Host:
    """A host of ``stage`` whose every choice comes from ``random``."""

    def __init__(self, stage: Stage, random: np.random.Generator) -> None:
        self._stage = stage
        self._random = random
        self._tracks = len(stage.voices)
        self._order = list(range(self._tracks))
        self._block = 512
        self._at = 0
        #: Tracks that the host does not process at all, and those that get silence.
        self._away: set[int] = set()
        self._muted: set[int] = set()
        self._stands = 0
        self._names = presets.names()
        self._actions: dict[str, Callable[[int], None]] = {
            "seek": self._seek,
            "loop": self._loop,
            "stop": self._stop,
            "leave": self._away.add,
            "return": lambda _: self._halve(self._away),
            "mute": self._muted.add,
            "unmute": lambda _: self._halve(self._muted),
            "bypass": self._bypass,
            "amount": self._amount,
            "preset": self._preset,
            "restart": stage.restart_one,
            "block": self._choose_block,
            "order": self._shuffle,
        }
        #: What was done, how often; and what came of it.
        self.done = Counter({"restart_for_latency": 0})
        self.blocks = 0
        self.nonfinite = 0
        self.peak = 0.0
        self.longest_ms = 0.0

    def play(self, frames: int, progress: Callable[[float], None]) -> None:
        """Process ``frames`` samples of every track that is there, with an action now and then."""
        self._stage.go_live(False)
        played = due = told = 0
        while played < frames:
            if played >= due:
                self._act()
                due = played + round(self._random.uniform(*_APART_S) * self._stage.rate)
            if played >= told:
                progress(played / frames)
                told = played + 10 * self._stage.rate
            self._process(self._stands <= 0)
            played += self._block
            self._stands -= self._block

    def rest(self) -> None:
        """Everybody is there, nobody is muted or bypassed, and the transport stands until no room is heard."""
        self._away.clear()
        self._muted.clear()
        self._block = 512
        self._order = list(range(self._tracks))
        for index in range(self._tracks):
            self._stage.turn(index, "Bypass", 0.0)
        for _ in range(round(_REST_S * self._stage.rate / self._block)):
            self._process(playing=False)

    def _process(self, playing: bool) -> None:
        begun = time.perf_counter()
        for index in self._order:
            if index in self._away:
                continue
            out = self._stage.block(index, playing, self._at, self._block, silent=index in self._muted)
            self.nonfinite += int((~np.isfinite(out)).sum())
            self.peak = max(self.peak, float(np.abs(out).max()))
        self.longest_ms = max(self.longest_ms, 1e3 * (time.perf_counter() - begun))
        self.blocks += 1
        self._at += self._block if playing else 0

    def _act(self) -> None:
        weights = np.array(list(_ACTIONS.values()), float)
        action = str(self._random.choice(list(_ACTIONS), p=weights / weights.sum()))
        self._actions[action](int(self._random.integers(self._tracks)))
        self.done[action] += 1

    def _seek(self, _track: int) -> None:
        length = max(voice.audio.shape[1] for voice in self._stage.voices)
        self._at = int(self._random.integers(-round(_PRE_ROLL_S * self._stage.rate), length))

    def _loop(self, _track: int) -> None:
        self._at -= int(self._random.integers(self._stage.rate // 2, 2 * self._stage.rate))

    def _stop(self, _track: int) -> None:
        self._stands = round(self._random.uniform(0.0, _STANDS_S) * self._stage.rate)

    def _bypass(self, track: int) -> None:
        self._stage.turn(track, "Bypass", float(self._random.integers(2)))

    def _amount(self, track: int) -> None:
        amount = str(self._random.choice(list(AMOUNTS)))
        share = float(self._random.choice([0.0, 1.0, self._random.uniform()]))
        self._stage.turn(track, AMOUNTS[amount], share)
        self._notice(track)

    def _preset(self, track: int) -> None:
        self._stage.load(track, presets.load(str(self._random.choice(self._names))))
        self._notice(track)

    def _choose_block(self, _track: int) -> None:
        self._block = int(self._random.choice(_BLOCKS))

    def _shuffle(self, _track: int) -> None:
        self._order = [int(index) for index in self._random.permutation(self._tracks)]

    def _halve(self, among: set[int]) -> None:
        """Take about every other track out of ``among``."""
        for index in sorted(among):
            if self._random.uniform() < 0.5:
                among.remove(index)

    def _notice(self, track: int) -> None:
        self.done["restart_for_latency"] += self._stage.restart_where_late(track)


def _stretch(stage: Stage) -> list[Audio]:
    """The stretch at the end, from a stop."""
    return stage.play([Part(0, round(_STRETCH_S * stage.rate))], 512, live=False)


def _outside(service: PrivateService) -> Figures:
    """How many values the service sent that were outside of what is declared, by parameter; none where there were none."""
    rows = service.traced(0)
    found = {}
    for one in parameters.load().parameters:
        sent = rows[one.name][~np.isnan(rows[one.name])]
        wrong = int(((sent < np.float32(one.min)) | (sent > np.float32(one.max))).sum())
        if wrong:
            found[one.name] = wrong
    return found


def _residual_db(one: Audio, other: Audio) -> float:
    """Level of the difference beside that of ``other``, dB, -200 at least."""
    apart, whole = (float(np.square(audio, dtype=np.float64).mean()) for audio in (one - other, other))
    return round(10.0 * float(np.log10(max(apart, 1e-20 * max(whole, 1e-20)) / max(whole, 1e-20))), 1)

"""A host whose transport is scripted block by block: tracks of a session, one plugin each, in this process."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import minihost
import numpy as np

from hybridmix.batch.audio import Audio, file_source
from hybridmix.batch.plugin import bundle_path, identity
from hybridmix.batch.private_service import PrivateService
from hybridmix.batch.session_file import load
from hybridmix.bench.everything import DEFAULT_TEMPO
from hybridmix.errors import InputError
from hybridmix.presets import Preset
from hybridmix.presets.host import preset_state

__all__ = ["DELAYS_MS", "Part", "Stage", "Voice", "load_voices", "on_stage"]

#: Control delays in the order of the plugin's choices.
DELAYS_MS = (20, 40, 60, 100, 200)
#: Largest block of the plugin's activation.
LONGEST = 8192
_ROLES = (None, "ai_stem", "live_source")


@dataclass(frozen=True)
class Voice:
    """One track: its name, from which its identity follows, role code of the wire, samples, start values by name,
    and settings: plain values by the permanent names of host parameters."""

    label: str
    role: int
    audio: Audio
    start: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """A stretch of the timeline that plays without a jump: samples ``begin`` to ``end``."""

    begin: int
    end: int


def load_voices(session: Path, seconds: float) -> tuple[list[Voice], int]:
    """Return the first ``seconds`` of a session's tracks, and its sample rate in Hz.

    Raises:
        InputError: the session cannot be read, or names no sample rate.
    """
    parsed = load(session)
    rate = parsed.session.sample_rate
    if rate is None:
        raise InputError(f"session file {session}: session.sample_rate is missing; add it.")
    voices = []
    for track in parsed.track:
        source = file_source(session.parent / track.path, rate, track.offset_s)
        frames = min(source.frames, round(seconds * rate))
        voices.append(Voice(track.label, _ROLES.index(track.role), source.read(frames)))
        source.close()
    return voices, rate


class Stage:
    """Plugins on a scripted transport. Between passes the transport stands and the input is silent.

    Args:
        voices: the tracks.
        rate: in Hz.
        delay_ms: control delay of every plugin.
        tempo: of the transport, in quarter notes per minute; beat 0 is at sample 0.

    Raises:
        InputError: the plugin is not built.
    """

    def __init__(
        self, voices: Sequence[Voice], rate: int, delay_ms: int, tempo: float = DEFAULT_TEMPO
    ) -> None:
        self.voices = list(voices)
        self.rate = rate
        self.delay_ms = delay_ms
        self._tempo = tempo
        self.instances = [identity(voice.label) for voice in voices]
        session, bundle = uuid4(), str(bundle_path())
        self._plugins: list[Any] = []
        #: Whether each is late by groove's look-ahead, as of its last activation.
        self._late = [False] * len(voices)
        for voice, instance in zip(voices, self.instances, strict=True):
            channels = len(voice.audio)
            plugin = minihost.Plugin(bundle, rate, LONGEST, channels, channels)
            self._plugins.append(plugin)
            plugin.set_state(minihost._core.vst3_state_join(_state(voice, instance, session, delay_ms), None))
        self.restart()
        self.play([], 512, live=False)

    def restart(self) -> None:
        """Deactivate and activate every plugin: what a host does when a latency changes, and before a bounce.

        Nothing rings on, and groove's latency is there where it is on.
        """
        for index in range(len(self._plugins)):
            self.restart_one(index)

    def restart_one(self, index: int) -> None:
        """Deactivate and activate the plugin of track ``index``."""
        self._plugins[index].reset()
        self._late[index] = self._wants_late(index)

    def restart_where_late(self, index: int) -> bool:
        """Start track ``index`` anew where groove was switched on or off, as its plugin asks a host to; say whether."""
        if self._wants_late(index) == self._late[index]:
            return False
        self.restart_one(index)
        return True

    def _wants_late(self, index: int) -> bool:
        return bool(self.saved(index)["params"]["groove_amount"] > 0.0)

    def saved(self, index: int) -> dict[str, Any]:
        """Return what a project would save of track ``index``."""
        state, _ = minihost._core.vst3_state_split(self._plugins[index].get_state())
        found: dict[str, Any] = json.loads(state)
        return found

    def load(self, index: int, preset: Preset) -> None:
        """Load a preset on track ``index``, as from a host's browser."""
        params, now = preset.params(), self.saved(index)["params"]
        # minihost takes a state that changes nothing for one that was refused.
        if all(now[name] == value for name, value in params.items()):
            return
        state = json.dumps(preset_state(params)).encode()
        self._plugins[index].set_state(minihost._core.vst3_state_join(state, None))

    def go_live(self, live: bool) -> None:
        """Tell every plugin whether the host plays in real time or renders."""
        for plugin in self._plugins:
            plugin.non_realtime = not live

    def close(self) -> None:
        """Unload the plugins."""
        while self._plugins:
            self._plugins.pop().close()

    def play(
        self,
        parts: Iterable[Part],
        block: int,
        *,
        live: bool,
        order: Sequence[int] | None = None,
        offsets: Sequence[int] | None = None,
    ) -> list[Audio]:
        """Play ``parts`` from a stop and return what each track gave, shape ``(channels, frames)``.

        Args:
            parts: the transport jumps between them, between two blocks.
            block: samples per block; the last of a part may be shorter.
            live: in real time, one block after the other at audio pace; otherwise offline, as fast as it goes.
            order: tracks in the order in which they are called; tracks left out do not play.
            offsets: samples by which each track's timeline is ahead.
        """
        order = list(range(len(self.voices)) if order is None else order)
        self.go_live(live)
        outputs: list[list[Audio]] = [[] for _ in self.voices]
        clock, begun = 0, time.perf_counter()
        for playing, begin, end in _blocks(self.rate // 10, parts, block):
            if live:
                time.sleep(max(0.0, begun + clock / self.rate - time.perf_counter()))
            for index in order:
                at = begin + (offsets[index] if offsets else 0)
                out = self.block(index, playing, at, end - begin)
                if playing:
                    outputs[index].append(out)
            clock += end - begin
        return [
            np.concatenate(blocks, axis=1) if blocks else np.zeros((1, 0), np.float32) for blocks in outputs
        ]

    def statuses(self) -> list[str]:
        """Return the text that every plugin's Status shows."""
        return [self._shown(plugin, "Status") for plugin in self._plugins]

    def needed_delays_ms(self) -> list[float]:
        """Return what every plugin's Needed Delay shows."""
        return [1000.0 * plugin.get_param(plugin.find_param("Needed Delay")) for plugin in self._plugins]

    def _shown(self, plugin: Any, name: str) -> str:
        number = plugin.find_param(name)
        return str(plugin.param_to_text(number, plugin.get_param(number)))

    def turn(self, index: int, title: str, share: float) -> None:
        """Set a parameter of track ``index``, as hosts do: by its ``title``, to a ``share`` of its range, 0 to 1."""
        plugin = self._plugins[index]
        plugin.set_param(plugin.find_param(title), share)

    def block(self, index: int, playing: bool, at: int, frames: int, *, silent: bool = False) -> Audio:
        """Process one block of track ``index``: its audio from sample ``at`` on where it plays, or silence."""
        audio = self.voices[index].audio
        heard = np.zeros((len(audio), frames), np.float32)
        if playing and not silent:
            there = audio[:, max(0, at) : max(0, at + frames)]
            heard[:, max(0, -at) : max(0, -at) + there.shape[1]] = there
        out = np.empty_like(heard)
        beats = at * self._tempo / 60.0 / self.rate
        plugin = self._plugins[index]
        plugin.set_transport(self._tempo, position_samples=at, position_beats=beats, is_playing=playing)
        plugin.process(heard, out)
        return out


@contextmanager
def on_stage(
    service: PrivateService, voices: Sequence[Voice], rate: int, delay_ms: int, tempo: float = DEFAULT_TEMPO
) -> Iterator[Stage]:
    """Load the plugins, have them registered at ``service``, and unload them at the end."""
    stage = Stage(voices, rate, delay_ms, tempo)
    try:
        service.wait_for_members(stage.instances)
        yield stage
    finally:
        stage.close()
    # The next stage has the same instances: those of this one must not be taken for them.
    service.wait_for(lambda status: not members(status), "the end of the plugins")


def members(status: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the members of all groups in a service's status, by instance."""
    return {member["instance"]: member for group in status["groups"] for member in group["members"]}


def _state(voice: Voice, instance: UUID, session: UUID, delay_ms: int) -> bytes:
    state = {
        "format": "hybridmix-state",
        "instance": str(instance),
        "label": voice.label,
        "params": {
            **voice.settings,
            "control_delay": float(DELAYS_MS.index(delay_ms)),
            "role": float(voice.role),
        },
        "session": str(session),
        "start": dict(voice.start),
        "version": 1,
    }
    return json.dumps(state, sort_keys=True).encode()


def _blocks(rest: int, parts: Iterable[Part], block: int) -> Iterator[tuple[bool, int, int]]:
    """Yield whether the transport plays, and where each block begins and ends."""
    for playing, part in [(False, Part(0, rest)), *((True, part) for part in parts)]:
        for begin in range(part.begin, part.end, block):
            yield playing, begin, min(begin + block, part.end)

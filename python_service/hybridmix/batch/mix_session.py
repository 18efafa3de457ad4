"""``MixSession``: many tracks, one real plugin each, in lockstep, in one group, as in a DAW."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, get_args
from uuid import UUID, uuid4

import msgspec
import numpy as np
import numpy.typing as npt
import pedalboard

from hybridmix import presets
from hybridmix.batch import private_service, session_file
from hybridmix.batch.audio import Audio, Tape, Writer, array_source, file_source, pick_rate
from hybridmix.batch.outcome import Measurement, Observer, Sinks
from hybridmix.batch.picture import Curve
from hybridmix.batch.plugin import Shim, bundle_path
from hybridmix.batch.report import Report
from hybridmix.batch.strip import Strip
from hybridmix.engine import trace
from hybridmix.errors import InputError
from hybridmix.wire import parameters

__all__ = ["Mix", "MixSession", "MixTrack"]

#: Choices of the plugin's parameters are saved as their number in the list.
_CONTROL_DELAYS = get_args(session_file.ControlDelay)
#: What a room consists of; its values are not sent in every frame.
_ROOM = tuple(one.name for one in parameters.load().parameters if one.section == "reverb")
#: What a preset sets and a track may set by itself.
_OWN = ("gain_offset_db", "dip_amount", "dip_budget_lu", "breath_amount", "breath_depth_db", "room_amount")


@dataclass(frozen=True)
class MixTrack:
    """One track: audio and what the user sets.

    Args:
        audio: a file, or samples of shape ``(frames,)``, ``(channels, frames)`` or ``(frames, channels)``
            with 1 or 2 channels.
        label: name in reports; it also fixes the track's identity, so it is unique in a session.
        role: ``"ai_stem"`` or ``"live_source"``; the preset's when left out.
        preset: name of a shipped preset, or the path of a ``.json`` file.
        gain_offset_db: added after the model, -24 to 24 dB; the preset's when left out.
        dip_amount: how much an AI stem makes room for the live sources, 0 to 1; the preset's when left out.
        dip_budget_lu: most loudness that the dip may take, 0.5 to 6 LU; the preset's when left out.
        breath_amount: how much an AI stem takes on the movement of the live sources, 0 to 1; the preset's when left out.
        breath_depth_db: most that breath may move its level, 0 to 5 dB; the preset's when left out.
        room_amount: how much of the live sources' room an AI stem gets, 0 to 1; the preset's when left out.
        mute: leave the track out of the group and of the mix.
        offset_s: where the audio begins on the timeline, in s.
        before, after: other pedalboard plugins around HybridMix on this track.
    """

    audio: Path | npt.NDArray[np.float32]
    label: str
    role: presets.Role | None = None
    preset: str | None = None
    gain_offset_db: float | None = None
    dip_amount: float | None = None
    dip_budget_lu: float | None = None
    breath_amount: float | None = None
    breath_depth_db: float | None = None
    room_amount: float | None = None
    mute: bool = False
    offset_s: float = 0.0
    before: Sequence[pedalboard.Plugin] = field(default=())
    after: Sequence[pedalboard.Plugin] = field(default=())


@dataclass(frozen=True)
class Mix:
    """A rendered session: ``stems`` as the tracks were given (muted ones are ``None``), the mix ``(2, frames)``.

    ``gains_db`` (by label) and ``trim_db`` say when which value began to apply: seconds and dB.
    """

    stems: list[npt.NDArray[np.float32] | None]
    mix: Audio
    report: Report
    gains_db: dict[str, Curve]
    trim_db: Curve


class MixSession:
    """Renders tracks through the real plugin and a service of its own. Use it as a context manager.

    Args:
        tracks: at least one; arrays need ``sample_rate``.
        sample_rate: of arrays and of the mix in Hz; the highest of the files when left out.
        preset: preset for tracks that name none.
        settings: group settings, as in the session file.
        output: what :meth:`render_to` writes.
        plugin: VST3 bundle; found by itself when left out.

    Raises:
        InputError: a track, preset, rate or file cannot be used.
    """

    def __init__(
        self,
        tracks: Sequence[MixTrack],
        *,
        sample_rate: int | None = None,
        preset: str | None = None,
        settings: session_file.Session | None = None,
        output: session_file.Output | None = None,
        plugin: Path | None = None,
    ) -> None:
        self.settings = settings or session_file.Session()
        self.output = output or session_file.Output()
        self.tracks = [track for track in tracks if not track.mute]
        if not self.tracks:
            raise InputError("the session has no audible track; give at least one that is not muted.")
        for label in {track.label for track in tracks}:
            if sum(track.label == label for track in tracks) > 1:
                raise InputError(
                    f"several tracks of the session are called {label!r}; give each its own label."
                )
        self._all_tracks = list(tracks)
        self._default_preset = preset
        self._plugin = plugin
        self.rate = self._choose_rate(sample_rate or self.settings.sample_rate)
        #: Samples per block; up to the control delay, lockstep rendering is complete.
        self.block = self.settings.block or _block(self.rate, self.settings.control_delay_ms)
        self._service: private_service.PrivateService | None = None
        self._strips: list[Strip] = []

    @classmethod
    def from_file(cls, path: Path, *, plugin: Path | None = None) -> MixSession:
        """Return the session that the file at ``path`` describes (see docs/session-file.md)."""
        parsed = session_file.load(path)

        def placed(name: str) -> str:
            """A file is found from where the session file is."""
            return str((path.parent / name).resolve()) if name.endswith(".json") else name

        tracks = [
            MixTrack(
                audio=path.parent / track.path,
                label=session_file.label_of(track),
                role=track.role,
                preset=placed(track.preset) if track.preset is not None else None,
                gain_offset_db=track.gain_offset_db,
                dip_amount=track.dip_amount,
                dip_budget_lu=track.dip_budget_lu,
                breath_amount=track.breath_amount,
                breath_depth_db=track.breath_depth_db,
                room_amount=track.room_amount,
                mute=track.mute,
                offset_s=track.offset_s,
            )
            for track in parsed.track
        ]
        settings = msgspec.structs.replace(parsed.session, profile=placed(parsed.session.profile))
        return cls(tracks, settings=settings, output=parsed.output, plugin=plugin)

    def _options(self) -> list[str]:
        settings = self.settings
        return ["--profile", settings.profile, "--max-boost-db", str(settings.max_boost_db)]

    def _choose_rate(self, wanted: int | None) -> int:
        paths = [track.audio for track in self._all_tracks if isinstance(track.audio, Path)]
        highest = pick_rate(paths) if paths else None
        if wanted is None and len(paths) < len(self._all_tracks):
            raise InputError("sample_rate is missing; tracks given as arrays need it, in Hz.")
        rate = wanted or highest or 48000
        if not 44100 <= rate <= 192000 or rate % 100:
            raise InputError(f"sample_rate is {rate}; expected a multiple of 100 from 44100 to 192000 Hz.")
        return rate

    def __enter__(self) -> Self:
        bundle = bundle_path(self._plugin)
        self._service = private_service.PrivateService(self.settings.model, self._options())
        try:
            session = uuid4()
            self._strips = [self._strip(track, bundle, session) for track in self.tracks]
            self._join()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Unload the plugins and end the service."""
        while self._strips:
            self._strips.pop().close()
        # pedalboard's plugins and their parameters hold each other: without this the plugins would stay, and
        # the next render's would speak to this one's service.
        gc.collect()
        if self._service is not None:
            self._service.close()
            self._service = None

    def _preset_of(self, track: MixTrack) -> presets.Preset | None:
        name = track.preset or self._default_preset
        return presets.load(name) if name else None

    def role_of(self, track: MixTrack) -> presets.Role | None:
        """Return the role of ``track``: its own, else its preset's."""
        chosen = self._preset_of(track)
        return track.role or (chosen.role if chosen else None)

    def _strip(self, track: MixTrack, bundle: Path, session: UUID) -> Strip:
        # What a track sets by itself wins over its preset.
        own = {name: value for name in _OWN if (value := getattr(track, name)) is not None}
        preset = msgspec.structs.replace(self._preset_of(track) or presets.NEUTRAL, **own)
        params = {
            **preset.params(),
            "control_delay": float(_CONTROL_DELAYS.index(self.settings.control_delay_ms)),
            "group": float(self.settings.group),
            "role": float(presets.ROLES[self.role_of(track)]),
        }
        shim = Shim(bundle, track.label, session, params)
        return Strip(self._opener(track), shim, track.before, track.after, self.rate)

    def _opener(self, track: MixTrack) -> Callable[[], Any]:
        if isinstance(track.audio, Path):
            return partial(file_source, track.audio, self.rate, track.offset_s)
        return partial(array_source, _planar(track), self.rate, self.rate, track.offset_s)

    def _join(self) -> None:
        """Have every plugin activated at its final layout and registered at the service."""
        assert self._service is not None
        for strip in self._strips:
            strip.shim.process(np.zeros((strip.channels, self.block), np.float32), self.rate)
        self._service.wait_for_members([strip.shim.instance for strip in self._strips])

    def render(self, progress: Callable[[float], None] | None = None) -> Mix:
        """Render into memory.

        Args:
            progress: called with the fraction done, 0 to 1.
        """
        stems = {strip.shim.label: Tape(strip.channels, self._frames) for strip in self._strips}
        mix = Tape(2, self._frames)
        measured = self._run(Sinks({label: tape.write for label, tape in stems.items()}, mix.write), progress)
        return Mix(
            stems=[
                None if track.mute else _shaped(stems[track.label].audio, track) for track in self._all_tracks
            ],
            mix=mix.audio,
            report=measured.report,
            gains_db=measured.gains,
            trim_db=measured.trim,
        )

    def render_to(self, folder: Path, progress: Callable[[float], None] | None = None) -> Report:
        """Render into ``folder``, streaming: stems, mix, ``report.json`` and ``mix.png``.

        Files are written beside their place and moved there at the end; nothing is left behind on failure.

        Raises:
            InputError: the folder cannot be written to.
        """
        from hybridmix.batch.folder import OutputFolder

        with OutputFolder(folder, self.output, self.rate) as files:
            stem_files = {
                strip.shim.label: files.open(f"stems/{strip.shim.label}", strip.channels)
                for strip in self._strips
            }
            mix_file = files.open("mix", 2)
            writers: dict[str, Writer] = {
                label: file for label, file in stem_files.items() if file is not None
            }
            assert mix_file is not None
            measurement = self._run(
                Sinks({label: file.write for label, file in writers.items()}, mix_file.write), progress
            )
            return files.finish(measurement, mix_file.clipped, self.settings.name)

    def _run(self, sinks: Sinks, progress: Callable[[float], None] | None) -> Measurement:
        assert self._service is not None, "enter the session first: with MixSession(...) as session"
        if self.settings.start == "learned":
            self._learn()
        frames = self._frames
        observer = Observer(self._service, self.rate, self._strips)
        began = time.perf_counter()
        for strip in self._strips:
            strip.rewind()
        done = 0
        for start in range(0, frames, self.block):
            observer.heard([strip.advance(self.block)[:, : frames - start] for strip in self._strips])
            count = min(frames - done, *(strip.output.frames for strip in self._strips))
            self._emit(count, sinks, observer)
            done += count
            if progress is not None:
                progress(done / frames)
        for strip in self._strips:
            strip.flush(frames - done)
        self._emit(frames - done, sinks, observer)
        return observer.finish(self, frames, time.perf_counter() - began)

    @property
    def _frames(self) -> int:
        """Length of the mix in samples."""
        return max(strip.frames for strip in self._strips)

    def _emit(self, count: int, sinks: Sinks, observer: Observer) -> None:
        """Pass on ``count`` samples of every track, and their sum."""
        if count == 0:
            return
        stems = [strip.output.pop(count) for strip in self._strips]
        mix = np.zeros((2, count), np.float32)
        for strip, stem in zip(self._strips, stems, strict=True):
            mix += stem
            if strip.shim.label in sinks.stems:
                sinks.stems[strip.shim.label](stem)
        observer.left(stems, mix)
        sinks.mix(mix)

    def _learn(self) -> None:
        """Begin the real pass with the values that the first seconds lead to."""
        reached = self._rehearse([{}] * len(self._strips))
        # That trim is also for the time before the gains were known; only with them it is the right one.
        gains = [{name: values[name] for name in values if name == "gain_db"} for values in reached]
        for strip, values in zip(self._strips, self._rehearse(gains), strict=True):
            strip.shim.start(values)

    def _rehearse(self, starts: Sequence[dict[str, float]]) -> list[dict[str, float]]:
        """Play the first seconds from ``starts``, by track; return the values that were reached."""
        assert self._service is not None
        for strip, values in zip(self._strips, starts, strict=True):
            strip.shim.start(values)
            strip.rewind()
        longest = min(max(strip.frames for strip in self._strips), round(self.settings.learn_s * self.rate))
        before = trace.count(self._service.trace)
        frames = -(-longest // self.block) * self.block
        for _ in range(0, frames, self.block):
            for strip in self._strips:
                strip.advance(self.block)
        # The last frame that the plugins waited for: what came after it may or may not be there yet.
        last = self.rate * self.settings.control_delay_ms // 1000 + 1
        rows = self._service.traced(before)
        rows = rows[rows["end"] <= frames - last]
        return [_reached(rows[rows["member"] == strip.shim.instance.bytes]) for strip in self._strips]


def _reached(rows: npt.NDArray[Any]) -> dict[str, float]:
    """Return the values of the last record, by parameter name; without those that were never sent."""
    if not rows.size:
        return {}
    last = {name: float(rows[-1][name]) for name in ("gain_db", "trim_db") if np.isfinite(rows[-1][name])}
    for name in _ROOM:
        sent = rows[name][np.isfinite(rows[name])]
        if sent.size:
            last[name] = float(sent[-1])
    return last


def _block(rate: int, control_delay_ms: int) -> int:
    """Return the block in which a render is fastest.

    Three eighths of the control delay: the service works on one block while the next is played, and mostly has
    two of them before it is waited for. With half of it runs are less even, and with the whole delay, the most
    that is exact, both would take turns.
    """
    return min(3 * rate * control_delay_ms // 8000, 8192)


def _planar(track: MixTrack) -> Audio:
    """Return the track's array as ``(channels, frames)`` float32."""
    audio = np.asarray(track.audio, dtype=np.float32)
    if audio.ndim == 1:
        audio = audio[np.newaxis]
    if audio.ndim != 2 or min(audio.shape) not in (1, 2):
        raise InputError(
            f"track {track.label!r}: audio has shape {audio.shape}; expected (frames,), (channels, frames) or "
            "(frames, channels) with 1 or 2 channels."
        )
    if audio.shape[0] > 2:
        audio = audio.T
    if not np.isfinite(audio).all():
        raise InputError(f"track {track.label!r}: audio contains NaN or infinite samples; replace them.")
    return np.ascontiguousarray(audio)


def _shaped(stem: Audio, track: MixTrack) -> npt.NDArray[np.float32]:
    """Return ``stem`` in the layout in which the track's array was given."""
    if isinstance(track.audio, Path):
        return stem
    if track.audio.ndim == 1:
        return np.asarray(stem[0])
    return np.asarray(stem.T) if track.audio.shape[0] > 2 else stem

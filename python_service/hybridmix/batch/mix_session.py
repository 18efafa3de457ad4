"""``MixSession``: many tracks, one real plugin each, in lockstep, in one group, as in a DAW."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, get_args
from uuid import UUID, uuid4

import msgspec
import numpy as np
import numpy.typing as npt

from hybridmix import presets
from hybridmix.batch import private_service, session_file
from hybridmix.batch.audio import Audio, Source, Tape, Writer, pick_rate
from hybridmix.batch.frozen import FROZEN, Record, learned_track
from hybridmix.batch.outcome import Measurement, Observer, Sinks
from hybridmix.batch.picture import Curve
from hybridmix.batch.plugin import LOOK_AHEAD_MS, Shim, bundle_path
from hybridmix.batch.report import Report
from hybridmix.batch.start import begin_as_learned
from hybridmix.batch.strip import Strip
from hybridmix.batch.track import MixTrack, opened, shaped
from hybridmix.errors import InputError
from hybridmix.plan import document
from hybridmix.plan.document import PlanFile
from hybridmix.wire.limits import FRAMES_PER_SECOND

__all__ = ["Mix", "MixSession"]

#: Choices of the plugin's parameters are saved as their number in the list.
_CONTROL_DELAYS = get_args(session_file.ControlDelay)


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
        plan: freezes the tracks: they play it, and no service takes part.

    Raises:
        InputError: a track, preset, rate, plan or file cannot be used.
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
        plan: PlanFile | None = None,
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
        self._plan = plan
        self.rate = self._choose_rate(sample_rate or self.settings.sample_rate)
        #: Samples per block; up to the control delay, lockstep rendering is complete.
        self.block = self.settings.block or _block(self.rate, self.settings.control_delay_ms)
        self._service: private_service.PrivateService | None = None
        self._frozen: Record | None = None
        self._strips: list[Strip] = []
        self._measured: Measurement | None = None

    @classmethod
    def from_file(
        cls, path: Path, *, plugin: Path | None = None, plan: Path | None = None, frozen: bool = True
    ) -> MixSession:
        """Return the session that the file at ``path`` describes (see docs/session-file.md).

        ``plan`` freezes it by a plan file, in the place of the one that the session names; neither is read unless
        ``frozen``.
        """
        parsed = session_file.load(path)

        def placed(name: str) -> str:
            """A file is found from where the session file is."""
            return str((path.parent / name).resolve()) if name.endswith(".json") else name

        tracks = [
            MixTrack(
                audio=path.parent / track.path,
                label=session_file.label_of(track),
                preset=placed(track.preset) if track.preset is not None else None,
                **track.given(),
                mute=track.mute,
                offset_s=track.offset_s,
            )
            for track in parsed.track
        ]
        settings = msgspec.structs.replace(
            parsed.session,
            profile=placed(parsed.session.profile),
            situation=placed(parsed.session.situation) if parsed.session.situation is not None else None,
        )
        named = path.parent / settings.plan if settings.plan is not None else None
        chosen = plan or named
        return cls(
            tracks,
            settings=settings,
            output=parsed.output,
            plugin=plugin,
            plan=document.load(chosen) if chosen is not None and frozen else None,
        )

    def planned_by(self, plan: PlanFile | None) -> MixSession:
        """Return the same session, frozen by ``plan``, or live where there is none."""
        return self._with(self._all_tracks, plan)

    def levels_alone(self) -> MixSession:
        """Return the same session, live, with the amount of every section at 0: gain and trim are what is left."""
        sections = [
            name for name in presets.SETTINGS if name.endswith("_amount") and name != "overall_amount"
        ]
        off: dict[str, Any] = dict.fromkeys(sections, 0.0)
        return self._with([msgspec.structs.replace(track, **off) for track in self._all_tracks], None)

    def _with(self, tracks: Sequence[MixTrack], plan: PlanFile | None) -> MixSession:
        return MixSession(
            tracks,
            sample_rate=self.rate,
            preset=self._default_preset,
            settings=self.settings,
            output=self.output,
            plugin=self._plugin,
            plan=plan,
        )

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
        if self._plan is not None:
            return self._freeze(bundle, self._plan)
        self._service = private_service.PrivateService(self.settings.model, self._options())
        try:
            session = uuid4()
            self._strips = [self._strip(track, bundle, session) for track in self.tracks]
            self._join()
        except BaseException:
            self.close()
            raise
        return self

    def _freeze(self, bundle: Path, plan: PlanFile) -> Self:
        """Load plugins that play ``plan``; no service is started."""
        plans = {}
        for track in self.tracks:
            learned = learned_track(plan, track.label)
            # A plan of an earlier release knows fewer settings: then it was made with what changes nothing.
            settings = {**presets.NEUTRAL.params(), **learned.settings}
            for name, value in self._planned(track).items():
                if value != settings[name]:
                    raise InputError(
                        f"track {track.label!r} has {name} {value:g} and its plan was made with {settings[name]:g}; "
                        "learn again, or set it back."
                    )
            plans[track.label] = learned.plan
        try:
            session = uuid4()
            for track in self.tracks:
                self._strips.append(
                    self._strip(track, bundle, session, msgspec.to_builtins(plans[track.label]))
                )
        except BaseException:
            self.close()
            raise
        self._frozen = Record(self.rate, self._strips, plans)
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
        self._frozen = None

    def settings_of(self, track: MixTrack) -> presets.Preset:
        """Return what ``track`` is set to: its own settings over the situation's over its preset's."""
        name, situation = track.preset or self._default_preset, self.settings.situation
        chosen = presets.load(name).over(presets.NEUTRAL) if name else presets.NEUTRAL
        if situation is not None:
            chosen = presets.load(situation).over(chosen)
        return presets.Preset(track.label, **track.given()).over(chosen)

    def role_of(self, track: MixTrack) -> presets.Role | None:
        """Return the role of ``track``: its own, else its preset's."""
        return self.settings_of(track).role

    def _planned(self, track: MixTrack) -> dict[str, float]:
        """Return the settings of ``track`` that a plan depends on: plain values by permanent id."""
        return {**self.settings_of(track).params(), "role": float(presets.ROLES[self.role_of(track)])}

    def planned_settings(self) -> dict[str, dict[str, float]]:
        """Return the settings of every track that a plan depends on, by label: plain values by permanent id."""
        return {track.label: self._planned(track) for track in self.tracks}

    def _strip(
        self, track: MixTrack, bundle: Path, session: UUID, plan: dict[str, Any] | None = None
    ) -> Strip:
        params = {
            **self._planned(track),
            "control_delay": float(_CONTROL_DELAYS.index(self.settings.control_delay_ms)),
            "group": float(self.settings.group),
            "groove_tempo": self.settings.tempo_bpm or 0.0,
            "groove_first_beat": self.settings.first_beat_s,
        }
        if plan is not None:
            params["plan"] = FROZEN
        shim = Shim(bundle, track.label, session, params, plan)
        grooves = params["groove_amount"] > 0.0 if plan is None else "groove_ms" in plan["values"]
        late = LOOK_AHEAD_MS * self.rate // 1000 if grooves else 0
        return Strip(partial(self.open, track), shim, track.before, track.after, self.rate, late)

    def open(self, track: MixTrack) -> Source:
        """Open the audio of ``track`` on the timeline of the session. Raises InputError for a file that is none."""
        return opened(track, self.rate)

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
        stems = {strip.shim.label: Tape(strip.channels, self.frames) for strip in self._strips}
        mix = Tape(2, self.frames)
        measured = self._run(Sinks({label: tape.write for label, tape in stems.items()}, mix.write), progress)
        return Mix(
            stems=[
                None if track.mute else shaped(stems[track.label].audio, track) for track in self._all_tracks
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

    def render_into(self, sinks: Sinks, progress: Callable[[float], None] | None = None) -> Report:
        """Render block by block into ``sinks``, keeping nothing."""
        return self._run(sinks, progress).report

    def listen(
        self, heard: Callable[[Mapping[str, Audio]], None], progress: Callable[[float], None] | None = None
    ) -> Report:
        """Play the session from a neutral start and keep nothing of it.

        ``heard`` is called with what the plugins hear, by label.
        """
        return self._run(Sinks({}, lambda _: None), progress, heard).report

    def records(self) -> dict[str, Any]:
        """Return what the service recorded of each track in the last pass, by label (`hybridmix.engine.trace`)."""
        return self._measured.records if self._measured is not None else {}

    def _run(
        self,
        sinks: Sinks,
        progress: Callable[[float], None] | None,
        heard: Callable[[Mapping[str, Audio]], None] | None = None,
    ) -> Measurement:
        said = self._frozen or self._service
        assert said is not None, "enter the session first: with MixSession(...) as session"
        if self._frozen is None and self.settings.start == "learned" and heard is None:
            assert self._service is not None
            delay = self.rate * self.settings.control_delay_ms // 1000
            begin_as_learned(
                self._strips, self._service, round(self.settings.learn_s * self.rate), self.block, delay
            )
        frames = self.frames
        observer = Observer(said, self.rate, self._strips)
        began = time.perf_counter()
        for strip in self._strips:
            strip.rewind()
        done = 0
        # What groove holds back comes out after the end.
        late = max(strip.late for strip in self._strips)
        for start in range(0, frames + late, self.block):
            inputs = [strip.advance(self.block)[:, : max(0, frames - start)] for strip in self._strips]
            if start < frames:
                observer.heard(inputs)
                if self._frozen is not None:
                    self._frozen.heard(inputs)
                if heard is not None:
                    heard({strip.shim.label: one for strip, one in zip(self._strips, inputs, strict=True)})
            count = min(frames - done, *(strip.output.frames for strip in self._strips))
            self._emit(count, sinks, observer)
            done += count
            if progress is not None:
                progress(min(1.0, done / frames))
        for strip in self._strips:
            strip.flush(frames - done)
        self._emit(frames - done, sinks, observer)
        self._measured = observer.finish(self, frames, time.perf_counter() - began)
        return self._measured

    @property
    def frozen(self) -> bool:
        """Whether values come from a plan."""
        return self._frozen is not None

    def unfit(self) -> list[str]:
        """Return the labels of frozen tracks that were not what their plan was made from."""
        return self._frozen.unfit() if self._frozen is not None else []

    @property
    def frames(self) -> int:
        """Length of the mix in samples; known once the session was entered."""
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


def _block(rate: int, control_delay_ms: int) -> int:
    """Return the block in which a render is fastest.

    At most half of the control delay: the service works on one block while the next is played, and has another one
    before it is waited for. With the whole delay, the most that is exact, both would take turns. And in step with
    the frames: what ends with a block is answered without waiting for the rest of the next.
    """
    most = min(rate * control_delay_ms // 2000, 8192)
    frame = rate // FRAMES_PER_SECOND
    return frame * (most // frame) if most >= frame else frame // -(-frame // most)

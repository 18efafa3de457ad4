"""Learn over a pass in a host: the plan that comes of it is the one that ``hybridmix learn`` makes of the same audio."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import UUID, uuid4

import minihost
import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from tests.built import NEEDS_PLUGIN

from hybridmix.batch import MixSession, MixTrack, frozen_plugin, learning
from hybridmix.batch.plugin import bundle_path, identity
from hybridmix.batch.private_service import PrivateService
from hybridmix.batch.session_file import Session
from hybridmix.plan.document import PlanFile, TrackPlan

RATE, BLOCK, SECONDS = 48000, 960, 6
FRAMES = RATE * SECONDS
MODEL = "equal-loudness"

pytestmark = NEEDS_PLUGIN

Audio = npt.NDArray[np.float32]


def _swinging(hertz: float, swing_db: float, level_db: float) -> Audio:
    """A tone that swings, and a fourth higher in the second half."""
    time_s = np.arange(FRAMES) / RATE
    level = level_db + swing_db * np.sin(2.0 * np.pi * 0.8 * time_s) + 0.4 * time_s
    pitch = hertz * np.where(time_s < SECONDS / 2, 1.0, 4.0 / 3.0)
    return (10.0 ** (level / 20.0) * np.sin(2.0 * np.pi * pitch * time_s)).astype(np.float32)


SOUNDS = {
    "pad": _swinging(300.0, 1.0, -14.0)[np.newaxis],
    "voice": np.stack([_swinging(440.0, 5.0, -22.0), _swinging(330.0, 5.0, -24.0)]),
}
TRACKS = [
    MixTrack(
        SOUNDS["pad"],
        "pad",
        role="ai_stem",
        breath_amount=0.7,
        breath_sustained="1/f",
        breath_fades=True,
        overall_amount=0.9,
        dip_amount=1.0,
        staging_amount=1.0,
        gain_offset_db=12.0,
    ),
    MixTrack(SOUNDS["voice"], "voice", role="live_source", staging_amount=0.5, gain_offset_db=12.0),
]


@pytest.fixture(scope="module")
def learned() -> PlanFile:
    """What ``hybridmix learn`` makes of the session."""
    return learning.learn(MixSession(TRACKS, sample_rate=RATE, settings=Session(model=MODEL)))


class _Host:
    """A host with a track for each sound, whose transport is scripted."""

    def __init__(self, settings: dict[str, dict[str, float]]) -> None:
        session = uuid4()
        self.tracks = {label: _open(label, session, {**settings[label], "learn": 1.0}) for label in SOUNDS}
        self.play(0, 0)

    def play(self, begin: int, end: int, *, rest: int = 20) -> None:
        """Play from sample ``begin`` to ``end``, and then the stopped transport for ``rest`` blocks."""
        positions: list[int | None] = [*range(begin, end, BLOCK), *[None] * rest]
        for at in positions:
            for label, plugin in self.tracks.items():
                sound = np.zeros((len(SOUNDS[label]), BLOCK), np.float32)
                if at is not None:
                    part = SOUNDS[label][:, at : at + BLOCK]
                    sound[:, : part.shape[1]] = part
                plugin.non_realtime = True
                plugin.set_transport(120.0, position_samples=at or 0, is_playing=at is not None)
                plugin.process(sound, np.empty_like(sound))

    def await_status(self, text: str) -> None:
        """Rest until every plugin shows ``text``."""
        end = time.monotonic() + 60.0
        while (shown := [_shown(plugin, "Status") for plugin in self.tracks.values()]) != [text] * 2:
            assert time.monotonic() < end, f"{text!r} was awaited, the plugins show {shown}"
            time.sleep(0.05)
            self.play(0, 0, rest=2)

    def state(self, label: str) -> dict[str, Any]:
        component, _ = minihost._core.vst3_state_split(self.tracks[label].get_state())
        assert component is not None
        state: dict[str, Any] = json.loads(component)
        return state


def _open(label: str, session: UUID, params: dict[str, float]) -> Any:
    channels = len(SOUNDS[label])
    plugin = minihost.Plugin(str(bundle_path()), RATE, BLOCK, channels, channels)
    state = {
        "format": "hybridmix-state",
        "instance": str(identity(label)),
        "label": label,
        "params": params,
        "session": str(session),
        "start": {},
        "version": 1,
    }
    plugin.set_state(minihost._core.vst3_state_join(json.dumps(state).encode(), None))
    return plugin


def _shown(plugin: Any, name: str) -> str:
    index = plugin.find_param(name)
    return str(plugin.param_to_text(index, plugin.get_param(index)))


@pytest.fixture(scope="module")
def states(learned: PlanFile) -> dict[str, dict[str, Any]]:
    """The states that a host saves after a pass with Learn, by label; the service is gone by then."""
    with PrivateService(MODEL) as service:
        host = _Host({label: track.settings for label, track in learned.tracks.items()})
        service.wait_for_members([identity(label) for label in SOUNDS])
        host.await_status("Learn: play the song")
        host.play(0, 3 * RATE)
        host.await_status("Not learned: too short")
        host.play(0, 2 * RATE, rest=0)
        host.play(4 * RATE, 6 * RATE)
        host.await_status("Not learned: it jumped")
        assert "plan" not in host.state("pad")
        host.play(0, FRAMES)
        host.await_status("Plan ready")
        saved = {label: host.state(label) for label in SOUNDS}
        for plugin in host.tracks.values():
            plugin.close()
    return saved


def test_a_pass_gives_the_plan_that_the_command_gives_but_for_the_trim(
    states: dict[str, dict[str, Any]], learned: PlanFile
) -> None:
    for label, track in learned.tracks.items():
        plan = msgspec.convert(states[label]["plan"], TrackPlan)
        assert plan.begin == track.plan.begin == 0
        assert plan.level == track.plan.level
        assert plan.fades == track.plan.fades
        assert (plan.fades is not msgspec.UNSET) == (label == "pad")
        assert plan.values.keys() == track.plan.values.keys()
        different = [name for name in plan.values if plan.values[name] != track.plan.values[name]]
        assert different in ([], ["trim_db"])
        trims = [one.table("trim_db") for one in (plan, track.plan)]
        assert trims[0] is not None
        assert trims[1] is not None
        assert np.ptp(trims[0]) == np.ptp(trims[1]) == 0.0
        # The trim of a pass knows no filters and has a margin for them.
        assert -1.5 <= trims[0][0] - trims[1][0] <= 0.0


def test_a_fresh_plugin_without_a_service_plays_it_bit_for_bit(
    states: dict[str, dict[str, Any]], learned: PlanFile
) -> None:
    trim = msgspec.convert(states["pad"]["plan"], TrackPlan).values["trim_db"]
    for label, sound in SOUNDS.items():
        track = learned.tracks[label]
        trimmed = msgspec.structs.replace(
            track, plan=msgspec.structs.replace(track.plan, values={**track.plan.values, "trim_db": trim})
        )
        expected = frozen_plugin(msgspec.structs.replace(learned, tracks={label: trimmed}), label).process(
            sound, RATE
        )
        state = states[label]
        assert state["params"]["learn"] == 1.0
        state = {**state, "params": {**state["params"], "learn": 0.0, "plan": 1.0}}
        plugin = minihost.Plugin(str(bundle_path()), RATE, BLOCK, len(sound), len(sound))
        plugin.set_state(minihost._core.vst3_state_join(json.dumps(state).encode(), None))
        heard = np.empty_like(sound)
        for at in range(0, FRAMES, BLOCK):
            part = np.empty((len(sound), BLOCK), np.float32)
            plugin.set_transport(120.0, position_samples=at, is_playing=True)
            plugin.process(np.ascontiguousarray(sound[:, at : at + BLOCK]), part)
            heard[:, at : at + BLOCK] = part
        assert _shown(plugin, "Status") == "Frozen"
        assert np.array_equal(heard, expected), label
        assert not np.array_equal(heard, sound)

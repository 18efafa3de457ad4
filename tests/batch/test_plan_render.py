"""Learn a session, then render it frozen: real plugin, real service to learn from, none to render with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pedalboard
import pytest
import soundfile
from tests.built import NEEDS_PLUGIN

from hybridmix.batch import MixSession, MixTrack, frozen_plugin, learning
from hybridmix.batch.plugin import bundle_path
from hybridmix.batch.session_file import Session
from hybridmix.cli.main import main
from hybridmix.errors import InputError
from hybridmix.features.levels import level_dbfs
from hybridmix.plan import document
from hybridmix.plan.document import PlanFile

RATE = 48000
SECONDS = 5.5
FRAME, RECORDED = RATE // 20, round(SECONDS * RATE)


pytestmark = NEEDS_PLUGIN

Audio = npt.NDArray[np.float32]


def _swinging(hertz: float, swing_db: float, level_db: float) -> Audio:
    """A tone that swings 0.8 times a second."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    level = level_db + swing_db * np.sin(2.0 * np.pi * 0.8 * time)
    return (10.0 ** (level / 20.0) * np.sin(2.0 * np.pi * hertz * time)).astype(np.float32)


PAD, VOICE = _swinging(300.0, 1.5, -12.0), np.stack([_swinging(440.0, 5.0, -20.0)] * 2)


def _session(pad: Audio = PAD) -> MixSession:
    tracks = [
        MixTrack(pad, "pad", role="ai_stem", breath_amount=1.0, dip_amount=1.0, gain_offset_db=16.0),
        MixTrack(VOICE, "voice", role="live_source", gain_offset_db=16.0),
    ]
    return MixSession(tracks, sample_rate=RATE, settings=Session(model="equal-loudness"))


@pytest.fixture(scope="module")
def plan() -> PlanFile:
    progress: list[float] = []
    made = learning.learn(_session(), progress.append)
    assert progress == sorted(progress)
    assert progress[-1] == 1.0
    return made


def test_a_plan_has_what_the_tracks_use_and_a_trim_that_is_the_same_for_all(plan: PlanFile) -> None:
    pad, voice = (plan.tracks[label].plan for label in ("pad", "voice"))
    assert sorted(pad.values) == ["breath_db", "dip_db", "dip_hz", "gain_db", "trim_db"]
    assert sorted(voice.values) == ["gain_db", "trim_db"]
    assert pad.frames == voice.frames == 20 * SECONDS
    trims = [one.table("trim_db") for one in (pad, voice)]
    assert trims[0] is not None
    assert trims[0][0] < -1.0
    assert np.ptp(np.stack([trim for trim in trims if trim is not None])) == 0.0


def test_a_frozen_mix_stays_just_below_the_ceiling_and_needs_no_service(
    plan: PlanFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise AssertionError("a frozen render starts no service")

    monkeypatch.setattr("hybridmix.batch.private_service.PrivateService", none)
    with _session().planned_by(plan) as session:
        mix = session.render()
    assert mix.report.complete
    assert mix.report.frozen
    assert mix.report.mix.peak_dbfs == pytest.approx(-1.0, abs=0.03)
    assert np.abs(mix.mix).max() <= 10.0 ** (-1.0 / 20.0)
    assert mix.report.tracks[0].breath_db.max is not None
    assert mix.report.tracks[0].before.lufs == pytest.approx(-12.0 - 3.0, abs=1.0)


def test_alone_in_any_order_and_block_tracks_are_the_same_bits_as_in_the_session(plan: PlanFile) -> None:
    with _session().planned_by(plan) as session:
        stems = session.render().stems
    for index in (1, 0):
        label, audio = (("pad", PAD[np.newaxis]), ("voice", VOICE))[index]
        stem = np.atleast_2d(np.asarray(stems[index]))
        for block in (8192, 64, 1000):
            alone = frozen_plugin(plan, label).process(audio, RATE, buffer_size=block)
            assert np.array_equal(alone, stem), f"{label}, blocks of {block}"


def test_staging_in_a_plan_is_exact_from_the_first_frame() -> None:
    # Loud at last: what a pass knew while it went on is not what the song asks for.
    quiet, voice = PAD * np.linspace(0.02, 0.5, PAD.size, dtype=np.float32), 0.3 * VOICE
    tracks = [
        MixTrack(quiet, "quiet", role="ai_stem", amount=0.0, staging_amount=1.0),
        MixTrack(voice, "voice", role="live_source", amount=0.0, staging_amount=1.0),
    ]
    session = MixSession(tracks, sample_rate=RATE, settings=Session(model="equal-loudness"))
    with session.planned_by(learning.learn(session)) as frozen:
        mix = frozen.render()
    assert mix.report.complete
    trim = float(mix.trim_db[1][0])
    frames = [np.atleast_2d(np.asarray(stem)).reshape(-1, RECORDED // FRAME, FRAME) for stem in mix.stems]
    levels = [level_dbfs(np.square(one, dtype=np.float64).mean(axis=(0, 2))) - trim for one in frames]
    assert levels == pytest.approx([-18.0, -18.0], abs=0.01)


def test_other_sound_than_the_plans_is_said(plan: PlanFile) -> None:
    with _session(PAD * np.float32(0.5)).planned_by(plan) as session:
        report = session.render().report
    assert not report.complete
    assert report.counters.incomplete == 1
    assert report.advice == "the plan no longer fits pad, from there on mixed without it; learn again."


def test_a_plan_of_other_settings_or_without_the_track_is_refused(plan: PlanFile) -> None:
    other = MixTrack(PAD, "pad", role="ai_stem", gain_offset_db=-3.0)
    expected = "track 'pad' has .* and its plan was made with .*; learn again, or set it back"
    with (
        pytest.raises(InputError, match=expected),
        MixSession([other], sample_rate=RATE, plan=plan),
    ):
        pass
    with (
        pytest.raises(
            InputError, match="the plan has no track called 'lead'; it has pad, voice: learn again"
        ),
        MixSession([MixTrack(PAD, "lead")], sample_rate=RATE, plan=plan),
    ):
        pass


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write(tmp_path / "pad.wav", PAD[: 3 * RATE], RATE)
    soundfile.write(tmp_path / "voice.wav", VOICE[:, : 3 * RATE].T, RATE)
    session = tmp_path / "song.toml"
    session.write_text(
        '[session]\nmodel = "equal-loudness"\n[output]\nbits = "float"\n'
        '[[track]]\npath = "pad.wav"\nrole = "ai_stem"\n[[track]]\npath = "voice.wav"\nrole = "live_source"\n'
    )

    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
        return capsys.readouterr().out

    presets = tmp_path / "presets"
    said = json.loads(run("learn", str(session), "--presets", str(presets), "--json"))
    assert said["plan"] == str(tmp_path / "song.plan.json")
    assert said["tracks"]["pad"]["values"].keys() == {"gain_db", "trim_db"}
    assert document.load(tmp_path / "song.plan.json").tracks.keys() == {"pad", "voice"}
    by_option = run(
        "render", str(session), "--plan", said["plan"], "--out", str(tmp_path / "by option"), "--json"
    )
    assert json.loads(by_option)["frozen"]
    session.write_text(session.read_text().replace("[output]", 'plan = "song.plan.json"\n[output]'))
    assert "x real time" in run("render", str(session), "--out", str(tmp_path / "by name"))
    mixes = [soundfile.read(tmp_path / folder / "mix.wav")[0] for folder in ("by option", "by name")]
    assert np.array_equal(*mixes)
    assert sorted(path.name for path in presets.iterdir()) == ["pad.vstpreset", "voice.vstpreset"]
    plugin = pedalboard.VST3Plugin(str(bundle_path()))
    plugin.load_preset(str(presets / "pad.vstpreset"))
    alone = plugin.process(soundfile.read(tmp_path / "pad.wav", dtype="float32")[0][np.newaxis], RATE)
    stem = soundfile.read(tmp_path / "by option/stems/pad.wav", dtype="float32")[0]
    assert np.array_equal(alone[0], stem)

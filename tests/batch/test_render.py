"""Whole renders through the real plugin and a real service."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.built import NEEDS_PLUGIN

from hybridmix.batch import MixSession, MixTrack
from hybridmix.batch.session_file import Session
from hybridmix.cli.main import main

RATE = 48000


pytestmark = NEEDS_PLUGIN


def _noise(level_db: float, seconds: float = 5.0, channels: int = 1, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = rng.uniform(-1, 1, (channels, round(seconds * RATE))) * 10 ** (level_db / 20)
    return np.asarray(noise, np.float32)


def test_tracks_of_any_level_meet_at_the_target_in_the_shape_they_were_given() -> None:
    quiet, loud = _noise(-34.0)[0], _noise(-14.0, channels=2, seed=2).T
    tracks = [MixTrack(quiet, "quiet"), MixTrack(loud, "loud"), MixTrack(quiet, "muted", mute=True)]
    with MixSession(tracks, sample_rate=RATE, settings=Session(model="equal-loudness")) as session:
        mix = session.render()
    assert mix.report.complete
    assert mix.stems[0] is not None
    assert mix.stems[1] is not None
    assert (mix.stems[0].shape, mix.stems[1].shape, mix.stems[2]) == (quiet.shape, loud.shape, None)
    assert mix.mix.shape == (2, len(quiet))
    np.testing.assert_allclose(mix.mix, mix.stems[0] + mix.stems[1].T, atol=1e-6)
    trim = mix.report.trim_db_min or 0.0
    assert [track.after.lufs for track in mix.report.tracks] == pytest.approx([-24.0 + trim] * 2, abs=0.5)


@pytest.mark.parametrize(("delay", "block"), [(20, 480), (40, 960), (200, 4800)])
def test_the_first_gain_comes_at_the_end_of_its_frame_plus_the_control_delay(delay: int, block: int) -> None:
    steady = np.full(RATE * 2, 0.01, np.float32) * np.where(np.arange(RATE * 2) % 48 < 24, 1, -1).astype(
        np.float32
    )
    settings = Session(control_delay_ms=delay, block=block, start="neutral")  # type: ignore[arg-type]
    with MixSession([MixTrack(steady, "steady")], sample_rate=RATE, settings=settings) as session:
        stem = session.render().stems[0]
    assert stem is not None
    changed = int(np.flatnonzero(stem != steady)[0])
    frame = RATE // 20
    assert changed % frame == (delay * RATE // 1000 + 1) % frame


def test_a_render_begins_at_the_values_it_learned_and_stays_near_them() -> None:
    tracks = [
        MixTrack(_noise(-26.0, 8.0), "quiet"),
        MixTrack(_noise(-3.0, 8.0, channels=2, seed=2), "loud", gain_offset_db=24.0),
    ]
    with MixSession(tracks, sample_rate=RATE, settings=Session(model="equal-loudness")) as session:
        mix = session.render()
        values = [strip.shim.start_values for strip in session._strips]
    assert mix.report.complete
    first = round(0.05 * RATE)
    for track, stem, learned in zip(tracks, mix.stems, values, strict=True):
        assert stem is not None
        assert learned["trim_db"] < -0.2
        heard = np.atleast_2d(np.asarray(track.audio))
        applied = 20.0 * np.log10(np.abs(stem[0] / heard[0])[np.abs(heard[0]) > 1e-4])
        start = learned["gain_db"] + learned["trim_db"]
        assert applied[:first] == pytest.approx(start, abs=1e-3)
        # Noise is as loud everywhere: nothing that the service has heard asks for other values.
        assert applied == pytest.approx(start, abs=0.3)


def test_a_second_render_of_the_same_session_is_the_same_to_the_bit() -> None:
    tracks = [MixTrack(_noise(-30.0, 3.0), "a"), MixTrack(_noise(-12.0, 3.0, seed=2), "b")]
    with MixSession(tracks, sample_rate=RATE) as session:
        first, second = session.render(), session.render()
    with MixSession(tracks, sample_rate=RATE) as session:
        third = session.render()
    np.testing.assert_array_equal(first.mix, second.mix)
    np.testing.assert_array_equal(first.mix, third.mix)


def test_a_render_that_cannot_be_complete_says_so_keeps_its_files_and_exits_with_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, seed in (("a", 1), ("b", 2)):
        soundfile.write(tmp_path / f"{name}.wav", _noise(-20.0, 3.0, seed=seed).T, RATE)
    session = tmp_path / "session.toml"
    session.write_text('[session]\nblock = 8192\n[[track]]\npath = "a.wav"\n[[track]]\npath = "b.wav"\n')
    with pytest.raises(SystemExit) as end:
        main(["render", str(session), "--out", str(tmp_path / "mixed")])
    assert end.value.code == 3
    assert capsys.readouterr().err == (
        "error: the render is incomplete: blocks of 8192 samples need a control delay of 171 ms and the session has "
        "40; raise control_delay_ms or leave out block.\n"
    )
    report = json.loads((tmp_path / "mixed" / "report.json").read_text())
    assert report["complete"] is False
    assert sorted(path.name for path in (tmp_path / "mixed").rglob("*.*")) == [
        "a.wav",
        "b.wav",
        "mix.png",
        "mix.wav",
        "report.json",
    ]


def test_files_of_different_rates_lengths_and_formats_make_one_mix(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", _noise(-20.0, 2.0).T, 44100)
    soundfile.write(tmp_path / "b.ogg", _noise(-20.0, 3.0, channels=2, seed=2).T, 48000)
    (tmp_path / "session.toml").write_text(
        '[output]\nformat = "flac"\nstems = false\n[[track]]\npath = "a.flac"\noffset_s = 0.5\n[[track]]\npath = "b.ogg"\n'
    )
    with MixSession.from_file(tmp_path / "session.toml") as session:
        report = session.render_to(tmp_path / "mixed")
    mix, rate = soundfile.read(tmp_path / "mixed" / "mix.flac")
    assert (rate, mix.shape) == (48000, (3 * 48000, 2))
    assert report.files == ["mix.flac", "mix.png", "report.json"]
    assert not (tmp_path / "mixed" / "stems").exists()


def test_plugins_before_and_after_keep_the_tracks_aligned() -> None:
    import pedalboard

    delayed = _noise(-30.0, 3.0)[0]
    latent = pedalboard.PitchShift(semitones=0)
    tracks = [
        MixTrack(delayed, "plain"),
        MixTrack(delayed, "latent", before=[latent], after=[pedalboard.Gain(gain_db=0.0)]),
    ]
    with MixSession(tracks, sample_rate=RATE) as session:
        mix = session.render()
    assert mix.report.complete
    assert [stem.shape for stem in mix.stems if stem is not None] == [delayed.shape] * 2

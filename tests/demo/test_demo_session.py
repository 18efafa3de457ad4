from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pyloudnorm
import pytest
import soundfile

from hybridmix import demo, presets
from hybridmix.batch import session_file
from hybridmix.demo import recipe, synth
from hybridmix.features import KWeighting
from hybridmix.processors.listening import listen
from hybridmix.processors.slots import Beat

FOLDER = Path(demo.__file__).parent
MODELS = FOLDER.parent / "models"
RATE = 44100
FRAME = RATE // 20
DELAY = RATE * 40 // 1000
SESSION = session_file.load(FOLDER / "session.toml")
TRACKS = pytest.mark.parametrize("track", SESSION.track, ids=lambda track: track.label)
Audio = npt.NDArray[np.float32]


def _read(track: session_file.Track) -> Audio:
    """The file of ``track``, (channels, frames)."""
    audio, rate = soundfile.read(FOLDER / track.path, dtype="float32", always_2d=True)
    assert rate == RATE
    return np.ascontiguousarray(audio.T)


def _name(track: session_file.Track) -> str:
    return Path(track.path).stem


def _lufs(audio: npt.NDArray[np.floating]) -> float:
    return float(pyloudnorm.Meter(RATE).integrated_loudness(audio.T))


def _model_gains(audio: Audio) -> npt.NDArray[np.float64]:
    """Gain in dB after each whole frame, by the shipped model."""
    model = onnxruntime.InferenceSession(MODELS / "equal_loudness.onnx", providers=["CPUExecutionProvider"])
    weighting = KWeighting(RATE)
    filters = np.zeros((len(audio), *KWeighting.STATE_SHAPE))
    state: dict[str, npt.NDArray[Any]] = {
        "window": np.zeros((1, 60), np.float32),
        "filled": np.zeros(1, np.int64),
        "gain_in": np.zeros(1, np.float32),
        "known_in": np.zeros(1, np.bool_),
    }
    gains = []
    for begin in range(0, audio.shape[1] - FRAME + 1, FRAME):
        squares, filters = weighting.squares(audio[:, begin : begin + FRAME], filters)
        energy = np.array([squares.sum() / FRAME], np.float32)
        inputs = {"energy": energy, "present": np.ones(1, np.bool_), **state}
        names = ["window_out", "filled_out", "gain_db", "known"]
        state = dict(zip(state, model.run(names, inputs), strict=True))
        gains.append(float(state["gain_in"][0]))
    return np.array(gains)


def _applied(audio: Audio, gains: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """``audio`` with each frame's gain reached one frame after it applies, as the plugin ramps it."""
    starts = (np.arange(len(gains)) + 1) * FRAME + DELAY
    curve = np.interp(np.arange(audio.shape[1]), [0, *(starts + FRAME)], [0.0, *gains])
    return np.asarray(audio * 10.0 ** (curve / 20.0))


def test_ten_tracks_seven_of_them_live_in_at_most_4_mb() -> None:
    roles = [track.role for track in SESSION.track]
    assert (roles.count("live_source"), roles.count("ai_stem")) == (7, 3)
    assert {track.path for track in SESSION.track} == {path.name for path in FOLDER.glob("*.ogg")}
    assert sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file()) <= 4_000_000


def test_sections_act_on_the_stand_ins_that_they_are_for_and_on_no_microphone() -> None:
    chosen = {_name(track): presets.load(track.preset) for track in SESSION.track if track.preset is not None}
    assert {name: preset.role for name, preset in chosen.items()} == dict.fromkeys(synth.STEMS, "ai_stem")
    asked = {name: (bool(preset.dip_amount), bool(preset.breath_amount)) for name, preset in chosen.items()}
    assert asked == {"bass": (False, False), "pad": (True, True), "keys": (True, True)}


def test_groove_times_the_keys_like_the_close_microphones() -> None:
    sources = {_name(track) for track in SESSION.track if track.groove_source == "drums"}
    moved = {_name(track) for track in SESSION.track if track.groove_amount}
    assert (sources, moved) == ({"kick", "snare"}, {"keys"})


def test_the_keys_lie_on_the_beat_that_the_session_says() -> None:
    group = SESSION.session
    assert group.tempo_bpm is not None
    beat = Beat(-group.first_beat_s * group.tempo_bpm / 60.0, 0, group.tempo_bpm, RATE)
    keys = next(track for track in SESSION.track if _name(track) == "keys")
    late_ms, _ = listen(_read(keys).mean(axis=0, keepdims=True), beat)
    assert np.isfinite(late_ms).sum() >= 40
    assert abs(np.nanmedian(late_ms)) < 3.0


@TRACKS
def test_a_track_lasts_20_s_and_does_not_clip(track: session_file.Track) -> None:
    audio = _read(track)
    assert audio.shape[1] == 20 * RATE
    assert np.abs(audio).max() < 0.99


@TRACKS
def test_a_track_is_as_badly_staged_as_the_recipe_and_the_readme_say(track: session_file.Track) -> None:
    offset = recipe.STAGING_LU[_name(track)]
    assert _lufs(_read(track)) == pytest.approx(-24.0 + offset, abs=0.2)
    row = re.search(
        rf"\| {track.label} \| `{track.path}` \| (\S+) LU \|", (FOLDER / "README.md").read_text("utf-8")
    )
    assert row is not None
    assert float(row[1]) == offset


@TRACKS
def test_the_model_brings_every_track_to_its_target_after_the_first_6_s(track: session_file.Track) -> None:
    audio = _read(track)
    gains = _model_gains(audio)
    assert _lufs(_applied(audio, gains)[:, 6 * RATE :]) == pytest.approx(-24.0, abs=1.0)
    assert np.percentile(np.abs(np.diff(gains[120:])), 99) < 0.15


@pytest.mark.parametrize("name", synth.STEMS)
def test_a_sequenced_stem_is_what_the_recipe_computes(name: str) -> None:
    computed = recipe.staged(name, synth.STEMS[name]())
    shipped, _ = soundfile.read(FOLDER / f"{name}.ogg", always_2d=True)
    error = np.sum((shipped.T - computed) ** 2) / np.sum(computed**2)
    assert 10.0 * np.log10(error) < -20.0


def test_a_level_that_would_clip_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(recipe.STAGING_LU, "bass", 18.0)
    with pytest.raises(ValueError, match="bass would peak at"):
        recipe.staged("bass", synth.bass())


def test_every_file_is_credited() -> None:
    credits = (FOLDER / "CREDITS.md").read_text(encoding="utf-8")
    assert all(path.name in credits for path in FOLDER.glob("*.ogg"))

"""The seam of a session, from its files through the real plugin and a real service to its causes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from scipy import signal
from tests.built import NEEDS_PLUGIN

from hybridmix.cli.main import main
from hybridmix.measures import RATE, Floats
from hybridmix.measures.onsets import onsets
from hybridmix.seam.buses import Bus, Buses
from hybridmix.seam.causes import CAUSES, measure

SECONDS = 5
KEYS = [
    "masked_percent",
    "modulation_db",
    "level_lu",
    "tilt_db_per_octave",
    "asynchrony_ms",
    "t60_s",
    "drr_db",
]
SESSION = """
[session]
name = "Seam"
model = "equal-loudness"
learn_s = 1.0

[output]
bits = "float"

[[track]]
path = "pad.wav"
role = "ai_stem"
dip_amount = 1.0
dip_budget_lu = 6.0

[[track]]
path = "voice.wav"
preset = "live-source"

[[track]]
path = "click.wav"
"""


def _part(hertz: float, level_db: float, seconds: float = SECONDS, swing_db: float = 1.0) -> Floats:
    time = np.arange(round(seconds * RATE)) / RATE
    level = level_db + swing_db * np.sin(2.0 * np.pi * 0.7 * time)
    noise = np.random.default_rng(round(hertz)).normal(0.0, 0.03, len(time))
    return np.asarray(10.0 ** (level / 20.0) * (np.sin(2.0 * np.pi * hertz * time) + noise), np.float32)


def _buses(ai: npt.NDArray[np.float32], live: npt.NDArray[np.float32]) -> Buses:
    """Two buses of one track each."""
    both = [Bus(np.stack([audio, audio])) for audio in (ai, live)]
    return Buses(both[0], both[1], {"ai": onsets(ai)})


def test_each_cause_tells_what_was_changed_and_nothing_else() -> None:
    """An AI bus that becomes 6 dB quieter, then darker."""
    live, ai = _part(310.0, -20.0, 20.0, 4.0), _part(280.0, -20.0, 20.0)
    before = _buses(ai, live)
    softer = _buses(ai * np.float32(10.0**-0.3), live)
    causes = {one.key: one for one in measure(before, softer)}
    assert list(causes) == KEYS == [cause.key for cause in CAUSES]
    level, tilt, movement = (causes[key] for key in ("level_lu", "tilt_db_per_octave", "modulation_db"))
    assert level.before is not None
    assert level.after == pytest.approx(level.before - 6.0, abs=0.11)
    assert tilt.before == tilt.after
    assert movement.before == movement.after
    assert movement.before is not None
    assert movement.before > 5.0
    masked = causes["masked_percent"]
    assert masked.before is not None
    assert masked.after is not None
    assert masked.after < masked.before - 5.0
    assert (causes["asynchrony_ms"].before, causes["asynchrony_ms"].note) == (None, "no rhythm found")
    dull = _buses(np.convolve(ai, np.hanning(32) / np.hanning(32).sum(), "same").astype(np.float32), live)
    darker = {one.key: one for one in measure(before, dull)}["tilt_db_per_octave"]
    assert darker.before is not None
    assert darker.after is not None
    assert darker.after < darker.before - 0.3


def test_asynchrony_is_how_far_apart_shared_slots_are_and_follows_what_is_moved() -> None:
    time = np.arange(round(0.2 * RATE)) / RATE
    hit = (0.5 * np.sin(2.0 * np.pi * 400.0 * time) * np.exp(-time / 0.03)).astype(np.float32)

    def played(times: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        audio = np.zeros(11 * RATE, np.float32)
        for at in np.round(times * RATE).astype(int):
            audio[at : at + len(hit)] += hit
        return audio

    grid: npt.NDArray[np.float64] = 0.5 + 0.25 * np.arange(40.0)
    humans = grid + np.random.default_rng(3).normal(0.0, 0.01, len(grid))
    before = _buses(played(grid), played(humans))
    after = _buses(played(grid + 0.6 * (humans - grid)), played(humans))
    found = {one.key: one for one in measure(before, after)}["asynchrony_ms"]
    apart = 1e3 * float(np.abs(humans - grid).mean())
    assert found.before == pytest.approx(apart, abs=0.2)
    assert found.after == pytest.approx(0.4 * apart, abs=0.2)


def test_reverberation_times_follow_the_room_and_what_does_not_tell_its_room_is_refused() -> None:
    rng = np.random.default_rng(1)
    hits = np.zeros(11 * RATE)
    burst = np.exp(-np.arange(RATE // 20) / (0.005 * RATE))
    for at in range(0, len(hits) - len(burst), round(0.7 * RATE)):
        hits[at : at + len(burst)] += 0.3 * rng.normal(size=len(burst)) * burst

    def in_room(seconds: float) -> npt.NDArray[np.float32]:
        time = np.arange(round(seconds * RATE)) / RATE
        tail = np.random.default_rng(9).normal(size=len(time)) * 10.0 ** (-3.0 * time / seconds)
        tail[: RATE // 100] = 0.0
        response = np.concatenate([[1.0], tail[1:] / np.sqrt(np.square(tail).sum())])
        return np.asarray(signal.fftconvolve(hits, response)[: len(hits)], np.float32)

    live = in_room(1.2)
    causes = {one.key: one for one in measure(_buses(in_room(0.3), live), _buses(live, live))}
    time = causes["t60_s"]
    assert time.before is not None
    assert time.before < -0.4
    assert time.after == 0.0
    sustained = _buses(_part(300.0, -20.0, 11.0, 0.0), live)
    for key, cause in {one.key: one for one in measure(sustained, sustained)}.items():
        if key in ("t60_s", "drr_db"):
            assert cause.before is cause.after is None
            assert cause.note.startswith("not told surely: AI before")


def test_what_cannot_be_measured_says_why() -> None:
    both = _buses(_part(300.0, -20.0, 2.0), np.zeros(2 * RATE, np.float32))
    causes = measure(both, both)
    assert all(one.before is one.after is None for one in causes)
    assert all(one.note for one in causes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("seam")
    soundfile.write(made / "pad.wav", _part(280.0, -12.0), RATE, subtype="FLOAT")
    soundfile.write(made / "voice.wav", _part(310.0, -32.0), RATE, subtype="FLOAT")
    soundfile.write(made / "click.wav", _part(4000.0, -40.0), RATE, subtype="FLOAT")
    (made / "session.toml").write_text(SESSION)
    return made


@pytest.fixture(scope="module")
def mixed(folder: Path) -> tuple[Path, str]:
    """The session as ``hybridmix render`` leaves it, and what that printed."""
    out = folder / "mixed"
    ran = subprocess.run(
        [sys.executable, "-m", "hybridmix", "render", str(folder / "session.toml"), "--out", str(out)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    return out, ran.stdout


def _ran(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    said = capsys.readouterr()
    assert end.value.code == 0, said.err
    return said.out


@NEEDS_PLUGIN
def test_the_command_mixes_measures_and_draws_and_a_rendered_folder_has_the_same_seam(
    folder: Path,
    mixed: tuple[Path, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    session, picture = str(folder / "session.toml"), tmp_path / "seam.png"
    found = json.loads(_ran(["seam", session, "--picture", str(picture), "--json"], capsys))
    assert {name: found[name] for name in found if name != "causes"} == {
        "session": "Seam",
        "ai_stems": ["pad"],
        "live_sources": ["voice"],
        "without_role": ["click"],
        "complete": True,
        "advice": "",
    }
    causes = {one["key"]: one for one in found["causes"]}
    assert list(causes) == KEYS
    # As recorded the pad is 20 dB louder; mixed they are equally loud, but for what the dip takes.
    assert causes["level_lu"]["before"] == pytest.approx(20.0, abs=0.5)
    assert -7.0 < causes["level_lu"]["after"] < 0.5
    assert causes["masked_percent"]["after"] < causes["masked_percent"]["before"]
    assert picture.read_bytes().startswith(b"\x89PNG")
    rendered = ["seam", session, "--rendered", str(mixed[0])]
    alone = json.loads(_ran([*rendered, "--before", "levels", "--json"], capsys))
    levels = {one["key"]: one for one in alone["causes"]}
    # By levels alone both were equally loud; what is left is the dip.
    assert levels["level_lu"]["before"] == pytest.approx(0.0, abs=0.3)
    assert levels["level_lu"]["after"] == causes["level_lu"]["after"]
    assert levels["masked_percent"]["before"] > levels["masked_percent"]["after"]
    assert json.loads(_ran([*rendered, "--json"], capsys)) == found
    table = _ran(rendered, capsys)
    assert all(one["name"] in table for one in found["causes"])
    assert "neither  click" in table


@NEEDS_PLUGIN
def test_every_number_of_a_reason_in_the_report_is_the_reports(mixed: tuple[Path, str]) -> None:
    out, text = mixed
    report = json.loads((out / "report.json").read_text())
    tracks = {track["label"]: track for track in report["tracks"]}
    reasons = {label: {one["section"]: one for one in track["reasons"]} for label, track in tracks.items()}
    assert set(reasons["pad"]) == {"gain", "dip"}
    assert set(reasons["voice"]) == {"gain"}
    for label, track in tracks.items():
        gain = reasons[label]["gain"]
        assert gain["values"] == {
            "in_lufs": round(track["before"]["lufs"], 1),
            "low_db": round(track["gain_db"]["min"], 1),
            "high_db": round(track["gain_db"]["max"], 1),
        }
        assert 3 <= gain["seconds"] <= SECONDS
    dip = reasons["pad"]["dip"]
    assert dip["values"]["dip_db"] == round(tracks["pad"]["dip_db"]["min"], 1) < -1.0
    assert 0.0 < dip["values"]["cost_lu"] <= dip["values"]["budget_lu"] == 6.0
    assert f"why      pad: {dip['text']}" in text

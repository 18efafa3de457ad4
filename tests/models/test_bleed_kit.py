from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from hybridmix.errors import InputError
from hybridmix_models.data.bleed import draw_rooms
from hybridmix_models.data.bleed.kit import (
    DRUMS,
    MICROPHONES,
    compare,
    known_delays,
    known_ratios,
    on_stage,
)
from hybridmix_models.data.bleed.pictures import draw_kit, draw_ratios, draw_room
from hybridmix_models.data.bleed.responses import SOUND_SPEED
from hybridmix_models.data.bleed.survey import survey
from hybridmix_models.data.types import RATE, Song, Stem

RECORDED = Path("../shared/data/multimic_drums")
NAMES = list(MICROPHONES)
#: Samples by which each drum of the made-up recording is late in each microphone.
LATE = {"kick": [0, 30, 80, 40, 160, 165, 227], "snare": [50, 0, 10, 12, 162, 168, 170]}


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A groove of single hits whose levels and delays are known."""
    groove = tmp_path / "1_made"
    groove.mkdir()
    random = np.random.default_rng(1)
    burst = random.normal(0.0, 0.2, 2000) * np.exp(-np.arange(2000) / 400.0)
    hits = [(0.2 + 0.3 * k, ("kick", "snare")[k % 2]) for k in range(14)]
    iso = {"kick": np.zeros(5 * RATE), "snare": np.zeros(5 * RATE)}
    for column, name in enumerate(NAMES):
        audio = np.zeros(5 * RATE)
        for time, drum in hits:
            at = round(time * RATE) + LATE[drum][column]
            audio[at : at + len(burst)] += burst
            if f"{drum}_mic" == name:
                iso[drum][at : at + len(burst)] += burst
        sf.write(groove / f"{name}.ogg", audio, RATE, format="OGG", subtype="VORBIS")
    for drum, audio in iso.items():
        sf.write(groove / f"iso_{drum}_{drum}_mic.flac", audio, RATE)
    with (groove / "hits.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("time_s", "drum"), *hits])
    with (tmp_path / "levels.csv").open("w", newline="") as file:
        rows = [("1_made", name, -20.0 - k, -30.0, -30.0, "") for k, name in enumerate(NAMES)]
        head = ("groove", "microphone", "kick_dbfs", "snare_dbfs", "hihat_dbfs", "toms_dbfs")
        csv.writer(file).writerows([head, *rows])
    return tmp_path


def test_delays_between_microphones_are_read_from_single_hits(recording: Path) -> None:
    for drum in DRUMS:
        late = np.array(LATE[drum])
        assert known_delays(recording, drum) == pytest.approx(late - late[NAMES.index("front_mic")], abs=1.0)


def test_the_ratio_of_a_drum_counts_all_others_in_its_microphone(recording: Path) -> None:
    ratios = known_ratios(recording)
    assert ratios["kick"] == pytest.approx([10.0 - 10.0 * np.log10(2.0)])
    assert ratios["snare"] == pytest.approx([-30.0 - 10.0 * np.log10(10.0**-2.1 + 10.0**-3.0)], abs=1e-6)


def test_known_and_simulated_figures_stand_beside_each_other(recording: Path, tmp_path: Path) -> None:
    rooms = draw_rooms("test", 3)
    comparison = compare(recording, rooms)
    assert comparison.known_level_db == pytest.approx(np.array([[1.0, 0.0, -1.0, -2.0, -3.0, -4.0, -5.0]]))
    assert comparison.level_db.shape == (3, 7)
    assert np.isfinite(comparison.level_db).all()
    stage = on_stage(rooms[0])
    for column, drum in enumerate(DRUMS):
        distance = np.linalg.norm(stage.microphones - stage.sources[column], axis=1)
        late = (distance - distance[NAMES.index("front_mic")]) / SOUND_SPEED * RATE
        assert comparison.delay[drum] == pytest.approx(late, abs=2.0)
    picture = tmp_path / "kit.svg"
    draw_kit(comparison, picture)
    assert 5_000 < picture.stat().st_size < 150_000


def test_the_survey_counts_every_track_that_plays(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    audio = random.normal(0.0, 0.1, (3, RATE // 2)).astype(np.float32)
    audio[2] = 0.0
    song = Song("two and a silent one", tuple(Stem("s", "other", row, 0.0) for row in audio), "x")
    rooms = draw_rooms("test", 5)
    ratios = survey([song] * 2, rooms, scenes=2)
    assert {name: len(values) for name, values in ratios.items()} == {"unscaled": 4, "light": 8, "heavy": 8}
    assert np.median(ratios["light"] - ratios["heavy"]) == pytest.approx(9.0, abs=0.01)
    draw_ratios(ratios, {"kick": np.array([13.0, 28.0])}, tmp_path / "ratios.svg")
    draw_room(rooms[0], tmp_path / "room.png")
    assert all(5_000 < path.stat().st_size < 150_000 for path in tmp_path.iterdir())


def test_a_folder_without_the_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no grooves"):
        known_delays(tmp_path, "kick")
    with pytest.raises(InputError, match=r"levels\.csv does not exist"):
        known_ratios(tmp_path)


@pytest.mark.skipif(not RECORDED.is_dir(), reason=f"{RECORDED} is not there")
def test_the_recorded_kit_has_the_bleed_that_the_metrics_name() -> None:
    ratios = known_ratios(RECORDED)
    assert (round(float(ratios["kick"].min())), round(float(ratios["kick"].max()))) == (13, 28)
    assert ratios["snare"].min() == pytest.approx(-4.0, abs=0.5)
    assert ratios["snare"].max() == pytest.approx(7.5, abs=0.5)

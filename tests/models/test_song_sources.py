"""Songs from manifests, MedleyDB and caches: known gains come back, and problems come all at once."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile as sf
from scipy.signal import butter, sosfilt

from hybridmix.errors import InputError
from hybridmix_models.data.medleydb import estimate_balance_db
from hybridmix_models.data.songs import load_songs
from hybridmix_models.data.types import RATE

DATA = Path(__file__).parents[3] / "shared" / "data"
Audio = npt.NDArray[np.float32]


def tracks(count: int, seconds: float = 4.0) -> list[Audio]:
    """Noises in bands that overlap, each with a loudness that moves in its own way."""
    rng = np.random.default_rng(count)
    time = np.arange(round(seconds * RATE)) / RATE
    found = []
    for track in range(count):
        low = 60.0 * 2.0**track
        noise = sosfilt(
            butter(2, (low, 4.0 * low), "bandpass", fs=RATE, output="sos"), rng.normal(size=len(time))
        )
        swell = 0.55 + 0.45 * np.sin(2 * np.pi * (0.3 + 0.17 * track) * time + track)
        found.append((0.1 * noise * swell).astype(np.float32))
    return found


# MedleyDB


def medleydb(
    root: Path,
    name: str,
    raws: list[Audio],
    gains_db: list[float],
    *,
    bleed: str = "no",
    instruments: tuple[str, ...] = ("kick drum", "electric bass", "female singer", "tack piano"),
) -> Path:
    """Write one song, every raw track with a stem of its own, its metadata as the dataset has them."""
    folder = root / "Audio" / name
    (folder / f"{name}_RAW").mkdir(parents=True)
    (folder / f"{name}_STEMS").mkdir()
    lines = ["album: ''", "artist: Somebody", "composer:", "- 'Some: body'", f"has_bleed: '{bleed}'"]
    lines += [f"mix_filename: {name}_MIX.wav", f"raw_dir: {name}_RAW", f"stem_dir: {name}_STEMS", "stems:"]
    mix = np.zeros_like(raws[0])
    for number, (raw, gain) in enumerate(zip(raws, gains_db, strict=True), 1):
        instrument = instruments[(number - 1) % len(instruments)]
        stem, file = f"{name}_STEM_{number:02}.wav", f"{name}_RAW_{number:02}_01.wav"
        lines += [f"  S{number:02}:", f"    component: {'melody' if number == 3 else repr('')}"]
        lines += [f"    filename: {stem}", f"    instrument: {instrument}", "    raw:", "      R01:"]
        lines += [f"        filename: {file}", f"        instrument: {instrument}"]
        placed = np.float32(10.0 ** (gain / 20.0)) * raw
        mix += placed
        sf.write(folder / f"{name}_RAW" / file, raw, RATE, subtype="FLOAT")
        sf.write(folder / f"{name}_STEMS" / stem, np.stack([placed, placed], 1), RATE, subtype="FLOAT")
    lines += [f"title: {name}", "version: 1.2", "website: []"]
    (folder / f"{name}_METADATA.yaml").write_text("\n".join(lines) + "\n")
    sf.write(folder / f"{name}_MIX.wav", np.stack([mix, mix], 1), RATE, subtype="FLOAT")
    return folder


def test_the_balance_of_a_mix_is_recovered_from_raw_tracks_and_mix(tmp_path: Path) -> None:
    gains = [-3.0, 5.0, -12.0, 0.0]
    medleydb(tmp_path, "Somebody_Song", tracks(4), gains)
    (song,) = load_songs(tmp_path, "test")
    assert song.name == song.cluster == "Somebody_Song"
    assert [stem.role for stem in song.stems] == ["kick", "bass", "lead_vocal", "piano"]
    assert [stem.balance_db for stem in song.stems] == pytest.approx(gains, abs=1e-3)
    assert np.array_equal(song.stems[1].audio, tracks(4)[1])


def test_delays_and_polarity_in_the_mix_do_not_change_the_balance() -> None:
    raws, gains = tracks(3, 12.0), [0.0, -6.0, 4.0]
    placed = [
        np.roll(raw, delay) * sign for raw, delay, sign in zip(raws, (0, 90, 300), (1, -1, -1), strict=True)
    ]
    mix = sum(10.0 ** (gain / 20.0) * track for gain, track in zip(gains, placed, strict=True))
    found = estimate_balance_db(raws, np.asarray(mix, np.float32))
    assert found == pytest.approx(gains, abs=0.5)


def test_a_raw_track_that_the_mix_does_not_use_is_left_out(tmp_path: Path) -> None:
    medleydb(tmp_path, "Somebody_Song", tracks(4), [0.0, 0.0, -500.0, 0.0])
    (song,) = load_songs(tmp_path, "all")
    assert [stem.role for stem in song.stems] == ["kick", "bass", "piano"]


def test_songs_with_bleed_or_more_than_eight_raw_tracks_are_left_out(tmp_path: Path) -> None:
    short = tracks(2, 0.5)
    medleydb(tmp_path, "A_Clean", short, [0.0, 0.0])
    medleydb(tmp_path, "B_Bleeds", short, [0.0, 0.0], bleed="yes")
    medleydb(tmp_path, "C_Nine", short * 4 + short[:1], [0.0] * 9)
    assert [song.name for song in load_songs(tmp_path, "all")] == ["A_Clean"]


def test_songs_are_split_by_name_without_overlap(tmp_path: Path) -> None:
    for number in range(11):
        medleydb(tmp_path, f"Act_{number}", tracks(2, 0.5), [0.0, 0.0])
    split = {name: {song.name for song in load_songs(tmp_path, name)} for name in ("training", "test", "all")}
    assert (len(split["training"]), len(split["test"])) == (9, 2)
    assert not split["training"] & split["test"]
    assert split["training"] | split["test"] == split["all"]
    assert split["test"] == {song.name for song in load_songs(tmp_path / "Audio", "validation")}


def test_all_problems_of_the_dataset_come_in_one_error(tmp_path: Path) -> None:
    medleydb(tmp_path, "A_Good", tracks(2, 0.5), [0.0, 0.0])
    (medleydb(tmp_path, "B_NoMix", tracks(2, 0.5), [0.0, 0.0]) / "B_NoMix_MIX.wav").unlink()
    torn = medleydb(tmp_path, "C_Torn", tracks(2, 0.5), [0.0, 0.0])
    (torn / "C_Torn_RAW/C_Torn_RAW_01_01.wav").write_bytes(b"RIFF")
    sf.write(torn / "C_Torn_RAW/C_Torn_RAW_02_01.wav", np.zeros(3 * RATE), RATE)
    bare = medleydb(tmp_path, "D_Bare", tracks(2, 0.5), [0.0, 0.0]) / "D_Bare_METADATA.yaml"
    bare.write_text("artist: Somebody\n")
    with pytest.raises(InputError) as caught:
        next(load_songs(tmp_path, "all"))
    message = str(caught.value)
    assert "4 problems" in message
    for part in ("B_NoMix_MIX.wav: is not there", "C_Torn_RAW_01_01.wav: cannot be read", "0.5 to 3.0 s"):
        assert part in message
    assert "D_Bare_METADATA.yaml: lacks 'stems'" in message


# Manifests


def manifest(root: Path, rows: list[tuple[str, str, str]]) -> None:
    """Write a manifest of (file, role, split) and nothing else."""
    with (root / "MANIFEST.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["file", "set", "role", "split", "source", "licence", "duration_s", "sample_rate", "channels"]
        )
        writer.writerows([(name, "", role, split, "", "CC0 1.0", "", "", "") for name, role, split in rows])


def tone(path: Path, frequency: float, *, rate: int = 48000, seconds: float = 0.5) -> None:
    """Write a stereo sine that is 6 dB louder on the left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sine = np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)
    sf.write(path, np.stack([0.4 * sine, 0.2 * sine], 1), rate, subtype="FLOAT")


def test_a_folder_with_a_manifest_gives_songs_at_unity_gain(tmp_path: Path) -> None:
    for name, frequency in (("one/kick__a.wav", 60.0), ("one/bass__b.wav", 110.0), ("one/room.wav", 500.0)):
        tone(tmp_path / "set" / name, frequency)
    tone(tmp_path / "set/two/keys.wav", 440.0)
    tone(tmp_path / "set/two/lead.wav", 880.0)
    manifest(
        tmp_path,
        [
            ("set/one/kick__a.wav", "kick", "training"),
            ("set/one/bass__b.wav", "bass", "training"),
            ("set/one/room.wav", "room_mic", "training"),
            ("set/two/keys.wav", "keys", "test"),
            ("set/two/lead.wav", "lead_vocal", "test"),
            ("set/table.csv", "table", ""),
        ],
    )
    (song,) = load_songs(tmp_path / "set", "training")
    assert song.name == "set/one"
    assert [(stem.name, stem.role, stem.balance_db) for stem in song.stems] == [
        ("kick__a", "kick", 0.0),
        ("bass__b", "bass", 0.0),
    ]
    time = np.arange(len(song.stems[0].audio)) / RATE
    assert len(time) == RATE // 2
    middle = slice(2000, -2000)
    assert np.allclose(
        song.stems[0].audio[middle], (0.3 * np.sin(2 * np.pi * 60.0 * time))[middle], atol=1e-3
    )
    assert [song.name for song in load_songs(tmp_path, "all")] == ["set/one", "set/two"]


def test_all_problems_of_a_manifest_come_in_one_error(tmp_path: Path) -> None:
    tone(tmp_path / "one/a.wav", 60.0)
    tone(tmp_path / "one/b.wav", 60.0, seconds=1.0)
    tone(tmp_path / "two/a.wav", 60.0)
    manifest(
        tmp_path,
        [
            ("one/a.wav", "kick", "test"),
            ("one/b.wav", "bass", "training"),
            ("two/a.wav", "", "test"),
            ("two/gone.wav", "bass", "test"),
        ],
    )
    with pytest.raises(InputError) as caught:
        next(load_songs(tmp_path, "test"))
    message = str(caught.value)
    for part in ("4 problems", "0.50 to 1.00 s", "in the splits test, training", "a.wav: has no role"):
        assert part in message
    assert "gone.wav: is not there" in message


def test_a_split_that_a_manifest_lacks_names_those_it_has(tmp_path: Path) -> None:
    tone(tmp_path / "one/a.wav", 60.0)
    tone(tmp_path / "one/b.wav", 60.0)
    manifest(tmp_path, [("one/a.wav", "kick", "training"), ("one/b.wav", "bass", "training")])
    with pytest.raises(
        InputError, match=r"no song of split test; .* has training: choose one of them or all"
    ):
        next(load_songs(tmp_path, "test"))


@pytest.mark.skipif(not (DATA / "MANIFEST.csv").is_file(), reason="needs ../shared/data")
def test_the_shared_songs_are_six_with_one_for_validation() -> None:
    (song,) = load_songs(DATA / "eif", "validation")
    assert song.name == "eif/francium"
    assert len(song.stems) == 12
    assert {len(stem.audio) for stem in song.stems} == {72 * RATE}


# Caches


def test_a_generated_folder_is_read_by_split_or_whole(tmp_path: Path) -> None:
    for split in ("training", "test"):
        folder = tmp_path / split / f"song-{split}"
        folder.mkdir(parents=True)
        sf.write(folder / "kick.flac", np.full(RATE, 0.25, np.float32), RATE)
        stems = [{"name": "kick", "role": "kick", "file": "kick.flac", "balance_db": -4.5}]
        content: dict[str, object] = {"name": f"song-{split}", "cluster": split, "recipe": {}, "stems": stems}
        (folder / "song.json").write_text(json.dumps(content))
    (song,) = load_songs(tmp_path, "test")
    assert (song.name, song.cluster, song.stems[0].balance_db) == ("song-test", "test", -4.5)
    assert np.array_equal(song.stems[0].audio, np.full(RATE, 0.25, np.float32))
    assert [song.name for song in load_songs(tmp_path, "all")] == ["song-test", "song-training"]
    assert [song.name for song in load_songs(tmp_path / "test", "test")] == ["song-test"]
    with pytest.raises(
        InputError, match="no songs of split validation, only of test, training; make them with"
    ):
        load_songs(tmp_path, "validation")


def test_a_folder_without_songs_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no songs; expected .*MANIFEST\.csv.*METADATA\.yaml"):
        load_songs(tmp_path)
    with pytest.raises(InputError, match="is not a folder"):
        load_songs(tmp_path / "gone")

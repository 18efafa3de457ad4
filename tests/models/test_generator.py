"""Rendered sessions: the same for a seed, splits that share nothing, a balance that is what it says."""

from __future__ import annotations

import csv
import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile as sf

from hybridmix.cli.main import main
from hybridmix.errors import InputError
from hybridmix_models.data.generator import generate, read_songs, write_songs
from hybridmix_models.data.generator.fluid import FONTS, play
from hybridmix_models.data.generator.grooves import groove_files
from hybridmix_models.data.generator.kit import Kit
from hybridmix_models.data.generator.notes import Note, Timeline, progression, voicing
from hybridmix_models.data.generator.palette import DRUMS, PALETTES, ROLES, Sound
from hybridmix_models.data.generator.parts import write_part
from hybridmix_models.data.generator.rules import RULES
from hybridmix_models.data.generator.song import VERSION
from hybridmix_models.data.generator.voice import sing
from hybridmix_models.data.songs import load_songs
from hybridmix_models.data.types import FRAME, RATE, Song

DATA = Path(__file__).parents[3] / "shared" / "data"

needs_fluidsynth = pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not FONTS["synthetic-a"][0].is_file(),
    reason="needs fluidsynth and fluid-soundfont-gm (Debian)",
)
needs_grooves = pytest.mark.skipif(
    not (DATA / "groove_midi/info.csv").is_file(), reason="needs ../shared/data/groove_midi"
)
needs_kit = pytest.mark.skipif(
    not FONTS["synthetic-b"][0].is_file() or not Path("/usr/share/hydrogen/data/drumkits").is_dir(),
    reason="needs timgm6mb-soundfont and hydrogen-drumkits (Debian)",
)


def same(one: Song, other: Song) -> bool:
    return (one.name, one.cluster) == (other.name, other.cluster) and all(
        (a.name, a.role, a.balance_db) == (b.name, b.role, b.balance_db) and np.array_equal(a.audio, b.audio)
        for a, b in zip(one.stems, other.stems, strict=True)
    )


def timeline(bars: int = 8, key: int = 0) -> Timeline:
    loop = progression("0:M 9:m 5:M 7:7", key)
    return Timeline(2.0, tuple(loop[bar % 4] for bar in range(bars)), (0, 2, 4, 7, 9), 2)


# Rules and palettes


def test_every_rhythm_is_a_bar_of_known_symbols_and_every_harmony_can_be_read() -> None:
    for rules in RULES.values():
        for text, scale in rules.harmony:
            assert len(progression(text, 11)) == len(text.split())
            assert set(scale) <= set(range(12))
        for rhythms in rules.rhythms.values():
            assert all(len(r) in (12, 16) and set(r) <= set("c13578amxX-.") for r in rhythms)


def test_all_roles_have_parts_in_both_sets_and_sounds_in_every_split() -> None:
    played = {role for role in ROLES if role not in DRUMS}
    for rules in RULES.values():
        assert {kind for role in played for kind in ROLES[role].plays} <= set(rules.rhythms)
    for palette in PALETTES.values():
        assert set(palette.presets) == played - {"percussion", "lead_vocal"}


def test_splits_of_the_training_generator_share_no_sound() -> None:
    splits = [palette for (name, _), palette in PALETTES.items() if name == "synthetic-a"]
    for what in (
        lambda p: {(role, sound) for role, sounds in p.presets.items() for sound in sounds},
        lambda p: set(p.kits),
        lambda p: {key for keys in p.percussion for key in keys},
    ):
        kinds = [what(palette) for palette in splits]
        assert sum(map(len, kinds)) == len(set().union(*kinds))
    spans = sorted(palette.tract for palette in splits)
    assert all(before[1] < after[0] for before, after in pairwise(spans))


def test_the_evaluation_set_has_no_training_split() -> None:
    with pytest.raises(InputError, match="synthetic-b training: no such set and split"):
        next(generate("synthetic-b", "training", 1))


# Parts


def test_chords_are_read_and_voiced_within_their_register() -> None:
    (seventh,) = progression("7:7", 2)
    assert (seventh.root, seventh.intervals) == (9, (0, 4, 7, 10))
    keys = voicing(seventh, 50, 74)
    assert {key % 12 for key in keys} == {9, 1, 4, 7}
    assert all(50 <= key <= 74 for key in keys)


def test_a_part_is_the_same_for_a_seed_and_another_for_another() -> None:
    def part(seed: int) -> list[Note]:
        rng = np.random.default_rng(seed)
        return write_part(timeline(), ROLES["synth"], RULES["synthetic-a"], rng)

    assert part(1) == part(1)
    assert part(1) != part(2)


def test_a_bass_line_begins_bars_with_their_roots_and_pauses_by_sections() -> None:
    form = timeline(bars=16)
    notes = write_part(form, ROLES["bass"], RULES["synthetic-a"], np.random.default_rng(3))
    bars = {round(note.start_s / form.bar_s): note for note in notes if _phase(note, form) < 0.05}
    assert 8 <= len(bars) < 16
    assert all(note.pitch % 12 == form.chords[bar].root for bar, note in bars.items())
    assert all((bar ^ 1) in bars for bar in bars), "sections have two bars"


def _phase(note: Note, form: Timeline) -> float:
    """How far a note is from the nearest beginning of a bar, s."""
    return abs(note.start_s - form.bar_s * round(note.start_s / form.bar_s))


def test_a_melody_stays_in_scale_and_register() -> None:
    role = ROLES["winds"]
    notes = write_part(timeline(), role, RULES["synthetic-b"], np.random.default_rng(4))
    assert len(notes) > 8
    assert all(role.low <= note.pitch <= role.high for note in notes)
    assert {note.pitch % 12 for note in notes} <= {0, 2, 4, 7, 9}


# Sounds


def test_the_voice_sings_the_pitch_of_its_notes_and_rests_between_them() -> None:
    notes = [Note(0.5, 1.0, 57, 100), Note(2.0, 1.0, 64, 100)]
    audio = sing(notes, RULES["synthetic-a"], 1.0, 4 * RATE, np.random.default_rng(0))
    for note in notes:
        begin = round((note.start_s + 0.3) * RATE)
        part = audio[begin : begin + RATE // 2]
        lags = np.correlate(part, part, "full")[len(part) - 1 :]
        shortest = RATE // 700
        period = shortest + int(np.argmax(lags[shortest : RATE // 90]))
        octaves = np.log2(RATE / period / (440.0 * 2.0 ** ((note.pitch - 69) / 12)))
        # A woman sings an octave above the notes; vibrato moves a few cents.
        assert abs(octaves - round(octaves)) < 0.06
        assert round(octaves) in (0, 1)
    assert np.max(np.abs(audio[: round(0.4 * RATE)])) < 1e-6
    assert np.max(np.abs(audio[round(3.3 * RATE) :])) < 1e-3 * np.max(np.abs(audio))


@pytest.fixture
def tiny_kit(tmp_path: Path) -> Path:
    """Every drum rings for 0.5 s; its level tells the layer, 0.25 below half velocity and 0.5 from there."""
    names = [
        *("Pearl Kick", "Pearl Side Stick", "Pearl Snare", "Sabian Hat Closed", "Pearl Tom Floor"),
        *("Sabian Hat Pedal", "Pearl Tom 2", "Sabian Hat Open", "Pearl Tom 1", "Sabian Crash"),
        *("Paiste Ride", "Paiste Bell", "Zildjian Splash"),
    ]
    for level, name in ((0.25, "soft"), (0.5, "hard")):
        sf.write(tmp_path / f"{name}.wav", np.full(RATE // 2, level, np.float32), RATE, subtype="FLOAT")
    layers = "".join(
        f"<layer><filename>{file}.wav</filename><min>{low}</min><max>{high}</max><gain>1</gain></layer>"
        for file, low, high in (("soft", 0, 0.5), ("hard", 0.5, 1))
    )
    drums = "".join(f"<instrument><name>{name}</name>{layers}</instrument>" for name in names)
    text = (
        f'<drumkit_info xmlns="http://www.hydrogen-music.org/drumkit"><name>Tiny</name>{drums}</drumkit_info>'
    )
    (tmp_path / "drumkit.xml").write_text(text)
    return tmp_path


def test_a_kit_plays_the_layer_of_the_velocity_where_the_note_stands(tiny_kit: Path) -> None:
    audio = Kit(tiny_kit).play([Note(0.1, 0.5, 36, 127), Note(1.0, 0.5, 38, 50)], 2 * RATE)
    first, second = round(0.1 * RATE), RATE
    assert not audio[:first].any()
    assert np.allclose(audio[first : first + RATE // 2], 0.5)
    assert np.allclose(audio[second : second + RATE // 2], 0.25 * 50 / 127)
    assert not audio[second + RATE // 2 :].any()


def test_a_closing_hi_hat_ends_an_open_one(tiny_kit: Path) -> None:
    audio = Kit(tiny_kit).play([Note(0.0, 0.5, 46, 127), Note(0.2, 0.5, 44, 30)], RATE)
    soft = 0.25 * 30 / 127
    assert np.allclose(audio[: round(0.2 * RATE)], 0.5)
    assert np.allclose(audio[round(0.24 * RATE) : round(0.5 * RATE)], soft, atol=1e-6)


@needs_fluidsynth
def test_a_sound_font_plays_a_note_where_it_stands() -> None:
    audio = play([Note(1.0, 0.5, 60, 100)], Sound(80), FONTS["synthetic-a"][0], 3 * RATE)
    level = np.abs(audio)
    assert audio.shape == (3 * RATE,)
    assert not level[: round(0.99 * RATE)].any()
    assert level[round(1.0 * RATE) : round(1.05 * RATE)].max() > 0.1 * level.max()


# What is missing


def test_a_missing_fluidsynth_names_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="apt install fluidsynth"):
        next(generate("synthetic-a", "test", 1))


def test_a_missing_sound_font_names_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setitem(FONTS, "synthetic-a", (tmp_path / "none.sf2", "fluid-soundfont-gm"))
    with pytest.raises(InputError, match=r"none\.sf2.*apt install fluid-soundfont-gm"):
        next(generate("synthetic-a", "test", 1))


def test_a_missing_kit_and_missing_grooves_say_what_to_fetch(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="apt install hydrogen-drumkits"):
        Kit(tmp_path)
    with pytest.raises(InputError, match=r"info\.csv.*Groove MIDI Dataset.*--data"):
        groove_files(tmp_path, "synthetic-a", "training")


# Grooves


def test_no_two_splits_share_a_groove_and_those_behind_other_tests_are_left_out(tmp_path: Path) -> None:
    rows = [
        (f"drummer{drummer}", f"drummer{drummer}/{split}/{i}.mid", split, "beat", "4-4", 60.0)
        for drummer in (1, 5, 7, 9)
        for split in ("train", "validation")
        for i in range(4)
    ]
    rows += [
        ("drummer1", "drummer1/session3/6_dance-disco_120_beat_4-4.mid", "train", "beat", "4-4", 60.0),
        ("drummer9", "drummer9/session1/2_rock_100_beat_4-4.mid", "train", "beat", "4-4", 60.0),
        ("drummer1", "fill.mid", "train", "fill", "4-4", 60.0),
        ("drummer1", "waltz.mid", "train", "beat", "3-4", 60.0),
        ("drummer1", "short.mid", "train", "beat", "4-4", 19.0),
    ]
    with (tmp_path / "info.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["drummer", "midi_filename", "split", "beat_type", "time_signature", "duration", "bpm"]
        )
        writer.writerows([(*row, 100) for row in rows])
    found = {key: {file.name for file in groove_files(tmp_path, *key)} for key in PALETTES}
    assert {key: len(names) for key, names in found.items()} == {
        ("synthetic-a", "training"): 8,
        ("synthetic-a", "validation"): 4,
        ("synthetic-a", "test"): 4,
        ("synthetic-b", "test"): 16,
    }
    assert len(set().union(*found.values())) == 32


# Whole songs


@needs_fluidsynth
@needs_grooves
def test_a_song_depends_on_its_seed_and_number_alone() -> None:
    first, second = generate("synthetic-a", "validation", 2, 7, tracks=(3, 3), data=DATA)
    (alone,) = generate("synthetic-a", "validation", 1, 7, tracks=(3, 3), data=DATA)
    (other,) = generate("synthetic-a", "validation", 1, 8, tracks=(3, 3), data=DATA)
    assert same(first, alone)
    assert not np.array_equal(first.stems[0].audio[:FRAME], second.stems[0].audio[:FRAME]) or (
        first.stems[0].role != second.stems[0].role
    )
    assert [stem.balance_db for stem in first.stems] != [stem.balance_db for stem in other.stems]


@needs_fluidsynth
@needs_grooves
def test_the_balance_brings_each_stem_to_the_loudness_of_its_role() -> None:
    meter = pyloudnorm.Meter(RATE)
    for song in generate("synthetic-a", "test", 2, data=DATA):
        seconds = len(song.stems[0].audio) / RATE
        assert 4 <= len(song.stems) <= 8
        assert 20.0 <= seconds <= 30.0
        for stem in song.stems:
            assert len(stem.audio) == len(song.stems[0].audio)
            assert len(stem.audio) % FRAME == 0
            assert np.max(np.abs(stem.audio)) == pytest.approx(0.5, abs=1e-4)
            loudness = meter.integrated_loudness(stem.audio) + stem.balance_db
            assert loudness == pytest.approx(ROLES[stem.role].target_lu, abs=1e-6)


@needs_fluidsynth
@needs_kit
@needs_grooves
def test_the_evaluation_set_draws_its_balance_per_song_within_two_decibels() -> None:
    meter = pyloudnorm.Meter(RATE)
    strays = [
        meter.integrated_loudness(stem.audio) + stem.balance_db - ROLES[stem.role].target_lu
        for song in generate("synthetic-b", "test", 2, data=DATA)
        for stem in song.stems
    ]
    assert max(map(abs, strays)) <= 2.0
    assert np.std(strays) > 0.5


@needs_fluidsynth
@needs_grooves
def test_sessions_of_many_tracks_repeat_roles_with_parts_of_their_own() -> None:
    (song,) = generate("synthetic-a", "training", 1, tracks=(20, 20), data=DATA)
    names = [stem.name for stem in song.stems]
    assert len(set(names)) == 20
    twice = [stem for stem in song.stems if stem.name.endswith("_2")]
    for stem in twice:
        (original,) = (other for other in song.stems if other.name == stem.role)
        assert not np.array_equal(stem.audio, original.audio)


@pytest.mark.parametrize("tracks", [(0, 4), (5, 4), (4, 31)])
def test_impossible_track_counts_are_refused(tracks: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="expected 1 <= smallest <= largest <= 30"):
        next(generate("synthetic-a", "test", 1, tracks=tracks, data=DATA))


# The cache


@needs_fluidsynth
@needs_grooves
def test_a_cache_goes_on_where_it_stopped_and_returns_the_same_samples(tmp_path: Path) -> None:
    fresh = list(generate("synthetic-a", "test", 2, 3, tracks=(3, 3), data=DATA))

    def write(count: int) -> list[tuple[str, bool]]:
        return list(write_songs(tmp_path, "synthetic-a", "test", count, 3, tracks=(3, 3), data=DATA))

    names = [song.name for song in fresh]
    assert write(1) == [(names[0], False)]
    # What an interrupted run leaves behind does not count as a song.
    (tmp_path / f"{names[1]}.unfinished").mkdir()
    assert write(2) == [(names[0], True), (names[1], False)]
    assert all(same(a, b) for a, b in zip(fresh, read_songs(tmp_path), strict=True))
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_a_cache_of_another_recipe_is_not_mixed_with_this_one(tmp_path: Path) -> None:
    recipe = {"version": VERSION, "set": "synthetic-a", "split": "test", "seed": 0, "tracks": [4, 8]}
    (tmp_path / "song").mkdir()
    (tmp_path / "song/song.json").write_text(json.dumps({"recipe": recipe, "stems": []}))
    with pytest.raises(
        InputError, match=r"holds songs made with seed 0; expected seed 1: choose another folder"
    ):
        next(write_songs(tmp_path, "synthetic-a", "test", 1, 1))


@needs_fluidsynth
@needs_grooves
def test_the_command_writes_the_songs_of_a_split_and_finds_them_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["models", "generate", "synthetic-a", "--count", "1", "--tracks", "2", "--data", str(DATA)]
    for made in (1, 0):
        with pytest.raises(SystemExit) as ended:
            main([*command, "--out", str(tmp_path)])
        assert ended.value.code == 0
        assert f"{made} of 1 songs made" in capsys.readouterr().out
    (song,) = load_songs(tmp_path / "synthetic-a", "test")
    assert len(song.stems) == 2


def test_a_range_of_tracks_that_cannot_be_read_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["models", "generate", "synthetic-a", "--tracks", "few"])
    assert ended.value.code == 2
    assert "--tracks few: expected a number or a range of two" in capsys.readouterr().err


def test_a_damaged_song_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "song").mkdir()
    (tmp_path / "song/song.json").write_text("{")
    with pytest.raises(InputError, match=r"song\.json: cannot be read"):
        next(read_songs(tmp_path))
    with pytest.raises(InputError, match="holds no generated songs"):
        next(read_songs(tmp_path / "song"))

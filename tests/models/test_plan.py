"""Plans as data: tables as text, curves without delay, breath with the song known, files that are refused."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridmix.errors import HybridMixError, InputError
from hybridmix.plan import coding, curves, document
from hybridmix.plan.breath import movement_db, ridden
from hybridmix.plan.document import Learned, PlanFile, TrackPlan, series, steps
from hybridmix.plan.levels import Levels
from hybridmix.plan.making import Asked, Heard, plans, tables
from hybridmix.processors.groove import HEARD
from hybridmix.processors.swell import FLICKER, LFO, STILL, swell
from hybridmix.wire.header import Role

Doubles = npt.NDArray[np.float64]


@given(st.lists(st.one_of(st.just(0), st.integers(-(1 << 24), 1 << 24)), min_size=1, max_size=60))
def test_a_table_comes_back_from_its_text(values: list[int]) -> None:
    assert coding.unpack(coding.pack(values), len(values)).tolist() == values


@given(st.text("ABCwrw9+/=", max_size=30), st.integers(1, 40))
def test_any_text_is_a_table_of_its_length_or_is_refused(text: str, frames: int) -> None:
    with contextlib.suppress(InputError):
        assert len(coding.unpack(text, frames)) == frames


@pytest.mark.parametrize(
    ("text", "frames", "message"),
    [
        ("rwkAAMcB+Ao", 4, "is no base64"),
        ("rwkA", 4, "is cut off"),
        ("rw==", 4, "is cut off"),
        ("rwkAAMcB+Ao=", 3, "has 4 frames; expected 3"),
        ("rwkAAMcB+Ao=", 5, "has 4 frames; expected 5"),
        ("rwkACQ==", 4, "has more than 4 frames"),
        ("////fw==", 1, "leaves its range at frame 0"),
    ],
)
def test_a_damaged_table_is_refused_with_what_is_wrong(text: str, frames: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        coding.unpack(text, frames)


def test_five_minutes_of_everything_moving_stay_below_100_kb_a_track() -> None:
    rng = np.random.default_rng(1)
    frames = 6000
    swing = np.convolve(rng.normal(0.0, 1.5, frames), np.full(5, 0.4), "same")
    values = {
        "gain_db": np.cumsum(rng.uniform(-0.3, 0.3, frames)),
        "trim_db": np.full(frames, -2.31),
        "dip_db": np.minimum(2.0 * swing, 0.0),
        "dip_hz": 300.0 + 10.0 * swing,
        "breath_db": swing,
    }
    plan = TrackPlan(
        frames=frames,
        level=series(-23.0 + 3.0 * swing, 2),
        values={name: series(table, steps(name)) for name, table in values.items()},
    )
    assert len(msgspec.json.encode(plan)) < 60_000
    for name, table in values.items():
        back = plan.table(name)
        assert back is not None
        assert np.abs(back - table).max() <= 0.5 / steps(name) + 1e-9


def test_levels_are_those_of_frames_whatever_the_blocks() -> None:
    audio = np.random.default_rng(2).uniform(-1.0, 1.0, (2, 10_000)).astype(np.float32)
    levels = Levels(2400, 2)
    for begin in range(0, 10_000, 777):
        levels.add(audio[:, begin : begin + 777])
    found = levels.dbfs(6)
    padded = np.pad(audio, ((0, 0), (0, 4400))).reshape(2, 6, 2400).astype(np.float64)
    wanted = 10.0 * np.log10(np.maximum(np.square(padded).mean(axis=(0, 2)), 1e-9))
    assert found == pytest.approx(wanted)


def test_the_start_is_there_from_the_beginning_and_holes_hold() -> None:
    sent = np.array([np.nan, np.nan, -6.0, np.nan, -7.0])
    held = curves.held(sent)
    assert held is not None
    assert held.tolist() == [-6.0, -6.0, -6.0, -6.0, -7.0]
    assert curves.held(np.full(3, np.nan)) is None


def test_a_track_has_from_the_start_what_it_had_reached_after_some_seconds_of_sound() -> None:
    sent = np.concatenate([np.full(10, np.nan), np.arange(30.0)])
    sounds = np.zeros(40, np.bool_)
    sounds[20:30] = True
    assert curves.converged(sent, sounds, 5).tolist() == [14.0] * 24 + np.arange(14.0, 30.0).tolist()
    assert curves.converged(sent, sounds, 99).tolist() == [29.0] * 40
    level = np.concatenate([np.full(20, -20.0), np.full(5, -51.0), np.full(5, -90.0)])
    assert np.flatnonzero(~curves.sounding(level)).tolist() == list(range(20, 30))


def test_a_gain_is_smoothed_on_both_sides_of_a_change() -> None:
    sent = np.repeat([0.0, -6.0], 100)
    gain = curves.placed("gain_db", sent)
    assert gain is not None
    assert gain[99:101].mean() == pytest.approx(-3.0)
    assert gain[:80] == pytest.approx(0.0)
    assert gain[120:] == pytest.approx(-6.0)


def test_a_dip_is_there_when_the_frame_begins_that_it_is_for_and_untouched_where_nothing_is_asked() -> None:
    sent = np.zeros(20)
    sent[10] = -4.0
    dip = curves.placed("dip_db", sent)
    assert dip is not None
    assert dip.tolist() == [0.0] * 8 + [-1.0, -2.0, -1.0] + [0.0] * 9


def _energy(seed: int, swing_db: float, frames: int = 800) -> Doubles:
    level = -23.0 + swing_db * np.convolve(
        np.random.default_rng(seed).normal(0.0, 1.0, frames), np.full(5, 0.4), "same"
    )
    return np.asarray(10.0 ** (level / 10.0))


@pytest.mark.parametrize(("own_db", "live_db"), [(1.0, 3.0), (3.0, 1.0)])
def test_breath_brings_the_movement_to_that_of_the_live_sources_both_ways(
    own_db: float, live_db: float
) -> None:
    stem, wanted = _energy(1, own_db), movement_db(_energy(2, live_db))
    assert wanted is not None
    gain = ridden(stem, wanted, 1.0, 5.0)
    assert gain is not None
    assert np.abs(gain).max() <= 5.0
    played = 0.5 * (gain + np.concatenate([gain[:1], gain[:-1]]))
    before, after = movement_db(stem), movement_db(stem * 10.0 ** (played / 10.0))
    assert before is not None
    assert after is not None
    assert np.abs(np.log(after / wanted)).mean() < 0.5 * np.abs(np.log(before / wanted)).mean()
    louder = 10.0 * np.log10((stem * 10.0 ** (played / 10.0)).mean() / stem.mean())
    assert abs(louder) < 0.3


@pytest.mark.parametrize("kind", [FLICKER, LFO])
def test_breath_with_the_song_known_gives_a_sustained_tone_movement_where_it_is_asked_to(kind: int) -> None:
    tone, wanted = _energy(1, 0.05), movement_db(_energy(2, 2.0))
    assert wanted is not None
    plain, gain = (ridden(tone, wanted, 1.0, 2.5, swell(one, np.arange(800))) for one in (STILL, kind))
    assert plain is not None
    assert gain is not None
    assert np.abs(gain).max() <= 2.5
    played = 0.5 * (gain + np.concatenate([gain[:1], gain[:-1]]))
    after = movement_db(tone * 10.0 ** (played / 10.0))
    assert after is not None
    bands = slice(None) if kind == FLICKER else slice(1, 2)
    apart = np.abs(np.log(after / wanted))[bands]
    assert apart.max() < 0.7
    assert abs(10.0 * np.log10((tone * 10.0 ** (played / 10.0)).mean() / tone.mean())) < 0.3


def test_breath_with_the_song_known_leaves_a_stem_that_moves_to_its_own_movement() -> None:
    stem, wanted = _energy(1, 3.0), movement_db(_energy(2, 6.0))
    assert wanted is not None
    plain, asked = (ridden(stem, wanted, 1.0, 2.5, swell(one, np.arange(800))) for one in (STILL, FLICKER))
    assert plain is not None
    assert asked is not None
    assert np.array_equal(plain, asked)


def test_breath_stays_idle_without_amount_or_movement_to_speak_of() -> None:
    wanted = movement_db(_energy(2, 3.0))
    assert wanted is not None
    assert ridden(_energy(1, 1.0), wanted, 0.0, 5.0) is None
    assert ridden(np.zeros(800), wanted, 1.0, 5.0) is None
    assert movement_db(np.zeros(800)) is None
    assert movement_db(_energy(1, 1.0, 90)) is None


def _plan() -> PlanFile:
    track = TrackPlan(
        frames=3, level=series(np.full(3, -20.0), 2), values={"gain_db": series(np.full(3, -6.0), 100)}
    )
    tracks = {"Pad": Learned(track, {"amount": 100.0})}
    return PlanFile(hybridmix="1", session="s", model="raw", sample_rate=48000, tracks=tracks)


def test_a_plan_file_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    document.save(_plan(), tmp_path / "a.plan.json")
    assert document.load(tmp_path / "a.plan.json") == _plan()
    assert [path.name for path in tmp_path.iterdir()] == ["a.plan.json"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "has version 2, this release reads up to 1; learn again"),
        ({"format": "other"}, r"is no plan \(Invalid enum value 'other' - at `\$.format`\); learn again"),
        ({"tracks": 5}, "is no plan"),
    ],
)
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "a.plan.json"
    path.write_bytes(msgspec.json.encode(msgspec.to_builtins(_plan()) | change))
    with pytest.raises(InputError, match=message):
        document.load(path)


def test_fades_come_back_and_damaged_ones_are_named(tmp_path: Path) -> None:
    plan = _plan()
    fades = series(np.array([0.0, -2.5, -1.25] + [0.0] * 12), 100)
    faded = msgspec.structs.replace(plan.tracks["Pad"].plan, fades=fades)
    tracks = {"Pad": msgspec.structs.replace(plan.tracks["Pad"], plan=faded)}
    plan = msgspec.structs.replace(plan, tracks=tracks)
    document.save(plan, tmp_path / "a.plan.json")
    assert document.load(tmp_path / "a.plan.json") == plan
    assert "fades" not in msgspec.json.encode(_plan()).decode()
    short = msgspec.structs.replace(faded, fades=series(np.zeros(3), 100))
    tracks = {"Pad": msgspec.structs.replace(plan.tracks["Pad"], plan=short)}
    document.save(msgspec.structs.replace(plan, tracks=tracks), tmp_path / "b.plan.json")
    with pytest.raises(InputError, match="fades of track 'Pad' has 3 frames; expected 15"):
        document.load(tmp_path / "b.plan.json")


def test_a_damaged_table_names_its_track(tmp_path: Path) -> None:
    content = msgspec.json.encode(_plan()).decode().replace('"frames":3', '"frames":4')
    (tmp_path / "a.plan.json").write_text(content)
    with pytest.raises(
        InputError, match="is damaged: level of track 'Pad' has 3 frames; expected 4; learn again"
    ):
        document.load(tmp_path / "a.plan.json")


def test_a_file_that_is_not_there_and_one_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        document.load(tmp_path / "no.plan.json")
    with pytest.raises(HybridMixError, match="cannot be written"):
        document.save(_plan(), tmp_path / "no folder" / "a.plan.json")


def _heard(power: Doubles, role: int, staging: float = 0.0, amount: float = 1.0, **sent: Doubles) -> Heard:
    nothing = {name: np.full(len(power), np.nan) for name in HEARD}
    asked = Asked(role, amount, 0.0, 2.5, staging, -18.0, 0.0, 5.0, 20.0)
    return Heard(asked=asked, power=power, true_peak=0.25, energy=2.0 * power, sent=nothing | sent)


def test_with_staging_in_a_plan_trim_and_gain_together_are_what_the_pass_decided() -> None:
    frames = 400
    power = np.full(frames, 10.0 ** (-24.0 / 10.0))
    moving = np.minimum(np.arange(frames) / 10.0, 9.0)
    gain = np.full(frames, -4.0)
    for share, amount in ((1.0, 1.0), (0.5, 0.4)):
        heard = _heard(power, 1, share, amount, staging_db=moving, gain_db=gain - amount * moving)
        table = tables({"stem": heard}, settled=0)["stem"]
        assert table["staging_db"] == pytest.approx(np.full(frames, 6.0 * share))
        told = table["gain_db"] + amount * table["staging_db"]
        assert told == pytest.approx(gain)
    limited = dataclasses.replace(heard, true_peak=0.7)
    peak = 20.0 * np.log10(0.7) + tables({"stem": limited}, settled=0)["stem"]["staging_db"][0] / 0.5
    assert -1.01 < peak <= -1.0


def test_what_moves_slowly_begins_where_the_first_seconds_of_sound_lead() -> None:
    power = np.concatenate([np.zeros(40), np.full(360, 1e-3)])
    rising = np.minimum(np.arange(400) / 400.0, 0.5)
    unknown = np.concatenate([np.full(60, np.nan), rising[60:]])
    heard = _heard(power, 2, density_mix=unknown, high_pass_mix=rising)
    made = plans({"voice": heard}, settled=100)["voice"]
    mix = made.table("density_mix")
    assert mix is not None
    assert mix[:139] == pytest.approx(np.full(139, rising[139]), abs=1e-3)
    assert mix[139:] == pytest.approx(rising[139:], abs=1e-3)
    assert made.table("high_pass_mix") == pytest.approx(rising, abs=1e-3)
    assert made.level.numbers(400)[[0, 399]].tolist() == [-90.0, -30.0]


def test_the_true_peak_of_a_track_does_not_depend_on_its_blocks() -> None:
    audio = np.random.default_rng(5).normal(0.0, 0.1, (2, 24_000)).astype(np.float32)
    whole = Levels(2400, 2)
    whole.add(audio)
    for block in (64, 1000, 4801):
        parts = Levels(2400, 2)
        for at in range(0, 24_000, block):
            parts.add(audio[:, at : at + block])
        assert parts.true_peak == whole.true_peak > np.abs(audio).max()
        assert parts.powers(10) == pytest.approx(whole.powers(10))


def _slots(frames: int, hits: dict[int, float]) -> dict[str, Doubles]:
    """What groove heard over ``frames`` at 120 BPM: a hit of each of some slots, so many ms late, told in its frame."""
    heard = {name: np.full(frames, np.nan) for name in HEARD}
    for slot in range(int(frames * 0.4)):
        frame, after = divmod(125.0 * slot, 50.0)
        heard["slot"][int(frame)], heard["slot_ms"][int(frame)] = slot, after
        if slot in hits:
            told = min(int(frame) + 1, frames - 1)
            for name, value in zip(HEARD, (slot, hits[slot], 0.5), strict=False):
                heard[name][told] = value
    return heard


def test_a_plan_plays_every_slot_as_late_as_it_was_played() -> None:
    late = {slot: 8.0 + (3.0 if slot % 2 else -3.0) for slot in range(4, 90)}
    drums = _slots(240, late)
    asked = Asked(Role.AI_STEM, 1.0, 0.0, 0.0, 0.0, 0.0, 0.5, 5.0, 20.0)
    nothing = np.zeros(240)
    kick = dataclasses.replace(_heard(nothing, Role.LIVE_SOURCE), sent=drums)
    stem = dataclasses.replace(_heard(nothing, Role.AI_STEM), asked=asked, sent=_slots(240, {}))
    made = tables({"kick": kick, "stem": stem})
    assert not {"groove_ms", "groove_slot_ms"} & made["kick"].keys()
    moved, begins = made["stem"]["groove_ms"], made["stem"]["groove_slot_ms"]
    for slot in (4, 5, 40, 41, 89):
        frame, after = divmod(125.0 * slot, 50.0)
        assert moved[int(frame)] == pytest.approx(0.5 * late[slot], abs=1e-9)
        assert begins[int(frame)] == after
    assert moved[: int(125.0 * 4 // 50)].tolist() == [0.0] * 10, "before the first hit nothing moves"
    few = dataclasses.replace(kick, sent=_slots(240, dict(list(late.items())[:7])))
    assert "groove_ms" not in tables({"kick": few, "stem": stem})["stem"]

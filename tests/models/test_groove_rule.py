"""The rule of groove, and hits and slots that it rests on."""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np
import pytest
import torch

from hybridmix.features import Onsets
from hybridmix.processors.groove_plan import follow
from hybridmix.processors.listening import listen
from hybridmix.processors.slots import SLOTS, Beat, History
from hybridmix_models.evaluation.groove.hits import compare, detect
from hybridmix_models.groove.fit import Examples, fit
from hybridmix_models.groove.midi import profile, write
from hybridmix_models.groove.performances import Performance
from hybridmix_models.groove.rule import Groove

RATE = 44100


def _shift(late: np.ndarray, limit_ms: float = 5.0, constant_ms: float = 20.0) -> tuple[float, float]:
    known = torch.from_numpy(np.isfinite(late))[None]
    row = torch.ones(1)
    with torch.no_grad():
        out = Groove()(
            torch.from_numpy(late.astype(np.float32))[None],
            known,
            row,
            row,
            limit_ms * row,
            constant_ms * row,
        )
    return float(out[0]), float(out[1])


def test_a_steady_drummer_is_a_constant_and_what_was_not_played_counts_for_nothing() -> None:
    late = np.full(Groove.SLOTS, 8.0)
    shift, constant = _shift(late)
    late[::3] = np.nan
    assert shift == pytest.approx(8.0, abs=0.5)
    assert constant == pytest.approx(8.0, abs=1.0)
    assert _shift(late)[0] == pytest.approx(8.0, abs=0.7)
    assert _shift(np.full(Groove.SLOTS, np.nan)) == (0.0, 0.0)


@pytest.mark.parametrize("limit_ms", [5.0, 10.0, 20.0])
def test_limits_hold_whatever_was_played(limit_ms: float) -> None:
    random = np.random.default_rng(1)
    for _ in range(50):
        shift, constant = _shift(
            random.uniform(-40.0, 40.0) + random.normal(0.0, 20.0, Groove.SLOTS), limit_ms
        )
        assert abs(constant) <= 20.0
        assert abs(shift - constant) <= limit_ms + 1e-4


def test_the_fit_finds_the_habit_of_a_drummer() -> None:
    random = np.random.default_rng(2)
    late = np.tile(random.normal(0.0, 12.0, 16), 40) + random.normal(0.0, 2.0, 640)
    example = Examples(Performance("one", "one", 100.0, late), 1)
    left = np.abs(example.left - example.means @ fit([example]))
    assert left.mean() < 0.4 * np.abs(example.left).mean()


def test_a_history_keeps_the_strongest_hit_of_a_slot_and_moves_on() -> None:
    history = History()
    history.jump(100)
    history.note(101, 5.0, 0.2)
    history.note(101, -3.0, 0.9)
    history.note(101, 8.0, 0.5)
    history.note(103, 41.0, 1.0)
    late, known = history.until(104)
    assert known.sum() == 1
    assert late[SLOTS - 1 - 3] == -3.0
    assert (history.count, history.newest) == (1, 101)
    history.note(101 + SLOTS, 1.0, 1.0)
    assert (history.count, history.newest) == (1, 101 + SLOTS)


def test_with_the_song_known_every_slot_is_followed_within_the_limits() -> None:
    late = np.where(np.arange(200) % 2 == 0, 10.0, 14.0)
    late[50] = np.nan
    shift, constant = follow(late, limit_ms=5.0, constant_limit_ms=20.0)
    played = np.isfinite(late)
    np.testing.assert_allclose(shift[played], late[played])
    assert shift[50] == pytest.approx(14.0)
    assert (np.abs(shift - constant) <= 5.0).all()
    assert (follow(late + 40.0, limit_ms=5.0, constant_limit_ms=20.0)[0][played] == 25.0).all()
    assert not follow(np.full(10, np.nan), limit_ms=5.0, constant_limit_ms=20.0)[0].any()


def _kit(seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Microphones of a low and a high drum that hear each other, and when each is hit, s."""
    random = np.random.default_rng(seed)
    time = np.arange(RATE // 5) / RATE
    sounds = [
        np.exp(-30.0 * time) * (np.sin(2.0 * np.pi * 70.0 * time) + 0.1 * random.normal(size=len(time))),
        np.exp(-25.0 * time)
        * (0.5 * np.sin(2.0 * np.pi * 220.0 * time) + 0.5 * random.normal(size=len(time))),
    ]
    hits = [0.5 + np.arange(16) * 0.5 + random.normal(0.0, 0.01, 16), 0.75 + np.arange(16) * 0.5]
    dry = np.zeros((2, 9 * RATE))
    for row, times, sound in zip(dry, hits, sounds, strict=True):
        for at in times:
            row[round(at * RATE) : round(at * RATE) + len(sound)] += sound
    return [(dry[0] + 0.1 * dry[1]).astype(np.float32), (dry[1] + 0.5 * dry[0]).astype(np.float32)], hits


def test_close_microphones_tell_their_own_drum_to_a_fraction_of_a_millisecond() -> None:
    microphones, hits = _kit(3)
    for drum, played, told in zip(("low", "high"), hits, detect(microphones, RATE), strict=True):
        heard = compare("made", drum, played, told)
        assert len(heard.errors) >= 15
        assert heard.told <= 18
        assert np.median(np.abs(heard.errors)) < 5e-4


def test_a_bass_is_heard_by_its_notes_and_not_by_its_periods() -> None:
    random = np.random.default_rng(5)
    time = np.arange(RATE // 4) / RATE
    played = 0.5 + np.arange(24) * 0.3 + random.normal(0.0, 0.01, 24)
    line = np.zeros(9 * RATE)
    for at, hertz in zip(played, random.choice([31.0, 41.2, 55.0], 24), strict=True):
        note = sum(np.sin(2.0 * np.pi * hertz * harmonic * time) / harmonic for harmonic in range(1, 40))
        note *= np.exp(-6.0 * time) * np.minimum(1.0, (time[-1] - time) / 0.01)
        line[round(at * RATE) : round(at * RATE) + len(time)] += note
    heard = {
        bass: compare("made", "bass", played, detect([line.astype(np.float32)], RATE, bass=bass)[0])
        for bass in (True, False)
    }
    assert len(heard[True].errors) == 24
    assert heard[True].told <= 26
    assert np.median(np.abs(heard[True].errors)) < 1e-3
    assert heard[False].told > 100, "each period is a hit to what listens for drums"


def test_silence_and_a_steady_tone_have_no_hits() -> None:
    onsets = Onsets(48000)
    onsets.clear(0)
    tone = (0.3 * np.sin(2.0 * np.pi * 200.0 * np.arange(2400) / 48000.0)).astype(np.float32)[None]
    slots = np.zeros(1, np.intp)
    assert not any(onsets.step(slots, np.zeros((1, 2400), np.float32))[0] for _ in range(10))
    assert sum(len(onsets.step(slots, tone)[0]) for _ in range(40)) <= 1


def test_a_groove_becomes_a_bar_of_midi_with_room_for_early_notes(tmp_path: Path) -> None:
    microphones, _ = _kit(4)
    late, _ = profile(*listen(np.stack(microphones), Beat(0.0, 0, 120.0, RATE)))
    assert np.isfinite(late).sum() == 8, "an eighth each"
    late = np.full(16, np.nan)
    late[0], late[4] = -10.0, 20.0
    write(tmp_path / "groove.mid", late, np.ones(16), 120.0)
    now, found = 0.0, []
    for message in mido.MidiFile(tmp_path / "groove.mid"):
        now += message.time
        if message.type == "note_on":
            found.append(now)
    np.testing.assert_allclose(found, [2.0 - 0.010, 2.5 + 0.020], atol=6e-4)

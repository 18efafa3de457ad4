"""A microphone whose performer is silent is not pulled up; a track that was turned down is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from hybridmix.engine.gain import Gains
from hybridmix.engine.open_microphones import OpenMicrophones
from hybridmix.engine.safety import Safety

_TRACKS = 6
_FRAMES = 1000
_STOP = 300

Doubles = npt.NDArray[np.float64]


def _stage(seed: int, bleed_db: float, *, silent: bool = False, step_db: float = 0.0) -> Doubles:
    """Energies (tracks, frames) of sources that hear each other; what happens at `_STOP` happens to track 0."""
    rng = np.random.default_rng(seed)
    beat = rng.random((_TRACKS, _FRAMES)) < rng.uniform(0.1, 0.6, (_TRACKS, 1))
    level = np.where(beat, rng.uniform(-12.0, 0.0, beat.shape), -40.0)
    for frame in range(1, _FRAMES):
        level[:, frame] = np.maximum(level[:, frame], level[:, frame - 1] - 2.0)
    sources = 10.0 ** ((level - 20.0) / 10.0)
    if silent:
        sources[0, _STOP:] = 0.0
    leaks = 10.0 ** (rng.uniform(bleed_db - 3.0, bleed_db + 3.0, (_TRACKS, _TRACKS)) / 10.0)
    np.fill_diagonal(leaks, 1.0)
    heard = leaks @ sources
    heard[0, _STOP:] *= 10.0 ** (step_db / 10.0)
    noise: Doubles = heard * 10.0 ** (rng.normal(0.0, 0.5, heard.shape) / 10.0)
    return noise


def _gains(energies: Doubles) -> Doubles:
    """What is sent for track 0 by a rule that brings the loudness of the last 3 s to -20 LUFS."""
    safety = Safety(36.0)
    for slot in range(_TRACKS):
        safety.clear(slot)
    slots, off = np.arange(_TRACKS), np.zeros(_TRACKS, np.bool_)
    sent = []
    for frame in range(_FRAMES):
        recent = energies[:, max(0, frame - 59) : frame + 1].mean(axis=1)
        wanted = (-20.0 - 10.0 * np.log10(recent)).astype(np.float32)
        gains = Gains(wanted, ~off, np.zeros(_TRACKS, np.int64))
        aim = np.zeros(_TRACKS, np.float32)
        out, _ = safety.step(slots, gains, aim, off, 0.5, energies[:, frame].astype(np.float32))
        safety.work()
        sent.append(float(out[0]))
    return np.array(sent)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("bleed_db", [-15.0, -10.0])
def test_a_performer_who_falls_silent_is_not_pulled_up(seed: int, bleed_db: float) -> None:
    gains = _gains(_stage(seed, bleed_db, silent=True))
    before = gains[_STOP - 20 : _STOP].mean()
    free = -10.0 * np.log10(_stage(seed, bleed_db, silent=True)[0, -200:].mean()) - 20.0
    assert free - before > 3.0
    assert (gains[_STOP:] - before).max() < 3.0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_track_that_is_turned_down_and_plays_on_is_brought_back(seed: int) -> None:
    gains = _gains(_stage(seed, -20.0, step_db=-12.0))
    before = gains[_STOP - 20 : _STOP].mean()
    assert gains[_STOP + 180 : _STOP + 360].mean() - before == pytest.approx(12.0, abs=3.0)


def test_a_track_that_was_never_louder_is_raised_whatever_it_sounds_like() -> None:
    energies = _stage(1, -10.0)
    energies[0] = 0.01 * energies[1]
    assert _gains(energies)[200:].mean() > -10.0 * np.log10(energies[0].mean()) - 20.0 - 2.0


def test_a_track_that_falls_further_than_any_fader_is_not_raised_whatever_it_sounds_like() -> None:
    gains = _gains(_stage(1, -30.0, step_db=-22.0))
    rise = gains[_STOP:] - gains[_STOP - 20 : _STOP].mean()
    # The rule in this test rises within half a second, before anything shows that the track has fallen.
    assert rise.max() < 6.0
    assert rise[120:].max() < 4.0


def test_a_track_that_is_soft_when_it_is_first_looked_at_rises_from_its_own_gain() -> None:
    microphones, slots = OpenMicrophones(), np.arange(2)
    for slot in slots:
        microphones.clear(int(slot))
    for frame in range(80):
        microphones.work()
        energy = np.array([0.1 if frame < 45 else 0.05, 0.1], np.float32)
        microphones.note(slots, energy, np.array([9.0, 9.0], np.float32))
    assert microphones.ceilings_db(slots)[0] == pytest.approx(11.0)


def test_a_slot_that_was_used_before_is_like_a_new_one() -> None:
    slots = np.arange(2)
    used, new = OpenMicrophones(), OpenMicrophones()
    for one in (used, new):
        one.clear(0)
        one.clear(1)
    for _ in range(80):
        used.work()
        used.note(slots, np.array([0.1, 0.1], np.float32), np.array([9.0, 9.0], np.float32))
    used.reset()
    for frame in range(90):
        energy = np.array([0.1 if frame < 45 else 0.05, 0.1], np.float32)
        for one in (used, new):
            one.work()
            one.note(slots, energy, np.zeros(2, np.float32))
        assert np.array_equal(used.ceilings_db(slots), new.ceilings_db(slots))

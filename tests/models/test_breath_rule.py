"""What the rule of breath promises, as it ships, on levels whose movement is known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from hybridmix.engine.config import MODELS_FOLDER
from hybridmix.engine.models import Session
from hybridmix.processors.swell import FLICKER, LFO, STILL, swell
from hybridmix_models.breath import filters

Doubles = npt.NDArray[np.float64]

_DEPTH_DB = 2.5
_FRAMES = 300


@pytest.fixture(scope="module")
def rule() -> Session:
    return Session(MODELS_FOLDER / "breath.onnx")


def _level(hertz: float, swing_db: float, mean_lufs: float = -26.0) -> Doubles:
    swing = np.sin(2.0 * np.pi * hertz * np.arange(_FRAMES) / filters.RATE_HZ)
    return np.asarray(mean_lufs + swing_db * swing)


def _ride(
    rule: Session,
    ai: Doubles,
    *live: Doubles,
    depth_db: float = _DEPTH_DB,
    amount: float = 1.0,
    delay_s: float = 0.04,
    both_ways: bool = False,
    sustained: int = STILL,
) -> Doubles:
    """Gain in dB of ``ai`` beside ``live`` after every frame, (T,); levels are in LUFS."""
    energy = (10.0 ** (np.stack([ai, *live]) / 10.0)).astype(np.float32)
    count = len(energy)
    is_ai = np.arange(count) == 0
    values = {"amount": amount, "depth_db": depth_db, "delay_s": delay_s}
    given = {name: np.full(count, value, np.float32) for name, value in values.items()}
    given |= {"is_ai": is_ai, "is_live": ~is_ai}
    given |= {"both_ways": np.full(count, both_ways), "fills": np.full(count, sustained != STILL)}
    swells = swell(sustained, np.arange(len(ai))).astype(np.float32)
    state = {one.name: np.zeros((count, *one.shape), one.dtype) for one in rule.states}
    gains = []
    for frame, movement in zip(energy.T, swells, strict=True):
        heard = {"energy": np.ascontiguousarray(frame), "swell": np.tile(movement, (count, 1))}
        out = rule.run({**heard, **given, **state})
        state = {name: out[f"{name}_out"] for name in state}
        gains.append(float(out["breath_db"][0]))
    return np.array(gains)


def _acts(gain_db: Doubles, delay_s: float = 0.04) -> Doubles:
    """The gain that acts in the middle of every frame."""
    frames = np.arange(len(gain_db))
    return np.asarray(np.interp(frames - filters.lag_frames(delay_s), frames, gain_db, left=0.0))


@pytest.mark.parametrize(("hertz", "delay_s"), [(0.4, 0.2), (1.5, 0.04), (2.8, 0.02)])
def test_a_stem_that_moves_less_moves_more_where_it_did_already(
    rule: Session, hertz: float, delay_s: float
) -> None:
    ai = _level(hertz, 2.0)
    after = ai + _acts(_ride(rule, ai, _level(hertz, 6.0), delay_s=delay_s), delay_s)
    assert after[200:].std() > 1.3 * ai[200:].std()


@pytest.mark.parametrize("depth_db", [0.0, 5.0])
def test_it_stays_within_the_depth_with_its_trim(rule: Session, depth_db: float) -> None:
    noise = np.random.default_rng(1).normal(0.0, 4.0, (2, _FRAMES)) - 26.0
    gains = _ride(rule, noise[0] * 0.3 - 18.0, noise[1], _level(0.5, 8.0), depth_db=depth_db)
    assert np.abs(gains).max() <= depth_db
    assert (np.abs(gains).max() > 0.5) == (depth_db > 0.0)


def test_asked_to_compress_too_a_stem_that_moves_more_moves_less(rule: Session) -> None:
    ai = _level(0.4, 5.0)
    after = ai + _acts(_ride(rule, ai, _level(0.4, 2.0), both_ways=True))
    assert after[200:].std() < 0.85 * ai[200:].std()


def test_asked_to_compress_too_it_expands_as_before_and_does_nothing_alone(rule: Session) -> None:
    ai, live = _level(0.4, 2.0), _level(0.4, 6.0)
    expands = _ride(rule, ai, live)
    assert _ride(rule, ai, live, both_ways=True) == pytest.approx(expands, abs=0.3)
    assert np.abs(_ride(rule, ai, both_ways=True)).max() == 0.0


@pytest.mark.parametrize(("sustained", "least_db"), [(FLICKER, 0.8), (LFO, 0.5)])
def test_a_sustained_tone_takes_on_movement_where_it_is_asked_to(
    rule: Session, sustained: int, least_db: float
) -> None:
    tone, live = np.full(_FRAMES, -26.0), _level(0.4, 5.0) + _level(1.5, 3.0, 0.0) + _level(5.0, 2.0, 0.0)
    gains = _ride(rule, tone, live, sustained=sustained)
    assert np.abs(gains[:80]).max() < 0.1
    assert gains[160:].std() > least_db
    assert np.abs(gains).max() <= _DEPTH_DB
    power = 10.0 ** (_acts(gains)[160:] / 10.0)
    assert abs(10.0 * np.log10(power.mean())) < 0.3
    assert np.abs(_ride(rule, tone, live)).max() < 0.1
    assert np.abs(_ride(rule, tone, tone, sustained=sustained)).max() < 0.1
    assert np.abs(_ride(rule, tone, live, sustained=sustained, amount=0.0)).max() == 0.0


def test_a_stem_that_moves_of_itself_keeps_to_its_own_movement(rule: Session) -> None:
    ai, live = _level(0.8, 3.0), _level(0.8, 8.0)
    plain, asked = (_ride(rule, ai, live, sustained=kind) for kind in (STILL, FLICKER))
    assert np.array_equal(plain, asked)


def test_it_is_idle_where_the_live_sources_do_not_move_more(rule: Session) -> None:
    assert np.abs(_ride(rule, _level(0.8, 4.0), _level(0.8, 2.0))).max() < 0.1


@pytest.mark.parametrize("live", [[], [np.full(_FRAMES, -120.0)]])
def test_it_is_idle_alone_and_beside_silence(rule: Session, live: list[Doubles]) -> None:
    assert np.abs(_ride(rule, _level(0.8, 2.0), *live)).max() == 0.0


def test_it_comes_to_rest_when_the_live_source_stops(rule: Session) -> None:
    live = _level(0.8, 6.0)
    live[100:] = -120.0
    gains = _ride(rule, _level(0.8, 2.0), live)
    assert np.abs(gains[50:100]).max() > 0.5
    assert np.abs(gains[-20:]).max() < 0.2


def test_loudness_stays(rule: Session) -> None:
    ai = _level(0.8, 2.0)
    power = 10.0 ** (ai[200:] / 10.0)
    acts = _acts(_ride(rule, ai, _level(0.8, 6.0)))[200:]
    assert abs(10.0 * np.log10((power * 10.0 ** (acts / 10.0)).sum() / power.sum())) < 0.3


def test_half_the_amount_is_less(rule: Session) -> None:
    whole, half, none = (
        np.std(_ride(rule, _level(0.8, 2.0)[:100], _level(0.8, 6.0)[:100], amount=amount))
        for amount in (1.0, 0.5, 0.0)
    )
    assert whole > half > none == 0.0


def test_a_level_that_stands_still_has_no_movement_and_foresees_none() -> None:
    for bank in (filters.measuring(), *(filters.foreseeing(delay) for delay in filters.DELAYS_S)):
        assert np.abs(bank.sum(axis=0)).max() < 256 * 1e-5

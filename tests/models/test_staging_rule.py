"""What the rule of staging promises, as it ships, on levels that are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from hybridmix.engine.config import MODELS_FOLDER
from hybridmix.engine.models import Session
from hybridmix.processors.staging import whole_song

Doubles = npt.NDArray[np.float64]

_TARGET_DB = -18.0


@pytest.fixture(scope="module")
def rule() -> Session:
    return Session(MODELS_FOLDER / "staging.onnx")


def _stage(
    rule: Session,
    level_db: Doubles,
    *,
    peak_db: Doubles | float = -60.0,
    amount: float = 1.0,
    target_db: Doubles | float = _TARGET_DB,
) -> Doubles:
    """Trim in dB after every frame of one track, (T,); levels and peaks in dBFS."""
    state = {one.name: np.zeros((1, *one.shape), one.dtype) for one in rule.states}
    trims = []
    for level, peak, target in np.broadcast(level_db, peak_db, target_db):
        out = rule.run(
            {
                "power": np.array([10.0 ** (level / 10.0)], np.float32),
                "peak": np.array([10.0 ** (peak / 20.0)], np.float32),
                "there": np.ones(1, np.bool_),
                "amount": np.full(1, amount, np.float32),
                "target_db": np.full(1, target, np.float32),
                **state,
            }
        )
        state = {name: out[f"{name}_out"] for name in state}
        trims.append(float(out["staging_db"][0]))
    return np.array(trims)


def _played(random: np.random.Generator, frames: int, mean_db: float) -> Doubles:
    """Notes that fade and rests between them, dBFS."""
    phase = np.arange(frames) % 40
    return np.where(phase > 32, -90.0, mean_db - 0.4 * phase + random.normal(0.0, 1.0, frames))


def test_after_30_s_the_trim_is_that_of_the_whole_song(rule: Session) -> None:
    for mean in (-12.0, -35.0):
        level = _played(np.random.default_rng(1), 1600, mean)
        whole = whole_song(10.0 ** (level / 10.0), 1e-3, _TARGET_DB)
        assert _stage(rule, level)[-1] == pytest.approx(whole.db, abs=0.1)


def test_it_is_within_1_db_after_5_s_and_stands_still_after_30_s_of_sound(rule: Session) -> None:
    level = _played(np.random.default_rng(2), 2400, -30.0)
    trims = _stage(rule, level)
    assert np.abs(trims[100:] - trims[-1]).max() < 1.0
    # A fifth of it is rest: 600 frames that sound are over before the 800th.
    assert (trims[800:] == trims[-1]).all()
    louder = np.concatenate([level, level + 20.0])
    assert (_stage(rule, louder)[2400:] == trims[-1]).all(), "what comes then changes nothing"


def test_silence_and_what_lies_far_below_the_loudest_do_not_count(rule: Session) -> None:
    loud = np.full(200, -20.0)
    quiet = np.repeat([-20.0, -55.0, -80.0], 200)
    np.random.default_rng(3).shuffle(quiet)
    assert _stage(rule, quiet)[-1] == pytest.approx(_stage(rule, loud)[-1], abs=1e-3)
    assert not _stage(rule, np.full(100, -70.0)).any()


def test_a_true_peak_is_never_left_above_the_ceiling_for_long(rule: Session) -> None:
    peak = np.full(400, -20.0)
    peak[300:] = -4.0
    trims = _stage(rule, np.full(400, -30.0), peak_db=peak)
    assert trims[299] == pytest.approx(12.0, abs=0.01)
    assert trims[303:].max() <= 3.0 + 0.01, "lowered within 0.2 s"
    assert trims[-1] == pytest.approx(3.0, abs=0.01)


def test_a_late_peak_lowers_a_trim_that_was_held(rule: Session) -> None:
    peak = np.full(900, -20.0)
    peak[800:] = 0.0
    assert _stage(rule, np.full(900, -24.0), peak_db=peak)[[790, -1]] == pytest.approx([6.0, -1.0], abs=0.01)


def test_it_moves_by_10_db_per_second_at_most_and_keeps_its_range(rule: Session) -> None:
    random = np.random.default_rng(4)
    trims = _stage(rule, random.uniform(-90.0, 0.0, 400), target_db=random.uniform(-30.0, 0.0, 400))
    assert np.abs(np.diff(trims)).max() <= 0.5 + 1e-5
    assert _stage(rule, np.full(200, -58.0))[-1] == pytest.approx(24.0)
    assert _stage(rule, np.full(200, 50.0))[-1] == pytest.approx(-48.0)


def test_another_level_or_amount_moves_a_trim_that_is_held(rule: Session) -> None:
    target = np.repeat([-18.0, -23.0], 800)
    trims = _stage(rule, np.full(1600, -30.0), target_db=target)
    assert trims[[799, -1]] == pytest.approx([12.0, 7.0], abs=0.01)
    assert _stage(rule, np.full(200, -30.0), amount=0.25)[-1] == pytest.approx(3.0, abs=0.01)
    assert not _stage(rule, np.full(200, -30.0), amount=0.0).any()

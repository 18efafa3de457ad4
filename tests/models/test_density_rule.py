"""What the rule of density promises, as it ships, on loudness that is known."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from hybridmix.engine.config import MODELS_FOLDER
from hybridmix.engine.models import Session
from hybridmix.measures.loudness import loudness_range
from hybridmix_models.density import Density

Doubles = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def rule() -> Session:
    return Session(MODELS_FOLDER / "density.onnx")


def _settings(
    rule: Session, lufs: Doubles, *, level_db: float = -20.0, staging_db: float = 0.0, amount: float = 1.0
) -> dict[str, Doubles]:
    """Threshold, mix and loudness range after every frame of one live source, (T,) each; frames in LUFS."""
    state = {one.name: np.zeros((1, *one.shape), one.dtype) for one in rule.states}
    told: dict[str, list[float]] = {"density_threshold_db": [], "density_mix": [], "range_lu": []}
    for frame in lufs:
        out = rule.run(
            {
                "energy": np.array([10.0 ** ((frame + 0.691) / 10.0)], np.float32),
                "level_db": np.full(1, level_db, np.float32),
                "staging_db": np.full(1, staging_db, np.float32),
                "is_live": np.ones(1, np.bool_),
                "amount": np.full(1, amount, np.float32),
                **state,
            }
        )
        state = {name: out[f"{name}_out"] for name in state}
        for name, values in told.items():
            values.append(float(out[name][0]))
    return {name: np.array(values) for name, values in told.items()}


def _swell(swing_lu: float, frames: int = 1200) -> Doubles:
    """A loudness that swings by so much in all, slowly, LUFS."""
    return np.asarray(-23.0 + 0.5 * swing_lu * np.sin(2.0 * np.pi * np.arange(frames) / 500.0))


@pytest.mark.parametrize("swing_lu", [4.0, 12.0, 25.0])
def test_its_loudness_range_is_that_of_the_definition(rule: Session, swing_lu: float) -> None:
    lufs = _swell(swing_lu)
    energies = (10.0 ** ((lufs + 0.691) / 10.0)).reshape(-1, 2).mean(axis=1)
    found = _settings(rule, lufs)["range_lu"][-1]
    assert found == pytest.approx(loudness_range(energies), abs=0.3)


def test_a_narrow_source_is_left_as_it_is_and_a_wide_one_gets_more(rule: Session) -> None:
    mixes = [_settings(rule, _swell(swing))["density_mix"][-1] for swing in (4.0, 8.0, 12.0, 30.0)]
    assert mixes[0] == 0.0
    assert 0.0 < mixes[1] < mixes[2] <= mixes[3] == pytest.approx(Density.MAX_MIX)


def test_the_mix_narrows_the_range_to_the_goal_by_the_plugins_curve(rule: Session) -> None:
    lufs = _swell(9.0)
    mix = _settings(rule, lufs)["density_mix"][-1]
    away = lufs - 10.0 * np.log10(np.mean(10.0 ** (lufs / 10.0)))
    over = away + Density.BELOW_DB
    copy = Density.SLOPE * (Density.BELOW_DB - np.maximum(over, 0.0))
    after = lufs + 20.0 * np.log10(1.0 + mix * (10.0 ** (copy / 20.0) - 1.0))
    narrowed = loudness_range((10.0 ** (after / 10.0)).reshape(-1, 2).mean(axis=1))
    assert narrowed == pytest.approx(Density.GOAL_LU, abs=0.4)


def test_nothing_happens_before_7_s_and_then_gently(rule: Session) -> None:
    told = _settings(rule, _swell(12.0))
    assert not told["density_mix"][:190].any()
    assert np.abs(np.diff(told["density_mix"])).max() <= Density.SLEW_MIX + 1e-6
    heard = told["density_mix"] > 0.0
    assert np.abs(np.diff(told["density_threshold_db"][heard])).max() <= Density.SLEW_DB + 1e-5


def test_the_threshold_lies_below_the_level_as_the_section_gets_it(rule: Session) -> None:
    told = _settings(rule, _swell(12.0), level_db=-30.0, staging_db=12.0)
    assert told["density_threshold_db"][-1] == pytest.approx(-30.0 + 12.0 - 12.0, abs=1e-4)


def test_the_amount_scales_the_mix(rule: Session) -> None:
    whole, half = (_settings(rule, _swell(9.0), amount=amount)["density_mix"][-1] for amount in (1.0, 0.5))
    assert half == pytest.approx(0.5 * whole)
    assert not _settings(rule, _swell(9.0), amount=0.0)["density_mix"].any()


def test_the_rule_knows_the_plugins_curve() -> None:
    source = (Path(__file__).parents[2] / "plugin_shim" / "dsp" / "src" / "density.rs").read_text()
    found = {
        name: float(re.search(rf"pub const {name}: f64 = ([0-9.]+);", source)[1])  # type: ignore[index]
        for name in ("BELOW_DB", "SLOPE", "KNEE_DB")
    }
    assert found == {name: getattr(Density, name) for name in found}
    assert f"FLOOR_DB: [f64; 2] = [{Density.FLOOR_DB[0]}, {Density.FLOOR_DB[1]}]" in source

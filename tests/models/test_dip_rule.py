"""What the rule of the dip promises, on sounds whose masking is known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.signal import butter, sosfilt

from hybridmix_models.dip import Dip, hearing

Floats = npt.NDArray[np.float32]

_AMOUNT, _BUDGET_LU = 1.0, 6.0
_DEPTH, _CENTRE = 0, 1


def _band(seed: int, seconds: float, level_db: float, low: float = 200.0, high: float = 600.0) -> Floats:
    """Noise between ``low`` and ``high`` Hz at 16 kHz."""
    noise = np.random.default_rng(seed).normal(size=round(seconds * hearing.RATE))
    audio = sosfilt(butter(4, [low, high], "bandpass", fs=hearing.RATE, output="sos"), noise)
    return np.asarray(audio / np.sqrt(np.mean(audio**2)) * 10.0 ** (level_db / 20.0), np.float32)


def _run(
    ai: Floats, *live: Floats, amount: float = _AMOUNT, budget_lu: float = _BUDGET_LU
) -> npt.NDArray[np.float64]:
    """Depth in dB and centre in Hz of ``ai`` beside ``live``, (2, frames)."""
    rule = Dip().eval()
    tracks = np.stack([ai, *live])
    count = len(tracks)
    is_ai = torch.arange(count) == 0
    fixed = (torch.zeros(count), is_ai, ~is_ai, torch.full((count,), amount), torch.full((count,), budget_lu))
    state = [torch.zeros(count, *shape) for shape in rule.state_shapes()]
    values = []
    with torch.inference_mode():
        for begin in range(0, tracks.shape[1], hearing.FRAME):
            audio = torch.from_numpy(tracks[:, begin : begin + hearing.FRAME])
            depth, centre, *state = rule(audio, *fixed, *state)
            values.append([float(depth[0]), float(centre[0])])
    return np.array(values).T


def test_an_ai_stem_that_covers_a_live_source_is_cut_and_one_that_lies_below_is_not() -> None:
    live = _band(1, 4.0, -30.0)
    assert _run(_band(2, 4.0, -24.0), live)[_DEPTH, -20:].mean() < -8.0
    assert np.abs(_run(_band(2, 4.0, -60.0), live)[_DEPTH]).max() < 0.1


@pytest.mark.parametrize("live_dbfs", [-120.0, None])
def test_it_is_idle_beside_silence_and_alone(live_dbfs: float | None) -> None:
    live = [] if live_dbfs is None else [_band(1, 3.0, live_dbfs)]
    assert np.abs(_run(_band(2, 3.0, -24.0), *live)[_DEPTH]).max() == 0.0


def test_it_lets_go_when_the_live_source_stops() -> None:
    live = _band(1, 4.0, -30.0)
    live[2 * hearing.RATE :] = 0.0
    depth = _run(_band(2, 4.0, -24.0), live)[_DEPTH]
    assert depth[39] < -6.0
    # 12 dB at 24 dB/s, and the 85 ms that are heard together.
    assert np.abs(depth[40 + 13 :]).max() == 0.0


def test_depth_and_centre_move_slowly_and_stay_in_their_ranges() -> None:
    live = _band(1, 4.0, -30.0) * (np.arange(4 * hearing.RATE) % 8000 < 4000).astype(np.float32)
    depth, centre = _run(_band(2, 4.0, -20.0), live)
    assert depth.min() >= -Dip.MAX_CUT_DB
    assert depth.max() <= 0.0
    assert np.abs(np.diff(depth)).max() <= Dip.SLEW_DB + 1e-5
    assert np.abs(np.diff(centre)).max() <= Dip.SLEW_HZ + 1e-3
    assert (Dip.CENTRE_HZ[0] <= centre.min(), centre.max() <= Dip.CENTRE_HZ[1]) == (True, True)


def test_the_centre_goes_where_the_live_source_is_covered() -> None:
    centres = [
        _run(_band(2, 4.0, -24.0, low, high), _band(1, 4.0, -30.0, low, high))[_CENTRE, -1]
        for low, high in ((210.0, 260.0), (380.0, 440.0))
    ]
    assert centres[0] < centres[1] - 30.0


def test_the_amount_scales_the_depth() -> None:
    live, ai = _band(1, 4.0, -30.0), _band(2, 4.0, -24.0)
    half = _run(ai, live, amount=0.5)[_DEPTH]
    assert half.min() == pytest.approx(-0.5 * Dip.MAX_CUT_DB, abs=0.1)
    assert np.abs(_run(ai, live, amount=0.0)[_DEPTH]).max() == 0.0


@pytest.mark.parametrize("budget_lu", [0.5, 1.0, 3.0])
def test_no_more_loudness_is_taken_than_the_budget_allows(budget_lu: float) -> None:
    depth = _run(_band(2, 8.0, -24.0), _band(1, 8.0, -30.0), budget_lu=budget_lu)[_DEPTH]
    # All of this stem lies where the bell cuts, so it loses at most what the bell takes at its centre.
    rms = float(np.sqrt(np.mean(10.0 ** (depth / 10.0))))
    assert 20.0 * np.log10(rms) > -2.0 * budget_lu
    assert depth.min() > _run(_band(2, 8.0, -24.0), _band(1, 8.0, -30.0))[_DEPTH].min()


@pytest.mark.parametrize("bleed_db", [-6.0, -12.0, -20.0])
def test_what_a_live_microphone_hears_of_the_ai_stem_is_no_live_source(bleed_db: float) -> None:
    ai = _band(2, 8.0, -24.0)
    bleed = np.roll(ai, 96) * np.float32(10.0 ** (bleed_db / 20.0))
    assert np.abs(_run(ai, bleed)[_DEPTH]).max() < 0.1


def test_a_performer_well_above_the_bleed_counts_as_soon_as_he_plays() -> None:
    ai = _band(2, 8.0, -24.0)
    bleed = np.roll(ai, 96) * np.float32(10.0 ** (-20.0 / 20.0))
    live = bleed + _band(1, 8.0, -28.0) * (np.arange(len(ai)) > 4 * hearing.RATE)
    depth = _run(ai, live.astype(np.float32))[_DEPTH]
    assert np.abs(depth[:79]).max() < 0.1
    assert depth[-20:].mean() < -6.0

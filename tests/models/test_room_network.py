"""The room network: frame by frame as on whole excerpts; what its truth is measured with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch

from hybridmix_models.room import RoomNetwork, RoomStep
from hybridmix_models.room.bands import BANDS, OVERLAP, RATE, hear
from hybridmix_models.room.decay import (
    clarity_db,
    direct_to_reverberant_db,
    octave_t30,
    predelay_ms,
)
from hybridmix_models.room.network import RANGES, SIZES
from hybridmix_models.room.responses import shaped, with_ratio

Doubles = npt.NDArray[np.float64]


def _decaying(seconds: float, rate: int = RATE) -> Doubles:
    """A direct sound, then noise that falls by 60 dB in ``seconds``."""
    time = np.arange(round(1.2 * seconds * rate)) / rate
    tail = np.random.default_rng(1).normal(size=len(time)) * 10.0 ** (-3.0 * time / seconds)
    tail[0] = 50.0
    return tail


def test_frame_by_frame_it_says_what_it_says_of_the_whole_excerpt() -> None:
    torch.manual_seed(1)
    network = RoomNetwork().eval()
    step = RoomStep(network)
    audio = torch.randn(2, 800 * 30) * torch.logspace(0.0, -3.0, 800 * 30)
    states = [torch.zeros(2, *(() if size is None else (size,))) for size in SIZES.values()]
    said = []
    with torch.no_grad():
        padded = torch.cat([torch.zeros(2, OVERLAP), audio], dim=1)
        whole = network(hear(step.levels(padded)))
        for frame in torch.split(audio, 800, dim=1):
            out = step(frame, *states)
            said.append(out[0])
            states = list(out[7:])
    apart = (torch.stack(said, dim=1) - whole.t60_s.clamp(*RANGES["t60_s"])).abs().max()
    assert float(apart) < 1e-5


@pytest.mark.parametrize("rate", [16000, 44100])
def test_decays_are_measured_as_they_are(rate: int) -> None:
    for seconds in (0.3, 1.0, 3.0):
        found = octave_t30(_decaying(seconds, rate), rate)
        assert np.nanmax(np.abs(found[2:] / seconds - 1.0)) < 0.08


def test_the_energy_within_the_direct_sound_and_early_on_is_told_from_the_rest() -> None:
    response = np.zeros(RATE)
    response[[100, 100 + RATE // 50, 100 + RATE // 5]] = 1.0, 0.5, 0.5
    assert direct_to_reverberant_db(response, RATE) == pytest.approx(10.0 * np.log10(2.0))
    assert clarity_db(response, RATE) == pytest.approx(10.0 * np.log10(1.25 / 0.25))
    assert predelay_ms(response, RATE) == pytest.approx(18.0, abs=0.2), "where the 2 ms begin"
    assert direct_to_reverberant_db(with_ratio(response, 4.0), RATE) == pytest.approx(4.0)


def test_the_same_seed_shapes_the_same_response() -> None:
    one, other, third = (shaped(np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, other)
    assert len(one) != len(third) or not np.array_equal(one, third)


def test_spreads_are_widened_and_nothing_else() -> None:
    torch.manual_seed(2)
    network = RoomNetwork().eval()
    heard = -2.0 * torch.rand(2, 100, BANDS)
    with torch.no_grad():
        before = network(heard)
        network.widen(1.2, 1.5)
        after = network(heard)
    torch.testing.assert_close(after.t60_spread, 1.2 * before.t60_spread)
    torch.testing.assert_close(after.drr_spread_db, 1.5 * before.drr_spread_db)
    for name in ("t60_s", "drr_db", "predelay_ms", "predelay_spread"):
        torch.testing.assert_close(getattr(after, name), getattr(before, name))

"""Loudness so far: against the recommendation's gates, fader moves, silence, masks and no-numbers."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from hybridmix_models.gain.history import History


def energy(lufs: float) -> float:
    return float(10.0 ** ((lufs + 0.691) / 10.0))


def played(*parts: tuple[float, int]) -> Tensor:
    """Energies (1, T) of stretches: loudness in LUFS and frames."""
    return torch.cat([torch.full((1, frames), energy(lufs)) for lufs, frames in parts], dim=1)


def loudness(energies: Tensor) -> Tensor:
    return History().whole(energies, torch.ones(len(energies), dtype=torch.bool))[0]


def test_a_steady_track_has_its_loudness_after_one_block() -> None:
    assert loudness(played((-23.0, 40)))[0, 7:].tolist() == pytest.approx([-23.0] * 33, abs=1e-3)


def test_phrases_are_averaged_over_what_was_heard() -> None:
    heard = loudness(played(*[(-20.0, 40), (-26.0, 40)] * 10))[0, -1]
    # The mean of the two energies; the newer half, which is softer, counts a little more.
    assert float(heard) == pytest.approx(
        10.0 * math.log10((energy(-20.0) + energy(-26.0)) / 2) - 0.691, abs=0.3
    )


def test_what_lies_10_lu_below_or_is_silent_does_not_count() -> None:
    energies = played((-20.0, 200), (-40.0, 400), (-120.0, 400))
    assert float(loudness(energies)[0, -1]) == pytest.approx(-20.0, abs=0.2)


def test_a_fader_that_is_pushed_up_is_followed_within_a_second_and_a_half() -> None:
    heard = loudness(played((-30.0, 600), (-18.0, 30)))[0]
    assert float(heard[600 + 5]) < -25.0
    assert float(heard[600 + 29]) == pytest.approx(-18.0, abs=0.1)


def test_the_spread_finds_the_floor_of_the_microphone() -> None:
    energies = played(*[(-20.0, 16), (-28.0, 24)] * 40)
    told = History().whole(energies, torch.ones(1, dtype=torch.bool))[1]
    low, _, high = (10.0 * told[0, -1, 3:]).tolist()
    mean = float(loudness(energies)[0, -1])
    assert low == pytest.approx(-28.0 - mean, abs=1.5)
    assert high == pytest.approx(-20.0 - mean, abs=1.5)


def test_a_masked_row_keeps_its_state_whatever_it_holds_and_nan_counts_as_silence() -> None:
    history, mask = History(), torch.tensor([True, False, True])
    energies = torch.tensor([energy(-20.0), math.nan, math.nan])
    zeros = torch.zeros(3)
    state = (torch.rand(3, 8), zeros + 2.0, zeros + 3.0, zeros, zeros + 0.5, torch.zeros(3, 3))
    lufs, told, *after = history(energies, mask, *state)
    assert all(torch.equal(new[1], old[1]) for new, old in zip(after, state, strict=True))
    silent = history(torch.tensor([energy(-20.0), 0.0, 0.0]), mask, *state)
    assert all(torch.equal(one, other) for one, other in zip((lufs, told, *after), silent, strict=True))

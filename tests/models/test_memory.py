"""What a track has sounded like so far: a mean in which loud passages count."""

from __future__ import annotations

import pytest
import torch

from hybridmix_models.gain.memory import Memory
from hybridmix_models.gain.parts import WIDTH

ALL = torch.tensor([True])


def _steps(memory: Memory, rows: list[tuple[float, float]]) -> float:
    """The mean after frames of (embedding's value, loudness beside the average in LU)."""
    mean = total = torch.zeros(1, WIDTH)
    weight = torch.zeros(1)
    for value, beside in rows:
        mean, total, weight = memory(
            torch.full((1, WIDTH), value), torch.tensor([beside]), ALL, total, weight
        )
    return float(mean[0, 0])


def test_passages_count_by_their_power() -> None:
    mean = _steps(Memory(), [(1.0, 0.0)] * 100 + [(-1.0, -10.0)] * 100)
    assert mean == pytest.approx((1.0 - 0.1) / 1.1, abs=0.02)


def test_a_loud_frame_counts_four_times_at_most() -> None:
    assert _steps(Memory(), [(0.0, 0.0), (1.0, 30.0)]) == pytest.approx(4.0 / 5.0, abs=0.01)


def test_after_a_minute_a_frame_counts_for_a_third() -> None:
    frames = int(Memory.FRAMES)
    before = _steps(Memory(), [(1.0, 0.0)] * frames + [(0.0, 0.0)] * frames)
    # Both passages are as long; the older one has shrunk by a factor of e.
    assert before == pytest.approx(1.0 / (1.0 + torch.e), abs=0.01)


def test_a_row_that_is_left_out_keeps_its_state_whatever_it_holds() -> None:
    total, weight = torch.full((1, WIDTH), 3.0), torch.tensor([2.0])
    nothing = torch.full((1, WIDTH), float("nan"))
    mean, kept, still = Memory()(nothing, torch.tensor([float("nan")]), ~ALL, total, weight)
    assert torch.equal(kept, total)
    assert torch.equal(still, weight)
    assert torch.equal(mean, total / 2.0)


def test_whole_signals_give_what_frame_after_frame_gives() -> None:
    torch.manual_seed(1)
    memory, mask = Memory(), torch.tensor([[True, False, True]])
    embeddings, beside = torch.randn(1, 50, 3, WIDTH), 10.0 * torch.randn(1, 50, 3)
    total, weight = torch.zeros(3, WIDTH), torch.zeros(3)
    whole = memory.whole(embeddings, beside, mask)[0]
    for frame in range(50):
        mean, total, weight = memory(embeddings[0, frame], beside[0, frame], mask[0], total, weight)
        assert torch.equal(mean, whole[frame])

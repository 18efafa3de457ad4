from __future__ import annotations

import auraloss.freq
import pytest
import torch

from hybridmix_models.training.losses import (
    SpectralLoss,
    frame_mean,
    gain_loss,
    movement_loss,
    played,
    settled,
)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.1


def test_the_spectral_loss_is_the_published_one() -> None:
    published = auraloss.freq.MultiResolutionSTFTLoss([512, 1024, 4096], [110, 221, 882], [440, 884, 3528])
    mix, reference = noise(1, 44100).requires_grad_(), noise(1, 44100, seed=1)
    ours = SpectralLoss(44100)(mix, reference)
    theirs = published(mix[None], reference[None])
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=0.0)
    (gradient,) = torch.autograd.grad(ours, mix)
    (expected,) = torch.autograd.grad(theirs, mix)
    torch.testing.assert_close(gradient, expected, rtol=1e-3, atol=1e-7)


def test_at_other_rates_windows_last_as_long() -> None:
    lengths = [440 / 44100, 884 / 44100, 3528 / 44100]
    for points, hop, window in SpectralLoss(24000).sizes:
        assert window / 24000 == pytest.approx(lengths.pop(0), rel=0.005)
        assert window <= points < 2 * window + 2
        assert hop == window // 4


def test_mixes_of_a_batch_do_not_touch_each_other() -> None:
    loss = SpectralLoss(24000)
    mix, reference = noise(2, 12000), noise(2, 12000, seed=1)
    single = torch.stack([loss(mix[i : i + 1], reference[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(loss(mix, reference), single.mean())


@pytest.mark.parametrize("delay", [0, 40, 250])
def test_a_gain_moves_the_audio_after_its_frame_and_the_control_delay(delay: int) -> None:
    audio = torch.ones(1, 1, 1000)
    gain_db = torch.zeros(1, 1, 10)
    gain_db[:, :, 4:] = 20.0  # computed at frame 4, from audio up to sample 500
    mix, start = played(audio, gain_db, delay)
    assert start == 100 + delay
    assert mix.shape == (1, 1000 - start)
    heard = torch.cat([torch.ones(start), mix[0]])
    assert torch.all(heard[: 500 + delay] == 1.0)
    assert 1.0 < heard[500 + delay] < 2.0
    torch.testing.assert_close(heard[600 + delay :], torch.full((400 - delay,), 10.0))


def test_a_model_that_hears_the_future_is_played_earlier() -> None:
    gain_db = torch.zeros(1, 1, 10)
    gain_db[:, :, 4:] = 20.0
    mix, start = played(torch.ones(1, 1, 1000), gain_db, -300)
    assert start == 0
    assert mix.shape == (1, 800)
    assert mix[0, 199] == 1.0
    assert 1.0 < mix[0, 200] < 2.0
    torch.testing.assert_close(mix[0, 300:], torch.full((500,), 10.0))


def test_the_gain_loss_knows_nothing_of_the_level_of_the_whole_mix() -> None:
    target = noise(2, 3, 20) * 30.0
    active = torch.ones(2, 3, 20, dtype=torch.bool)
    assert float(gain_loss(target + 7.0, target, active)) == pytest.approx(0.0, abs=1e-6)
    one_off = target.clone()
    one_off[:, 0] += 9.0  # 6 dB above the offset, the others 3 dB below
    assert float(gain_loss(one_off, target, active)) == pytest.approx((5.5 + 2.5 + 2.5) / 3)


def test_frames_and_tracks_that_do_not_count_do_not() -> None:
    target, gains = torch.zeros(1, 3, 10), torch.zeros(1, 3, 10)
    active = torch.zeros(1, 3, 10, dtype=torch.bool)
    active[0, 0, :5], active[0, 1, 5:] = True, True
    gains[0, 0, 5:], gains[0, 2] = 50.0, torch.nan
    assert float(gain_loss(gains, target, active)) == 0.0
    values = torch.tensor([[[1.0, 3.0], [10.0, torch.nan]]])
    counts = torch.tensor([[[True, True], [True, False]]])
    assert frame_mean(values, counts).item() == pytest.approx((2.0 + 10.0) / 2)


def test_only_movement_beyond_the_free_part_costs() -> None:
    counts = torch.ones(1, 1, 11, dtype=torch.bool)
    slow = torch.arange(11.0)[None, None] * 0.2
    assert float(movement_loss(slow, counts, 0.25)) == 0.0
    assert float(movement_loss(slow * 10.0, counts, 0.25)) == pytest.approx(1.75 - 0.5)


def test_entrances_and_level_steps_may_move_a_gain() -> None:
    active = torch.ones(1, 2, 120, dtype=torch.bool)
    active[0, 1, 60:85] = False
    target_db = torch.zeros(1, 2, 120)
    target_db[0, 0, 50:] = 5.0
    frames = [set(track.nonzero()[:, 0].tolist()) for track in settled(active, target_db)[0]]
    assert frames[0] == {*range(20, 50), *range(80, 120)}
    assert frames[1] == {*range(20, 60), *range(105, 120)}

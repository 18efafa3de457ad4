from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hybridmix.errors import InputError
from hybridmix_models.gain.alm import AlmSr
from hybridmix_models.gain.configs import CONFIGS, build
from hybridmix_models.gain.embedding import Compact
from hybridmix_models.gain.equal_loudness import EqualLoudness
from hybridmix_models.gain.features import newest_patch, patch_count
from hybridmix_models.gain.history import History
from hybridmix_models.gain.network import GainNetwork
from hybridmix_models.gain.parts import Encoder, LinearGain, Mlp, gru_step
from hybridmix_models.gain.plus import AlmMrPlus
from hybridmix_models.gain.vggish import Vggish

torch.set_num_threads(1)

ANY = pytest.mark.parametrize("name", [name for name in CONFIGS if not CONFIGS[name].vggish])
Inputs = tuple[Tensor, Tensor, Tensor, Tensor]


def network(name: str) -> GainNetwork:
    """An untrained network whose answers differ by many dB."""
    torch.manual_seed(1)
    built = build(name).eval()
    for module in built.modules():
        if isinstance(module, Mlp):
            module.begin(0.5, 20.0)
    return built


def material(tracks: int, frames: int, phase: int = 5) -> Inputs:
    """Embeddings, levels and energies that wander, with pauses, and a mask of ones."""
    random = torch.Generator().manual_seed(tracks)
    embeddings = torch.randn((1, tracks, patch_count(frames, phase), 128), generator=random)
    drift = torch.randn((1, tracks, frames), generator=random).cumsum(dim=2)
    level = -30.0 + 8.0 * torch.sin(0.2 * drift) + 3.0 * torch.randn((1, tracks, frames), generator=random)
    silent = (torch.arange(frames) // 70 + torch.arange(tracks)[:, None]) % 5 == 4
    level = torch.where(silent, -100.0, level)
    return embeddings, level, 10.0 ** (level / 10.0), torch.ones((1, tracks), dtype=torch.bool)


@torch.no_grad()
def whole(built: GainNetwork, inputs: Inputs, phase: int = 5) -> Tensor:
    return built.decide(*inputs, phase)[0]


@torch.no_grad()
def streamed(built: GainNetwork, inputs: Inputs, phase: int = 5) -> Tensor:
    embeddings, level, energy, mask = (values[0] for values in inputs)
    embeddings = nn.functional.pad(embeddings, (0, 0, 1, 0))
    state: Sequence[Tensor] = built.start(len(mask))
    gains = []
    for frame, newest in enumerate(newest_patch(level.shape[1], phase)):
        gain, *state = built.step(embeddings[:, newest + 1], level[:, frame], energy[:, frame], mask, *state)
        gains.append(gain)
    return torch.stack(gains, dim=1)


def far_apart(first: Tensor, second: Tensor) -> float:
    return float((first - second).abs().max())


@ANY
@pytest.mark.parametrize("phase", [0, 3, 5])
def test_streaming_is_the_whole_signal(name: str, phase: int) -> None:
    built, inputs = network(name), material(4, 300, phase)
    gains = whole(built, inputs, phase)
    assert gains.std() > 1.0
    assert far_apart(streamed(built, inputs, phase), gains) < 1e-3


def test_streaming_is_the_whole_signal_after_10_minutes() -> None:
    built, inputs = network("alm-mr-plus"), material(2, 12000)
    assert far_apart(streamed(built, inputs), whole(built, inputs)) < 1e-3


@ANY
@torch.no_grad()
def test_every_gain_is_raised_by_the_same(name: str) -> None:
    built, inputs = network(name), material(4, 90)
    before = whole(built, inputs)
    built.raise_by(1.5)
    raised = whole(built, inputs) - before
    # Not where a bound holds it, nor where no gain is known yet.
    free = (before > LinearGain.MIN_DB) & (before < LinearGain.MAX_DB - 1.5) & (before != 0.0)
    assert free.float().mean() > 0.3
    assert torch.allclose(raised[free], torch.tensor(1.5), atol=1e-3)


@ANY
def test_the_order_of_tracks_is_nothing(name: str) -> None:
    built, inputs = network(name), material(7, 200)
    order = torch.tensor([3, 0, 6, 2, 5, 1, 4])
    embeddings, level, energy, mask = (values[:, order] for values in inputs)
    assert far_apart(whole(built, (embeddings, level, energy, mask)), whole(built, inputs)[order]) < 1e-3


@ANY
@pytest.mark.parametrize("run", [whole, streamed])
def test_masked_rows_full_of_not_a_number_change_nothing(name: str, run: object) -> None:
    built, (embeddings, level, energy, mask) = network(name), material(4, 200)
    assert callable(run)
    expected = run(built, (embeddings, level, energy, mask))
    padded = tuple(
        torch.cat([values, torch.full_like(values[:, :3], math.nan)], dim=1)
        for values in (embeddings, level, energy)
    )
    gains = run(built, (*padded, torch.tensor([[True] * 4 + [False] * 3])))
    assert far_apart(gains[:4], expected) < 1e-3
    assert torch.equal(gains[4:], torch.zeros(3, 200))


@ANY
@pytest.mark.parametrize("run", [whole, streamed])
def test_with_every_row_masked_there_are_numbers(name: str, run: object) -> None:
    built, (embeddings, level, energy, mask) = network(name), material(3, 60)
    assert callable(run)
    assert torch.equal(run(built, (embeddings, level, energy, ~mask)), torch.zeros(3, 60))


@ANY
@torch.no_grad()
def test_a_row_that_is_masked_for_a_while_keeps_its_state(name: str) -> None:
    built = network(name)
    embeddings, level, energy, _ = material(2, 50)
    state: Sequence[Tensor] = built.start(2)
    for frame in range(50):
        step = (embeddings[0, :, frame // 6 - 1], level[0, :, frame], energy[0, :, frame])
        _, *state = built.step(*step, torch.tensor([True, True]), *state)
    held = [values[1].clone() for values in state]
    poisoned = [torch.cat([values[:1], torch.full_like(values[1:], math.nan)]) for values in step]
    for _ in range(5):
        _, *state = built.step(*poisoned, torch.tensor([True, False]), *state)
    assert all(torch.equal(values[1], before) for values, before in zip(state, held, strict=True))


@ANY
def test_a_gain_rests_on_nothing_that_comes_later(name: str) -> None:
    built, inputs, other = network(name), material(3, 200), material(3, 200)
    embeddings, level, energy, _ = other
    embeddings[:, :, patch_count(90, 5) :] += 1.0
    level[:, :, 90:] = -3.0
    energy[:, :, 90:] = 0.5
    gains, changed = whole(built, inputs), whole(built, other)
    assert torch.equal(gains[:, :90], changed[:, :90])
    assert not torch.equal(gains[:, 90:], changed[:, 90:])


@ANY
def test_songs_of_a_batch_do_not_hear_each_other(name: str) -> None:
    built = network(name)
    first, second = material(3, 120), material(3, 120)
    second[0].mul_(-1.0)
    embeddings, level, energy, mask = (torch.cat(pair) for pair in zip(first, second, strict=True))
    gains = whole(built, (embeddings, level, energy, mask))
    assert far_apart(gains, whole(built, first)) < 1e-3


def test_the_single_rate_network_decides_every_900_ms_and_begins_at_0_db() -> None:
    gains = whole(network("alm-sr"), material(2, 200))
    changes = (gains.diff(dim=1) != 0.0).any(dim=0).nonzero().flatten() + 1
    assert torch.equal(gains[:, : AlmSr.PERIOD - 1], torch.zeros(2, AlmSr.PERIOD - 1))
    assert changes.tolist() == list(range(AlmSr.PERIOD - 1, 200, AlmSr.PERIOD))


@pytest.mark.parametrize("name", ["dmc-og", "dmc-b-0l"])
def test_the_console_hears_the_level_in_its_patches_alone(name: str) -> None:
    built, (embeddings, level, energy, mask) = network(name), material(3, 100)
    gains = whole(built, (embeddings, level, energy, mask))
    assert not built.normalised
    assert torch.equal(whole(built, (embeddings, level - 20.0, energy * 9.0, mask)), gains)
    assert torch.equal(gains[:, 6:96:6], gains[:, 11:101:6])  # from one embedding to the next nothing moves


def test_what_ships_begins_by_loudness_so_far() -> None:
    built, (embeddings, level, energy, mask) = build("alm-mr-plus").eval(), material(3, 300)
    loudness = History().whole(energy[0], mask[0])[0]
    gains = whole(built, (embeddings, level, energy, mask))
    away = gains[:, 20:] - (EqualLoudness.TARGET_LUFS - loudness[:, 20:])
    assert float(away.abs().median()) < 1.0


def test_what_ships_leaves_a_track_as_it_is_until_it_has_been_heard() -> None:
    built, (embeddings, level, energy, mask) = network("alm-mr-plus"), material(3, 200)
    level[:, 0, :60], energy[:, 0, :60] = -100.0, 0.0
    gains = whole(built, (embeddings, level, energy, mask))
    assert torch.equal(gains[0, :67], torch.zeros(67))  # a block is eight frames
    assert abs(float(gains[0, 67])) > 0.1


def test_what_ships_is_slow_near_what_it_asks_for_and_quick_far_from_it() -> None:
    built = network("alm-mr-plus")
    assert isinstance(built, AlmMrPlus)
    way = torch.tensor([0.5, -1.0, 4.0, 6.0, -12.0, 48.0])
    heard = torch.ones(6, dtype=torch.bool)
    moved = built._followed(torch.zeros(6), way, heard, heard)
    expected = torch.tensor(
        [0.5 * (0.03 + 0.5 / 48), -(0.03 + 1 / 48), 0.25, 6 * (0.03 + 6 / 48), -12 * 0.28, 48.0]
    )
    assert torch.allclose(moved, expected, atol=1e-6)


@pytest.mark.parametrize("change_db", [-14.0, 9.0])
def test_what_ships_gives_other_levels_the_same_mix(change_db: float) -> None:
    built, (embeddings, level, energy, mask) = network("alm-mr-plus"), material(3, 300)
    level = level.clamp(min=-45.0) + 15.0  # no silence, and no gain that ends at +36 dB
    energy = 10.0 ** (level / 10.0)
    gains = whole(built, (embeddings, level, energy, mask))
    shifted = whole(built, (embeddings, level + change_db, energy * 10.0 ** (change_db / 10.0), mask))
    assert far_apart(shifted[:, 150:] + change_db, gains[:, 150:]) < 0.01


def test_what_ships_stays_in_the_range_of_the_declared_parameter() -> None:
    built = network("alm-mr-plus")
    assert isinstance(built, AlmMrPlus)
    built.core.mlp.begin(50.0, 1.0)
    embeddings, level, energy, mask = material(2, 100)
    quiet = whole(built, (embeddings, level - 30.0, energy * 1e-3, mask))
    assert float(quiet.max()) == 36.0
    assert float(whole(built, (embeddings, level, energy * 1e5, mask)).min()) >= -80.0


@torch.no_grad()
def test_equal_loudness_of_a_whole_signal_is_that_of_its_frames() -> None:
    rule, random = EqualLoudness(), np.random.default_rng(2)
    energy = torch.from_numpy(10.0 ** random.normal(-4.0, 2.0, (5, 400))).float()
    energy[0, 30:200], energy[1, :50], energy[2, 100:110], energy[3, 7] = 0.0, 9e-8, 1.2e-7, math.nan
    present = torch.tensor([True, True, True, True, False])
    state: tuple[Tensor, ...] = (
        torch.zeros(5, 60),
        torch.zeros(5, dtype=torch.int64),
        torch.zeros(5),
        torch.zeros(5, dtype=torch.bool),
    )
    gains, known = rule.whole(energy, present)
    for frame in range(400):
        gain, flag, window, filled = rule(energy[:, frame], present, *state)
        state = (window, filled, gain, flag)
        assert far_apart(gains[:, frame], gain) < 1e-4
        assert torch.equal(known[:, frame], flag)


@torch.no_grad()
def test_the_encoder_is_the_published_layer() -> None:
    encoder = Encoder().eval()
    reference = nn.TransformerEncoderLayer(128, 2, 512, dropout=0.0, batch_first=True).eval()
    attention = reference.self_attn
    assert attention.in_proj_weight is not None
    nn.init.normal_(encoder.qkv.bias)
    attention.in_proj_weight.copy_(encoder.qkv.weight)
    attention.in_proj_bias.copy_(encoder.qkv.bias)
    for mine, theirs in (
        (encoder.joined, attention.out_proj),
        (encoder.wide, reference.linear1),
        (encoder.narrow, reference.linear2),
    ):
        theirs.load_state_dict(mine.state_dict())
    x, mask = torch.randn(3, 6, 128), torch.tensor([[True] * 4 + [False] * 2]).expand(3, 6)
    expected = reference(x, src_key_padding_mask=~mask)
    assert far_apart(encoder(x, mask)[:, :4], expected[:, :4]) < 1e-5


@torch.no_grad()
def test_a_step_of_memory_is_that_of_the_published_layer() -> None:
    gru, x, hidden = nn.GRU(128, 128, batch_first=True), torch.randn(5, 128), torch.rand(5, 128)
    expected, _ = gru(x[:, None], hidden[None])
    assert far_apart(gru_step(gru, x, hidden), expected[:, 0]) < 1e-6


def test_a_linear_gain_is_a_relu_in_db_whose_gradient_does_not_die() -> None:
    raw = torch.tensor([-0.4, 0.0, 0.5, 1.0, 2.0], requires_grad=True)
    gain = LinearGain()
    assert gain.eval()(raw).tolist() == pytest.approx([-80.0, -80.0, -6.0206, 0.0, 6.0206], abs=1e-3)
    assert torch.equal(gain.train()(raw), gain.eval()(raw))
    (10.0 ** (gain.train()(raw) / 20.0)).sum().backward()
    assert raw.grad is not None
    assert raw.grad.tolist() == pytest.approx([0.1, 0.1, 1.0, 1.0, 1.0], rel=1e-3)


@pytest.mark.parametrize("name", ["alm-mr", "dmc-b-0l"])
def test_no_output_is_dead_at_the_beginning(name: str) -> None:
    embeddings, level, energy, mask = material(6, 12)
    for seed in range(30):
        torch.manual_seed(seed)
        gains = whole(build(name).eval(), (embeddings, level, energy, mask))
        assert float(gains.min()) > -40.0


@pytest.mark.parametrize(
    ("name", "parameters"), [("alm-mr", 737_413), ("alm-sr", 737_413), ("dmc-og", 43_268)]
)
def test_sizes_are_those_of_the_paper_as_far_as_it_states_them(name: str, parameters: int) -> None:
    built = build(name)
    after = sum(each.numel() for part, each in built.named_parameters() if not part.startswith("embedding."))
    assert after == parameters
    assert sum(each.numel() for each in Compact().parameters()) == 298_176


def test_a_network_with_full_vggish_hears_the_level_as_recorded() -> None:
    built = build("alm-mr-vggish")
    assert isinstance(built.embedding, Vggish)
    assert not built.normalised
    assert build("alm-mr").normalised


def test_an_unknown_network_is_named_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"gain network 'alm' is unknown; expected one of: alm-mr, alm-sr"):
        build("alm")

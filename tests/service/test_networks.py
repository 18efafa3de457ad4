"""A gain network in the engine: what it was trained as, whatever the batch, and equal loudness where it fails."""

from __future__ import annotations

import logging
from pathlib import Path
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pytest
import torch

from hybridmix.engine.config import MODELS_FOLDER
from hybridmix.engine.group import Engine
from hybridmix.engine.hops import UserValues
from hybridmix.engine.models import Models, Session, load_models
from hybridmix.engine.names import RULES
from hybridmix.engine.rules import make_rules
from hybridmix.timeline import Compute, Row, Standing
from hybridmix_models.gain import features

from .networks import network, write
from .running import FRAME, HOP, RATE

Audio = npt.NDArray[np.float32]


@pytest.fixture(scope="session")
def folder_of_networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("networks"), "alm-mr-plus", "alm-mr", "dmc-og")


@pytest.fixture(params=["alm-mr-plus", "dmc-og"])
def models(request: pytest.FixtureRequest, folder_of_networks: Path) -> Models:
    loaded = load_models(request.param, folder_of_networks)
    assert loaded.missing == ""
    return loaded


@pytest.fixture
def plus(folder_of_networks: Path) -> Models:
    return load_models("alm-mr-plus", folder_of_networks)


def _member(number: int) -> UUID:
    return UUID(int=number + 1)


def _tracks(count: int, frames: int, channels: int = 1) -> list[Audio]:
    """Coloured noise whose level moves, another one per track."""
    tracks = []
    for number in range(count):
        rng = np.random.default_rng(number)
        noise = rng.normal(0.0, 1.0, (channels, frames * FRAME + 128))
        width = 2 + 7 * number
        smooth = np.cumsum(noise, axis=1)
        colour = (smooth[:, width:] - smooth[:, :-width])[:, : frames * FRAME] / np.sqrt(width)
        level = np.repeat(10.0 ** (rng.uniform(-50.0, -15.0, frames // 10 + 1) / 20.0), 10 * FRAME)
        tracks.append((colour * level[: frames * FRAME]).astype(np.float32))
    return tracks


def _engine(models: Models, order: list[int]) -> Engine:
    engine = Engine(RATE, models)
    for number in order:
        engine.register(_member(number))
    return engine


def _compute(engine: Engine, members: list[int], end: int, *, fresh: bool = False) -> None:
    rows = tuple(Row(_member(number), Standing.WHOLE, end) for number in sorted(members))
    engine.compute(Compute(0, end, fresh, False, rows, False))


def _play(
    engine: Engine, tracks: list[Audio], *, hops: int = 5, order: list[int] | None = None, works: bool = True
) -> npt.NDArray[np.float64]:
    """Values (frames, tracks, 2) of a pass in pieces of ``hops``; NaN where not known."""
    order = order or list(range(len(tracks)))
    told, pushed, piece = [], 0, hops * HOP
    for end in range(FRAME, tracks[0].shape[1] + 1, FRAME):
        while pushed < end:
            for number in order:
                engine.push(
                    _member(number), 1, pushed, tracks[number][:, pushed : pushed + piece], UserValues()
                )
            pushed += piece
        _compute(engine, order, end, fresh=end == FRAME)
        if works:
            engine.work()
        values = [dict(engine.values(0, end, _member(number))) for number in range(len(tracks))]
        told.append([[value.get(1, np.nan), value.get(2, np.nan)] for value in values])
    return np.array(told)


def test_gains_are_those_of_the_network_over_the_whole_signal(models: Models) -> None:
    tracks = _tracks(4, 90)
    inputs = np.concatenate(tracks)
    rule, _ = make_rules(models, RATE)
    slots = np.arange(4)
    for slot in range(4):
        rule.clear(slot)
    level, energy = features.level_db(inputs, RATE), features.energy(inputs, RATE)
    gains = []
    for frame in range(90):
        rule.work()
        for slot in range(4):
            rule.deliver(slot, 1, inputs[slot : slot + 1, frame * FRAME : (frame + 1) * FRAME])
        gains.append(rule.step(slots, energy[:, frame], np.ones(4, np.bool_), level[:, frame]).db)
    net = network(models.name)
    patches = features.patches(inputs, RATE, phase=4, normalised=net.normalised)
    heard, levels, energies = (torch.from_numpy(one)[None] for one in (patches, level, energy))
    with torch.no_grad():
        # Turn 1 brings the patches that end with frames 4, 10, 16 …
        mask = torch.ones((1, 4), dtype=torch.bool)
        whole = net.decide(net.embed(heard), levels, energies, mask, phase=4)[0].numpy()
    assert np.ptp(whole, axis=1).max() > 1.0
    assert np.abs(np.array(gains).T - whole).max() < 1e-3


@pytest.mark.parametrize("hops", [1, 2, 17])
def test_neither_blocks_nor_the_moment_of_the_work_change_a_bit(models: Models, hops: int) -> None:
    tracks = _tracks(3, 30, channels=2)
    once = _play(_engine(models, [0, 1, 2]), tracks)
    assert np.isfinite(once[-1]).all()
    again = _play(_engine(models, [0, 1, 2]), tracks, hops=hops, works=hops == 2)
    assert again.tobytes() == once.tobytes()


def test_the_order_of_joining_and_of_arrival_changes_no_bit(models: Models) -> None:
    tracks = _tracks(5, 30)
    forward = _play(_engine(models, [0, 1, 2, 3, 4]), tracks)
    backward = _play(_engine(models, [3, 1, 4, 0, 2]), tracks, order=[2, 4, 0, 3, 1])
    assert backward.tobytes() == forward.tobytes()


def test_a_second_pass_from_a_start_has_the_same_bits(models: Models) -> None:
    tracks, engine = _tracks(2, 25), _engine(models, [0, 1])
    first = _play(engine, tracks)
    for number, audio in enumerate(tracks):
        engine.push(_member(number), 2, 0, audio, UserValues())
    for end in range(FRAME, 26 * FRAME, FRAME):
        rows = tuple(Row(_member(number), Standing.WHOLE, end) for number in range(2))
        engine.compute(Compute(1, end, end == FRAME, False, rows, False))
    last = [dict(engine.values(1, 25 * FRAME, _member(number)))[1] for number in range(2)]
    assert last == first[-1, :, 0].tolist()


def test_a_mono_track_means_the_same_beside_stereo_ones(plus: Models) -> None:
    mono, other = _tracks(2, 30)
    silent = np.zeros_like(other)
    alone = _play(_engine(plus, [0, 1]), [mono, silent])[:, 0, 0]
    beside = _play(_engine(plus, [0, 1]), [mono, np.concatenate([silent, silent])])[:, 0, 0]
    assert np.array_equal(alone, beside, equal_nan=True)


def test_embeddings_are_spread_over_the_frames_and_come_every_300_ms(
    plus: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames: list[int] = []
    engine, run = _engine(plus, list(range(12))), Session.run

    def counted(session: Session, arrays: dict[str, npt.NDArray[np.generic]]) -> object:
        if session is plus.sessions["embedding"]:
            assert arrays["audio"].shape == (1, 15600)
            frames.append(at)
        return run(session, arrays)

    monkeypatch.setattr(Session, "run", counted)
    tracks = _tracks(12, 24)
    for at in range(24):
        for number, audio in enumerate(tracks):
            engine.push(_member(number), 1, at * FRAME, audio[:, at * FRAME : (at + 1) * FRAME], UserValues())
        _compute(engine, list(range(12)), (at + 1) * FRAME, fresh=at == 0)
        before = len(frames)
        engine.work()
        assert len(frames) - before == 2
        assert frames[before:] == [at, at]


def test_a_gain_moves_at_most_half_a_decibel_in_a_frame_and_never_boosts_beyond_12_db(models: Models) -> None:
    gains = _play(_engine(models, [0, 1, 2]), _tracks(3, 120))[..., 0]
    assert np.nanmax(np.abs(np.diff(gains, axis=0))) <= 0.5 + 1e-5
    assert np.nanmax(gains) <= 12.0


def test_a_model_that_is_missing_is_announced_and_equal_loudness_stands_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for path in MODELS_FOLDER.glob("*.onnx"):
        if path.stem in RULES:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with caplog.at_level(logging.ERROR):
        models = load_models("alm-mr-plus", tmp_path)
    assert "equal loudness stands in" in caplog.text
    assert str(tmp_path / "alm_mr_plus.card.json") in models.missing
    tracks = _tracks(2, 20)
    rule = load_models("equal-loudness", tmp_path)
    expected = _play(_engine(rule, [0, 1]), tracks)
    assert _play(_engine(models, [0, 1]), tracks).tobytes() == expected.tobytes()


def test_a_step_that_fails_hands_over_to_equal_loudness_by_a_glide_and_back(
    plus: Models, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine, run = _engine(plus, [0, 1]), Session.run
    tracks = _tracks(2, 240)
    broken = False

    def failing(session: Session, arrays: dict[str, npt.NDArray[np.generic]]) -> object:
        if broken and session is plus.step:
            raise RuntimeError("no memory")
        return run(session, arrays)

    monkeypatch.setattr(Session, "run", failing)
    gains = []
    for at in range(240):
        broken = 60 <= at < 150
        for number, audio in enumerate(tracks):
            engine.push(_member(number), 1, at * FRAME, audio[:, at * FRAME : (at + 1) * FRAME], UserValues())
        _compute(engine, [0, 1], (at + 1) * FRAME, fresh=at == 0)
        assert engine.standing_in is broken
        gains.append(
            [dict(engine.values(0, (at + 1) * FRAME, _member(one))).get(1, np.nan) for one in (0, 1)]
        )
    assert engine.stood_in == 90
    assert engine.held == 0
    assert caplog.text.count("network failed, equal loudness stands in") == 1
    rule = load_models("equal-loudness", MODELS_FOLDER)
    loudness = _play(_engine(rule, [0, 1]), tracks)[..., 0]
    mixed = np.array(gains)
    far = np.abs(mixed - loudness).max(axis=1)
    assert far[59] > 1.0
    assert np.nanmax(np.abs(np.diff(mixed, axis=0))) <= 0.5 + 1e-5
    assert far[135:150].max() < 0.6


def test_a_member_whose_embedding_is_no_number_is_mixed_by_equal_loudness_and_others_go_on(
    folder_of_networks: Path,
) -> None:
    models = load_models("dmc-og", folder_of_networks)
    engine = _engine(models, [0, 1])
    good, bad = _tracks(2, 60)
    bad[:] = np.float32(1e20) * np.sign(bad + np.float32(1e-9))
    gains = _play(engine, [good, bad])[..., 0]
    assert engine.standing_in
    assert np.isfinite(gains[-1]).all()

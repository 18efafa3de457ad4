"""Hops in, values out: against the recommendation and a plain whole-pass rule, whatever the batch."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pytest
from scipy.signal import lfilter

from hybridmix.engine import trace
from hybridmix.engine.config import MODELS_FOLDER
from hybridmix.engine.gain import ModelError
from hybridmix.engine.group import Engine
from hybridmix.engine.hops import MAX_PENDING, HopStore, UserValues
from hybridmix.engine.meter import resident_mb
from hybridmix.engine.models import Models, load_models
from hybridmix.features import KWeighting
from hybridmix.timeline import Compute, Row, Standing
from hybridmix_models.gain import reference

from .running import FRAME, HOP, RATE

Audio = npt.NDArray[np.float32]

#: The table of ITU-R BS.1770-4, annex 1, for 48 kHz: b0 b1 b2 a1 a2 of both stages.
_BS1770 = (
    (1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585),
    (1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621),
)


@pytest.fixture(scope="module")
def models() -> Models:
    return load_models("equal-loudness", MODELS_FOLDER)


def _member(number: int) -> UUID:
    return UUID(int=number + 1)


def _engine(models: Models, members: int, rate: int = RATE) -> Engine:
    engine = Engine(rate, models)
    for number in range(members):
        engine.register(_member(number))
    return engine


def _compute(engine: Engine, members: list[int], end: int, *, fresh: bool = False, epoch: int = 0) -> None:
    rows = tuple(Row(_member(number), Standing.WHOLE, end) for number in sorted(members))
    engine.compute(Compute(epoch, end, fresh, False, rows, False))


def _noise(seed: int, frames: int, channels: int = 2, level: float = 0.1) -> Audio:
    return np.random.default_rng(seed).normal(0.0, level, (channels, frames * FRAME)).astype(np.float32)


def _play(
    engine: Engine, tracks: list[Audio], hops: int = 5, user: UserValues | None = None
) -> list[list[float]]:
    """Gains (frames, tracks) of a pass, pushed in pieces of ``hops`` hops; NaN where not known."""
    gains = []
    piece = hops * HOP
    pushed = 0
    for end in range(FRAME, tracks[0].shape[1] + 1, FRAME):
        while pushed < end:
            for number, audio in enumerate(tracks):
                part = audio[:, pushed : pushed + piece]
                engine.push(_member(number), 1, pushed, part, user or UserValues())
            pushed += piece
        _compute(engine, list(range(len(tracks))), end, fresh=end == FRAME)
        values = [dict(engine.values(0, end, _member(number))) for number in range(len(tracks))]
        gains.append([value.get(1, np.nan) for value in values])
    return gains


def _reference_energies(audio: Audio) -> npt.NDArray[np.float64]:
    weighted = audio.astype(np.float64)
    for b0, b1, b2, a1, a2 in _BS1770:
        weighted = lfilter([b0, b1, b2], [1.0, a1, a2], weighted, axis=1)
    energies: npt.NDArray[np.float64] = (
        (weighted.reshape(len(audio), -1, FRAME) ** 2).mean(axis=2).sum(axis=0)
    )
    return energies


def test_gains_are_those_of_the_recommendation_over_a_whole_pass(models: Models) -> None:
    quiet_start = _noise(1, 200)
    quiet_start[:, : 40 * FRAME] = 0.0
    fading = _noise(2, 200) * np.geomspace(1.0, 1e-3, 200 * FRAME, dtype=np.float32)
    tracks = [quiet_start, fading, _noise(3, 200, channels=1, level=0.01)]
    gains = np.array(_play(_engine(models, 3), tracks))
    for number, audio in enumerate(tracks):
        expected = reference.equal_loudness(_reference_energies(audio), np.ones(200, np.bool_))
        assert np.array_equal(np.isnan(gains[:, number]), np.isnan(expected))
        assert np.nanmax(np.abs(gains[:, number] - expected)) < 0.01


def test_the_trim_keeps_the_gained_sum_at_minus_one_dbfs(models: Models) -> None:
    tracks = [_noise(4, 60, level=0.4), _noise(5, 60, level=0.4)]
    engine = _engine(models, 2)
    gains = np.array(_play(engine, tracks))
    peaks = np.zeros(60)
    for frame in range(60):
        part = slice(frame * FRAME, (frame + 1) * FRAME)
        # An unknown gain is 0 dB to the sum: the plugin's start value is not the service's to know.
        amplitude = 10.0 ** (np.nan_to_num(gains[frame]) / 20.0)
        peaks[frame] = np.abs(sum(a * t[:, part] for a, t in zip(amplitude, tracks, strict=True))).max()
    expected = reference.headroom(peaks)
    trims = [dict(engine.values(0, end, _member(0)))[2] for end in range(FRAME, 60 * FRAME + 1, FRAME)]
    assert np.abs(np.array(trims) - expected).max() < 0.01
    assert min(trims) < 0.0


@pytest.mark.parametrize("rate", [44100, 48000, 88200, 96000, 176400, 192000])
def test_a_row_has_the_same_bits_alone_and_in_company(rate: int) -> None:
    frame = rate // 20
    audio = np.random.default_rng(6).normal(0.0, 0.1, (16, 2 * frame)).astype(np.float32)
    weighting = KWeighting(rate)
    batches = [[list(range(16))], [[row] for row in range(16)], [list(range(7)), list(range(7, 16))]]
    results = []
    for batch in batches:
        state = np.zeros((16, *KWeighting.STATE_SHAPE))
        seen = np.zeros((2, 16, 5))
        for index in range(2):
            for rows in batch:
                part = audio[rows, index * frame : (index + 1) * frame]
                sums, state[rows] = weighting.squares(part, state[rows])
                seen[index, rows] = sums
        results.append(seen.tobytes())
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("rate", [44100, 48000, 192000])
def test_hops_have_the_same_bits_one_by_one_and_together(rate: int) -> None:
    hop = rate // 100
    audio = np.random.default_rng(6).normal(0.0, 0.1, (3, 10 * hop)).astype(np.float32)
    weighting = KWeighting(rate)
    whole, _ = weighting.squares(audio, np.zeros((3, *KWeighting.STATE_SHAPE)))
    state = np.zeros((3, *KWeighting.STATE_SHAPE))
    for index in range(10):
        sums, state = weighting.squares(audio[:, index * hop : (index + 1) * hop], state)
        assert sums.tobytes() == whole[:, index : index + 1].tobytes()


@pytest.mark.parametrize("hops", [1, 2, 5, 17, 64])
def test_the_size_of_blocks_changes_no_bit(models: Models, hops: int) -> None:
    tracks = [_noise(seed, 30) for seed in range(3)]
    once = np.array(_play(_engine(models, 3), tracks, 5))
    assert once.tobytes() == np.array(_play(_engine(models, 3), tracks, hops)).tobytes()


def test_the_order_of_joining_and_of_arrival_changes_no_bit(models: Models) -> None:
    tracks = [_noise(seed, 30) for seed in range(4)]
    forward, backward = _engine(models, 4), Engine(RATE, models)
    for number in reversed(range(4)):
        backward.register(_member(number))
    seen: list[list[object]] = [[], []]
    for end in range(FRAME, 30 * FRAME + 1, FRAME):
        part = slice(end - FRAME, end)
        for engine, order, out in ((forward, range(4), seen[0]), (backward, (2, 0, 3, 1), seen[1])):
            for number in order:
                engine.push(_member(number), 1, end - FRAME, tracks[number][:, part], UserValues())
            _compute(engine, [0, 1, 2, 3], end, fresh=end == FRAME)
            out.append([engine.values(0, end, _member(number)) for number in range(4)])
    assert seen[0] == seen[1]


def test_amount_and_offset_shape_the_gain_within_the_declared_range(models: Models) -> None:
    audio = [_noise(7, 20)]
    plain = np.array(_play(_engine(models, 1), audio))[-1, 0]
    half = np.array(_play(_engine(models, 1), audio, user=UserValues(0.5, -3.0)))[-1, 0]
    assert half == pytest.approx(plain * 0.5 - 3.0, abs=1e-4)
    silent = np.array(_play(_engine(models, 1), [_noise(7, 20, level=20.0)], user=UserValues(1.0, -24.0)))
    assert np.nanmin(silent) == pytest.approx(-80.0, abs=1e-4)


def test_a_member_that_did_not_count_gets_the_trim_alone_and_keeps_its_own_features(models: Models) -> None:
    tracks = [_noise(8, 30), _noise(9, 30)]
    whole = np.array(_play(_engine(models, 2), tracks))
    engine = _engine(models, 2)
    for end in range(FRAME, 30 * FRAME + 1, FRAME):
        for number in range(2):
            engine.push(_member(number), 1, end - FRAME, tracks[number][:, end - FRAME : end], UserValues())
        if end == 10 * FRAME:
            _compute(engine, [0], end)
            engine.feed(_member(1), end)
            assert [number for number, _ in engine.values(0, end, _member(1))] == [2]
        else:
            _compute(engine, [0, 1], end, fresh=end == FRAME)
    # One frame of 60 is missing in its window, but its filter never saw a seam: the gain is nearly the same.
    assert dict(engine.values(0, 30 * FRAME, _member(1)))[1] == pytest.approx(whole[-1, 1], abs=0.05)


def test_a_stale_row_holds_its_gain(models: Models) -> None:
    engine = _engine(models, 1)
    before = _play(engine, [_noise(10, 20)])[-1][0]
    row = Row(_member(0), Standing.STALE, 20 * FRAME)
    engine.compute(Compute(0, 21 * FRAME, False, False, (row,), False))
    assert dict(engine.values(0, 21 * FRAME, _member(0)))[1] == before


def test_a_start_is_neutral_and_a_jump_keeps_the_loudness(models: Models) -> None:
    engine = _engine(models, 1)
    _play(engine, [_noise(11, 20)])
    again = _noise(12, 3)
    for run, fresh in ((2, False), (3, True)):
        engine.push(_member(0), run, 0, again[:, :FRAME], UserValues())
        _compute(engine, [0], FRAME, fresh=fresh, epoch=run)
        assert (1 in dict(engine.values(run, FRAME, _member(0)))) is not fresh


def test_a_second_pass_from_a_start_has_the_same_bits(models: Models) -> None:
    tracks = [_noise(13, 25), _noise(14, 25)]
    engine = _engine(models, 2)
    first = np.array(_play(engine, tracks)).tobytes()
    engine.push(_member(0), 2, 0, _noise(15, 1)[:, : 3 * HOP], UserValues())
    for number, audio in enumerate(tracks):
        engine.push(_member(number), 3, 0, audio, UserValues())
    gains = []
    for end in range(FRAME, 25 * FRAME + 1, FRAME):
        _compute(engine, [0, 1], end, fresh=end == FRAME, epoch=1)
        values = [dict(engine.values(1, end, _member(number))) for number in range(2)]
        gains.append([value.get(1, np.nan) for value in values])
    assert np.array(gains).tobytes() == first


def test_lost_hops_and_a_run_that_begins_inside_a_frame_leave_zeros() -> None:
    store = HopStore(FRAME)
    ones = np.ones((1, HOP), np.float32)
    for hop in (3, 4, 5, 7, 8, 9):
        store.push(1, hop * HOP, ones, UserValues())
    first, second = store.take(FRAME), store.take(2 * FRAME)
    assert first is not None
    assert second is not None
    assert first.audio.reshape(5, HOP).mean(axis=1).tolist() == [0, 0, 0, 1, 1]
    assert second.audio.reshape(5, HOP).mean(axis=1).tolist() == [1, 0, 1, 1, 1]


def test_negative_positions_lie_on_the_same_grid() -> None:
    store = HopStore(FRAME)
    store.push(1, -2 * HOP, np.ones((1, 7 * HOP), np.float32), UserValues())
    before, after = store.take(0), store.take(FRAME)
    assert before is not None
    assert after is not None
    assert before.audio.sum() == 2 * HOP
    assert after.audio.sum() == FRAME


def test_a_member_cannot_fill_the_memory() -> None:
    store = HopStore(FRAME)
    frames = 0
    while not store.full:
        store.push(1, frames * FRAME, np.zeros((1, FRAME), np.float32), UserValues())
        frames += 1
    assert frames == MAX_PENDING


def test_memory_stays_flat_over_ten_thousand_frames() -> None:
    engine = Engine(RATE, load_models("raw", MODELS_FOLDER))
    engine.register(_member(0))
    silence = np.zeros((1, FRAME), np.float32)

    def run(first: int, last: int) -> None:
        for index in range(first, last):
            engine.push(_member(0), 1, index * FRAME, silence, UserValues())
            _compute(engine, [0], (index + 1) * FRAME)

    run(0, 1000)
    blocks, megabytes = sys.getallocatedblocks(), resident_mb()
    run(1000, 11000)
    assert sys.getallocatedblocks() - blocks < 2000
    assert resident_mb() - megabytes < 5.0


def test_a_model_that_fails_holds_everything_and_says_so_once(
    models: Models, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = _engine(models, 1)
    gains = _play(engine, [_noise(16, 20)])

    def fail(*_: object) -> None:
        raise ModelError("output gain_db is not finite")

    with monkeypatch.context() as broken, caplog.at_level(logging.ERROR, "hybridmix"):
        broken.setattr(engine._rule, "step", fail)
        for end in (21 * FRAME, 22 * FRAME):
            engine.push(_member(0), 1, end - FRAME, _noise(17, 1), UserValues())
            _compute(engine, [0], end)
            assert engine.values(0, end, _member(0)) == []
    assert (engine.held, engine.holding) == (2, True)
    assert len(caplog.records) == 1
    engine.push(_member(0), 1, 22 * FRAME, _noise(16, 1), UserValues())
    _compute(engine, [0], 23 * FRAME)
    assert not engine.holding
    assert dict(engine.values(0, 23 * FRAME, _member(0)))[1] == pytest.approx(gains[-1][0], abs=1.0)


def test_absurd_but_finite_samples_give_finite_values(models: Models) -> None:
    engine = _engine(models, 2)
    loud = np.full((2, 12 * FRAME), 3e38, np.float32)
    gains = np.array(_play(engine, [loud, _noise(18, 12)]))
    assert np.isfinite(gains[-1]).all()
    assert engine.held == 0


def test_raw_answers_the_users_offset_and_no_trim() -> None:
    engine = _engine(load_models("raw", MODELS_FOLDER), 1)
    assert _play(engine, [_noise(19, 2)], user=UserValues(1.0, 2.5)) == [[2.5], [2.5]]
    assert engine.values(0, FRAME, _member(0)) == [(1, 2.5)]


def test_the_trace_holds_what_was_decided(models: Models, tmp_path: Path) -> None:
    path = tmp_path / "trace.bin"
    writer = trace.TraceWriter(path)
    engine = Engine(RATE, models, writer)
    engine.register(_member(0))
    gains = _play(engine, [_noise(20, 20)], user=UserValues(delay=1920))
    writer.close()
    records = trace.read(path)
    assert trace.count(path) == len(records) == 20
    assert records["end"].tolist() == list(range(FRAME, 21 * FRAME, FRAME))
    assert (records["apply_at"] - records["end"] == 1920).all()
    assert (records["member"] == _member(0).bytes).all()
    assert np.array_equal(records["gain_db"], np.array(gains, np.float32)[:, 0], equal_nan=True)
    assert ((records["flags"] & trace.FLAG_KNOWN) != 0).tolist() == (~np.isnan(records["gain_db"])).tolist()
    np.testing.assert_allclose(records["energy"], _reference_energies(_noise(20, 20)), rtol=1e-5)

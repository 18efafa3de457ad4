"""Groove through the real plugin and a real service, from a session to its report."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from tests.built import NEEDS_PLUGIN

from hybridmix.batch import MixSession, MixTrack, frozen_plugin, learning
from hybridmix.batch.report import Report
from hybridmix.batch.session_file import Session

RATE = 48000
SECONDS = 5
SLOT = RATE // 8
LATE = 12 * RATE // 1000


pytestmark = NEEDS_PLUGIN


def _hits(late: int, hertz: float) -> npt.NDArray[np.float32]:
    """A hit every sixteenth at 120 BPM, from the second on, ``late`` samples behind it."""
    out = np.zeros(SECONDS * RATE, np.float32)
    time = np.arange(SLOT // 2) / RATE
    hit = (0.3 * np.exp(-60.0 * time) * np.sin(2.0 * np.pi * hertz * time + 1.0)).astype(np.float32)
    for begin in range(SLOT, len(out) - SLOT, SLOT):
        out[begin + late : begin + late + len(hit)] += hit
    return out


def _render(
    amount: float | None, tempo: float | None = 120.0, block: int | None = None, rate: int = RATE
) -> tuple[list[npt.NDArray[np.float32]], Report]:
    tracks = [
        MixTrack(_hits(0, 900.0), "loop", role="ai_stem", groove_amount=amount),
        MixTrack(_hits(LATE, 150.0), "kick", role="live_source"),
    ]
    settings = Session(model="equal-loudness", start="neutral", tempo_bpm=tempo, block=block)
    with MixSession(tracks, sample_rate=rate, settings=settings) as session:
        mix = session.render()
    assert mix.report.complete
    return [stem for stem in mix.stems if stem is not None], mix.report


def _begins(stem: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """Where the hits of a stem begin."""
    loud = np.abs(stem) > 0.01
    rising = np.flatnonzero(loud & ~np.concatenate([[False], loud[:-1]]))
    return rising[np.diff(rising, prepend=-SLOT) > SLOT // 2]


def test_an_ai_stem_is_timed_like_the_drummer_and_nothing_else_is() -> None:
    plain, without = _render(None)
    stems, report = _render(1.0)
    moved = _begins(stems[0])[-8:] - _begins(plain[0])[-8:]
    assert (np.abs(moved - LATE) <= 3 * RATE // 1000).all(), moved
    np.testing.assert_array_equal(
        _begins(stems[0])[:3], _begins(plain[0])[:3], "nothing moves before it is known"
    )
    np.testing.assert_array_equal(stems[1], plain[1], "a live track is never touched")
    assert (without.tracks[0].groove_ms.max, without.groove.constant_ms) == (None, 0.0)
    assert report.tracks[0].groove_ms.end == pytest.approx(12.0, abs=3.0)
    assert report.groove.constant_ms == pytest.approx(12.0, abs=4.0)
    assert report.groove.idle == ""


def test_a_first_beat_says_where_the_grid_lies() -> None:
    # Both are 50 ms behind sample 0, and the drummer 12 ms more: from sample 0 on that would be 62 ms, no sixteenth.
    grid = RATE // 20
    tracks = [
        MixTrack(_hits(grid, 900.0), "loop", role="ai_stem", groove_amount=1.0),
        MixTrack(_hits(grid + LATE, 150.0), "kick", role="live_source"),
    ]
    settings = Session(model="equal-loudness", start="neutral", tempo_bpm=120.0, first_beat_s=0.05)
    with MixSession(tracks, sample_rate=RATE, settings=settings) as session:
        report = session.render().report
    assert report.tracks[0].groove_ms.end == pytest.approx(12.0, abs=3.0)
    assert report.groove.constant_ms == pytest.approx(12.0, abs=4.0)


def test_a_session_says_who_groove_listens_to() -> None:
    tracks = [
        MixTrack(_hits(0, 900.0), "loop", role="ai_stem", groove_amount=1.0),
        MixTrack(_hits(LATE, 150.0), "kick", role="live_source", groove_source="drums"),
        MixTrack(4.0 * _hits(-LATE, 440.0), "guitar", role="live_source"),
    ]
    settings = Session(model="equal-loudness", start="neutral", tempo_bpm=120.0)
    with MixSession(tracks, sample_rate=RATE, settings=settings) as session:
        report = session.render().report
    assert report.groove.constant_ms == pytest.approx(12.0, abs=4.0)


def test_other_blocks_give_the_same_samples() -> None:
    first, _ = _render(1.0)
    second, _ = _render(1.0, block=512)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_plan_moves_every_slot_from_the_first_with_the_latency_of_live_groove() -> None:
    session = MixSession(
        [
            MixTrack(_hits(0, 900.0), "loop", role="ai_stem", amount=0.0, groove_amount=1.0),
            MixTrack(_hits(LATE, 1500.0), "kick", role="live_source", amount=0.0),
        ],
        sample_rate=RATE,
        settings=Session(model="equal-loudness", tempo_bpm=120.0),
    )
    plan = learning.learn(session)
    assert "groove_ms" not in plan.tracks["kick"].plan.values
    stems = []
    for block in (None, 512, 4096):
        settings = msgspec.structs.replace(session.settings, block=block)
        with MixSession(session.tracks, sample_rate=RATE, settings=settings, plan=plan) as frozen:
            mix = frozen.render()
        assert mix.report.complete
        stems.append(mix.stems)
    assert stems[0][0] is not None
    moved = _begins(stems[0][0]) - _begins(_hits(0, 900.0))
    assert (np.abs(moved - LATE) <= RATE // 1000).all(), moved
    trim = np.float32(10.0 ** (float(mix.trim_db[1][0]) / 20.0))
    np.testing.assert_allclose(np.asarray(stems[0][1]), _hits(LATE, 1500.0) * trim, atol=1e-6)
    for others in stems[1:]:
        np.testing.assert_array_equal(np.asarray(others[0]), np.asarray(stems[0][0]))
    alone = frozen_plugin(plan, "loop")
    heard = alone.process(_hits(0, 900.0)[np.newaxis], RATE)
    assert alone.parameters["status"].string_value == "Frozen"
    np.testing.assert_array_equal(heard[0], np.asarray(stems[0][0])[: heard.shape[1]])


def test_without_a_tempo_the_stems_own_beat_counts_once_it_is_heard() -> None:
    plain, _ = _render(None)
    stems, report = _render(1.0, tempo=None)
    heard_after = 4 * RATE
    np.testing.assert_array_equal(stems[0][:heard_after], plain[0][:heard_after])
    assert report.groove.tempo_bpm == pytest.approx(120.0, abs=0.2)
    assert report.groove.idle == ""

"""Breath through the real plugin and a real service, from a session to its report."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from tests.built import NEEDS_PLUGIN

from hybridmix.batch import MixSession, MixTrack
from hybridmix.batch.report import GainRange
from hybridmix.batch.session_file import Session
from hybridmix.presets import BreathSustained

RATE = 48000
SECONDS = 4


pytestmark = NEEDS_PLUGIN


def _swinging(hertz: float, swing_db: float, seconds: int = SECONDS) -> npt.NDArray[np.float32]:
    """A tone that swings 0.8 times a second."""
    time = np.arange(seconds * RATE) / RATE
    level_db = -26.0 + swing_db * np.sin(2.0 * np.pi * 0.8 * time)
    return (10.0 ** (level_db / 20.0) * np.sin(2.0 * np.pi * hertz * time)).astype(np.float32)


def _render(
    amount: float | None,
    swing_db: float = 1.5,
    sustained: BreathSustained | None = None,
    seconds: int = SECONDS,
) -> tuple[list[npt.NDArray[np.float32]], list[GainRange]]:
    tracks = [
        MixTrack(
            _swinging(300.0, swing_db, seconds),
            "pad",
            role="ai_stem",
            breath_amount=amount,
            breath_depth_db=2.0,
            breath_sustained=sustained,
        ),
        MixTrack(_swinging(440.0, 6.0, seconds), "voice", role="live_source"),
    ]
    settings = Session(model="equal-loudness", start="neutral")
    with MixSession(tracks, sample_rate=RATE, settings=settings) as session:
        mix = session.render()
    assert mix.report.complete
    stems = [stem for stem in mix.stems if stem is not None]
    return stems, [track.breath_db for track in mix.report.tracks]


def test_an_ai_stem_takes_on_movement_where_it_is_asked_to_and_nothing_changes_where_it_is_not() -> None:
    plain, none = _render(None)
    stems, gains = _render(1.0)
    assert [one.min for one in none] == [None, None]
    assert gains[1].min is None
    low, high = gains[0].min, gains[0].max
    assert low is not None
    assert high is not None
    assert -2.0 <= low < -1.0
    assert 1.0 < high <= 2.0
    begin = np.s_[: RATE // 2]
    assert np.array_equal(stems[0][begin], plain[0][begin]), "nothing moves before something is known"
    frames = [
        20.0 * np.log10(np.sqrt(np.square(one[-2 * RATE :].reshape(-1, RATE // 20)).mean(axis=1)))
        for one in (plain[0], stems[0])
    ]
    assert np.ptp(frames[1]) > np.ptp(frames[0]) + 1.0


def test_a_sustained_tone_is_moved_where_it_is_asked_to_the_same_in_every_render() -> None:
    (first, *_), gains = _render(1.0, 0.0, "1/f", 9)
    low, high = gains[0].min, gains[0].max
    assert low is not None
    assert high is not None
    assert -2.0 <= low < -0.5
    assert 0.5 < high <= 2.0
    assert np.array_equal(first, _render(1.0, 0.0, "1/f", 9)[0][0])
    still = _render(1.0, 0.0, "off", 9)[1][0]
    assert max(-(still.min or 0.0), still.max or 0.0) < 0.2

"""The beat of AI stems: found where it is steady, counted on, and not made up where there is none."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridmix.engine.hops import Frame, UserValues
from hybridmix.processors.heard_beat import HeardBeat, lay

RATE = 48000
FRAME = RATE // 20
_SLOT = np.array([0])
#: A pattern over a bar of sixteenths.
_PATTERN = (0, 2, 3, 4, 6, 8, 10, 11, 12, 14)


def _times(
    tempo: float, seconds: float, begin: float, pattern: tuple[int, ...] = _PATTERN
) -> npt.NDArray[np.float64]:
    slots = np.arange(int(seconds * tempo / 15.0))
    return np.asarray(begin + slots[np.isin(slots % 16, pattern)] * (15.0 / tempo), np.float64)


@settings(max_examples=60, deadline=None)
@given(st.floats(62.0, 178.0), st.floats(0.0, 0.3), st.integers(0, 10_000))
def test_a_grid_is_found_to_a_millisecond(tempo: float, begin: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    times = _times(tempo, 10.0, begin) - 12.0
    grid = lay(times + random.normal(0.0, 0.001, len(times)))
    assert grid is not None
    assert 15.0 / grid.period == pytest.approx(tempo, rel=1e-3)
    off = (times - grid.begin) / grid.period
    assert np.abs(off - np.round(off)).max() * grid.period < 0.002


@pytest.mark.parametrize("jitter_s", [0.02, 0.05])
def test_unsteady_hits_lie_on_no_grid(jitter_s: float) -> None:
    times = _times(110.0, 12.0, 0.0)
    for seed in range(20):
        assert lay(np.sort(times + np.random.default_rng(seed).normal(0.0, jitter_s, len(times)))) is None


def test_a_few_hits_are_no_beat() -> None:
    assert lay(np.zeros(0)) is None
    assert lay(_times(120.0, 3.0, 0.0)) is None


def _clicks(times: npt.NDArray[np.float64], frames: int) -> npt.NDArray[np.float32]:
    audio = np.zeros(frames * FRAME + RATE, np.float32)
    length = np.arange(RATE // 30)
    burst = (0.3 * np.random.default_rng(1).normal(size=len(length)) * np.exp(-length / 400.0)).astype(
        np.float32
    )
    for time in times[times < frames / 20.0]:
        at = round(time * RATE)
        audio[at : at + len(burst)] += burst
    return audio[np.newaxis, : frames * FRAME]


def _hear(heard: HeardBeat, audio: npt.NDArray[np.float32], start: int = 0) -> list[float | None]:
    """The tempo that is known after each frame."""
    tempos = []
    for at in range(0, audio.shape[1], FRAME):
        end = start + at + FRAME
        heard.hear(_SLOT, [Frame(1, end, audio[:, at : at + FRAME], UserValues())], end)
        tempos.append(heard.beat.tempo if heard.beat is not None else None)
    return tempos


def _listener() -> HeardBeat:
    heard = HeardBeat(RATE)
    heard.clear(0)
    return heard


def test_slots_keep_their_numbers_while_the_beat_goes_on() -> None:
    heard, times = _listener(), _times(97.3, 30.0, 0.11)
    audio = _clicks(times, 560)
    numbers = []
    for at in range(0, audio.shape[1], FRAME):
        heard.hear(_SLOT, [Frame(1, at + FRAME, audio[:, at : at + FRAME], UserValues())], at + FRAME)
        if heard.beat is not None:
            slot, off_ms = heard.beat.place(0.11 * RATE)
            numbers.append(slot)
            assert abs(off_ms) < 3.0
    assert len(numbers) > 400
    assert len(set(numbers)) == 1


def test_a_jump_of_the_timeline_and_another_tempo_are_heard() -> None:
    heard = _listener()
    assert _hear(heard, _clicks(_times(120.0, 10.0, 0.0), 200))[-1] == pytest.approx(120.0, rel=1e-3)
    after = _hear(heard, _clicks(_times(91.0, 10.0, 0.0), 200), start=-50 * RATE)
    assert after[0] is None
    assert after[-1] == pytest.approx(91.0, rel=1e-3)


def test_silence_ends_the_beat() -> None:
    heard = _listener()
    _hear(heard, _clicks(_times(120.0, 10.0, 0.0), 200))
    assert _hear(heard, np.zeros((1, 300 * FRAME), np.float32), start=200 * FRAME)[-1] is None


def test_members_that_come_later_are_heard_too() -> None:
    heard = HeardBeat(RATE)
    heard.clear(3)
    audio = _clicks(_times(120.0, 10.0, 0.0), 200)
    for at in range(0, audio.shape[1], FRAME):
        heard.hear(np.array([3]), [Frame(1, at + FRAME, audio[:, at : at + FRAME], UserValues())], at + FRAME)
    assert heard.beat is not None

"""The room through the real plugin and a real service, from a session to its report."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from tests.built import NEEDS_PLUGIN

from hybridmix.batch import MixSession, MixTrack
from hybridmix.batch.report import GainRange
from hybridmix.batch.session_file import Session

RATE = 48000
SECONDS = 8


pytestmark = NEEDS_PLUGIN

Floats = npt.NDArray[np.float32]


def _hits(every_s: float, seed: int) -> Floats:
    """Short bursts of noise."""
    rng = np.random.default_rng(seed)
    audio = np.zeros(SECONDS * RATE)
    burst = np.exp(-np.arange(RATE // 20) / (0.005 * RATE))
    for at in range(0, len(audio) - len(burst), round(every_s * RATE)):
        audio[at : at + len(burst)] += 0.3 * rng.normal(size=len(burst)) * burst
    return audio.astype(np.float32)


def _in_room(audio: Floats, seconds: float) -> Floats:
    """``audio`` with its reverberation, as loud as itself."""
    time = np.arange(round(seconds * RATE)) / RATE
    tail = np.random.default_rng(9).normal(size=len(time)) * 10.0 ** (-3.0 * time / seconds)
    tail[: RATE // 100] = 0.0
    tail /= np.sqrt(np.square(tail).sum())
    tail[0] = 1.0
    size = 1 << (len(audio) + len(tail)).bit_length()
    wet = np.fft.irfft(np.fft.rfft(audio, size) * np.fft.rfft(tail, size), size)
    return wet[: len(audio)].astype(np.float32)


def _render(amount: float | None, start: str) -> tuple[list[Floats], list[GainRange]]:
    tracks = [
        MixTrack(_hits(1.3, 1), "stem", role="ai_stem", room_amount=amount),
        MixTrack(_in_room(_hits(0.7, 2), 0.8), "drums", role="live_source"),
        MixTrack(_in_room(_hits(0.9, 3), 0.8), "claps", role="live_source"),
    ]
    settings = Session(model="equal-loudness", start=start)  # type: ignore[arg-type]
    with MixSession(tracks, sample_rate=RATE, settings=settings) as session:
        mix = session.render()
    assert mix.report.complete
    stems = [stem for stem in mix.stems if stem is not None]
    return stems, [track.reverb_send for track in mix.report.tracks]


def test_a_stem_gets_a_room_where_it_is_asked_for_and_nothing_changes_where_it_is_not() -> None:
    plain, none = _render(None, "neutral")
    stems, sends = _render(1.0, "neutral")
    assert [one.max for one in none] == [None] * 3
    assert [one.max for one in sends[1:]] == [None] * 2
    assert sends[0].max is not None
    assert sends[0].max > 0.2
    begin = np.s_[: RATE // 2]
    assert np.array_equal(stems[0][begin], plain[0][begin]), "nothing sounds before something is known"
    # Between two hits of the stem there is silence; in a room it rings.
    gap = np.s_[round(6.8 * RATE) : round(7.1 * RATE)]
    assert float(np.abs(plain[0][gap]).max()) < 1e-4
    assert float(np.sqrt(np.square(stems[0][gap]).mean())) > 1e-4


def test_a_render_begins_in_the_room_that_it_learned() -> None:
    _, sends = _render(1.0, "learned")
    assert sends[0].start is not None
    assert sends[0].start > 0.2

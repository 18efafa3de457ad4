"""Staging and density through the real plugin and a real service, from a session to its report."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from tests.built import NEEDS_PLUGIN

from hybridmix.batch import Mix, MixSession, MixTrack
from hybridmix.batch.session_file import Session
from hybridmix.features.levels import level_dbfs, power
from hybridmix.measures.loudness import integrated
from hybridmix.presets import Role

RATE = 48000
FRAME = RATE // 20
SETTINGS = Session(model="equal-loudness", start="learned", learn_s=3.0)


pytestmark = NEEDS_PLUGIN


def _noise(seed: int, level_db: float, seconds: float) -> npt.NDArray[np.float32]:
    noise = np.random.default_rng(seed).normal(0.0, 10.0 ** (level_db / 20.0), int(seconds * RATE))
    return np.asarray(noise, np.float32)


def _render(tracks: list[MixTrack]) -> Mix:
    with MixSession(tracks, sample_rate=RATE, settings=SETTINGS) as session:
        mix = session.render()
    assert mix.report.complete
    return mix


def _level(stem: npt.NDArray[np.float32] | None) -> float:
    """Level of the last two seconds, dBFS."""
    assert stem is not None
    return level_dbfs(np.array([power(part[None]) for part in stem[-2 * RATE :].reshape(-1, FRAME)]))


def test_tracks_come_to_the_sessions_level_and_a_mix_keeps_its_balance() -> None:
    quiet, loud = _noise(1, -34.0, 5.0), _noise(2, -12.0, 5.0)
    clicks = _noise(3, -50.0, 5.0)
    clicks[:: RATE // 2] = 0.6

    def tracks(staging: float, amount: float) -> list[MixTrack]:
        return [
            MixTrack(audio, label, role=role, amount=amount, staging_amount=staging)
            for audio, label, role in sounds
        ]

    sounds: tuple[tuple[npt.NDArray[np.float32], str, Role], ...] = (
        (quiet, "quiet", "ai_stem"),
        (loud, "loud", "live_source"),
        (clicks, "clicks", "live_source"),
    )

    alone = _render(tracks(1.0, 0.0))
    trim = float(alone.trim_db[1][-1])
    assert [_level(stem) - trim for stem in alone.stems[:2]] == pytest.approx([-18.0, -18.0], abs=0.2)
    assert alone.stems[2] is not None
    assert 20.0 * np.log10(np.abs(alone.stems[2]).max()) < -1.0 + 0.05
    first, _, last = alone.report.tracks
    assert first.level_dbfs == pytest.approx(-34.0, abs=0.1)
    assert first.staging_db.end == pytest.approx(16.0, abs=0.2)
    assert first.findings[0].startswith("AI stem at ")
    assert last.findings[0].startswith("staging held back by ")
    mixed, plain = _render(tracks(1.0, 1.0)), _render(tracks(0.0, 1.0))
    for index in range(3):
        assert _level(mixed.stems[index]) == pytest.approx(_level(plain.stems[index]), abs=0.05)
    assert mixed.report.mix.lufs == pytest.approx(plain.report.mix.lufs, abs=0.05)
    assert all(track.staging_db.min is None and track.level_dbfs is None for track in plain.report.tracks)


def test_density_narrows_a_wide_live_source_and_off_every_sample_passes() -> None:
    swell = 10.0 ** (0.5 * np.sin(2.0 * np.pi * np.arange(24 * RATE) / (10.0 * RATE)))
    voice = np.asarray(_noise(4, -28.0, 24.0) * swell, np.float32)
    dense = _render([MixTrack(voice, "voice", role="live_source", amount=0.0, density_amount=1.0)])
    mix = dense.report.tracks[0].density_mix
    assert mix.end is not None
    assert mix.end > 0.1
    stem = dense.stems[0]
    assert stem is not None
    energies = [
        np.square(one[12 * RATE :], dtype=np.float64).reshape(-1, RATE // 10).mean(axis=1)
        for one in (voice, stem)
    ]
    before, after = (np.ptp(10.0 * np.log10(one)) for one in energies)
    assert after < before - 2.0
    # Its loudest passages, which make most of its loudness, go down.
    assert -3.0 < integrated(energies[1]) - integrated(energies[0]) < 0.0
    off = _render([MixTrack(voice, "voice", role="live_source", amount=0.0)])
    np.testing.assert_array_equal(off.stems[0], voice)
    assert off.report.tracks[0].density_mix.min is None

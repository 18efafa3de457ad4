"""The gains that the plugins applied are those of the rule, and bring every track to its target."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from importlib import resources

import numpy as np
import pyloudnorm
import pytest
from numpy.typing import NDArray
from tests.dsp.reference import Change, Pace, gain_db

from hybridmix.batch.private_service import PrivateService
from hybridmix.bench.stage import Part, Voice, load_voices, on_stage
from hybridmix.engine import trace
from hybridmix.wire import parameters

RATE = 44100
DELAY_MS = 40
TARGET_LUFS = -24.0


@pytest.fixture
def service() -> Iterator[PrivateService]:
    with PrivateService("equal-loudness") as running:
        yield running


def expected_db(
    rows: NDArray[np.void], parts: Sequence[Part], names: Sequence[str] = ("gain_db", "trim_db")
) -> NDArray[np.float64]:
    """The gain at every sample of a pass over ``parts``, from what the service recorded of one track.

    ``rows`` are those of the pass: one epoch for each part. What would apply behind a jump is dropped.
    """
    declared = [one for one in parameters.load().parameters if one.name in names]
    epochs = np.unique(rows["epoch"])
    assert len(epochs) == len(parts)
    changes: list[Change] = []
    played = 0
    for epoch, part in zip(epochs, parts, strict=True):
        for row in rows[(rows["epoch"] == epoch) & (rows["apply_at"] < part.end)]:
            at = int(row["apply_at"]) - part.begin + played
            changes += [
                Change(at, one.id, float(row[one.name])) for one in declared if not np.isnan(row[one.name])
            ]
        played += part.end - part.begin
    paces = {one.id: Pace(one.ramp_ms, one.slew_per_s) for one in declared}
    return gain_db(paces, changes, np.arange(played), RATE)


def recorded(service: PrivateService) -> NDArray[np.void]:
    """What the service decided so far; asking for the status flushes it."""
    service.status()
    return trace.read(service.trace)


def disturbances(service: PrivateService) -> int:
    """How often so far something was not as it should be."""
    totals = service.status()["totals"]
    return sum(int(totals[name]) for name in ("late", "stale", "gap", "skipped", "masked", "dropped"))


def square_waves(seconds: float) -> list[Voice]:
    """Square waves of different pitch whose level changes now and then: every sample tells its gain."""
    frames = round(seconds * RATE)
    at = np.arange(frames)
    voices = []
    for index, (pitch, levels) in enumerate([(110, (0.5, 0.02)), (330, (0.01, 0.3, 0.1)), (900, (0.004,))]):
        level = np.asarray(levels)[at * len(levels) // frames]
        wave = np.where(at * pitch * 2 // RATE % 2, level, -level)
        voices.append(Voice(f"square {index}", 0, np.tile(wave, (1 + index % 2, 1)).astype(np.float32)))
    return voices


@pytest.mark.parametrize("live", [False, True], ids=["sync", "live"])
def test_every_sample_has_the_gain_of_the_rule_over_a_seek_and_a_loop(
    service: PrivateService, live: bool
) -> None:
    voices = square_waves(6.0)
    parts = [Part(0, 60_123), Part(120_777, 170_001), Part(120_777, 170_001)]
    with on_stage(service, voices, RATE, DELAY_MS) as stage:
        for _ in range(3):
            before, disturbed = len(recorded(service)), disturbances(service)
            outputs = stage.play(parts, 500, live=live)
            # What the plugins count is told 5 times a second, later on a machine that is busy.
            time.sleep(1.0)
            if disturbances(service) == disturbed:
                break
        else:
            pytest.fail("every live pass was disturbed: this machine stalls too much")
        rows = recorded(service)[before:]
    rows = rows[rows["epoch"] > rows["epoch"].max() - len(parts)]
    for voice, instance, output in zip(voices, stage.instances, outputs, strict=True):
        heard = np.concatenate([voice.audio[:, part.begin : part.end] for part in parts], axis=1)
        applied = 20.0 * np.log10(output.astype(np.float64) / heard)
        expected = expected_db(rows[rows["member"] == instance.bytes], parts)
        assert np.abs(applied - expected).max() < 0.0002
        assert np.ptp(expected) > 3.0


def test_every_track_of_the_demo_reaches_its_target_and_the_mix_its_ceiling(service: PrivateService) -> None:
    with resources.as_file(resources.files("hybridmix") / "demo" / "session.toml") as session:
        voices, rate = load_voices(session, 20.0)
    assert rate == RATE
    whole = Part(0, voices[0].audio.shape[1])
    with on_stage(service, voices, RATE, DELAY_MS) as stage:
        before = len(recorded(service))
        stems = stage.play([whole], 1024, live=False)
        rows = recorded(service)[before:]
    rows = rows[rows["epoch"] == rows["epoch"].max()]
    meter = pyloudnorm.Meter(RATE, filter_class="DeMan")
    reached = {}
    for voice, instance, stem in zip(voices, stage.instances, stems, strict=True):
        trim = expected_db(rows[rows["member"] == instance.bytes], [whole], ["trim_db"])
        untrimmed = stem * 10.0 ** (-trim / 20.0)
        reached[voice.label] = meter.integrated_loudness(untrimmed[:, 6 * RATE :].T)
    assert reached == pytest.approx(dict.fromkeys(reached, TARGET_LUFS), abs=1.0)
    # The trim is causal: a peak that nothing announced may pass the -1 dBFS it aims at, but not by much.
    mix = np.zeros((2, whole.end))
    for stem in stems:
        mix += stem
    assert 20.0 * np.log10(np.abs(mix[:, 6 * RATE :]).max()) < 0.0

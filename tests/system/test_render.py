"""What a render asks of the plugin, as the service sees it, and that it hears what a DAW hears."""

from __future__ import annotations

import os
import signal
import threading
import time
from importlib import resources

import numpy as np
import pytest

from hybridmix.batch import MixSession, MixTrack
from hybridmix.batch.private_service import PrivateService
from hybridmix.batch.session_file import ControlDelay, Session
from hybridmix.bench.stage import Part, Stage, load_voices, on_stage


@pytest.mark.parametrize("delay", [20, 100])
def test_every_plugin_of_a_render_has_the_control_delay_of_the_session(delay: ControlDelay) -> None:
    tracks = [MixTrack(np.zeros((1, 4800), np.float32), label) for label in ("one", "two")]
    with MixSession(tracks, sample_rate=48000, settings=Session(control_delay_ms=delay)) as session:
        session.render()
        assert session._service is not None
        (group,) = session._service.status()["groups"]
    assert [member["delay_ms"] for member in group["members"]] == [delay, delay]


def test_a_script_gets_the_samples_that_a_host_with_a_timeline_gets() -> None:
    with resources.as_file(resources.files("hybridmix") / "demo" / "session.toml") as session:
        voices, rate = load_voices(session, 3.0)
    tracks = [MixTrack(voice.audio, voice.label) for voice in voices]
    settings = Session(model="equal-loudness", start="neutral")
    with MixSession(tracks, sample_rate=rate, settings=settings) as mixing:
        mix = mixing.render()
    assert mix.report.complete, mix.report.counters
    with PrivateService("equal-loudness") as service, on_stage(service, voices, rate, 40) as stage:
        stems = stage.play([Part(0, 3 * rate)], 512, live=False)
    for voice, stem, batch in zip(voices, stems, mix.stems, strict=True):
        assert batch is not None
        assert np.array_equal(stem, batch), voice.label


def test_a_render_whose_service_dies_goes_on_with_the_values_it_has() -> None:
    with resources.as_file(resources.files("hybridmix") / "demo" / "session.toml") as session:
        voices, rate = load_voices(session, 20.0)
    with PrivateService("equal-loudness") as service:
        stage = Stage(voices, rate, 40)
        try:
            service.wait_for_members(stage.instances)
            killer = threading.Timer(0.2, os.kill, (service.status()["service"]["pid"], signal.SIGKILL))
            killer.start()
            began = time.monotonic()
            stems = stage.play([Part(0, 20 * rate)], 512, live=False)
            assert time.monotonic() - began < 10.0
            killer.join()
            assert set(stage.statuses()) <= {"No service", "Connecting"}
        finally:
            stage.close()
    for voice, stem in zip(voices, stems, strict=True):
        assert stem.shape == voice.audio.shape
        assert np.isfinite(stem).all()
        assert np.abs(stem[:, -rate:]).max() > 0.0, "the end of the track is not silent"

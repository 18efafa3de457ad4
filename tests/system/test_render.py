"""What a render asks of the plugin, as the service sees it."""

from __future__ import annotations

import numpy as np
import pytest

from hybridmix.batch import MixSession, MixTrack
from hybridmix.batch.session_file import ControlDelay, Session


@pytest.mark.parametrize("delay", [20, 100])
def test_every_plugin_of_a_render_has_the_control_delay_of_the_session(delay: ControlDelay) -> None:
    tracks = [MixTrack(np.zeros((1, 4800), np.float32), label) for label in ("one", "two")]
    with MixSession(tracks, sample_rate=48000, settings=Session(control_delay_ms=delay)) as session:
        session.render()
        assert session._service is not None
        (group,) = session._service.status()["groups"]
    assert [member["delay_ms"] for member in group["members"]] == [delay, delay]

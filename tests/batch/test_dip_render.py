"""The dip through the real plugin and a real service, from a session to its report."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from tests.built import NEEDS_PLUGIN

from hybridmix.batch import MixSession, MixTrack
from hybridmix.batch.session_file import Session

RATE = 48000
SECONDS = 3


pytestmark = NEEDS_PLUGIN


def _tone(hertz: float, level_db: float) -> npt.NDArray[np.float32]:
    time = np.arange(SECONDS * RATE) / RATE
    return np.asarray(10.0 ** (level_db / 20.0) * np.sin(2.0 * np.pi * hertz * time), np.float32)


def test_an_ai_stem_makes_room_where_it_covers_a_live_source() -> None:
    pad = _tone(260.0, -26.0) + _tone(2000.0, -40.0)
    tracks = [
        MixTrack(pad, "pad", role="ai_stem", dip_amount=1.0, dip_budget_lu=6.0),
        MixTrack(_tone(310.0, -26.0), "voice", role="live_source", gain_offset_db=-6.0),
    ]
    settings = Session(model="equal-loudness", start="neutral")
    with MixSession(tracks, sample_rate=RATE, settings=settings) as session:
        mix = session.render()
    assert mix.report.complete
    depth, none = (track.dip_db.min for track in mix.report.tracks)
    assert none is None, "a live source is not touched"
    assert depth is not None
    assert depth < -2.0
    assert mix.stems[0] is not None
    before, after = (np.abs(np.fft.rfft(one[-RATE:])) for one in (pad, mix.stems[0]))
    change = 20.0 * np.log10(after[[260, 2000]] / before[[260, 2000]])
    # Gain and trim are the same at both; the bell cuts the one and hardly the other.
    assert depth - 0.5 < change[0] - change[1] < -1.5

"""One room from several estimates, or none."""

from __future__ import annotations

import numpy as np
import pytest

from hybridmix.processors.room_fusion import BELIEVED, Estimates, Room, combine, describe, fuse, sends


def _said(t60: list[float], spread: list[float], drr_db: list[float]) -> Estimates:
    count = len(t60)
    return Estimates(
        np.repeat(np.array(t60, np.float32)[:, None], 7, axis=1),
        np.repeat(np.array(spread, np.float32)[:, None], 7, axis=1),
        np.array(drr_db, np.float32),
        np.full(count, 2.0, np.float32),
        np.full(count, 10.0, np.float32),
        np.full(count, 0.5, np.float32),
    )


def test_who_is_sure_counts_more() -> None:
    room = combine(_said([1.0, 2.0], [0.05, 0.5], [6.0, 6.0]))
    assert room.t60_s == pytest.approx(np.full(7, np.exp(np.log(2.0) / 101.0)))
    assert 0.05 < room.spread < 0.2
    assert (room.drr_db, room.predelay_ms) == pytest.approx((6.0, 10.0))


def test_nobody_is_believed_who_is_not_sure_nor_two_that_disagree() -> None:
    sure, unsure = 0.5 * BELIEVED, 1.5 * BELIEVED
    assert fuse(_said([1.0], [unsure], [6.0])) is None
    assert fuse(_said([1.0] * 3, [unsure] * 3, [6.0] * 3)) is None
    assert fuse(_said([1.0, 1.1], [sure, unsure], [6.0] * 2)) is not None
    assert fuse(_said([1.0, 2.0], [sure] * 2, [6.0] * 2)) is None
    assert fuse(_said([], [], [])) is None


def test_a_track_without_a_room_tells_of_none() -> None:
    assert fuse(_said([0.2], [0.05], [30.0])) is None
    room = fuse(_said([0.2, 1.0], [0.05, 0.05], [30.0, 6.0]))
    assert room is not None
    assert room.t60_s == pytest.approx(np.ones(7))


def test_a_stem_gets_what_it_lacks_of_the_live_tracks_reverberation() -> None:
    room = Room(np.ones(7), 0.05, 0.0, 10.0)
    dry, as_wet, wetter, unsure = sends(
        room, _said([1.0] * 4, [0.05, 0.05, 0.05, 1.0], [40.0, 0.0, -6.0, 0.0])
    )
    assert dry == pytest.approx(1.0, abs=1e-3)
    assert (as_wet, wetter) == (0.0, 0.0)
    assert unsure == 1.0


def test_a_room_that_is_too_long_to_tell_is_called_so() -> None:
    assert describe(Room(np.full(7, 0.82), 0.07, 5.0, 10.0), heard=True) == (
        "live T60 0.82 s ± 0.06, direct to reverberant 5.0 dB"
    )
    assert "3 s or more" in describe(Room(np.full(7, 3.6), 0.1, 5.0, 10.0), heard=True)
    assert "held" in describe(Room(np.ones(7), 0.1, 5.0, 10.0), heard=False)
    assert describe(None, heard=False) == "no room yet: the live tracks do not tell"

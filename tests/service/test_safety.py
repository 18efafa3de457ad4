"""How gains move between a rule and the plugin: boost, profile, glides, slew, lock."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from hybridmix.engine.gain import Gains
from hybridmix.engine.safety import GLIDE_FRAMES, Safety

Floats = npt.NDArray[np.float32]

_SLOTS = np.arange(2)


class Desk:
    """Two tracks."""

    def __init__(self, max_boost_db: float = 12.0) -> None:
        self.safety = Safety(max_boost_db)
        for slot in range(2):
            self.safety.clear(slot)
        self.known = np.zeros(2, np.bool_)

    def step(
        self,
        first: float,
        second: float = 0.0,
        *,
        source: int = 0,
        aim: tuple[float, float] = (0.0, 0.0),
        locked: bool = False,
        known: bool = True,
        slew_db: float = np.inf,
    ) -> list[float]:
        """One frame; lock and knowledge are those of the first track."""
        gains = Gains(
            np.array([first, second], np.float32), np.array([known, True]), np.full(2, source, np.int64)
        )
        sent, self.known = self.safety.step(
            _SLOTS, gains, np.array(aim, np.float32), np.array([locked, False]), slew_db
        )
        return [float(one) for one in sent]


def test_what_a_rule_says_is_sent_as_it_is() -> None:
    desk = Desk()
    assert [desk.step(gain, -3.0) for gain in (-7.3, 11.0, -60.0)] == [
        pytest.approx([gain, -3.0]) for gain in (-7.3, 11.0, -60.0)
    ]


@pytest.mark.parametrize("limit", [0.0, 6.0, 12.0])
def test_no_boost_is_higher_than_the_limit_and_the_profile_counts_as_boost(limit: float) -> None:
    desk = Desk(limit)
    assert desk.step(20.0, 5.0, aim=(0.0, 12.0)) == [limit, limit]
    assert desk.step(-20.0, -20.0, aim=(2.5, -1.0)) == pytest.approx([-17.5, -21.0])


def test_another_source_is_reached_by_a_straight_line_of_2_s() -> None:
    desk = Desk()
    desk.step(-10.0)
    seen = [desk.step(4.0, source=1)[0] for _ in range(GLIDE_FRAMES + 5)]
    assert np.diff([-10.0, *seen[:GLIDE_FRAMES]]) == pytest.approx(14.0 / GLIDE_FRAMES, abs=1e-4)
    assert seen[GLIDE_FRAMES - 1 :] == [4.0] * 6


def test_a_glide_follows_a_target_that_moves() -> None:
    desk = Desk()
    desk.step(-10.0)
    for frame in range(GLIDE_FRAMES):
        last = desk.step(0.1 * frame, source=1)[0]
    assert last == pytest.approx(0.1 * (GLIDE_FRAMES - 1), abs=1e-4)


def test_a_gain_that_is_not_known_holds_what_was_sent() -> None:
    desk = Desk()
    desk.step(0.0, known=False)
    assert desk.known.tolist() == [False, True]
    desk.step(-5.0)
    assert desk.step(0.0, source=1, known=False)[0] == -5.0
    assert desk.known.all()
    assert -5.0 < desk.step(3.0, source=1)[0] < -4.0


def test_a_network_moves_half_a_decibel_in_a_frame_from_its_first_gain_on() -> None:
    desk = Desk()
    seen = [desk.step(gain, slew_db=0.5)[0] for gain in (-8.0, 4.0, 4.0, -9.0)]
    assert seen == pytest.approx([-8.0, -7.5, -7.0, -7.5])


def test_a_locked_track_holds_and_goes_back_by_a_glide() -> None:
    desk = Desk()
    desk.step(-6.0)
    assert [desk.step(gain, locked=True)[0] for gain in (3.0, -30.0)] == [-6.0, -6.0]
    back = [desk.step(-30.0)[0] for _ in range(GLIDE_FRAMES)]
    assert np.abs(np.diff([-6.0, *back])).max() == pytest.approx(24.0 / GLIDE_FRAMES, abs=1e-4)
    assert back[-1] == -30.0


def test_a_track_that_is_locked_before_anything_is_known_stays_where_it_is() -> None:
    desk = Desk()
    desk.step(-6.0, locked=True)
    assert desk.known.tolist() == [False, True]
    desk.safety.begin(np.array([0]), np.array([-12.0], np.float32))
    assert desk.step(-6.0, locked=True)[0] == -12.0
    assert desk.known.all()


def test_a_start_value_is_left_by_a_glide() -> None:
    desk = Desk()
    desk.safety.begin(np.array([0]), np.array([8.0], np.float32))
    seen = [desk.step(0.0)[0] for _ in range(GLIDE_FRAMES)]
    assert seen[0] == pytest.approx(8.0 * (1.0 - 1.0 / GLIDE_FRAMES), abs=1e-4)
    assert seen[-1] == 0.0


def test_a_new_aim_is_reached_by_a_glide() -> None:
    desk = Desk()
    desk.step(-6.0)
    desk.safety.glide(0)
    seen = [desk.step(-6.0, aim=(2.5, 0.0))[0] for _ in range(GLIDE_FRAMES)]
    assert np.diff([-6.0, *seen]) == pytest.approx(2.5 / GLIDE_FRAMES, abs=1e-4)


def test_a_slot_begins_again_with_its_next_member() -> None:
    desk = Desk()
    desk.step(-6.0, -6.0)
    desk.safety.clear(0)
    assert desk.step(5.0, source=1)[0] == 5.0

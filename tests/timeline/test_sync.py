"""WAIT: nothing hangs, and what had to be left out is said."""

from __future__ import annotations

import pytest

from hybridmix.timeline import BACKSTOP_S, Standing

from .driving import FRAME, RATE, Driver, computes, feeds, member_id, replies, who

WHOLE, STALE = Standing.WHOLE, Standing.STALE


def rendering(processes: list[int]) -> Driver:
    driver = Driver(len(processes), sync=True, processes=processes)
    for number in range(len(processes)):
        driver.begin(number, 0)
    return driver


def test_frames_of_a_sync_member_have_no_deadline() -> None:
    driver = rendering([0, 0])
    driver.to(0, FRAME)
    assert driver.timeline.next_deadline() is None
    assert driver.timeline.tick(1e9) == []


def test_a_live_frame_loses_its_deadline_when_a_sync_member_delivers_it() -> None:
    driver = rendering([0, 0, 1])
    driver.to(0, FRAME, sync=False)
    assert driver.timeline.next_deadline() is not None
    driver.to(1, FRAME)
    assert driver.timeline.next_deadline() is None


def test_wait_masks_the_missing_members_of_its_process_up_to_that_frame_only() -> None:
    driver = rendering([0, 0])
    driver.to(0, 2 * FRAME)
    actions = driver.wait(0, FRAME)
    (step,) = computes(actions)
    assert (step.end, step.incomplete, who(step)) == (FRAME, True, {0: WHOLE})
    assert [answer.incomplete for answer in replies(actions)] == [True]
    (step,) = computes(driver.to(1, 2 * FRAME))
    assert (step.end, step.incomplete, who(step)) == (2 * FRAME, False, {0: WHOLE, 1: WHOLE})
    counters = driver.timeline.counters
    assert (counters.masked, counters.incomplete, counters.stale) == (1, 1, 0)


def test_a_masked_member_is_answered_late_and_rejoins() -> None:
    driver = rendering([0, 0])
    driver.to(0, FRAME)
    driver.wait(0, FRAME)
    late = driver.to(1, FRAME)
    assert feeds(late) == [(1, FRAME)]
    assert [(answer.end, answer.incomplete, answer.none) for answer in replies(late)] == [
        (FRAME, True, False)
    ]
    assert driver.timeline.counters.masked == 1


def test_a_member_of_another_process_is_waited_for_until_its_own_wait() -> None:
    driver = rendering([0, 1])
    driver.to(0, FRAME)
    assert driver.wait(0, FRAME) == []
    driver.to(1, FRAME - 480)
    assert driver.timeline.tick(1.0) == []
    (step,) = computes(driver.to(1, FRAME))
    assert who(step) == {0: WHOLE, 1: WHOLE}
    assert driver.timeline.counters.masked == 0


def test_two_processes_that_wait_for_each_other_both_go_on() -> None:
    driver = Driver(4, sync=True, processes=[0, 0, 1, 1])
    for number in range(4):
        driver.begin(number, 0)
    driver.to(0, FRAME)
    driver.to(2, FRAME)
    assert driver.wait(0, FRAME) == []
    actions = driver.wait(2, FRAME)
    (step,) = computes(actions)
    assert who(step) == {0: WHOLE, 2: WHOLE}
    assert [answer.member for answer in replies(actions)] == [member_id(0), member_id(2)]


def test_a_closed_connection_ends_a_wait_at_once() -> None:
    driver = rendering([0, 1])
    driver.to(0, FRAME)
    driver.wait(0, FRAME)
    assert replies(driver.timeline.unregister(member_id(1)), 0)


def test_the_backstop_ends_a_wait_for_a_silent_process_once_until_it_delivers_again() -> None:
    driver = rendering([0, 1, 1])
    driver.to(0, FRAME)
    assert driver.wait(0, FRAME, now=3.0) == []
    assert driver.timeline.next_deadline() == pytest.approx(3.0 + BACKSTOP_S)
    assert driver.timeline.tick(3.0 + BACKSTOP_S - 0.001) == []
    (step,) = computes(driver.timeline.tick(3.0 + BACKSTOP_S))
    assert (who(step), step.incomplete) == ({0: WHOLE}, True)
    assert driver.timeline.next_deadline() is None
    (step,) = computes(driver.to(0, 2 * FRAME, now=13.0))
    assert who(step) == {0: WHOLE}
    driver.to(1, 2 * FRAME, now=14.0)
    assert driver.to(0, 3 * FRAME, now=14.0) == []
    (step,) = computes(driver.to(1, 3 * FRAME, now=14.0))
    assert who(step) == {0: WHOLE, 1: WHOLE}


def test_a_wait_for_a_frame_already_answered_or_of_another_run_changes_nothing() -> None:
    driver = rendering([0, 0])
    driver.to(0, FRAME)
    driver.to(1, FRAME)
    assert driver.wait(0, FRAME) == []
    assert driver.timeline.wait(member_id(0), 99, FRAME, 0.0) == []
    assert driver.timeline.wait(member_id(77), 1, FRAME, 0.0) == []
    assert driver.timeline.next_deadline() is None


def test_a_wait_for_a_position_inside_a_frame_ends_with_the_last_frame_before_it() -> None:
    driver = rendering([0, 0])
    driver.to(0, FRAME + 480)
    assert replies(driver.wait(0, FRAME + 480), 0)
    assert driver.timeline.next_deadline() is None


def test_a_wait_covers_older_epochs() -> None:
    driver = rendering([0, 0])
    driver.to(0, FRAME)
    driver.begin(0, 10 * RATE, start=False)
    driver.to(0, 10 * RATE + FRAME)
    assert [step.epoch for step in computes(driver.wait(0, 10 * RATE + FRAME))] == [0, 1]


def test_rendering_one_track_after_the_other_is_incomplete_from_the_second_track_on() -> None:
    driver = Driver(3, sync=True)
    shown = []
    for number in range(3):
        driver.begin(number, 0)
        actions = driver.to(number, FRAME) + driver.wait(number, FRAME)
        rest = [driver.to(number, frame * FRAME) for frame in range(2, 6)]
        assert all(replies(more, number) for more in rest)
        shown += [answer.incomplete for answer in replies(actions)]
    assert shown == [False, True, True]


def test_a_track_that_starts_late_is_missed_in_no_bounce() -> None:
    driver = Driver(2, sync=True)
    for playing in (False, True, True):
        # The host calls both while it stands, and then the second where its audio begins.
        driver.playing = playing
        first = 4 * FRAME if playing else 0
        driver.begin(0, 0)
        for end in range(FRAME, first + 1, FRAME):
            driver.to(0, end)
            driver.wait(0, end)
        driver.begin(1, first)
        for number in (0, 1):
            driver.to(number, 8 * FRAME)
    counters = driver.timeline.counters
    assert (counters.frames, counters.masked, counters.incomplete, counters.absent) == (24, 0, 0, 2)


def test_a_track_that_is_rendered_on_its_own_where_others_were_is_missed_by_them_only_there() -> None:
    driver = Driver(2, sync=True)
    for number, first, last in ((0, 0, 20), (1, 2, 24)):
        driver.begin(number, first * FRAME)
        steps = []
        for end in range((first + 1) * FRAME, (last + 1) * FRAME, FRAME):
            steps += computes(driver.to(number, end) + driver.wait(number, end))
    assert [step.incomplete for step in steps] == [True] * 18 + [False] * 4


def test_a_track_that_only_played_live_may_be_left_out_of_a_bounce() -> None:
    driver = Driver(2)
    for number in range(2):
        driver.begin(number, 0)
        driver.to(number, FRAME)
    driver.begin(0, 0, sync=True)
    driver.to(0, FRAME, sync=True)
    (step,) = computes(driver.wait(0, FRAME))
    assert not step.incomplete
    assert driver.timeline.counters.masked == driver.timeline.counters.incomplete == 0


def test_live_frames_wait_for_a_sync_member_but_not_for_ever() -> None:
    driver = Driver(3, processes=[0, 1, 2])
    for number in range(3):
        driver.begin(number, 0)
    driver.to(0, FRAME, sync=True, now=0.0)
    driver.to(1, 2 * FRAME, now=0.0)
    due = driver.timeline.next_deadline()
    assert due is not None
    assert due > BACKSTOP_S
    assert [step.end for step in computes(driver.timeline.tick(due))] == [FRAME, 2 * FRAME]


def test_frames_that_nobody_waits_for_stay_bounded() -> None:
    driver = rendering([0, 0])
    ends = [step.end for step in computes(driver.to(0, 1000 * FRAME))]
    assert ends == [frame * FRAME for frame in range(1, 745)]

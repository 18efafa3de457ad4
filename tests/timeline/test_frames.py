"""When a frame is computed, who counts in it and who is answered."""

from __future__ import annotations

import pytest

from hybridmix.timeline import Compute, Reply, Row, Standing

from .driving import BLOCK, FRAME, HOP, RATE, D, Driver, computes, feeds, member_id, replies, who

WHOLE, STALE = Standing.WHOLE, Standing.STALE


def playing(members: int = 2, *, sync: bool = False, position: int = 0) -> Driver:
    driver = Driver(members, sync=sync)
    for number in range(members):
        driver.begin(number, position)
    return driver


def test_a_frame_is_computed_when_the_last_member_ends_it_and_answers_each_once() -> None:
    driver = playing()
    assert driver.to(0, FRAME) == []
    assert driver.to(1, FRAME) == [
        Compute(
            0, FRAME, True, False, (Row(member_id(0), WHOLE, FRAME), Row(member_id(1), WHOLE, FRAME)), False
        ),
        Reply(member_id(0), 1, FRAME, FRAME + D, 0, False, False, False),
        Reply(member_id(1), 1, FRAME, FRAME + D, 0, False, False, False),
    ]


def test_rows_are_sorted_by_uuid_whatever_the_order_of_arrival() -> None:
    driver = playing(5)
    for number in (3, 1, 4, 0):
        assert driver.to(number, FRAME) == []
    (step,) = computes(driver.to(2, FRAME))
    assert [row.member for row in step.rows] == [member_id(number) for number in range(5)]


def test_one_block_may_end_several_frames() -> None:
    driver = playing(1)
    actions = driver.timeline.deliver(
        member_id(0),
        1,
        0,
        3 * FRAME,
        begin=False,
        start=False,
        playing=True,
        sync=False,
        gap=False,
        delay=D,
        lead=BLOCK,
        now=0.0,
    )
    assert [step.end for step in computes(actions)] == [FRAME, 2 * FRAME, 3 * FRAME]
    assert [step.fresh for step in computes(actions)] == [True, False, False]
    assert [answer.apply_at for answer in replies(actions)] == [
        end + D for end in (FRAME, 2 * FRAME, 3 * FRAME)
    ]


@pytest.mark.parametrize("position", [-5 * FRAME, -(2**62), 2**62 // FRAME * FRAME])
def test_positions_may_be_anywhere_in_64_bits(position: int) -> None:
    driver = playing(2, position=position)
    position -= position % FRAME
    driver.to(0, position + 2 * FRAME)
    steps = computes(driver.to(1, position + 2 * FRAME))
    assert steps
    assert all(step.end % FRAME == 0 for step in steps)


def test_a_block_that_could_not_be_answered_in_64_bits_is_refused() -> None:
    driver = playing(1)
    assert driver.begin(0, 2**63 - 1) == []
    assert driver.timeline.counters.refused == 1


@pytest.mark.parametrize(("position", "frames"), [(HOP + 1, HOP), (HOP, HOP - 1), (0, HOP), (HOP, -HOP)])
def test_blocks_off_the_grid_or_behind_what_came_are_refused(position: int, frames: int) -> None:
    driver = playing(1)
    driver.to(0, HOP)
    actions = driver.timeline.deliver(
        member_id(0),
        1,
        position,
        frames,
        begin=False,
        start=False,
        playing=True,
        sync=False,
        gap=False,
        delay=D,
        lead=0,
        now=0.0,
    )
    assert (actions, driver.timeline.counters.refused) == ([], 1)


def test_a_block_of_an_unknown_member_is_refused() -> None:
    driver = Driver(1)
    driver.timeline.unregister(member_id(0))
    assert driver.begin(0, 0) == []
    assert driver.timeline.counters.refused == 1


def test_a_frame_in_which_the_run_began_is_answered_without_values_and_steps_nothing() -> None:
    driver = playing(2, position=900)
    actions = driver.to(0, FRAME) + driver.to(1, FRAME)
    assert computes(actions) == []
    assert feeds(actions) == [(0, FRAME), (1, FRAME)]
    assert [answer.none for answer in replies(actions)] == [True, True]
    driver.to(0, 2 * FRAME)
    (step,) = computes(driver.to(1, 2 * FRAME))
    assert step.fresh


def test_a_late_starter_counts_from_d_after_its_first_position_and_is_not_waited_for_before() -> None:
    driver = playing(2)
    driver.timeline.register(member_id(2), 0)
    driver.run[2], driver.position[2] = 0, 0
    for end in range(FRAME, 4 * FRAME, FRAME):
        driver.to(0, end)
        driver.to(1, end)
        driver.timeline.tick(1e9)
    driver.begin(2, 3 * FRAME + 1)
    first = 3 * FRAME + HOP + D
    first += -first % FRAME
    for end in range(4 * FRAME, first + 1, FRAME):
        driver.to(0, end)
        (step,) = computes(driver.to(1, end))
        assert who(step) == {0: WHOLE, 1: WHOLE}
        late = driver.to(2, end)
        assert feeds(late) == [(2, end)]
        assert [answer.none for answer in replies(late, 2)] == [True]
    driver.to(0, first + FRAME)
    assert driver.to(1, first + FRAME) == []
    (step,) = computes(driver.to(2, first + FRAME))
    assert who(step) == {0: WHOLE, 1: WHOLE, 2: WHOLE}
    assert driver.timeline.counters.stale == driver.timeline.counters.masked == 0


def test_the_deadline_is_d_less_lead_less_eight_milliseconds_after_the_first_delivery() -> None:
    driver = playing(2)
    driver.to(0, FRAME, now=5.0)
    due = driver.timeline.next_deadline()
    assert due is not None
    assert due == pytest.approx(5.0 + (D - BLOCK) / RATE - 0.008)
    assert driver.timeline.tick(due - 1e-6) == []
    driver.to(1, FRAME - HOP, now=due)
    (step,) = computes(driver.timeline.tick(due))
    assert who(step) == {0: WHOLE, 1: STALE}
    assert driver.timeline.counters.stale == 1
    late = driver.to(1, FRAME, now=due)
    assert feeds(late) == [(1, FRAME)]
    assert [answer.none for answer in replies(late)] == [False]


def test_stale_serves_for_half_a_second_then_the_member_is_masked_and_not_waited_for() -> None:
    driver = playing(2)
    driver.to(1, FRAME)
    driver.to(0, FRAME)
    for frame in range(2, 12):
        driver.to(0, frame * FRAME)
        (step,) = computes(driver.timeline.tick(1e9))
        assert step.rows[1] == Row(member_id(1), STALE, FRAME)
    driver.to(0, 12 * FRAME)
    (step,) = computes(driver.timeline.tick(1e9))
    assert who(step) == {0: WHOLE}
    (step,) = computes(driver.to(0, 13 * FRAME))
    assert who(step) == {0: WHOLE}
    assert (driver.timeline.counters.stale, driver.timeline.counters.masked) == (10, 2)
    caught_up = driver.to(1, 13 * FRAME)
    assert feeds(caught_up) == [(1, frame * FRAME) for frame in range(2, 14)]
    assert driver.to(0, 14 * FRAME) == []
    (step,) = computes(driver.to(1, 14 * FRAME))
    assert who(step) == {0: WHOLE, 1: WHOLE}


def test_a_member_that_never_delivers_is_absent_after_the_first_deadline_and_joins_when_it_does() -> None:
    driver = playing(1)
    driver.timeline.register(member_id(1), 0)
    assert driver.to(0, FRAME) == []
    assert who(computes(driver.timeline.tick(1.0))[0]) == {0: WHOLE}
    assert computes(driver.to(0, 2 * FRAME))
    counters = driver.timeline.counters
    assert (counters.absent, counters.stale, counters.masked, counters.incomplete) == (1, 0, 0, 0)


def test_an_absent_member_that_should_have_counted_is_counted_when_it_turns_up() -> None:
    driver = Driver(2)
    driver.begin(0, 0)
    driver.to(0, 2 * FRAME)
    driver.timeline.tick(1.0)
    assert driver.timeline.counters.stale == 0
    driver.begin(1, 0)
    assert feeds(driver.to(1, 2 * FRAME)) == [(1, FRAME), (1, 2 * FRAME)]
    assert driver.timeline.counters.stale == 2


def test_lost_hops_make_the_member_stale_in_the_frames_they_touch() -> None:
    driver = playing(2)
    driver.to(0, FRAME)
    driver.to(1, FRAME)
    driver.lose(1, 1)
    driver.to(0, 2 * FRAME)
    actions = driver.to(1, 2 * FRAME, gap=True)
    (step,) = computes(actions)
    assert step.rows[1] == Row(member_id(1), STALE, FRAME)
    assert feeds(actions) == [(1, 2 * FRAME)]
    assert len(replies(actions)) == 2
    assert (driver.timeline.counters.gap, driver.timeline.counters.stale) == (1, 0)
    driver.to(0, 3 * FRAME)
    (step,) = computes(driver.to(1, 3 * FRAME))
    assert who(step) == {0: WHOLE, 1: WHOLE}


def test_a_member_that_leaves_is_waited_for_no_more() -> None:
    driver = playing(2)
    driver.to(0, FRAME)
    (step,) = computes(driver.timeline.unregister(member_id(1)))
    assert who(step) == {0: WHOLE}


def test_a_very_old_frame_is_answered_without_values() -> None:
    driver = playing(2)
    for frame in range(1, 101):
        driver.to(0, frame * FRAME)
        driver.timeline.tick(1e9)
    answers = replies(driver.to(1, 100 * FRAME))
    assert [answer.none for answer in answers] == [True] * 36 + [False] * 64


def test_answers_that_are_certainly_late_are_skipped_when_newer_ones_follow() -> None:
    driver = playing(1)
    round_ = driver.to(0, 4 * FRAME)
    kept = driver.timeline.skip_late(round_)
    assert [step.end for step in computes(kept)] == [step.end for step in computes(round_)]
    assert [(answer.skipped, answer.none) for answer in replies(kept)] == [(True, True)] * 3 + [
        (False, False)
    ]
    assert driver.timeline.counters.skipped == 3


def test_answers_in_time_and_answers_in_sync_are_never_skipped() -> None:
    live = playing(1)
    in_time = live.to(0, FRAME)
    assert live.timeline.skip_late(in_time) == in_time
    sync = playing(1, sync=True)
    round_ = sync.to(0, 4 * FRAME)
    assert sync.timeline.skip_late(round_) == round_

"""Runs and epochs: starts, jumps, loops, and which run belongs with which."""

from __future__ import annotations

from hybridmix.timeline import Standing

from .driving import FRAME, RATE, Driver, computes, member_id, replies, who

WHOLE = Standing.WHOLE


def turn(driver: Driver, members: range, position: int, *, start: bool = False) -> None:
    for number in members:
        driver.begin(number, position, start=start)


def test_a_jump_opens_an_epoch_that_all_followers_join() -> None:
    driver = Driver(3)
    turn(driver, range(3), 0, start=True)
    for number in range(3):
        driver.to(number, FRAME)
    turn(driver, range(3), 10 * RATE)
    assert [driver.to(number, 10 * RATE + FRAME) for number in range(2)] == [[], []]
    (step,) = computes(driver.to(2, 10 * RATE + FRAME))
    assert (step.epoch, step.fresh, step.jumped) == (1, False, True)
    assert who(step) == {0: WHOLE, 1: WHOLE, 2: WHOLE}


def test_a_start_after_a_stop_is_fresh_and_only_its_first_step_is() -> None:
    driver = Driver(1)
    driver.begin(0, 0)
    driver.to(0, FRAME)
    driver.begin(0, 0)
    steps = computes(driver.to(0, 2 * FRAME))
    assert [(step.epoch, step.fresh, step.jumped) for step in steps] == [(1, True, False), (1, False, False)]


def test_an_epoch_in_which_any_run_began_by_a_jump_keeps_the_state_whoever_came_first() -> None:
    for order in ((0, 1), (1, 0)):
        driver = Driver(2)
        for number in order:
            driver.begin(number, 0, start=number == 0)
        driver.to(order[0], FRAME)
        (step,) = computes(driver.to(order[1], FRAME))
        assert (step.fresh, step.jumped) == (False, True)


def test_the_turns_of_a_loop_shorter_than_the_matching_distance_do_not_mix() -> None:
    driver = Driver(2)
    turn(driver, range(2), 0, start=True)
    epochs = []
    for _ in range(4):
        for number in range(2):
            for step in computes(driver.to(number, 2 * FRAME)):
                assert who(step) == {0: WHOLE, 1: WHOLE}
                epochs.append(step.epoch)
        turn(driver, range(2), 0)
    assert epochs == [0, 0, 1, 1, 2, 2, 3, 3]


def test_what_an_ended_run_delivered_still_counts_and_older_epochs_come_first() -> None:
    driver = Driver(2)
    turn(driver, range(2), 0, start=True)
    driver.to(0, FRAME)
    driver.begin(0, 10 * RATE, start=False)
    assert driver.to(0, 10 * RATE + FRAME) == []
    actions = driver.to(1, FRAME)
    (step,) = computes(actions)
    assert (step.epoch, who(step)) == (0, {0: WHOLE, 1: WHOLE})
    assert [(answer.member, answer.run) for answer in replies(actions)] == [
        (member_id(1), 1),
        (member_id(0), 1),
    ]
    driver.begin(1, 10 * RATE, start=False)
    (step,) = computes(driver.to(1, 10 * RATE + FRAME))
    assert step.epoch == 1


def test_a_member_that_jumps_away_is_waited_for_no_more() -> None:
    driver = Driver(2)
    turn(driver, range(2), 0, start=True)
    assert driver.to(1, FRAME) == []
    (step,) = computes(driver.begin(0, 60 * RATE, start=False))
    assert who(step) == {1: WHOLE}
    assert driver.timeline.counters.stale == 0


def test_a_run_half_a_second_away_joins_and_one_further_away_opens_an_epoch() -> None:
    for distance, epochs in ((RATE // 2, {0}), (RATE // 2 + 1, {0, 1})):
        driver = Driver(2)
        driver.begin(0, 0)
        driver.begin(1, distance)
        seen = set()
        for frame in range(1, 40):
            for number in range(2):
                steps = computes(driver.to(number, driver.position[number] + FRAME, now=float(frame)))
                steps += computes(driver.timeline.tick(frame + 0.5))
                seen |= {step.epoch for step in steps}
        assert seen == epochs


def test_a_run_that_plays_does_not_join_one_that_rests_nearby() -> None:
    """The host calls the first track at rest, too; when it plays, it calls the second one first."""
    driver = Driver(2)
    driver.playing = False
    driver.begin(0, 0)
    driver.to(0, 4 * FRAME)
    driver.timeline.tick(1e9)
    driver.playing = True
    driver.begin(1, 0)
    driver.begin(0, 0)
    assert driver.to(1, FRAME) == []
    (step,) = computes(driver.to(0, FRAME))
    assert (step.fresh, who(step)) == (True, {0: WHOLE, 1: WHOLE})


def test_a_run_that_plays_is_not_called_back_by_one_that_rests_on() -> None:
    """Two hosts in one group, of which one starts to play about where both clocks stand."""
    driver = Driver(2)
    driver.playing = False
    turn(driver, range(2), 0)
    for number in range(2):
        driver.to(number, FRAME)
    driver.playing = True
    driver.begin(0, FRAME)
    steps = computes(driver.to(0, 2 * FRAME))
    driver.playing = False
    for end in range(2 * FRAME, 6 * FRAME, FRAME):
        steps += computes(driver.to(1, end)) + computes(driver.timeline.tick(1e9))
    assert {(step.epoch, *who(step)) for step in steps if step.end > FRAME} == {(0, 1), (1, 0)}


def test_a_deadline_in_a_newer_epoch_ends_the_patience_with_an_older_one() -> None:
    driver = Driver(3)
    turn(driver, range(3), 0, start=True)
    driver.to(0, FRAME, now=0.0, sync=True)
    turn(driver, range(2), 20 * RATE)
    assert driver.to(1, 20 * RATE + FRAME, now=1.0) == []
    steps = computes(driver.timeline.tick(1.1))
    assert [step.epoch for step in steps] == [0, 1]


def test_the_records_of_ended_epochs_go_away() -> None:
    driver = Driver(3)
    for turn_ in range(500):
        turn(driver, range(3), turn_ % 3 * RATE)
        for number in range(3):
            driver.to(number, driver.position[number] + 2 * FRAME)
    assert len(driver.timeline._roster.epochs) <= 2

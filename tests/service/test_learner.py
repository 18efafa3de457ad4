"""Passes with Learn: where they begin and end, what comes to nothing, and what is kept of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from hybridmix.engine import learner as learning
from hybridmix.engine.hops import Frame, UserValues
from hybridmix.engine.learner import Heard, Learner, Pass
from hybridmix.engine.planner import Planner
from hybridmix.plan.document import TrackPlan
from hybridmix.plan.passing import RECORD, plans
from hybridmix.timeline import Compute, Row, Standing
from hybridmix.wire.header import Role

RATE, FRAME = 48000, 2400
MEMBERS = (UUID(int=1 << 64), UUID(int=2))

Audio = npt.NDArray[np.float32]


def _noise(seed: int, frames: int, level: float = 0.1) -> Audio:
    return np.random.default_rng(seed).normal(0.0, level, (2, frames * FRAME)).astype(np.float32)


class _Group:
    """A group that plays noise, frame by frame."""

    def __init__(self, frames: int = 400) -> None:
        self.learner = Learner(RATE)
        self.audio = [_noise(seed, frames) for seed in (1, 2)]
        self.states: list[str] = []
        self.passes: list[Pass] = []

    def play(
        self,
        numbers: Sequence[int],
        epoch: int = 0,
        *,
        fresh: bool = True,
        learns: bool = True,
        missing: Sequence[int] = (),
    ) -> None:
        """Play frames by their numbers; of the second member those ``missing`` are stale."""
        for number in numbers:
            end = (number + 1) * FRAME
            user = UserValues(role=Role.AI_STEM, staging_amount=1.0, staging_level_db=-18.0, learns=learns)
            frames: list[Frame | None] = [
                None if member and number in missing else Frame(1, end, audio[:, end - FRAME : end], user)
                for member, audio in enumerate(self.audio)
            ]
            rows = tuple(
                Row(member, Standing.STALE if frame is None else Standing.WHOLE, end)
                for member, frame in zip(MEMBERS, frames, strict=True)
            )
            if self.learner.wants(frames):
                action = Compute(epoch, end, fresh and number == numbers[0], False, rows, False)
                sent: dict[str, npt.ArrayLike] = {
                    "gain_db": np.array([-3.0, np.nan]),
                    "staging_db": np.zeros(2),
                    "trim_db": -1.0,
                }
                energy = np.full(2, 0.02, np.float32)
                self.learner.note(Heard(action, frames, energy, sent, np.zeros(2, np.float32)))
            self.learner.work()
            self.states += self.learner.states()
            self.passes += self.learner.passes()

    def close(self) -> None:
        self.learner.close()
        for one in self.passes:
            one.file.close()


@pytest.fixture
def make_group() -> Iterator[Callable[[], _Group]]:
    """Makes groups, whose files are closed at the end."""
    made: list[_Group] = []

    def make() -> _Group:
        made.append(_Group())
        return made[-1]

    yield make
    for group in made:
        group.close()


def _records(one: Pass) -> npt.NDArray[np.void]:
    with one.file:
        one.file.seek(0)
        return np.frombuffer(one.file.read(), RECORD)


def test_a_pass_is_kept_from_a_start_to_its_end_and_becomes_a_plan(make_group: Callable[[], _Group]) -> None:
    group = make_group()
    group.play(range(40, 240))
    assert group.states == ["learning"]
    group.play([240], learns=False)
    assert group.states == ["learning", "planning"]
    (one,) = group.passes
    assert one.members == list(MEMBERS)
    made = {
        member: msgspec.json.decode(text, type=TrackPlan)
        for member, text in plans(_records(one), RATE).items()
    }
    for member, audio in enumerate(group.audio):
        plan = made[member]
        assert (plan.begin, plan.frames) == (40, 200)
        part = audio[:, 40 * FRAME : 240 * FRAME].reshape(2, 200, FRAME)
        levels = 10.0 * np.log10(np.square(part, dtype=np.float64).mean(axis=(0, 2)))
        assert np.abs(plan.level.numbers(200) - levels).max() <= 0.25 + 1e-9
        staged = plan.table("staging_db")
        assert staged == pytest.approx(np.full(200, -18.0 - levels.mean()), abs=0.02)
    assert made[0].table("gain_db") is not None
    assert made[1].table("gain_db") is None


def test_the_trim_keeps_the_sum_at_the_gains_of_the_plan_below_the_ceiling(
    make_group: Callable[[], _Group],
) -> None:
    group = make_group()
    group.audio = [_noise(seed, 400, 0.4) for seed in (3, 4)]
    group.play(range(120))
    group.play([120], learns=False)
    made = {
        member: msgspec.json.decode(text, type=TrackPlan)
        for member, text in plans(_records(group.passes[0]), RATE).items()
    }
    summed = np.zeros((2, 120 * FRAME))
    for member, audio in enumerate(group.audio):
        tables = [made[member].table(name) for name in ("gain_db", "staging_db")]
        level = sum(float(table[0]) for table in tables if table is not None)
        summed += audio[:, : 120 * FRAME] * 10.0 ** (level / 20.0)
    trims = [made[member].table("trim_db") for member in (0, 1)]
    assert trims[0] is not None
    assert trims[0] == pytest.approx(trims[1])
    assert -1.52 <= 20.0 * np.log10(np.abs(summed).max()) + trims[0][0] <= -1.45


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({"epoch": 1, "fresh": True}, ["learning", "planning", "learning"]),
        ({"epoch": 1, "fresh": False}, ["learning", "plan_jumped"]),
        ({"epoch": 0, "fresh": False}, ["learning"]),
    ],
    ids=["another start", "a jump", "going on"],
)
def test_a_start_ends_a_pass_and_a_jump_makes_nothing_of_it(
    second: dict[str, int], said: list[str], make_group: Callable[[], _Group]
) -> None:
    group = make_group()
    group.play(range(120))
    group.play(range(120, 240), epoch=second["epoch"], fresh=bool(second["fresh"]))
    assert group.states == said


def test_what_was_switched_on_in_the_midst_waits_for_a_start(make_group: Callable[[], _Group]) -> None:
    group = make_group()
    group.play(range(120), learns=False)
    group.play(range(120, 240), fresh=False)
    assert group.states == []


def test_short_long_and_patchy_passes_come_to_nothing(
    monkeypatch: pytest.MonkeyPatch, make_group: Callable[[], _Group]
) -> None:
    group = make_group()
    group.play(range(99))
    group.play([99], learns=False)
    assert group.states == ["learning", "plan_short"]
    for missing, said in ((range(10, 14), "plan_gaps"), (range(10, 12), "planning")):
        group = make_group()
        group.play(range(200), missing=missing)
        group.play([200], learns=False)
        assert group.states == ["learning", said]
    monkeypatch.setattr(learning, "MAX_ROWS", 300)
    group = make_group()
    group.play(range(200))
    assert group.states == ["learning", "plan_long"]
    assert not group.learner.listens
    monkeypatch.setattr(learning, "MAX_FRAMES", 120)
    group = make_group()
    group.play(range(140))
    assert group.states == ["learning", "plan_long"]


def test_a_pass_in_which_nothing_comes_any_more_is_over_after_two_seconds(
    make_group: Callable[[], _Group],
) -> None:
    group = make_group()
    group.play(range(120))
    for _ in range(2):
        group.learner.second()
    assert group.learner.listens
    group.learner.second()
    assert group.learner.states() == ["planning"]


def test_a_full_disk_ends_the_pass_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, make_group: Callable[[], _Group]
) -> None:
    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    group = make_group()
    group.play(range(3))
    assert group.states == ["plan_failed"]


def test_plans_are_made_in_a_process_of_their_own_in_the_order_of_the_passes(
    make_group: Callable[[], _Group],
) -> None:
    planner = Planner()
    try:
        expected = []
        for begin in (0, 40):
            group = make_group()
            group.play(range(begin, begin + 120))
            group.play([begin + 120], learns=False)
            (one,) = group.passes
            one.file.seek(0)
            expected.append(plans(np.frombuffer(one.file.read(), RECORD), RATE))
            planner.make(one)
        made: list[tuple[list[UUID], list[bytes] | None]] = []
        while len(made) < 2:
            made += list(planner.made())
            time.sleep(0.01)
        for (members, texts), wanted in zip(made, expected, strict=True):
            assert members == list(MEMBERS)
            assert texts == [wanted[0], wanted[1]]
    finally:
        planner.close()


def test_a_damaged_record_is_said_and_the_next_one_is_made(make_group: Callable[[], _Group]) -> None:
    planner = Planner()
    try:
        for broken in (True, False):
            group = make_group()
            group.play(range(120))
            group.play([120], learns=False)
            (one,) = group.passes
            if broken:
                one.file.truncate(100)
            planner.make(one)
        made: list[tuple[list[UUID], list[bytes] | None]] = []
        while len(made) < 2:
            made += list(planner.made())
            time.sleep(0.01)
        assert made[0][1] is None
        assert made[1][1] is not None
    finally:
        planner.close()

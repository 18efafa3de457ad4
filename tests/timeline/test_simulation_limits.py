"""At the limits of the rules and beyond them: exact up to there, then said, and never stuck."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridmix.timeline import Standing

from .scenarios import SCENARIOS
from .simulation.hosts import LiveHost, OfflineHost
from .simulation.scripts import Begins, Call, Jump, Script, from_position, shifted, stream, until_position
from .simulation.world import RATE, Network, World

MS = RATE // 1000


def steady(block: int, members: int = 6, seconds: float = 1.0) -> list[Script]:
    return [stream(block, int(seconds * RATE), 777)] * members


# ---------------------------------------------------------------------- Sync


@pytest.mark.parametrize(
    ("delay", "block", "workers", "ahead"),
    [
        (960, 960, 1, 0),
        (1920, 1920, 1, 0),
        (1920, 1920, 2, 0),
        (1920, 1920, 4, 0),
        (1920, 960, 4, 1),
        (1920, 960, 2, 1),
        (4800, 4800, 4, 0),
        (9600, 8192, 4, 0),
        (9600, 4800, 4, 1),
    ],
)
def test_a_bounce_is_complete_while_the_lead_is_within_the_control_delay(
    delay: int, block: int, workers: int, ahead: int
) -> None:
    for seed in range(3):
        world = World(steady(block), OfflineHost(workers, ahead), delay, seed).run()
        assert world.flaws == {}
        assert world.lead <= delay


@pytest.mark.parametrize(
    ("delay", "block", "workers", "ahead"),
    [(960, 1024, 1, 0), (1920, 8192, 1, 0), (1920, 4096, 4, 0), (1920, 1440, 4, 1), (9600, 8192, 4, 1)],
)
def test_a_bounce_beyond_the_rule_finishes_without_the_backstop_and_says_incomplete(
    delay: int, block: int, workers: int, ahead: int
) -> None:
    world = World(steady(block), OfflineHost(workers, ahead), delay).run()
    assert world.lead > delay
    assert {name for name in world.flaws if name != "late"} == {"masked", "incomplete"}
    assert world.done_at is not None
    assert world.done_at < 2


def test_positions_further_apart_than_the_delay_cost_less_than_twice_the_time() -> None:
    together = World(steady(512, members=8), OfflineHost(), 1920)
    script = stream(512, RATE, 9600)
    apart = World([shifted(script, 4096)] + [script] * 7, OfflineHost(), 1920)
    assert finished(apart) < 2 * finished(together)
    assert apart.flaws["incomplete"]


def test_track_by_track_costs_less_than_twice_the_complete_one_track_runs_and_says_incomplete() -> None:
    alone = World(steady(512, members=1), OfflineHost(), 1920)
    one_by_one = World(steady(512, members=8), OfflineHost(one_by_one=True), 1920)
    assert finished(one_by_one) < 2 * 8 * finished(alone)
    assert alone.flaws == {}
    assert set(one_by_one.flaws) == {"incomplete"}


def finished(world: World) -> float:
    """Seconds of simulated time until the last block is done."""
    world.run()
    assert not world.flaws.get("gave_up")
    assert world.done_at is not None
    return world.done_at


def test_a_masked_member_counts_again_as_soon_as_it_has_caught_up() -> None:
    script = stream(512, RATE, 9600)
    scripts = [shifted(script, 4096), script, script]
    world = World(scripts, OfflineHost(), 1920).run()
    assert world.flaws["masked"]
    world = World([*scripts[1:], pausing(script, 10, 20)], OfflineHost(), 1920).run()
    assert world.flaws["masked"]
    assert [row.standing for row in world.service.steps[-1].rows] == [Standing.WHOLE] * 3


def pausing(script: Script, first: int, turns: int) -> Script:
    """The host leaves the member out for some turns, and then lets it catch up in one block."""
    left_out = script[first : first + turns]
    catching_up = Call(left_out[0].position, sum(call.size for call in left_out))
    return script[:first] + [Call(0, 0)] * (turns - 1) + [catching_up] + script[first + turns :]


def test_a_closed_connection_ends_every_wait_at_once() -> None:
    world = World(
        steady(512),
        OfflineHost(apart=True),
        1920,
        processes=(0, 0, 0, 1, 1, 1),
        happens=[(0.05, lambda world: world.close(1))],
    ).run()
    assert all(0 < (world.shims[number].finished_at or 0) < 1 for number in range(3))
    assert [len(step.rows) for step in world.service.steps][-1] == 3


def test_a_silent_process_holds_the_others_up_once() -> None:
    world = World(
        steady(512),
        OfflineHost(apart=True),
        1920,
        processes=(0, 0, 0, 1, 1, 1),
        happens=[(0.05, lambda world: world.stop(1))],
    ).run()
    assert world.done(0, 1, 2)
    assert sum(world.shims[number].gave_up for number in range(3)) == 0
    assert world.shims[0].finished_at is not None
    assert 9 < world.shims[0].finished_at < 11


# ---------------------------------------------------------------------- live


@pytest.mark.parametrize(
    ("delay", "block"), [(960, 64), (960, 256), (1920, 64), (1920, 720), (4800, 2048), (9600, 4608)]
)
@pytest.mark.parametrize("load", [0.3, 0.8])
def test_live_is_exact_from_two_blocks_and_eight_milliseconds_on(delay: int, block: int, load: float) -> None:
    assert delay >= 2 * block + 8 * MS
    world = World(steady(block, members=8), LiveHost(load), delay).run()
    assert world.flaws == {}


@pytest.mark.parametrize(
    ("delay", "block", "skew"), [(1920, 64, 1024), (1920, 128, 900), (1920, 300, 400), (9600, 2048, 2800)]
)
@pytest.mark.parametrize("place", [0, 5])
def test_live_is_exact_with_members_apart_from_three_blocks_skew_and_twelve_milliseconds_on(
    delay: int, block: int, skew: int, place: int
) -> None:
    assert delay >= 3 * block + skew + 12 * MS
    script = stream(block, RATE, 9600)
    scripts = [shifted(script, skew) if number == place else script for number in range(6)]
    world = World(scripts, LiveHost(load=0.9), delay).run()
    assert world.flaws == {}


def test_taking_the_skew_off_the_deadline_as_well_only_makes_members_stale() -> None:
    """Why a live BLOCK tells bursts alone: the first to end a frame is the first to need its answer."""
    stale = []
    for tells_skew in (False, True):
        script = stream(64, RATE, 9600)
        world = World([shifted(script, 1024)] + [script] * 5, LiveHost(), 1920)
        for shim in world.shims:
            shim.tells_skew = tells_skew
        world.run()
        assert "late" not in world.flaws
        stale.append(world.flaws.get("stale", 0))
    assert stale[0] == 0
    assert stale[1] > 10


@pytest.mark.parametrize("period", [256, 512, 704])
def test_bursts_of_small_calls_are_exact_by_the_rule_for_the_burst(period: int) -> None:
    assert 2 * period + 8 * MS <= 1920
    scripts = steady(64, members=8)
    world = World(scripts, LiveHost(load=0.8, burst=period // 64), 1920).run()
    assert {name: count for name, count in world.flaws.items() if name != "late"} == {}
    assert max(shim.burst for shim in world.shims) == period


@pytest.mark.parametrize(("delay", "block"), [(960, 1024), (960, 8192), (1920, 4096)])
def test_live_beyond_the_rule_goes_on_and_counts(delay: int, block: int) -> None:
    world = World(steady(block, seconds=2), LiveHost(), delay).run()
    assert world.flaws
    assert len(world.service.steps) >= 38


def test_a_member_that_the_host_stops_calling_is_stale_for_half_a_second_and_disturbs_nobody() -> None:
    scripts = steady(512, members=5, seconds=2)
    scripts[4] = until_position(scripts[4], RATE)
    world = World(scripts, LiveHost(), 1920).run()
    assert world.counters.stale == 10
    assert world.flaws.keys() == {"stale", "masked"}
    assert len(world.service.steps[-1].rows) == 4


def test_tracks_run_200_ms_ahead_are_mixed_with_what_is_there() -> None:
    script = stream(256, 2 * RATE, 9600)
    scripts = [shifted(script, -9600), shifted(script, -9600), script, script]
    world = World(scripts, LiveHost(), 1920).run()
    assert world.flaws.keys() <= {"stale", "masked"}
    assert world.counters.stale
    assert len(world.shims[3].applied) > 30


def test_a_slow_network_makes_values_late_and_nothing_else() -> None:
    network = Network(5e-3, 20e-3, 1e-3)
    world = World(steady(512), LiveHost(), 1920, network=network).run()
    assert "late" in world.flaws
    assert len(world.shims[0].applied) > 15


# ---------------------------------------------------------------------- whatever comes


@st.composite
def sessions(draw: st.DrawFn) -> World:
    """Any mixture of hosts, blocks, skews, jumps, late starters, joins and processes."""
    members = draw(st.integers(1, 5))
    block = draw(st.sampled_from([64, 333, 512, 1024, 2048, 4801, 8192]))
    jumps: list[Jump] = []
    for _ in range(draw(st.integers(0, 3))):
        after = (jumps[-1].after if jumps else 0) + draw(st.integers(1, 20_000))
        jumps.append(Jump(after, draw(st.integers(-10_000, 60_000)), draw(st.sampled_from(list(Begins)))))
    base = stream(block, RATE // 2, draw(st.integers(-5000, 5000)), jumps)
    scripts = []
    for _ in range(members):
        script = shifted(base, draw(st.sampled_from([0, 0, 1, 300, 4096, 30_000])))
        if draw(st.booleans()):
            script = from_position(script, draw(st.integers(0, 12_000)))
        elif draw(st.booleans()):
            script = until_position(script, draw(st.integers(0, 12_000)))
        scripts.append(script)
    processes = [draw(st.integers(0, 2)) for _ in range(members)]
    host: LiveHost | OfflineHost
    if draw(st.booleans()):
        host = LiveHost(
            draw(st.sampled_from([0.3, 0.9])), draw(st.integers(1, 3)), draw(st.sampled_from([1, 4]))
        )
    else:
        host = OfflineHost(
            draw(st.integers(1, 4)), draw(st.integers(0, 2)), draw(st.booleans()), draw(st.booleans())
        )
    joins = [number for number in range(members) if draw(st.booleans())]
    delay = draw(st.sampled_from([960, 1920, 2880, 4800, 9600]))
    return World(scripts, host, delay, draw(st.integers(0, 99)), processes, joins)


@given(sessions())
@settings(max_examples=200, deadline=None, derandomize=True)
def test_no_session_gets_stuck(world: World) -> None:
    world.run()
    assert all(shim.gave_up == 0 for shim in world.shims)
    assert world.done(*range(len(world.shims)))


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_same_seed_gives_the_same_pass(name: str) -> None:
    worlds = [World(SCENARIOS[name](512), OfflineHost(3, 1), 960, seed=9).run() for _ in range(2)]
    assert worlds[0].service.steps == worlds[1].service.steps

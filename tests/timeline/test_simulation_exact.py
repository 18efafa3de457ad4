"""Within the rules a live pass and a bounce apply the same value at the same sample, always."""

from __future__ import annotations

from functools import cache

import pytest

from .scenarios import MEMBERS, SCENARIOS
from .simulation.hosts import LiveHost, OfflineHost
from .simulation.shim import Applied
from .simulation.world import World

JOINING = {"a member joins on the way": (MEMBERS - 1,)}


def play(name: str, host: LiveHost | OfflineHost, block: int, delay: int, seed: int) -> World:
    scripts = SCENARIOS[name](block)
    return World(scripts, host, delay, seed, joins=JOINING.get(name, ())).run()


@cache
def live(name: str, delay: int) -> list[list[Applied]]:
    world = play(name, LiveHost(shuffled=True), 256, delay, seed=7)
    assert world.flaws == {}
    assert all(shim.applied for shim in world.shims)
    return world.applied


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize(
    ("delay", "block", "workers"),
    [
        (1920, 64, 1),
        (1920, 512, 1),
        (1920, 512, 3),
        (1920, 1024, 3),
        (1920, 1600, 1),
        (9600, 512, 3),
        (9600, 4096, 1),
        (9600, 8192, 1),
        (9600, 8192, 3),
    ],
)
def test_a_bounce_equals_the_live_pass(name: str, delay: int, block: int, workers: int) -> None:
    world = play(name, OfflineHost(workers), block, delay, seed=block + workers)
    assert world.flaws == {}
    assert world.lead <= delay
    assert world.applied == live(name, delay)


@pytest.mark.parametrize("name", SCENARIOS)
def test_live_passes_equal_each_other_whatever_the_block_and_the_order_of_calls(name: str) -> None:
    for block, seed in ((64, 3), (333, 4)):
        world = play(name, LiveHost(load=0.8), block, 1920, seed)
        assert world.flaws == {}
        assert world.applied == live(name, 1920)


@pytest.mark.parametrize("processes", [(0, 0, 1, 1), (0, 1, 2, 3)])
@pytest.mark.parametrize(
    "name", ["plain", "loop that straddles frames", "seeks far and back", "loop of 100 ms"]
)
def test_it_makes_no_difference_in_how_many_processes_the_members_run(
    name: str, processes: tuple[int, ...]
) -> None:
    for host, block in (
        (LiveHost(), 256),
        (OfflineHost(), 512),
        (OfflineHost(3), 1024),
        (OfflineHost(2, apart=True), 1600),
    ):
        world = World(SCENARIOS[name](block), host, 1920, seed=5, processes=processes).run()
        assert world.flaws == {}
        assert world.applied == live(name, 1920)


def test_a_difference_in_one_frame_would_show() -> None:
    world = play("a member starts a block late", OfflineHost(), 512, 1920, seed=1)
    assert world.flaws == {}
    assert world.applied != live("plain", 1920)

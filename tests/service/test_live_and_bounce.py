"""With a gain network and every processor in the engine, too, a live pass and a bounce apply the same values at the same samples."""

from __future__ import annotations

import functools
from random import Random
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pytest
from tests.timeline.scenarios import SCENARIOS
from tests.timeline.simulation.events import Events
from tests.timeline.simulation.hosts import LiveHost, OfflineHost
from tests.timeline.simulation.service import Service, mixed
from tests.timeline.simulation.shim import Applied, Block, Bridge
from tests.timeline.simulation.world import RATE, World

from hybridmix.engine.group import Engine
from hybridmix.engine.hops import Pulse, UserValues
from hybridmix.engine.models import Models, load_models
from hybridmix.processors.swell import FLICKER
from hybridmix.timeline import Action, Compute, Feed
from hybridmix.wire.header import Role

from .networks import write

_DELAY = 1920


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return load_models("alm-mr-plus", write(tmp_path_factory.mktemp("networks"), "alm-mr-plus"))


@functools.cache
def _tape(member: UUID) -> npt.NDArray[np.float32]:
    """What a member plays at every position, again and again: noise whose level moves."""
    rng = np.random.default_rng(member.int)
    level = np.repeat(10.0 ** (rng.uniform(-45.0, -15.0, 30) / 20.0), RATE // 10)
    return (rng.normal(0.0, 1.0, len(level)) * level).astype(np.float32)


class Mixing(Service):
    """The service of the simulation with a real engine behind its timeline."""

    def __init__(self, models: Models, events: Events, random: Random, rate: int, compute_s: float) -> None:
        super().__init__(events, random, rate, compute_s)
        self.engine = Engine(rate, models)

    def join(self, member: UUID, bridge: Bridge) -> None:
        self.engine.register(member)
        super().join(member, bridge)

    def leave(self, member: UUID) -> None:
        super().leave(member)
        self.engine.forget(member)

    def block(self, block: Block) -> None:
        if block.frames:
            tape = _tape(block.member)
            at = np.arange(block.position, block.position + block.frames) % len(tape)
            role = Role.AI_STEM if block.member.int % 2 else Role.LIVE_SOURCE
            user = UserValues(
                delay=block.delay,
                role=role,
                dip_amount=1.0,
                dip_budget_lu=3.0,
                breath_amount=1.0,
                breath_depth_db=2.5,
                staging_amount=1.0,
                staging_level_db=-18.0,
                density_amount=1.0,
                high_pass_amount=1.0,
                groove_amount=1.0,
                groove_limit_ms=5.0,
                groove_constant_ms=20.0,
                room_amount=1.0,
                breath_both=True,
                breath_sustained=FLICKER,
                is_drums=block.member.int % 4 == 0,
                is_bass=block.member.int % 4 == 2,
            )
            pulse = Pulse(block.position, block.position * 2.0 / RATE, 120.0)
            self.engine.push(block.member, block.run, block.position, tape[at][np.newaxis], user, pulse)
        super().block(block)

    def _execute(self, actions: list[Action]) -> None:
        super()._execute(actions)
        if self.random.random() < 0.5:
            self.engine.work()

    def _feed(self, action: Feed) -> None:
        self.engine.feed(action.member, action.end)

    def _values_of(self, step: Compute) -> int:
        self.engine.compute(step)
        values = [self.engine.values(step.epoch, step.end, row.member) for row in step.rows]
        assert any(values)
        return mixed(values)


def _play(
    models: Models, name: str, host: LiveHost | OfflineHost, block: int, seed: int
) -> list[list[Applied]]:
    joins = (3,) if name == "a member joins on the way" else ()
    serve = functools.partial(Mixing, models)
    world = World(SCENARIOS[name](block), host, _DELAY, seed, joins=joins, serve=serve).run()
    assert world.flaws == {}
    assert isinstance(world.service, Mixing)
    assert world.service.engine.held == world.service.engine.stood_in == 0
    return world.applied


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "starts inside a hop",
        "loop that straddles frames",
        "loop of 100 ms",
        "seeks far and back",
        "stops and starts",
        "a member joins on the way",
        "one plugin is reset",
        "positions apart, and a loop",
    ],
)
def test_a_bounce_equals_the_live_pass(models: Models, name: str) -> None:
    live = _play(models, name, LiveHost(shuffled=True), 256, 7)
    assert all(live)
    assert _play(models, name, LiveHost(load=0.8), 64, 3) == live
    assert _play(models, name, OfflineHost(1), 512, 5) == live
    assert _play(models, name, OfflineHost(3), 1024, 6) == live

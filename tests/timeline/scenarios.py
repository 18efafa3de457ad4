"""What hosts do with a session of four members, for any block size."""

from __future__ import annotations

from collections.abc import Callable

from .simulation.scripts import Begins, Jump, Script, from_position, shifted, stream
from .simulation.world import RATE

MEMBERS = 4
LENGTH = 2 * RATE
Scenario = Callable[[int], list[Script]]


def _all(start: int = 0, *jumps: Jump) -> Scenario:
    return lambda block: [stream(block, LENGTH, start, jumps)] * MEMBERS


def _last_from(first: int) -> Scenario:
    def scripts(block: int) -> list[Script]:
        script = stream(block, LENGTH)
        return [script] * (MEMBERS - 1) + [from_position(script, first)]

    return scripts


def _skewed(offset: int, *jumps: Jump) -> Scenario:
    def scripts(block: int) -> list[Script]:
        script = stream(block, LENGTH, 9600, jumps)
        return [shifted(script, offset)] + [script] * (MEMBERS - 1)

    return scripts


def _last_alone(*jumps: Jump) -> Scenario:
    def scripts(block: int) -> list[Script]:
        cuts = [Jump(jump.after, jump.after, None) for jump in jumps]
        return [stream(block, LENGTH, 0, cuts)] * (MEMBERS - 1) + [stream(block, LENGTH, 0, jumps)]

    return scripts


SCENARIOS: dict[str, Scenario] = {
    "plain": _all(),
    "starts inside a hop": _all(1950),
    "starts before zero": _all(-50_001),
    "loop that straddles frames": _all(0, Jump(30_001, 20_011), Jump(59_991, 20_011)),
    "loop of 100 ms": _all(0, *(Jump(30_000 + 4800 * turn, 4800) for turn in range(8))),
    "seeks far and back": _all(0, Jump(30_001, 100_003), Jump(60_000, 33)),
    "seeks near": _all(0, Jump(30_001, 37_003), Jump(60_000, 66_035)),
    "stops and starts": _all(0, Jump(30_001, 30_001, Begins.START), Jump(60_000, 33, Begins.START)),
    "a member starts a block late": _last_from(512),
    "a member starts some blocks late": _last_from(4096),
    "a member joins on the way": _last_from(40_001),
    "one plugin is reset": _last_alone(Jump(30_001, 30_001, Begins.START)),
    "one plugin is reset twice": _last_alone(Jump(30_001, 30_001, Begins.START), Jump(30_700, 30_700)),
    "one track moves back a little": _last_alone(Jump(30_001, 29_701)),
    "one track moves ahead a little": _last_alone(Jump(30_001, 30_301)),
    "positions apart, and a loop": _skewed(300, Jump(30_001, 20_011), Jump(60_001, 20_011)),
}

"""A run that begins from a stop goes on from the values that it starts with."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import pytest

from hybridmix.engine.client import Client
from hybridmix.wire import Flags, Kind, parameters

from .running import FRAME, RATE, block, join, start

GAIN, TRIM = (parameters.load().named(name).id for name in ("gain_db", "trim_db"))

Values = dict[int, float]


def _noise(seed: int, frames: int, level: float = 0.1) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(seed).normal(0.0, level, (2, frames * FRAME)).astype(np.float32)


def _answers(client: Client, count: int) -> dict[UUID, list[Values]]:
    """The values of the next ``count`` answers, by instance."""
    told: dict[UUID, list[Values]] = {}
    for _ in range(count):
        answer = client.expect(Kind.PARAMS)
        told.setdefault(answer.header.instance, []).append(dict(answer.values))
    return told


def _reached(client: Client, instance: UUID, amount: float, offset_db: float) -> Values:
    """The values at the end of 10 s of steady noise, begun neutrally."""
    client.send(start(instance))
    last: Values = {}
    for part in range(20):
        audio = _noise(part, 10)
        at = part * 10 * FRAME
        client.send(block(instance, audio, at, flags=Flags.SYNC, amount=amount, offset_db=offset_db))
        last = _answers(client, 10)[instance][-1]
    return last


@pytest.mark.parametrize(("amount", "offset_db"), [(1.0, 0.0), (0.5, 20.0)])
def test_the_first_values_are_those_of_the_start_and_nothing_pulls_away(
    client: Client, amount: float, offset_db: float
) -> None:
    instance = client.join(join()).instance
    learned = _reached(client, instance, amount, offset_db)
    client.send(start(instance, run=2, values=sorted(learned.items())))
    audio = _noise(99, 12)
    client.send(block(instance, audio, 0, run=2, flags=Flags.SYNC, amount=amount, offset_db=offset_db))
    told = _answers(client, 12)[instance]
    assert told[0] == pytest.approx(learned, abs=0.01)
    for values in told:
        assert values == pytest.approx(learned, abs=0.2)


def test_a_start_without_values_is_neutral_even_after_one_with_values(client: Client) -> None:
    instance = client.join(join()).instance
    told = {}
    starts: list[list[tuple[int, float]]] = [[], [(GAIN, -20.0), (TRIM, -9.0)], []]
    for run, values in enumerate(starts, 1):
        client.send(start(instance, run=run, values=values))
        client.send(block(instance, _noise(1, 12), 0, run=run, flags=Flags.SYNC))
        told[run] = _answers(client, 12)[instance]
    assert told[2][0] == pytest.approx({GAIN: -20.0, TRIM: -9.0}, abs=0.1)
    assert told[3] == told[1]
    assert [GAIN in values for values in told[1]] == [False] * 7 + [True] * 5


def test_silence_holds_the_values_of_the_start(client: Client) -> None:
    instance = client.join(join()).instance
    client.send(start(instance, values=[(GAIN, 7.5), (TRIM, -3.25)]))
    client.send(block(instance, _noise(0, 12, level=0.0), 0, flags=Flags.SYNC))
    for values in _answers(client, 12)[instance]:
        assert values == pytest.approx({GAIN: 7.5, TRIM: -3.25}, abs=0.05)


def test_the_lowest_trim_of_the_group_holds_and_each_gain_is_its_own(client: Client) -> None:
    starts = {
        client.join(join(0)).instance: [(GAIN, -4.0), (TRIM, -2.0)],
        client.join(join(1)).instance: [(GAIN, 3.0), (TRIM, -6.0)],
        client.join(join(2)).instance: [],
    }
    for instance, values in starts.items():
        client.send(start(instance, values=values))
    for instance in starts:
        client.send(block(instance, _noise(0, 1, level=1e-3), 0, flags=Flags.SYNC))
    told = _answers(client, 3)
    for instance, values in starts.items():
        own = {number: value for number, value in values if number == GAIN}
        assert told[instance] == [pytest.approx(own | {TRIM: -6.0}, abs=0.05)]


def test_a_track_that_starts_later_begins_at_its_own_gain_and_leaves_the_trim(client: Client) -> None:
    playing, late = client.join(join(0)).instance, client.join(join(1)).instance
    client.send(start(playing, values=[(GAIN, -4.0), (TRIM, -2.0)]))
    client.send(start(late, position=4 * FRAME, values=[(GAIN, -12.0), (TRIM, -30.0)]))
    client.send(block(playing, _noise(0, 12, level=1e-3), 0, flags=Flags.SYNC))
    client.send(block(late, _noise(1, 8, level=1e-3), 4 * FRAME, flags=Flags.SYNC))
    told = _answers(client, 20)[late]
    # It counts from the first frame that begins a control delay after its start.
    assert told[0] == {}
    assert told[1] == pytest.approx({GAIN: -12.0, TRIM: -2.0}, abs=0.05)


def test_a_plugin_that_restarts_alone_keeps_what_the_service_knows_of_it(client: Client) -> None:
    playing, reset = client.join(join(0)).instance, client.join(join(1)).instance
    for instance in (playing, reset):
        client.send(start(instance))
    for instance in (playing, reset):
        client.send(block(instance, _noise(0, 12), 0, flags=Flags.SYNC))
    before = _answers(client, 24)[reset][-1][GAIN]
    client.send(start(reset, run=2, position=12 * FRAME, values=[(GAIN, 12.0)]))
    client.send(block(playing, _noise(1, 10), 12 * FRAME, flags=Flags.SYNC))
    client.send(block(reset, _noise(1, 10), 12 * FRAME, run=2, flags=Flags.SYNC))
    gains = [values[GAIN] for values in _answers(client, 20)[reset] if GAIN in values]
    assert gains
    assert gains == pytest.approx([before] * len(gains), abs=1.0)


def test_a_gain_offset_counts_in_the_trim_only_once_it_is_applied(client: Client) -> None:
    instance = client.join(join()).instance
    client.send(start(instance))
    level = np.tile(np.array([0.5, -0.5], np.float32), (2, RATE // 40))
    client.send(block(instance, level, 0, flags=Flags.SYNC, offset_db=20.0))
    assert _answers(client, 1)[instance] == [{TRIM: 0.0}]

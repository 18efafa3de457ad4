"""The built VST3 in minihost, which plays any transport: loops, seeks, stops."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import minihost
import numpy as np
import pytest

RATE = 48_000
FRAME = RATE // 20
#: Control delay of the plugin's default, 40 ms.
DELAY = RATE * 40 // 1000
BLOCK = 480

Audio = np.ndarray[Any, np.dtype[np.float32]]


def open_plugin(bundle: str, **settings: str) -> Any:
    plugin = minihost.Plugin(bundle, RATE, BLOCK, 2, 2)
    for name, text in settings.items():
        index = plugin.find_param(name.replace("_", " "))
        plugin.set_param(index, plugin.param_from_text(index, text))
    return plugin


def shown(plugin: Any, name: str) -> str:
    index = plugin.find_param(name)
    return str(plugin.param_to_text(index, plugin.get_param(index)))


def play(plugin: Any, positions: Iterable[int | None], level: float = 0.25) -> Audio:
    """Play a constant level, a block at each position; None is a stopped transport."""
    source = np.full((2, BLOCK), level, np.float32)
    blocks = []
    for position in positions:
        plugin.set_transport(120.0, position_samples=position or 0, is_playing=position is not None)
        block = np.zeros_like(source)
        plugin.process(source, block)
        blocks.append(block)
    return np.concatenate(blocks, axis=1)


def forward(begin: int, blocks: int) -> list[int | None]:
    return [begin + BLOCK * block for block in range(blocks)]


TRANSPORTS: dict[str, list[int | None]] = {
    "from the start": forward(0, 50),
    "from before the start": forward(-7 * BLOCK - 13, 50),
    "a loop": forward(96_000, 20) * 3,
    "seeks": forward(0, 7) + forward(1_000_001, 7) + forward(17, 7),
    "stops": forward(0, 7) + [None] * 7 + forward(7 * BLOCK, 7) + [None],
    "never playing": [None] * 20,
}


@pytest.mark.parametrize("positions", TRANSPORTS.values(), ids=TRANSPORTS.keys())
def test_without_a_service_every_transport_passes_audio_bit_for_bit(
    bundle: str, positions: list[int | None]
) -> None:
    plugin = open_plugin(bundle)
    assert plugin.latency_samples == 0
    assert np.all(play(plugin, positions, level=0.3) == np.float32(0.3))
    assert shown(plugin, "Status") == "No service"


def join(plugin: Any) -> None:
    """Play on the stopped transport until values flow."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        play(plugin, [None] * 10)
        if shown(plugin, "Status") == "Mixing":
            return
        time.sleep(0.01)
    raise AssertionError(f"the plugin shows {shown(plugin, 'Status')!r}")


@pytest.mark.usefixtures("service")
def test_a_gain_begins_at_its_exact_sample_after_a_start_and_in_every_turn_of_a_loop(bundle: str) -> None:
    plugin = open_plugin(bundle, Mode="Sync")
    join(plugin)
    assert np.all(play(plugin, forward(0, 40)) == np.float32(0.25)), "the user asks for no gain yet"
    for begin in (480_000, 960_000):
        index = plugin.find_param("Gain Offset")
        change = -6.0 if begin == 480_000 else 0.0
        plugin.set_param(index, plugin.param_from_text(index, str(change)))
        output = play(plugin, forward(begin, 60))
        moved = np.flatnonzero(output[0] != output[0, 0])
        # The value stays until the first whole frame of the new run applies; there the ramp starts.
        assert output[0, FRAME + DELAY] == output[0, 0]
        assert moved[0] == FRAME + DELAY + 1
        assert output[0, -1] == pytest.approx(0.25 * 10 ** (change / 20), rel=1e-6)
    assert shown(plugin, "Late") == "0"
    assert shown(plugin, "Status") == "Mixing"


@pytest.mark.usefixtures("service")
def test_no_transport_makes_a_click(bundle: str) -> None:
    plugin = open_plugin(bundle, Mode="Sync", Gain_Offset="-12")
    join(plugin)
    for positions in TRANSPORTS.values():
        output = play(plugin, positions)
        step = np.abs(np.diff(20 * np.log10(output[0])))
        # At most 480 dB/s, the fastest ramp there is, and rounding.
        assert step.max() < 480 / RATE + 1e-4
    play(plugin, [None] * 60)
    assert shown(plugin, "Applied Gain") == "-12.00"

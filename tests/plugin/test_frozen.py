"""Frozen tracks sound the same, bit for bit, in pedalboard and minihost; the CLAP and VST3 hosts of the Rust tests
read the same file (plugin_shim/shim/tests/shells/frozen.rs)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import minihost
import msgspec
import numpy as np
import pedalboard
import pytest

from hybridmix.plan.document import series
from hybridmix.presets.host import vst_preset
from hybridmix.wire import parameters

GOLDEN = Path(__file__).parents[1] / "golden/plan/frozen.json"
BLOCKS = (64, 480, 1000, 4096)

Audio = np.ndarray[Any, np.dtype[np.float32]]


def state() -> dict[str, Any]:
    """The state of the golden file: 2 s in which every section moves, for noise at -4.8 dBFS."""
    frame = np.arange(40)
    octaves = [name for name in (one.name for one in parameters.load().parameters) if name.startswith("t60_")]
    values = {
        "gain_db": (-6.0 + 0.37 * ((frame // 3) % 7), 100),
        "trim_db": (np.full(40, -1.5), 100),
        "dip_db": (-3.0 - (frame % 2), 100),
        "dip_hz": (250.0 + 5.0 * (frame % 11), 10),
        "breath_db": (0.6 * (frame % 5) - 1.2, 100),
        "staging_db": (-2.0 - 0.5 * (frame // 10), 100),
        "density_threshold_db": (-24.0 + (frame // 8), 10),
        "density_mix": (0.3 + 0.02 * (frame % 16), 1000),
        "high_pass_mix": (0.02 * frame, 1000),
        "reverb_send": (0.8 - 0.01 * frame, 1000),
        "predelay_ms": (4.0 + 0.2 * frame, 10),
        **{name: (0.4 + 0.1 * at + 0.01 * frame, 1000) for at, name in enumerate(octaves)},
    }
    point = np.arange(5 * 40)
    plan = {
        "begin": 0,
        "fades": msgspec.to_builtins(series(np.minimum(0.0, 0.8 * (point % 23) - 2.4), 100)),
        "frames": 40,
        "level": msgspec.to_builtins(series(np.full(40, -5.0), 2)),
        "values": {name: msgspec.to_builtins(series(*table)) for name, table in values.items()},
        "version": 1,
    }
    return {
        "format": "hybridmix-state",
        "instance": None,
        "label": "",
        "params": {"plan": 1.0},
        "plan": plan,
        "session": None,
        "start": {},
        "version": 1,
    }


def noise(seed: int, channels: int, frames: int) -> Audio:
    """What the Rust tests play: planar noise by xorshift."""
    every = (1 << 64) - 1
    state = (seed * 0x9E3779B97F4A7C15) & every | 1
    samples = np.empty(channels * frames, np.float32)
    for index in range(channels * frames):
        state ^= (state << 13) & every
        state ^= state >> 7
        state ^= (state << 17) & every
        samples[index] = (state >> 40) / (1 << 23) - 1.0
    return samples.reshape(channels, frames)


def fnv(audio: Audio) -> str:
    """FNV-1a of the bits of all samples, a word at a time."""
    number = 0xCBF29CE484222325
    for word in audio.reshape(-1).view(np.uint32).tolist():
        number = (number ^ word) * 0x100000001B3 & ((1 << 64) - 1)
    return f"{number:016x}"


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(GOLDEN.read_text())
    return found


@pytest.fixture(scope="module")
def song(golden: dict[str, Any]) -> Audio:
    return noise(golden["seed"], 2, golden["frames"])


def test_the_golden_file_holds_the_plan_of_this_page(golden: dict[str, Any]) -> None:
    assert golden["state"] == state()


def test_every_section_that_a_plan_may_have_is_in_it() -> None:
    sections = {one.section for one in parameters.load().parameters if one.name in state()["plan"]["values"]}
    assert sections == {one.section for one in parameters.load().parameters} - {"groove"}


def test_pedalboard_plays_the_plan_at_every_block_size(
    bundle: str, golden: dict[str, Any], song: Audio
) -> None:
    plugin = pedalboard.load_plugin(bundle)
    plugin.preset_data = vst_preset(golden["state"])
    for block in BLOCKS:
        output = plugin.process(song, golden["rate"], buffer_size=block)
        assert fnv(output) == golden["fnv"], f"blocks of {block}"
    assert plugin.parameters["status"].string_value == "Frozen"


def test_it_does_so_in_any_order_of_instances(bundle: str, golden: dict[str, Any], song: Audio) -> None:
    plugins = [pedalboard.load_plugin(bundle) for _ in range(3)]
    for plugin in plugins:
        plugin.preset_data = vst_preset(golden["state"])
        plugin.process(song[:, :5000], golden["rate"])
    for plugin in reversed(plugins):
        assert fnv(plugin.process(song, golden["rate"])) == golden["fnv"]


@pytest.mark.parametrize("block", BLOCKS)
def test_minihost_plays_it_on_its_timeline(
    bundle: str, golden: dict[str, Any], song: Audio, block: int, tmp_path: Path
) -> None:
    preset = tmp_path / "frozen.vstpreset"
    preset.write_bytes(vst_preset(golden["state"]))
    plugin = minihost.Plugin(bundle, golden["rate"], block, 2, 2)
    minihost.load_vstpreset(preset, plugin)
    heard = []
    for begin in range(0, song.shape[1], block):
        part = np.ascontiguousarray(song[:, begin : begin + block])
        out = np.zeros_like(part)
        plugin.set_transport(120.0, position_samples=begin, is_playing=True)
        plugin.process(part, out)
        heard.append(out)
    assert fnv(np.concatenate(heard, axis=1)) == golden["fnv"]

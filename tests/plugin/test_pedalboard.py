"""The built VST3 in pedalboard: what a Python script of a user sees."""

from __future__ import annotations

import json
import struct
import time
from typing import Any

import numpy as np
import pedalboard
import pytest

from hybridmix.presets import NEUTRAL, SETTINGS


def noise(channels: int, frames: int, seed: int = 1) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(seed).standard_normal((channels, frames)).astype(np.float32)


def component_state(preset: bytes) -> bytes:
    """The plugin's own state inside a .vstpreset file."""
    (at,) = struct.unpack_from("<q", preset, 40)
    assert preset[at : at + 4] == b"List"
    (count,) = struct.unpack_from("<i", preset, at + 4)
    for entry in range(count):
        name, offset, size = struct.unpack_from("<4sqq", preset, at + 8 + 20 * entry)
        if name == b"Comp":
            return preset[offset : offset + size]
    raise AssertionError("no component state")


def preset_with(plugin: Any, state: bytes) -> bytes:
    """The plugin's .vstpreset file with another state."""
    preset: bytes = plugin.preset_data
    head, end = preset[:48], 48 + len(state)
    entries = struct.pack("<4sqq", b"Comp", 48, len(state)) + struct.pack("<4sqq", b"Cont", end, 0)
    return head[:40] + struct.pack("<q", end) + state + b"List" + struct.pack("<i", 2) + entries


@pytest.mark.parametrize("rate", [44_100, 48_000, 88_200, 96_000, 176_400, 192_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_neutral_output_equals_input_bit_for_bit(bundle: str, rate: int, channels: int) -> None:
    plugin = pedalboard.load_plugin(bundle)
    for block in (1, 64, 441, 512, 1000, 4096, 8192):
        audio = noise(channels, min(20_011, 1_003 * block), seed=block)
        output = plugin.process(audio, rate, buffer_size=block)
        assert np.array_equal(output, audio), f"blocks of {block}"


def test_the_plugin_says_what_it_is_and_adds_no_latency(bundle: str) -> None:
    plugin = pedalboard.load_plugin(bundle)
    assert (plugin.name, plugin.manufacturer_name, plugin.category) == ("HybridMix", "HybridMix", "Fx|Tools")
    assert plugin.is_effect
    assert plugin.reported_latency_samples == 0


def test_loading_takes_less_than_a_second_without_a_service(bundle: str) -> None:
    for _ in range(3):
        begin = time.monotonic()
        plugin = pedalboard.load_plugin(bundle)
        plugin.process(noise(2, 4800), 48_000)
        assert time.monotonic() - begin < 1.0


def test_parameters_have_units_texts_and_ranges(bundle: str) -> None:
    plugin = pedalboard.load_plugin(bundle)
    seen = {
        name: (parameter.name, parameter.label or "", parameter.string_value)
        for name, parameter in plugin.parameters.items()
    }
    assert seen == {
        "bypass": ("Bypass", "", "Off"),
        "amount": ("Amount", "%", "100"),
        "gain_offset_db": ("Gain Offset", "dB", "0.0"),
        "group": ("Group", "", "1"),
        "role": ("Role", "", "Unset"),
        "mode": ("Mode", "", "Auto"),
        "control_delay": ("Control Delay", "ms", "40 ms"),
        "on_loss": ("On Loss", "", "Hold"),
        "status": ("Status", "", "No service"),
        "applied_gain_db": ("Applied Gain", "dB", "0.00"),
        "late": ("Late", "", "0"),
        "needed_delay_ms": ("Needed Delay", "ms", "0"),
        "lock": ("Lock", "", "Off"),
        "dip_amount": ("Dip Amount", "%", "0"),
        "dip_budget_lu": ("Dip Budget", "LU", "1.0"),
        "breath_amount": ("Breath Amount", "%", "0"),
        "breath_depth_db": ("Breath Depth", "dB", "2.5"),
        "staging_amount": ("Staging Amount", "%", "0"),
        "staging_level_db": ("Staging Level", "dB", "-18.0"),
        "density_amount": ("Density Amount", "%", "0"),
        "high_pass_amount": ("High-Pass Amount", "%", "0"),
        "overall_amount": ("Overall Amount", "%", "100"),
        "plan": ("Plan", "", "Off"),
        "groove_amount": ("Groove Amount", "%", "0"),
        "groove_limit": ("Groove Limit", "ms", "5 ms"),
        "groove_constant": ("Groove Constant", "", "Follow"),
        "groove_tempo_bpm": ("Groove Tempo", "BPM", "0.000"),
        "room_amount": ("Room Amount", "%", "0"),
        "learn": ("Learn", "", "Off"),
        "breath_direction": ("Breath Direction", "", "Expand"),
        "breath_sustained": ("Breath Sustained", "", "Off"),
        "breath_fades": ("Breath Fades", "", "Off"),
        "groove_source": ("Groove Source", "", "Auto"),
        "groove_first_beat_s": ("Groove First Beat", "s", "0.0000"),
    }
    assert plugin.parameters["gain_offset_db"].range == pytest.approx((-24.0, 24.0, 0.1))
    assert plugin.parameters["role"].valid_values == ["Unset", "AI stem", "Live source"]


def test_a_track_without_a_preset_is_set_like_a_new_plugin(bundle: str) -> None:
    params = json.loads(component_state(pedalboard.load_plugin(bundle).preset_data))["params"]
    assert {name: params[name] for name in NEUTRAL.params()} == NEUTRAL.params()
    assert NEUTRAL.params().keys() == {param for param, _ in SETTINGS.values()}


def test_parameters_take_values_and_texts(bundle: str) -> None:
    plugin = pedalboard.load_plugin(bundle)
    plugin.gain_offset_db = -3.3
    plugin.role = "Live source"
    plugin.group = 7
    plugin.amount = 37
    plugin.bypass = True
    # The host hands new values over with the next block.
    plugin.process(noise(2, 512), 48_000)
    params = json.loads(component_state(plugin.preset_data))["params"]
    expected = {"gain_offset": -3.3, "role": 2.0, "group": 7.0, "amount": 37.0, "bypass": 1.0}
    assert {name: params[name] for name in expected} == expected


def test_the_status_is_seen_after_a_render(bundle: str) -> None:
    plugin = pedalboard.load_plugin(bundle)
    plugin.process(noise(2, 4800), 48_000)
    assert plugin.parameters["status"].string_value == "No service"
    plugin.process(noise(2, 4800), 32_000)
    assert plugin.parameters["status"].string_value == "Sample rate not supported"


def test_a_state_travels_in_a_preset_and_back(bundle: str) -> None:
    first, second = pedalboard.load_plugin(bundle), pedalboard.load_plugin(bundle)
    state = json.loads(component_state(first.preset_data))
    assert (state["format"], state["version"]) == ("hybridmix-state", 1)
    state["params"]["gain_offset"] = 4.7
    state["instance"] = "0b9cf0b3-3f0c-5d6d-8f4f-0d6a3c1c9e11"
    state["label"] = "Bass"
    state["start"] = {"gain_db": -6.0, "trim_db": -1.5}
    text = json.dumps(state, sort_keys=True, separators=(",", ":")).encode()
    second.preset_data = preset_with(second, text)
    assert json.loads(component_state(second.preset_data)) == state
    assert second.gain_offset_db == pytest.approx(4.7)
    third = pedalboard.load_plugin(bundle)
    third.raw_state = second.raw_state
    assert component_state(third.preset_data) == component_state(second.preset_data)


def test_many_instances_share_a_process(bundle: str) -> None:
    plugins = [pedalboard.load_plugin(bundle) for _ in range(32)]
    audio = noise(2, 2_000)
    for plugin in plugins:
        assert np.array_equal(plugin.process(audio, 48_000, buffer_size=256), audio)
    for plugin in plugins[::2]:
        plugin.reset()
    del plugins[5:20]
    for plugin in plugins:
        assert np.array_equal(plugin.process(audio, 44_100, buffer_size=512), audio)


@pytest.mark.usefixtures("service")
def test_the_users_gain_comes_back_from_the_service_and_is_seen(bundle: str) -> None:
    plugin = pedalboard.load_plugin(bundle)
    audio = np.full((2, 48_000), 0.25, np.float32)
    deadline = time.monotonic() + 20
    while plugin.parameters["status"].string_value != "Mixing" and time.monotonic() < deadline:
        plugin.process(audio, 48_000, reset=False)
    plugin.gain_offset_db = -6.0
    output = plugin.process(audio, 48_000, reset=False)
    assert output[0, -1] == pytest.approx(0.25 * 10 ** (-6 / 20), rel=1e-6)
    shown = {name: plugin.parameters[name].string_value for name in ("status", "applied_gain_db", "late")}
    assert shown == {"status": "Mixing", "applied_gain_db": "-6.00", "late": "0"}

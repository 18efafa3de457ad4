"""With its amount at 0 a section passes bit for bit: real plugin, real service, everything else that it needs there."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

import numpy as np
import pytest
from tests.built import NEEDS_PLUGIN

from hybridmix.batch.plugin import LOOK_AHEAD_MS
from hybridmix.batch.private_service import PrivateService
from hybridmix.bench.everything import AMOUNTS, of_role
from hybridmix.bench.stage import Part, Voice, load_voices, on_stage

pytestmark = NEEDS_PLUGIN

SECONDS = 2.5
#: The demo this much softer needs no trim of the group, which no amount takes back.
SOFT = np.float32(0.1)


@pytest.fixture(scope="module")
def service() -> Iterator[PrivateService]:
    with PrivateService("alm-mr-plus") as running:
        yield running


@pytest.fixture(scope="module")
def song() -> tuple[list[Voice], int]:
    with resources.as_file(resources.files("hybridmix") / "demo" / "session.toml") as session:
        voices, rate = load_voices(session, SECONDS)
    return [Voice(voice.label, voice.role, SOFT * voice.audio) for voice in voices], rate


def _played(
    service: PrivateService, song: tuple[list[Voice], int], settings: dict[str, float]
) -> list[np.ndarray[tuple[int, int], np.dtype[np.float32]]]:
    """What leaves the plugins with every section on, but for ``settings``."""
    voices, rate = song
    full = [
        Voice(voice.label, voice.role, voice.audio, settings={**of_role(voice.role), **settings})
        for voice in voices
    ]
    frames = max(voice.audio.shape[1] for voice in voices)
    with on_stage(service, full, rate, 40) as stage:
        return stage.play([Part(0, frames)], 1024, live=False)


def test_every_amount_at_0_passes_bit_for_bit(service: PrivateService, song: tuple[list[Voice], int]) -> None:
    every = dict.fromkeys([name for name in AMOUNTS if name != "overall_amount"], 0.0)
    assert len(every) == 8
    for voice, out in zip(song[0], _played(service, song, every), strict=True):
        np.testing.assert_array_equal(out.view(np.uint32), voice.audio.view(np.uint32), voice.label)


def test_overall_amount_at_0_passes_bit_for_bit_as_late_as_groove_makes_it(
    service: PrivateService, song: tuple[list[Voice], int]
) -> None:
    for voice, out in zip(song[0], _played(service, song, {"overall_amount": 0.0}), strict=True):
        late = LOOK_AHEAD_MS * song[1] // 1000 if voice.role == 1 else 0
        heard = voice.audio[:, : voice.audio.shape[1] - late]
        np.testing.assert_array_equal(out[:, late:].view(np.uint32), heard.view(np.uint32), voice.label)

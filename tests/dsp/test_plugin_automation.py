"""Every amount, turned while a real plugin plays with a real service, leaves the sound that its section makes of ideally
ramped values: what the service sent is taken from its record, what it does to the sound from the references in numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.built import NEEDS_PLUGIN

from hybridmix.batch.plugin import LOOK_AHEAD_MS
from hybridmix.batch.private_service import PrivateService
from hybridmix.bench.everything import AMOUNTS, of_role
from hybridmix.bench.stage import Voice, on_stage
from hybridmix.presets import ROLES
from hybridmix.wire import parameters
from hybridmix_models.evaluation.groove.splices import Ask, splice

from . import density_reference, dip_reference, high_pass_reference, reverb_reference
from .reference import Change, Pace, curve, gain_db

pytestmark = NEEDS_PLUGIN

RATE = 44100
SECONDS = 15.0
BLOCK = 441
GOAL_DB = -80.0
#: Samples by which groove is late.
LATE = LOOK_AHEAD_MS * RATE // 1000
#: Blocks from one turn of the amount to the next: 0.2 s.
TURN = 20
DECLARED = {one.name: one for one in parameters.load().parameters}
AI, LIVE = ROLES["ai_stem"], ROLES["live_source"]

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]


def _ramps(names: list[str], changes: list[Change], count: int) -> dict[str, Doubles]:
    """The values of parameters at every sample, as declared: straight lines from neutral on."""
    at = np.arange(count)
    made = {}
    for name in names:
        one = DECLARED[name]
        own = [(change.at, change.value) for change in changes if change.id == one.id]
        made[name] = curve(Pace(one.ramp_ms, one.slew_per_s), own, at, RATE, one.neutral)
    return made


def _gain(*names: str) -> Callable[[NDArray[np.floating], list[Change]], Doubles]:
    def ideal(audio: NDArray[np.floating], changes: list[Change]) -> Doubles:
        paces = {DECLARED[name].id: Pace(DECLARED[name].ramp_ms, DECLARED[name].slew_per_s) for name in names}
        return np.asarray(audio * 10.0 ** (gain_db(paces, changes, np.arange(len(audio)), RATE) / 20.0))

    return ideal


def _dip(audio: Floats, changes: list[Change]) -> Doubles:
    moved = _ramps(["dip_db", "dip_hz"], changes, len(audio))
    return dip_reference.dip(audio, moved["dip_db"], moved["dip_hz"], RATE)


def _high_pass(audio: Floats, changes: list[Change]) -> Doubles:
    return high_pass_reference.high_pass(
        audio, _ramps(["high_pass_mix"], changes, len(audio))["high_pass_mix"], RATE
    )


def _density(audio: Floats, changes: list[Change]) -> Doubles:
    moved = _ramps(["density_threshold_db", "density_mix"], changes, len(audio))
    made = density_reference.density(
        audio[np.newaxis], moved["density_threshold_db"], moved["density_mix"], RATE
    )
    return np.asarray(made[0])


def _room(audio: Floats, changes: list[Change]) -> Doubles:
    begun = [Change(-100 * RATE, DECLARED[name].id, value) for name, value in ROOM.items()]
    made = reverb_reference.reverb(np.stack([audio, audio]), [*begun, *changes], 0, RATE)
    return np.asarray(made.mean(axis=0))


def _groove(audio: Floats, changes: list[Change]) -> Doubles:
    shifts = [one for one in changes if one.id == DECLARED["groove_ms"].id]
    slots = [one for one in changes if one.id == DECLARED["groove_slot_ms"].id]
    asks = [
        Ask(shift.at, shift.value, shift.at + round(slot.value * RATE / 1000.0))
        for shift, slot in zip(shifts, slots, strict=True)
    ]
    return splice(audio, asks, RATE)[LATE:].astype(np.float64)


#: The room that the stem with a room begins in.
ROOM = {
    name: (0.5 if name == "reverb_send" else 1.5 * one.neutral)
    for name, one in DECLARED.items()
    if one.section == "reverb"
}


class Case(NamedTuple):
    """An amount: who has it, what it does ideally, which of the others have to be on, and how many s are looked at."""

    role: int
    ideal: Callable[[Floats, list[Change]], Doubles]
    seconds: float = SECONDS
    also: tuple[str, ...] = ()


CASES = {
    "amount": Case(AI, _gain("gain_db")),
    "overall_amount": Case(AI, _gain("gain_db", "breath_db"), also=("amount", "breath_amount")),
    "staging_amount": Case(AI, _gain("staging_db")),
    "high_pass_amount": Case(AI, _high_pass),
    "dip_amount": Case(AI, _dip, 3.0),
    "density_amount": Case(LIVE, _density),
    "breath_amount": Case(AI, _gain("breath_db"), 5.0),
    "room_amount": Case(AI, _room, 0.8),
    "groove_amount": Case(AI, _groove, 5.0),
}


def _sound(seed: int, role: int) -> Floats:
    """Noise and a low tone in hits, live ones 8 ms behind the beat; soft passages after loud ones; never too loud."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(SECONDS * RATE)) / RATE
    late = 0.008 if role == LIVE else 0.0
    hits = np.exp(-12.0 * np.mod(time - late, 0.125))
    body = 0.01 * rng.standard_normal(len(time)) + 0.02 * np.sin(2.0 * np.pi * 300.0 * time)
    swing = 10.0 ** (np.where(np.mod(time, 8.0) < 4.0, 0.0, -12.0) / 20.0) if role == LIVE else 4.0
    return (body * hits * swing).astype(np.float32)[np.newaxis]


def _residual_db(output: Floats, ideal: Doubles) -> float:
    apart = np.sqrt(np.mean(np.square(output - ideal)))
    return float(20.0 * np.log10(max(apart, 1e-30) / np.sqrt(np.mean(np.square(ideal)))))


@pytest.fixture(scope="module")
def residuals() -> dict[str, tuple[float, float]]:
    """Residual in dB by amount, and how much its section does to the sound, in dB."""
    voices = [Voice("drums", LIVE, _sound(99, LIVE))]
    for number, (amount, case) in enumerate(CASES.items()):
        on = {**dict.fromkeys(AMOUNTS, 0.0), **dict.fromkeys((amount, "overall_amount", *case.also), 100.0)}
        start = ROOM if amount == "room_amount" else {}
        voices.append(
            Voice(amount, case.role, _sound(number, case.role), start, {**of_role(case.role), **on})
        )
    frames = voices[0].audio.shape[1]
    random = np.random.default_rng(5)
    found = {}
    with PrivateService("equal-loudness") as service, on_stage(service, voices, RATE, 40) as stage:
        stage.play([], BLOCK, live=False)
        outputs: list[list[Floats]] = [[] for _ in voices]
        for number, begin in enumerate(range(0, frames - BLOCK + 1, BLOCK)):
            for index, voice in enumerate(voices):
                if index and number % TURN == TURN - 1:
                    # Groove is late where its amount is not 0; a host would have to start it anew.
                    lowest = 0.05 if voice.label == "groove_amount" else 0.0
                    stage.turn(
                        index,
                        AMOUNTS[voice.label],
                        float(random.choice([lowest, 1.0, random.uniform(0.05, 1.0)])),
                    )
                outputs[index].append(stage.block(index, True, begin, BLOCK))
        rows = service.traced(0)
    # What was played, and not the rest before, of which something may be computed late.
    rows = rows[rows["epoch"] == rows["epoch"][-1]]
    for voice, instance, blocks in zip(voices[1:], stage.instances[1:], outputs[1:], strict=True):
        case, output = CASES[voice.label], np.concatenate(blocks, axis=1)[0]
        own = rows[(rows["member"] == instance.bytes) & (rows["apply_at"] < frames)]
        changes = [
            Change(int(row["apply_at"]), one.id, float(row[name]))
            for row in own
            for name, one in DECLARED.items()
            if np.isfinite(row[name])
        ]
        late = LATE if voice.label == "groove_amount" else 0
        count = round(case.seconds * RATE)
        audio, output = voice.audio[0, :count], output[late:count]
        # The trim of the group is on every track, before the room and behind everything else.
        trim = _gain("trim_db")
        ideal = (
            case.ideal(trim(audio, changes).astype(np.float32), changes)
            if voice.label == "room_amount"
            else trim(case.ideal(audio, changes)[: len(output)], changes)
        )
        found[voice.label] = (_residual_db(output, ideal), _residual_db(audio[: len(output)], ideal))
        print(
            f"{voice.label:18} residual {found[voice.label][0]:7.1f} dB, section {found[voice.label][1]:6.1f} dB"
        )
    return found


@pytest.mark.parametrize("amount", CASES)
def test_automation_of_an_amount_is_that_of_ideal_ramps(
    residuals: dict[str, tuple[float, float]], amount: str
) -> None:
    residual_db, section_db = residuals[amount]
    assert section_db > -40.0, "the section did something"
    assert residual_db <= GOAL_DB


def test_every_amount_is_tried() -> None:
    assert set(CASES) == set(AMOUNTS)

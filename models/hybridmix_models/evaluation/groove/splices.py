"""The plugin's section ``groove`` again, in numpy, and how near it comes to drums that really play elsewhere.

A delay line of 60 ms whose reading point moves by whole samples. A change of the shift that is asked for at ``at``, for
the slot at ``slot``, is one fade of 8 ms that ends 3 ms before the slot would come out at the earlier of both shifts. It
begins where, in the 24 ms before, both readings differ least over its length, the latest of equals; it is decided at
the first of these samples, and not before the slot is 3 ms away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hybridmix_models.data.generator import fluid
from hybridmix_models.data.generator.kit import Kit
from hybridmix_models.data.generator.notes import Note
from hybridmix_models.data.generator.palette import Sound
from hybridmix_models.data.types import RATE

__all__ = ["Ask", "late", "pitch_cents", "ratios_db", "splice"]

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

_LOOK_AHEAD_MS, _FADE_MS, _CLEAR_MS, _SEARCH_MS = 60, 8, 3, 24
#: Shifts that are drawn, ms either way; intervals that are measured, ms; hits of each.
_LIMIT_MS, _INTERVALS_MS, _HITS = 5.0, (286.0, 143.0), 60
#: Kick and snare take turns; how long each is left to ring, s.
_KEYS = (36, 38)
_RINGS_S = 2.0


class Ask(NamedTuple):
    """A shift in ms that is asked for at sample ``at``, for the slot that comes in at sample ``slot``."""

    at: int
    shift_ms: float
    slot: int


def late(ms: float, rate: int) -> int:
    """Return whole samples, towards zero."""
    return int(ms * rate / 1000)


def splice(audio: Floats, asks: Sequence[Ask], rate: int) -> Floats:
    """Return ``audio`` (samples,) through the section, 60 ms late; ``asks`` in order, one decided before the next."""
    behind, fade, clear, search = (
        ms * rate // 1000 for ms in (_LOOK_AHEAD_MS, _FADE_MS, _CLEAR_MS, _SEARCH_MS)
    )
    padded = np.concatenate([np.zeros(2 * behind, np.float32), audio, np.zeros(2 * behind, np.float32)])

    def read(begin: int, count: int, shift: int) -> Floats:
        first = begin - behind - shift + 2 * behind
        return padded[first : first + count]

    share = (0.5 - 0.5 * np.cos(np.pi * (np.arange(fade) + 0.5) / fade)).astype(np.float32)
    out = np.empty_like(audio)
    done, shift, free = 0, 0, 0
    for ask in asks:
        new = late(ask.shift_ms, rate)
        if new == shift:
            continue
        last = ask.slot + behind + min(shift, new) - clear - fade
        first = max(ask.at, free, ask.slot - clear, last - search)
        last = max(last, first)
        apart = np.square(
            read(first, last - first + fade, shift).astype(np.float64) - read(first, last - first + fade, new)
        )
        sums = np.concatenate([[0.0], np.cumsum(apart)])
        costs = sums[fade:] - sums[:-fade]
        begin = first + len(costs) - 1 - int(np.argmin(costs[::-1]))
        out[done:begin] = read(done, begin - done, shift)
        old, fresh = read(begin, fade, shift), read(begin, fade, new)
        out[begin : begin + fade] = (old + share * (fresh - old))[: len(out) - begin]
        done, shift, free = begin + fade, new, begin + fade
    out[done:] = read(done, len(out) - done, shift)
    return out


def ratios_db() -> dict[str, float]:
    """Return signal over distortion in dB by inter-onset interval, whole and around the onsets.

    Distortion is what differs from the same hits, each played where the shift puts it; shifts are drawn within 5 ms
    either way. Kick and snare of FluidR3 GM; ``…_ringing`` those of a kit that rings on. Raises InputError.
    """
    samples, font = round(_RINGS_S * RATE), fluid.find_font("synthetic-a")
    kit = Kit()
    short = [fluid.play([Note(0.0, 0.5, key, 100)], Sound(0), font, samples, drums=True) for key in _KEYS]
    long = [kit.play([Note(0.0, 0.5, key, 100)], samples) for key in _KEYS]
    return _ratios(short, "") | _ratios(long, "_ringing")


def _ratios(hits: Sequence[Floats], kind: str) -> dict[str, float]:
    """Return the figures of `ratios_db` for drums that sound like ``hits``."""
    found: dict[str, float] = {}
    for interval_ms in _INTERVALS_MS:
        random = np.random.default_rng(int(interval_ms))
        step = round(interval_ms * RATE / 1000.0)
        slots = [step * (number + 2) for number in range(_HITS)]
        shifts = random.uniform(-_LIMIT_MS, _LIMIT_MS, _HITS)
        length = step * (_HITS + 4)
        moved = [slot + late(shift, RATE) for slot, shift in zip(slots, shifts.tolist(), strict=True)]
        grid, ideal = np.zeros(length, np.float32), np.zeros(length, np.float32)
        for number, (slot, there) in enumerate(zip(slots, moved, strict=True)):
            for audio, at in ((grid, slot), (ideal, there)):
                hit = hits[number % len(hits)][: length - at]
                audio[at : at + len(hit)] += hit
        asks = [
            Ask(slot - step // 2, shift, slot) for slot, shift in zip(slots, shifts.tolist(), strict=True)
        ]
        behind = _LOOK_AHEAD_MS * RATE // 1000
        made = splice(np.pad(grid, (0, behind)), asks, RATE)[behind:].astype(np.float64)
        near = np.concatenate([np.arange(at, at + RATE // 20) for at in moved])
        found[f"sdr_db_{interval_ms:.0f}_ms{kind}"] = _ratio_db(ideal, made)
        found[f"sdr_db_{interval_ms:.0f}_ms{kind}_onsets"] = _ratio_db(ideal[near], made[near])
    return found


def _ratio_db(ideal: Floats, made: Doubles) -> float:
    power = np.square(ideal.astype(np.float64)).sum()
    return round(float(10.0 * np.log10(power / np.square(made - ideal).sum())), 2)


def pitch_cents() -> float:
    """Return how far a tone of 440 Hz comes from its pitch, in cents, at most in any 100 ms between splices."""
    length = 4 * RATE
    tone = np.sin(2.0 * np.pi * 440.0 * np.arange(length) / RATE).astype(np.float32)
    step = RATE // 4
    asks = [Ask(step * n - step // 2, (-1.0) ** n * _LIMIT_MS, step * n) for n in range(1, 15)]
    made = splice(tone, asks, RATE).astype(np.float64)
    worst = 0.0
    window = RATE // 10
    for n in range(2, 14):
        # From the slot on: the splice is over.
        begin = step * n + _LOOK_AHEAD_MS * RATE // 1000 + RATE // 100
        piece = made[begin : begin + window]
        turn = np.unwrap(
            np.angle(
                np.convolve(
                    piece * np.exp(-2j * np.pi * 440.0 * np.arange(window) / RATE), np.hanning(402), "valid"
                )
            )
        )
        hertz = 440.0 + np.polyfit(np.arange(len(turn)) / RATE, turn, 1)[0] / (2.0 * np.pi)
        worst = max(worst, abs(1200.0 * np.log2(hertz / 440.0)))
    return round(float(worst), 4)

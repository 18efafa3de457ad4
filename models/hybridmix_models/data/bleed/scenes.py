"""A song performed on a stage: levels, bleed, gain staging, and the truth beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hybridmix.errors import InputError
from hybridmix_models.data.bleed.responses import convolve, responses
from hybridmix_models.data.bleed.rooms import PLACES, Doubles, Room
from hybridmix_models.data.types import PEAK_DBFS, RATE, Bools, Condition, Floats, LevelStep, Scene, Song

__all__ = ["MEDIAN_DB", "bleed_ratio_db", "make_scene"]

#: Median over tracks of the own direct sound over everything else in its microphone (docs/metrics.md).
MEDIAN_DB: Mapping[Condition, float] = {"light": 12.0, "heavy": 3.0}
#: Standard deviation in dB of a scene's own median about it.
SPREAD_DB = 2.0
#: A source plays in frames above this level and within this many dB of its own 95th percentile.
ACTIVE_DBFS, ACTIVE_RANGE_DB = -60.0, 30.0


def make_scene(
    song: Song,
    condition: Condition,
    rooms: Sequence[Room],
    rng: np.random.Generator,
    *,
    balance_spread_db: float = 6.0,
    staging_spread_db: float = 6.0,
    level_offset_db: float = 0.0,
    steps: Sequence[LevelStep] = (),
    rate: int = RATE,
) -> Scene:
    """Return one performance of ``song`` in one of ``rooms``: the same for the same generator state.

    All conditions draw the same room and levels from the same state, so that they can be compared in pairs.
    Levels are drawn around each stem's place in the reference mix, where all gains would be 0 dB.

    Args:
        song: stems of equal length, 1 to `PLACES`, at ``rate``; samples after the last whole frame are left out.
        condition: how much of the other sources each microphone hears.
        rooms: the rooms of one split, at least one.
        rng: where room, places and levels come from.
        balance_spread_db: half range of the level of each source on stage, before bleed.
        staging_spread_db: half range of the gain of each input, after bleed.
        level_offset_db: gain of all inputs, after bleed.
        steps: jumps of single inputs.
        rate: sample rate of ``song`` in Hz, a multiple of 20; frames of the scene are ``rate // 20`` samples.

    Raises:
        InputError: too many stems, stems of different length, silence only, or a step outside the scene.
    """
    dry = _dry(song, rate)
    count, frames = len(dry), dry.shape[1] // (rate // 20)
    reference = dry.sum(axis=0)
    peak = float(np.max(np.abs(reference)))
    if peak == 0.0:
        raise InputError(f"the reference mix of {song.name!r} is silent; choose another excerpt")
    scale = np.float32(10.0 ** (PEAK_DBFS / 20.0) / peak)
    dry *= scale
    reference *= scale

    room = rooms[int(rng.integers(len(rooms)))]
    places = rng.permutation(PLACES)[:count]
    stage_db = rng.uniform(-balance_spread_db, balance_spread_db, count)
    staging_db = rng.uniform(-staging_spread_db, staging_spread_db, count) + level_offset_db
    median_shift_db = rng.normal(0.0, SPREAD_DB)

    direct = dry * _linear(stage_db)[:, None]
    inputs = direct.copy()
    active = _active(dry, rate)
    if condition != "none":
        bleed = convolve(direct, responses(room, places.tolist(), rate))
        wanted = MEDIAN_DB[condition] + median_shift_db
        plays = active.any(axis=1)
        found = float(np.median(_ratio_db(direct[plays], bleed[plays]))) if plays.any() else wanted
        inputs += bleed * np.float32(10.0 ** ((found - wanted) / 20.0))

    gain_db = np.repeat(staging_db[:, None], frames, axis=1)
    for step in steps:
        if not (0 <= step.track < count and 0 <= step.frame < frames):
            raise InputError(
                f"level step at track {step.track}, frame {step.frame} is outside {song.name!r}, which has "
                f"{count} tracks and {frames} frames; choose one inside"
            )
        gain_db[step.track, step.frame :] += step.change_db
    gain = _linear(gain_db)
    return Scene(
        song=song.name,
        cluster=song.cluster,
        condition=condition,
        roles=tuple(stem.role for stem in song.stems),
        inputs=_apply(inputs, gain),
        direct=_apply(direct, gain),
        reference=reference,
        target_db=(-stage_db[:, None] - gain_db).astype(np.float32),
        active=active,
        steps=tuple(steps),
    )


def bleed_ratio_db(scene: Scene) -> Doubles:
    """Return (n,): own direct sound of each track over everything else in its microphone, in dB.

    Infinite where there is nothing else, minus infinite where the source is silent.
    """
    return _ratio_db(scene.direct, scene.inputs - scene.direct)


def _dry(song: Song, rate: int) -> Floats:
    """Return (n, whole frames): the stems at their balance."""
    lengths = {len(stem.audio) for stem in song.stems}
    if not 1 <= len(song.stems) <= PLACES:
        raise InputError(f"{song.name!r} has {len(song.stems)} stems; a stage takes 1 to {PLACES}")
    if len(lengths) != 1 or min(lengths) < rate // 20:
        raise InputError(
            f"stems of {song.name!r} have {sorted(lengths)} samples; expected one length of at least a frame "
            f"({rate // 20}): cut or pad them"
        )
    samples = min(lengths) // (rate // 20) * (rate // 20)
    gain = _linear(np.array([stem.balance_db for stem in song.stems]))
    return np.stack([stem.audio[:samples] for stem in song.stems]).astype(np.float32) * gain[:, None]


def _active(dry: Floats, rate: int) -> Bools:
    """Return (n, T): the frames in which each source plays, at its place in the reference mix."""
    frames = dry.reshape(len(dry), -1, rate // 20)
    level = 10.0 * np.log10(np.mean(np.square(frames, dtype=np.float64), axis=-1) + 1e-12)
    loud = np.percentile(level, 95.0, axis=1, keepdims=True)
    return np.asarray((level > ACTIVE_DBFS) & (level >= loud - ACTIVE_RANGE_DB))


def _apply(audio: Floats, gain: Floats) -> Floats:
    """Return ``audio`` (n, T * frame) times ``gain`` (n, T), held over each frame."""
    count, frames = gain.shape
    return np.asarray((audio.reshape(count, frames, -1) * gain[:, :, None]).reshape(count, -1))


def _ratio_db(direct: Floats, bleed: Floats) -> Doubles:
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.sum(np.square(direct, dtype=np.float64), axis=1)
        rest = np.sum(np.square(bleed, dtype=np.float64), axis=1)
        return np.asarray(10.0 * np.log10(own) - 10.0 * np.log10(rest))


def _linear(decibels: Doubles) -> Floats:
    return np.asarray(10.0 ** (decibels / 20.0), np.float32)

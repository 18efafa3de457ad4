"""Which performances of a song are scored: every draw comes from the seed, the song's name and the row alone.

All conditions and rows of a song draw the same room, places and levels, so that they can be compared in pairs.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hybridmix_models.data.bleed import Room, make_scene
from hybridmix_models.data.bleed.rooms import PLACES
from hybridmix_models.data.types import FRAME, RATE, Condition, Floats, LevelStep, Scene, Song, Stem
from hybridmix_models.evaluation.movement import FRAMES_PER_SECOND

__all__ = ["CROWDS", "OFFSETS_DB", "PARTS", "SPREADS_DB", "Part", "Take", "excerpt", "relevelled", "takes"]

Part = Literal["base", "steps", "open", "levels", "tracks"]
PARTS: tuple[Part, ...] = ("base", "steps", "open", "levels", "tracks")

#: Half range of the gains of the inputs in the base row, and in rows of their own, dB.
SPREAD_DB = 12.0
SPREADS_DB = (0.0, 6.0, 18.0, 24.0)
#: Gain of all inputs together in rows of their own, dB.
OFFSETS_DB = (-24.0, 24.0)
STEP_DB = 12.0
#: Track counts of songs put together from several, by row.
CROWDS: Mapping[str, tuple[int, int]] = {"2-3": (2, 3), "9-14": (9, 14), "15-20": (15, PLACES)}
#: Longest excerpt of a song in s; more tracks than a stage takes are left out, the softest first.
EXCERPT_S = 30.0
#: An open microphone: so long the performer plays, then is silent, s.
PLAYED_S, SILENT_S = 10.0, 30.0
#: When the first and the second step happen, as shares of the song; each is drawn from such a range.
_STEPS = ((0.25, 0.35), (0.6, 0.65))
_SILENT = 1e-4


@dataclass(frozen=True, slots=True)
class Take:
    """A scene and what is scored of it."""

    #: ``base``, ``steps``, ``open``, ``spread 24``, ``offset -24``, ``tracks 9-14``.
    row: str
    scene: Scene
    #: With an open microphone: its track, and the frame from which its performer is silent.
    silent: tuple[int, int] | None = None


def excerpt(song: Song) -> Song:
    """Return the middle of ``song``, at most 30 s and 20 tracks, without stems that are silent there."""
    whole = len(song.stems[0].audio)
    length = min(whole, round(EXCERPT_S * RATE))
    start = (whole - length) // 2
    cut = [dataclasses.replace(stem, audio=stem.audio[start : start + length]) for stem in song.stems]
    heard = [stem for stem in cut if _level(stem) > _SILENT]
    kept = sorted(heard, key=_level, reverse=True)[:PLACES]
    return dataclasses.replace(song, stems=tuple(stem for stem in heard if any(stem is one for one in kept)))


def takes(
    song: Song,
    earlier: Sequence[Song],
    condition: Condition,
    rooms: Sequence[Room],
    seed: int,
    parts: Sequence[Part] = PARTS,
    repeats: int = 1,
) -> Iterator[Take]:
    """Yield what is scored of ``song`` under ``condition``, the base row first.

    Args:
        song: at most 30 s and 20 tracks (`excerpt`).
        earlier: other songs, whose stems join it where many tracks are wanted; too few: fewer rows.
        condition: bleed.
        rooms: of one split.
        seed: of all draws.
        parts: which rows; ``base`` is always there, ``levels`` and ``tracks`` belong to heavy bleed.
        repeats: takes with level steps, each with two of opposite sign.
    """
    identity = zlib.crc32(song.name.encode())

    def random(*row: int) -> np.random.Generator:
        return np.random.default_rng([seed, identity, *row])

    base = make_scene(song, condition, rooms, random(), staging_spread_db=SPREAD_DB)
    yield Take("base", base)
    if "steps" in parts:
        for repeat in range(repeats):
            yield Take("steps", _stepped(base, random(1, repeat), up=(identity + repeat) % 2 == 0))
    if "open" in parts and condition != "none":
        silenced, track = _silenced(song, random(2))
        scene = make_scene(silenced, condition, rooms, random(), staging_spread_db=SPREAD_DB)
        yield Take("open", scene, (track, round(PLAYED_S * FRAMES_PER_SECOND)))
    if condition != "heavy":
        return
    if "levels" in parts:
        for spread in SPREADS_DB:
            yield Take(
                f"spread {spread:g}",
                make_scene(song, condition, rooms, random(), staging_spread_db=spread),
            )
        for offset in OFFSETS_DB:
            yield Take(f"offset {offset:g}", relevelled(base, np.full_like(base.target_db, offset)))
    if "tracks" in parts:
        for row, bounds in CROWDS.items():
            crowd = _crowd(song, earlier, bounds, random(3, bounds[0]))
            if crowd is not None:
                scene = make_scene(crowd, condition, rooms, random(4), staging_spread_db=SPREAD_DB)
                yield Take(f"tracks {row}", scene)


def relevelled(scene: Scene, change_db: Floats, steps: Sequence[LevelStep] = ()) -> Scene:
    """Return ``scene`` with its inputs changed by ``change_db`` (n, T), and the targets accordingly."""
    gain = np.repeat(np.power(np.float32(10.0), change_db / np.float32(20.0)), FRAME, axis=1)
    return dataclasses.replace(
        scene,
        inputs=scene.inputs * gain,
        direct=scene.direct * gain,
        target_db=scene.target_db - change_db,
        steps=tuple(steps),
    )


def _stepped(scene: Scene, rng: np.random.Generator, *, up: bool) -> Scene:
    """Return ``scene`` with one input up (or down) by 12 dB and later another down (or up), while both play."""
    change_db = np.zeros_like(scene.target_db)
    steps: list[LevelStep] = []
    for number, bounds in enumerate(_STEPS):
        frame = int(rng.uniform(*bounds) * change_db.shape[1])
        playing = scene.active[:, frame : frame + 2 * FRAMES_PER_SECOND].mean(axis=1)
        playing[[step.track for step in steps]] = 0.0
        if not playing.any():
            break
        track = int(rng.choice(np.flatnonzero(playing >= 0.5 * playing.max())))
        step = LevelStep(track, frame, STEP_DB if up == (number == 0) else -STEP_DB)
        change_db[track, frame:] = step.change_db
        steps.append(step)
    return relevelled(scene, change_db, steps)


def _silenced(song: Song, rng: np.random.Generator) -> tuple[Song, int]:
    """Return ``song``, repeated to 40 s, with one stem silent after 10 s, and the number of that stem."""
    length, played = round((PLAYED_S + SILENT_S) * RATE), round(PLAYED_S * RATE)
    stems = [dataclasses.replace(stem, audio=np.resize(stem.audio, length)) for stem in song.stems]
    # Somebody who plays until then, so that there is a gain to rise from.
    recent = np.array([np.abs(stem.audio[played - 2 * RATE : played]).max() for stem in stems])
    track = int(rng.choice(np.flatnonzero(recent >= min(_SILENT, recent.max()))))
    stems[track].audio[played:] = 0.0
    return dataclasses.replace(song, stems=tuple(stems)), track


def _crowd(
    song: Song, earlier: Sequence[Song], bounds: tuple[int, int], rng: np.random.Generator
) -> Song | None:
    """Return ``song`` with a number of tracks within ``bounds``, stems of ``earlier`` songs joining where needed."""
    count = int(rng.integers(bounds[0], bounds[1] + 1))
    stems: list[Stem] = list(song.stems)
    for other in earlier:
        if len(stems) >= count:
            break
        stems += other.stems
    if len(stems) < count:
        return None
    chosen = [stems[index] for index in sorted(rng.permutation(len(stems))[:count])]
    if not any(_level(stem) > _SILENT for stem in chosen):
        return None
    length = min(len(stem.audio) for stem in chosen)
    return dataclasses.replace(
        song, stems=tuple(dataclasses.replace(stem, audio=stem.audio[:length]) for stem in chosen)
    )


def _level(stem: Stem) -> float:
    """Return the RMS of ``stem`` at its place in the reference mix, amplitude."""
    rms = float(np.sqrt(np.mean(np.square(stem.audio, dtype=np.float64))))
    return float(rms * 10.0 ** (stem.balance_db / 20.0))

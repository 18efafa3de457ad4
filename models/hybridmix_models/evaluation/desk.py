"""Mixers at work on songs: every scene is made once, heard by all, scored, and not scored again next time."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hybridmix_models.data.bleed import Room
from hybridmix_models.data.types import Condition, Mixer, Song
from hybridmix_models.evaluation.scenarios import Part, takes
from hybridmix_models.evaluation.score import Score, score
from hybridmix_models.evaluation.sets import digest

__all__ = ["VERSION", "Desk", "Plan"]

#: Raised whenever the same scene and weights give other figures: what was kept from before is scored again.
VERSION = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """What is scored of every song."""

    conditions: tuple[Condition, ...]
    parts: tuple[Part, ...]
    seed: int
    #: Takes with level steps per song.
    repeats: int = 1


class Desk:
    """Scores mixers on songs; with a folder, what was scored before is read from there."""

    def __init__(
        self,
        mixers: Sequence[tuple[Mixer, str]],
        rooms: Mapping[str, Sequence[Room]],
        plan: Plan,
        kept: Path | None,
    ) -> None:
        """Set up.

        Args:
            mixers: each with a text that changes with its weights.
            rooms: by set.
            plan: what is scored.
            kept: folder of scores, or None.
        """
        self._mixers, self._rooms, self._plan, self._kept = mixers, rooms, plan, kept

    def scores(self, set_name: str, song: Song, earlier: Sequence[Song]) -> Iterator[Score]:
        """Yield the scores of all mixers on ``song``, whose stems ``earlier`` songs may join."""
        told = [digest(one) for one in (song, *earlier)]
        for condition in self._plan.conditions:
            key = [set_name, condition, *told]
            missing = []
            for mixer, version in self._mixers:
                found = self._read([*key, mixer.name, version])
                if found is None:
                    missing.append((mixer, version))
                else:
                    yield from found
            if missing:
                fresh = self._mixed(set_name, song, earlier, condition, [mixer for mixer, _ in missing])
                for mixer, version in missing:
                    self._write([*key, mixer.name, version], fresh[mixer.name])
                    yield from fresh[mixer.name]

    def _mixed(
        self,
        set_name: str,
        song: Song,
        earlier: Sequence[Song],
        condition: Condition,
        mixers: Sequence[Mixer],
    ) -> dict[str, list[Score]]:
        plan = self._plan
        result: dict[str, list[Score]] = {mixer.name: [] for mixer in mixers}
        for take in takes(
            song, earlier, condition, self._rooms[set_name], plan.seed, plan.parts, plan.repeats
        ):
            for mixer in mixers:
                done = result[mixer.name]
                offset = done[0].figures.get("offset_db") if done else None
                done.append(score(mixer.name, set_name, take, mixer.gains_db(take.scene), offset))
        return result

    def _path(self, key: Sequence[str]) -> Path | None:
        if self._kept is None:
            return None
        text = repr((VERSION, key, dataclasses.astuple(self._plan)[1:]))
        return self._kept / f"{hashlib.sha256(text.encode()).hexdigest()}.scores"

    def _read(self, key: Sequence[str]) -> list[Score] | None:
        path = self._path(key)
        if path is None or not path.exists():
            return None
        return msgspec.msgpack.decode(path.read_bytes(), type=list[Score])

    def _write(self, key: Sequence[str], scores: list[Score]) -> None:
        path = self._path(key)
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(msgspec.msgpack.encode(scores))
        part.replace(path)

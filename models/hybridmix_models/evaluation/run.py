"""``hybridmix models evaluate``: models × sets × conditions, and what it tells about itself."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from hybridmix.errors import InputError
from hybridmix_models.data.bleed import load_rooms
from hybridmix_models.data.types import Mixer, Song
from hybridmix_models.evaluation import mixers as known
from hybridmix_models.evaluation.desk import Desk, Plan
from hybridmix_models.evaluation.hearing import Hearing
from hybridmix_models.evaluation.score import Score
from hybridmix_models.evaluation.sets import Places, SongSet
from hybridmix_models.evaluation.summary import comparisons, summary
from hybridmix_models.training.checkpoint import load_network

__all__ = ["BASELINES", "PRIOR", "Request", "evaluate", "make_mixers"]

BASELINES = ("raw", "equal-loudness", "oracle-role", "bleed-oracle", "dry-reference")
#: The baseline that learns the places of roles from the other songs of a set; for recorded sets.
PRIOR = "role-prior"
#: Songs whose stems may join the next ones: enough for 20 tracks.
_EARLIER = 5
_NO_WEIGHTS = "a rule, no weights"


@dataclass(frozen=True, slots=True)
class Request:
    """What to evaluate, in a form that other processes take."""

    #: Names of baselines, and of networks with the file that holds their weights.
    models: tuple[tuple[str, Path | None], ...]
    sets: tuple[SongSet, ...]
    #: What `SongSet.survey` says of each set, by name.
    surveys: Mapping[str, Places]
    rooms: Path
    #: With the level steps per song left open.
    plan: Plan
    #: Level steps per set and condition, at least.
    steps: int = 100
    #: Songs of each set, all when None.
    limit: int | None = None
    #: Folder of scores from before.
    kept: Path | None = None
    jobs: int = 1


def evaluate(request: Request, progress: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Score everything; return the keys of docs/models.md. ``progress`` is called with the name of each song done.

    Raises:
        InputError: songs, rooms or weights are missing or cannot be used.
    """
    scores: list[Score] = []
    songs: dict[str, list[str]] = {one.name: [] for one in request.sets}
    for set_name, song, found in _scored(request):
        scores += found
        songs[set_name].append(song)
        progress(song)
    return {
        "seed": request.plan.seed,
        "conditions": list(request.plan.conditions),
        "rows": list(request.plan.parts),
        "sets": {
            one.name: {
                "folder": str(one.folder),
                "split": one.split,
                "rooms": one.rooms,
                "count": len(songs[one.name]),
                "songs": sorted(songs[one.name]),
                "shared": one.shared,
            }
            for one in request.sets
        },
        "weights_sha256": {mixer.name: version for mixer, version in make_mixers(request.models, {})},
        "models": summary(scores),
        "comparisons": comparisons(scores),
    }


def make_mixers(models: Iterable[tuple[str, Path | None]], places: Places) -> list[tuple[Mixer, str]]:
    """Return the mixers of ``models``, which share what they hear, each with the hash of its weights.

    Raises:
        InputError: a name is unknown, or a file is missing or no gain network.
    """
    hearing = Hearing()
    rules: dict[str, Callable[[], Mixer]] = {
        "raw": known.Raw,
        "equal-loudness": lambda: known.EqualLoudnessMixer(hearing),
        "oracle-role": lambda: known.OracleRole(hearing),
        "bleed-oracle": known.BleedOracle,
        "dry-reference": known.DryReference,
        PRIOR: lambda: known.RolePrior(hearing, places),
    }
    made: list[tuple[Mixer, str]] = []
    for name, path in models:
        if path is not None:
            network, _ = load_network(path)
            made.append((known.NetworkMixer(name, network, hearing), known.weights_sha256(network)))
        elif name in rules:
            made.append((rules[name](), _NO_WEIGHTS if name != PRIOR else f"{_NO_WEIGHTS}; {places}"))
        else:
            raise InputError(
                f"model {name!r} is unknown; expected {', '.join(rules)}, or a trained model as NAME=FILE"
            )
    return made


def _jobs(request: Request) -> Iterator[tuple[str, Song, tuple[Song, ...]]]:
    """Yield every song with those before it."""
    for one in request.sets:
        earlier: deque[Song] = deque(maxlen=_EARLIER)
        for song in one.songs(request.limit):
            yield one.name, song, tuple(earlier) if "tracks" in request.plan.parts else ()
            earlier.appendleft(song)


def _scored(request: Request) -> Iterator[tuple[str, str, list[Score]]]:
    """Yield (set, song, scores), in any order, from this process or from ``request.jobs`` others."""
    if request.jobs == 1:
        worker = _Worker(request)
        for set_name, song, earlier in _jobs(request):
            yield set_name, song.name, worker.scores(set_name, song, earlier)
        return
    waiting: deque[tuple[str, str, Future[list[Score]]]] = deque()
    with ProcessPoolExecutor(request.jobs, get_context("spawn"), _begin, (request,)) as pool:
        for set_name, song, earlier in _jobs(request):
            waiting.append((set_name, song.name, pool.submit(_work, set_name, song, earlier)))
            if len(waiting) > request.jobs:  # songs are large: no more than one is read ahead
                name, title, done = waiting.popleft()
                yield name, title, done.result()
        for name, title, done in waiting:
            yield name, title, done.result()


class _Worker:
    """One process's mixers and rooms."""

    def __init__(self, request: Request) -> None:
        torch.set_num_threads(1)
        self._desks = {}
        for one in request.sets:
            models = [(name, path) for name, path in request.models if name != PRIOR or not one.generated]
            mixers = make_mixers(models, request.surveys[one.name])
            repeats = -(-request.steps // (2 * len(request.surveys[one.name])))
            plan = dataclasses.replace(request.plan, repeats=repeats)
            rooms = {one.name: load_rooms(request.rooms, one.rooms)}
            self._desks[one.name] = Desk(mixers, rooms, plan, request.kept)

    def scores(self, set_name: str, song: Song, earlier: Sequence[Song]) -> list[Score]:
        return list(self._desks[set_name].scores(set_name, song, earlier))


_worker: list[_Worker] = []


def _begin(request: Request) -> None:
    _worker.append(_Worker(request))


def _work(set_name: str, song: Song, earlier: Sequence[Song]) -> list[Score]:
    return _worker[0].scores(set_name, song, earlier)

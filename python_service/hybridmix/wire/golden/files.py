"""The golden files: where they lie, what stands in them, and how they are read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from hybridmix.generated import checkout
from hybridmix.wire import corpus
from hybridmix.wire.golden import broken, valid
from hybridmix.wire.golden.vectors import Vector, expand
from hybridmix.wire.verdict import judge

__all__ = ["NAMES", "RECORDED", "bases", "folder", "make", "read", "verdicts"]

#: Vector files, in the order in which their accepted vectors become bases of the corpus.
NAMES = ("block", "params", "plain", "plan", "control", "broken")
#: Seed and number of messages of the recorded corpus.
RECORDED = {"seed": 1, "messages": 10_000}


def folder() -> Path:
    """Where the files lie in a checkout."""
    return checkout() / "tests/golden/wire"


def read(name: str) -> list[Vector]:
    """The vectors of one file, by its name without suffix."""
    return msgspec.json.decode((folder() / f"{name}.json").read_bytes(), type=list[Vector])


def bases(files: Iterable[Sequence[Vector]]) -> list[list[bytes]]:
    """The messages that the corpus begins from: every accepted vector that is not too long."""
    messages = [
        [expand(frame) for frame in vector.frames] for file in files for vector in file if not vector.error
    ]
    return [frames for frames in messages if len(frames[1]) <= corpus.MAX_BASE]


def verdicts(messages: Iterable[Sequence[bytes]]) -> tuple[Counter[str], str]:
    """How many messages met which verdict, and a SHA-256 over every verdict and what was understood."""
    counts: Counter[str] = Counter()
    total = sha256()
    for frames in messages:
        verdict, understood = judge(frames)
        counts[verdict] += 1
        total.update(verdict.encode() + b"\n" + understood)
    return counts, total.hexdigest()


def make() -> dict[Path, str]:
    """Every golden file, by path."""
    made = {
        "block": list(valid.block()),
        "params": list(valid.params()),
        "plain": list(valid.plain()),
        "plan": list(valid.plan()),
        "control": list(valid.control()),
        "broken": list(broken.broken()),
    }
    files = {folder() / f"{name}.json": _lines(made[name]) for name in NAMES}
    messages = list(corpus.generate(bases(made.values()), RECORDED["seed"], RECORDED["messages"]))
    counts, digest = verdicts(messages)
    record: dict[str, Any] = {
        **RECORDED,
        "sha256": corpus.digest(messages),
        "verdicts": dict(sorted(counts.items())),
        "verdicts_sha256": digest,
    }
    files[folder() / "corpus.json"] = json.dumps(record, indent=1) + "\n"
    files[folder() / "proofs.json"] = json.dumps(valid.proofs(), indent=1) + "\n"
    return files


def _lines(vectors: Sequence[Vector]) -> str:
    """One vector per line, so that a difference names the vector."""
    return "[\n" + ",\n".join(msgspec.json.encode(vector).decode() for vector in vectors) + "\n]\n"

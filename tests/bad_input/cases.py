"""Commands whose input cannot be used, and what has to be there for them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from hybridmix.engine import discovery
from hybridmix.engine.names import RULES

#: Makes what a case needs in its folder; what must be held while the command runs is a context.
Prepare = Callable[[Path], AbstractContextManager[object]]


def nothing(_folder: Path) -> AbstractContextManager[object]:
    return nullcontext()


def made(name: str, mode: int = 0o700) -> Prepare:
    def prepare(folder: Path) -> AbstractContextManager[object]:
        (folder / name).mkdir()
        (folder / name).chmod(mode)
        return nullcontext()

    return prepare


def written(name: str, content: bytes) -> Prepare:
    def prepare(folder: Path) -> AbstractContextManager[object]:
        (folder / name).parent.mkdir(mode=0o700, exist_ok=True)
        (folder / name).write_bytes(content)
        return nullcontext()

    return prepare


def audio(channels: int = 1, rate: int = 48000, frames: int = 4800, value: float = 0.1) -> Prepare:
    def prepare(folder: Path) -> AbstractContextManager[object]:
        tone = np.full((frames, channels), value, np.float32)
        soundfile.write(folder / "a.wav", tone, rate, subtype="FLOAT")
        return nullcontext()

    return prepare


def both(first: Prepare, second: Prepare) -> Prepare:
    def prepare(folder: Path) -> AbstractContextManager[object]:
        first(folder)
        return second(folder)

    return prepare


def linked(folder: Path) -> AbstractContextManager[object]:
    (folder / "elsewhere").mkdir(mode=0o700)
    (folder / "run").symlink_to(folder / "elsewhere")
    return nullcontext()


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """What a service that runs holds of its folder."""
    lock = discovery.Lock(discovery.open_folder(folder / "run"))
    yield
    lock.release()


def published(content: bytes, mode: int) -> Prepare:
    """A service that runs, with this discovery file."""

    def prepare(folder: Path) -> AbstractContextManager[object]:
        written("run/service.json", content)(folder)
        (folder / "run/service.json").chmod(mode)
        return running(folder)

    return prepare


def wrong_model(folder: Path) -> AbstractContextManager[object]:
    """The file of one model under the name of the other."""
    shipped = Path(discovery.__file__).parents[1] / "models"
    (folder / "models").mkdir()
    for name in RULES:
        shutil.copy(shipped / "headroom.onnx", folder / "models" / f"{name}.onnx")
    return nullcontext()


@dataclass(frozen=True)
class Case:
    """A command in a folder that ``prepare`` filled, and what it says.

    ``{folder}``, ``{pid}`` (this process) and ``{port}`` (one in use) are filled in everywhere.
    """

    name: str
    message: str
    session: str | None = None
    prepare: Prepare = nothing
    arguments: tuple[str, ...] = ("render", "session.toml", "--out", "mixed")
    code: int = 2
    environ: Mapping[str, str] = field(default_factory=dict)


#: Judges a case.
Judge = Callable[[Case], None]
SERVE = ("serve", "--runtime-dir", "run")
TRACK = '[[track]]\npath = "a.wav"\n'

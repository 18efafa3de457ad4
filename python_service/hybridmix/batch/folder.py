"""The folder that a render writes: everything in place at the end, or nothing."""

from __future__ import annotations

import re
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from hybridmix.batch import picture, report
from hybridmix.batch.audio import Writer
from hybridmix.batch.outcome import Measurement
from hybridmix.batch.session_file import Output
from hybridmix.errors import InputError

__all__ = ["OutputFolder", "check", "file_name", "stem_path"]


def check(folder: Path) -> None:
    """Raise InputError where ``folder`` is a file, or inside one."""
    if folder.is_file():
        raise InputError(f"output folder {folder} is a file; name a folder.")
    for part in folder.parents:
        if part.is_file():
            raise InputError(f"output folder {folder} cannot be made ({part} is a file); choose another one.")


def file_name(label: str) -> str:
    """Return ``label`` as the name of a file, without what file systems do not take."""
    return re.sub(r"[^\w .()+-]", "_", label)


def stem_path(folder: Path, label: str, output: Output) -> Path:
    """Return where in ``folder`` the stem of the track ``label`` is written."""
    return _placed(folder, f"stems/{label}", output)


def _placed(folder: Path, name: str, output: Output) -> Path:
    """Return the path of ``name``, which has no suffix and at most one folder."""
    parts = [file_name(part) for part in name.split("/", 1)]
    return folder.joinpath(*parts).with_name(f"{parts[-1]}.{output.format}")


class OutputFolder:
    """Writers for stems and mix in ``folder``, committed together by :meth:`finish`.

    Raises:
        InputError: the folder cannot be made or written to.
    """

    def __init__(self, folder: Path, output: Output, rate: int) -> None:
        self.folder = folder
        self._output = output
        self._rate = rate
        self._writers: list[Writer] = []
        self._made: list[Path] = []
        check(folder)
        self._make(folder)
        if output.stems:
            self._make(folder / "stems")

    def _make(self, folder: Path) -> None:
        missing = [part for part in (folder, *folder.parents) if not part.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"output folder {folder} cannot be made ({error.strerror}); choose another one."
            ) from None
        self._made += reversed(missing)

    def open(self, name: str, channels: int) -> Writer | None:
        """Return a writer for ``name`` (without suffix); ``None`` for a stem when stems are not wanted."""
        if name.startswith("stems/") and not self._output.stems:
            return None
        path = _placed(self.folder, name, self._output)
        writer = Writer(path, self._rate, channels, self._output.bits)
        self._writers.append(writer)
        return writer

    def finish(self, measurement: Measurement, clipped: int, title: str) -> report.Report:
        """Put every file in its place and write the report and the picture."""
        picture.draw(
            self.folder / "mix.png", title, measurement.gains, measurement.trim, measurement.loudness
        )
        files = []
        for writer in self._writers:
            writer.commit()
            files.append(str(writer.path.relative_to(self.folder)))
        self._writers = []
        finished = msgspec.structs.replace(
            measurement.report,
            mix=msgspec.structs.replace(measurement.report.mix, clipped_samples=clipped),
            files=[*sorted(files), "mix.png", "report.json"],
        )
        report.write(finished, self.folder / "report.json")
        self._made = []
        return finished

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self._writers:
            writer.discard()
        for folder in reversed(self._made):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

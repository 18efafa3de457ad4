"""What the service decided, frame by frame: one binary record per computed frame and member.

Beside it, a line of JSON per second, member and section at work: the values of its reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO
from uuid import UUID

import msgspec
import numpy as np
import numpy.typing as npt

from hybridmix.errors import InputError
from hybridmix.processors.groove import HEARD
from hybridmix.timeline import Compute, Standing
from hybridmix.wire import parameters

__all__ = [
    "FLAG_INCOMPLETE",
    "FLAG_KNOWN",
    "FLAG_WHOLE",
    "RECORD",
    "Second",
    "TraceWriter",
    "count",
    "read",
    "read_seconds",
    "records",
]

#: What members are told, as fields of a record.
_SENT = tuple(parameter.name for parameter in parameters.load().parameters)
#: Little-endian records without a header, in the order of computation. ``end`` and ``apply_at`` are
#: samples on the timeline, ``member`` the bytes of its UUID, ``energy`` the K-weighted mean square summed
#: over the channels, the parameters by name what was sent; NaN where nothing was, so the member holds. Behind them is what
#: groove heard (`hybridmix.processors.groove.HEARD`).
RECORD = np.dtype(
    [
        ("epoch", "<i4"),
        ("end", "<i8"),
        ("apply_at", "<i8"),
        ("member", "S16"),
        *((name, "<f4") for name in _SENT),
        ("energy", "<f4"),
        ("flags", "<u4"),
        *((name, "<f4") for name in HEARD),
    ]
)
#: The member delivered the frame (else its last features served).
FLAG_WHOLE = 1
#: The gain was sent.
FLAG_KNOWN = 2
#: A member of the group was left out because waiting for it would have blocked.
FLAG_INCOMPLETE = 4


class Second(msgspec.Struct, frozen=True):
    """What ``section`` did on the track of ``member`` in the second that ends at ``end`` samples."""

    epoch: int
    end: int
    member: UUID
    section: str
    values: dict[str, float]


def _beside(path: Path) -> Path:
    """Where the seconds of the trace at ``path`` are."""
    return path.with_name(f"{path.name}.reasons.jsonl")


_Noted = tuple[Compute, Sequence[int], npt.NDArray[np.float32], Mapping[str, npt.ArrayLike]]


class TraceWriter:
    """Appends records to a file, and seconds to another; buffered, so the loop seldom touches the disk."""

    def __init__(self, path: Path) -> None:
        """Create or empty ``path``. Raises InputError."""
        try:
            self._file: IO[bytes] = path.open("wb", buffering=1 << 20)
            self._seconds: IO[bytes] = _beside(path).open("wb", buffering=1 << 20)
        except OSError as error:
            raise InputError(
                f"trace file {path} cannot be written ({error.strerror}); name a file in an existing folder."
            ) from error
        self._noted: list[_Noted] = []

    def note(
        self,
        action: Compute,
        delays: Sequence[int],
        energy: npt.NDArray[np.float32],
        sent: Mapping[str, npt.ArrayLike],
    ) -> None:
        """Keep a computed frame, as `records` takes it, until there is time to write it."""
        self._noted.append((action, delays, energy, sent))

    def work(self) -> None:
        """Append the records of what was noted: called when the answers are out."""
        for noted in self._noted:
            self._file.write(records(*noted).tobytes())
        self._noted.clear()

    def explain(self, second: Second) -> None:
        """Append ``second``."""
        self._seconds.write(msgspec.json.encode(second) + b"\n")

    def flush(self) -> None:
        """Let readers see everything noted so far."""
        self.work()
        self._file.flush()
        self._seconds.flush()

    def close(self) -> None:
        """Write what is noted, and close."""
        self.work()
        self._file.close()
        self._seconds.close()


def records(
    action: Compute, delays: Sequence[int], energy: npt.NDArray[np.float32], sent: Mapping[str, npt.ArrayLike]
) -> npt.NDArray[np.void]:
    """The records of a computed frame, one per row of ``action``.

    ``delays`` are control delays in samples and ``energy`` is (n,); ``sent`` is what was sent by field, (n,) or one
    number for all, NaN where the member holds; everybody holds what it does not name.
    """
    made = np.zeros(len(action.rows), RECORD)
    made["epoch"], made["end"] = action.epoch, action.end
    made["apply_at"] = [action.end + delay for delay in delays]
    made["member"] = [row.member.bytes for row in action.rows]
    made["energy"] = energy
    for name in (*_SENT, *HEARD):
        made[name] = sent.get(name, np.nan)
    whole = np.array([row.standing is Standing.WHOLE for row in action.rows], np.uint32)
    made["flags"] = whole * FLAG_WHOLE + np.isfinite(made["gain_db"]) * np.uint32(FLAG_KNOWN)
    if action.incomplete:
        made["flags"] += FLAG_INCOMPLETE
    return made


def read(path: Path) -> npt.NDArray[np.void]:
    """All whole records of ``path`` (dtype RECORD), in the order of computation. Raises InputError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"trace file {path} cannot be read ({error.strerror}); name one that hybridmix serve --trace wrote."
        ) from error
    return np.frombuffer(content[: len(content) // RECORD.itemsize * RECORD.itemsize], dtype=RECORD)


def count(path: Path) -> int:
    """How many whole records ``path`` holds; 0 for a file that is not there."""
    return path.stat().st_size // RECORD.itemsize if path.exists() else 0


def read_seconds(path: Path) -> list[Second]:
    """All whole lines beside the trace at ``path``, in the order of computation; none where there is no such file."""
    beside = _beside(path)
    content = beside.read_bytes() if beside.exists() else b""
    return [
        msgspec.json.decode(line, type=Second) for line in content[: content.rfind(b"\n") + 1].splitlines()
    ]

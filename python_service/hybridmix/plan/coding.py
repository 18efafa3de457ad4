"""Tables of whole numbers as short text: differences, runs of nothing shortened, in base64 (docs/plan.md)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from hybridmix.errors import InputError

__all__ = ["MAX_FRAMES", "MAX_VALUE", "pack", "unpack"]

#: Two hours.
MAX_FRAMES = 2 * 60 * 60 * 20
#: Numbers are no larger than this.
MAX_VALUE = 1 << 24

Numbers = npt.NDArray[np.int64]


def pack(values: Sequence[int] | Numbers) -> str:
    """Return ``values``, whole numbers of at most 2^24, as text."""
    differences = np.diff(np.asarray(values, np.int64), prepend=0)
    packed = bytearray()
    nothing = 0
    for difference in [*differences.tolist(), None]:
        if difference == 0:
            nothing += 1
            continue
        if nothing:
            packed += b"\0" + _varint(nothing - 1)
            nothing = 0
        if difference is not None:
            packed += _varint(2 * difference if difference > 0 else -2 * difference - 1)
    return base64.b64encode(bytes(packed)).decode()


def unpack(text: str, frames: int) -> Numbers:
    """Return the ``frames`` numbers that `pack` made ``text`` of, (frames,).

    Raises:
        InputError: it is nothing of the kind; the message goes on after the name of what was read.
    """
    try:
        numbers = _numbers(base64.b64decode(text, validate=True))
        differences: list[int] = []
        for number in numbers:
            differences.append(-(number + 1) // 2 if number & 1 else number // 2)
            if number == 0:
                more = next(numbers, None)
                if more is None:
                    raise InputError("is cut off")
                if more >= frames - len(differences) + 1:
                    raise InputError(f"has more than {frames} frames")
                differences += [0] * more
    except (binascii.Error, ValueError):
        raise InputError("is no base64") from None
    if len(differences) != frames:
        raise InputError(f"has {len(differences)} frames; expected {frames}")
    values = np.cumsum(np.asarray(differences, np.int64))
    if np.abs(values).max() > MAX_VALUE:
        raise InputError(f"leaves its range at frame {int(np.argmax(np.abs(values) > MAX_VALUE))}")
    return values


def _varint(number: int) -> bytes:
    """Seven bits in a byte, the lowest first; the top bit says that more follow."""
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def _numbers(packed: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in packed:
        if shift > 28:
            raise InputError("is cut off")
        number |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            yield number
            number = shift = 0
    if shift:
        raise InputError("is cut off")

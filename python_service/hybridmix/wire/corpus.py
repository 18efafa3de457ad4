"""Broken messages, the same bytes on both sides of the wire.

Message after message is a valid one (a *base*) with up to three mutations, driven by SplitMix64. The Rust
tests hold the same algorithm; a digest of the first messages shows that the two agree. Drawing ``below(n)``
takes the next 64-bit number modulo n. Per message: a base, the number of mutations (0 to 3), and for each
its operation, each by one draw; then the draws of the operation in the order written below.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from hybridmix.wire.limits import HEADER_SIZE, MAX_HEADER, MAX_JSON, MAX_PAYLOAD

__all__ = ["MAX_BASE", "SplitMix64", "digest", "generate"]

Frames = list[bytes]

#: Bases with a payload over this length are left out: they would cost time and show nothing new.
MAX_BASE = 16 << 10

_MASK = (1 << 64) - 1
#: Offset and size of every field of the header; the instance in two halves.
_FIELDS = (
    *((0, 4), (4, 1), (5, 1), (6, 2), (8, 2), (10, 2), (12, 4), (16, 8), (24, 8), (32, 4), (36, 4)),
    *((40, 8), (48, 8), (56, 8), (64, 8), (72, 8), (80, 4), (84, 2), (86, 1), (87, 1), (88, 4)),
    *((92, 4), (96, 4), (100, 4), (104, 4), (108, 4), (112, 4), (116, 4), (120, 4), (124, 4)),
    *((128, 4), (132, 4), (136, 4), (140, 4), (144, 4)),
)
#: Numbers whose low bytes are written into fields: limits, powers of two, floats that are none.
_NUMBERS = (
    *(0, 1, 2, 3, 9, 11, 16, 17, 18, 19, 20, 112, 255, 441, 480, 882, 1920, 44100, 48000, 65535, 192000),
    *(1 << 31, (1 << 32) - 1, 1 << 53, (1 << 62) + 1, 1 << 63, _MASK),
    *(0x7F800000, 0x7FC00000, 0xFF800000, 0x3F800001, 0x80000000, 0x41C00000, 0x41C00001),
    *(0x7FF0000000000000, 0x7FF8000000000000, 0xFFF0000000000000, 0x8000000000000000),
)
#: What is inserted into payloads: where readers of JSON tend to differ.
_TOKENS = (
    *(b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b" ", b"\n", b"0", b"-", b"1.0", b"-0", b"1e5"),
    *(b"1e999", b"01", b"null", b"true", b"NaN", b"Infinity", b"18446744073709551616", b"4294967296"),
    *(b"\\u0041", b"\\ud800", b"\\udc00", b"\\ud83c\\udfb8", b"\\x", b"\xff", b"\xc3\xa9", b"\xef\xbb\xbf"),
    *(b"\x00", b"\x1f", b"[[[[[[[[[[[[[[[[[", b'"label":"",', b'"reason":"x"', b"{}", b"/*", b"00000000"),
)


class SplitMix64:
    """The generator of Steele, Lea and Flood: 64-bit numbers from a 64-bit seed."""

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def next(self) -> int:
        """The next number, 0 to 2^64 - 1."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = self._state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def below(self, n: int) -> int:
        """The next number modulo ``n``, which is above 0."""
        return self.next() % n


def generate(bases: Sequence[Sequence[bytes]], seed: int, count: int) -> Iterator[Frames]:
    """Yield ``count`` messages made from ``bases``."""
    random = SplitMix64(seed)
    for _ in range(count):
        frames = [bytearray(frame) for frame in bases[random.below(len(bases))]]
        for _ in range(random.below(4)):
            operation = _OPERATIONS[random.below(len(_OPERATIONS))]
            if frames:
                operation(frames, random, bases)
        yield [bytes(frame) for frame in frames]


def digest(messages: Iterable[Sequence[bytes]]) -> str:
    """SHA-256 over every message: number of frames (u32), then of each frame its length (u32) and bytes."""
    total = hashlib.sha256()
    for frames in messages:
        total.update(len(frames).to_bytes(4, "little"))
        for frame in frames:
            total.update(len(frame).to_bytes(4, "little"))
            total.update(frame)
    return total.hexdigest()


def _pick(frames: list[bytearray], random: SplitMix64) -> bytearray:
    return frames[random.below(len(frames))]


def _place(frames: list[bytearray], random: SplitMix64) -> tuple[int, int]:
    """Offset in the first frame and size of a field of one of its headers: header, field."""
    header = random.below(max(1, len(frames[0]) // HEADER_SIZE))
    at, size = _FIELDS[random.below(len(_FIELDS))]
    return header * HEADER_SIZE + at, size


def _flip(frames: list[bytearray], random: SplitMix64, _: Sequence[Sequence[bytes]]) -> None:
    """Flip one bit: frame, bit."""
    if frame := _pick(frames, random):
        bit = random.below(len(frame) * 8)
        frame[bit >> 3] ^= 1 << (bit & 7)


def _set(frames: list[bytearray], random: SplitMix64, _: Sequence[Sequence[bytes]]) -> None:
    """Set one byte: frame, offset, value."""
    if frame := _pick(frames, random):
        at = random.below(len(frame))
        frame[at] = random.below(256)


def _field(frames: list[bytearray], random: SplitMix64, _: Sequence[Sequence[bytes]]) -> None:
    """Write a number into a field of a header: header, field, number."""
    at, size = _place(frames, random)
    number = _NUMBERS[random.below(len(_NUMBERS))]
    if len(frames[0]) >= at + size:
        frames[0][at : at + size] = number.to_bytes(8, "little")[:size]


def _nudge(frames: list[bytearray], random: SplitMix64, _: Sequence[Sequence[bytes]]) -> None:
    """Add -4 to 4 to a field of a header, wrapping: header, field, amount."""
    at, size = _place(frames, random)
    amount = random.below(9) - 4
    if len(frames[0]) >= at + size:
        number = int.from_bytes(frames[0][at : at + size], "little") + amount
        frames[0][at : at + size] = (number & _MASK).to_bytes(8, "little")[:size]


def _truncate(frames: list[bytearray], random: SplitMix64, _: Sequence[Sequence[bytes]]) -> None:
    """Cut a frame: frame, new length."""
    frame = _pick(frames, random)
    del frame[random.below(len(frame) + 1) :]


def _extend(frames: list[bytearray], random: SplitMix64, _: Sequence[Sequence[bytes]]) -> None:
    """Append 1 to 16 bytes: frame, how many less one, each byte."""
    frame = _pick(frames, random)
    frame += bytes(random.below(256) for _ in range(1 + random.below(16)))


def _recount(frames: list[bytearray], random: SplitMix64, _: Sequence[Sequence[bytes]]) -> None:
    """Remove a frame or append a copy: which of both (0 removes), frame."""
    removes = random.below(2) == 0
    at = random.below(len(frames))
    if removes:
        del frames[at]
    else:
        frames.append(bytearray(frames[at]))


def _exchange(frames: list[bytearray], random: SplitMix64, bases: Sequence[Sequence[bytes]]) -> None:
    """Take the last frame of another base: base."""
    frames[-1] = bytearray(bases[random.below(len(bases))][-1])


def _splice(frames: list[bytearray], random: SplitMix64, _: Sequence[Sequence[bytes]]) -> None:
    """Copy up to 16 bytes within a frame: frame, from, to, how many less one."""
    if frame := _pick(frames, random):
        source, target = random.below(len(frame)), random.below(len(frame))
        size = min(1 + random.below(16), len(frame) - source, len(frame) - target)
        frame[target : target + size] = frame[source : source + size]


def _insert(frames: list[bytearray], random: SplitMix64, _: Sequence[Sequence[bytes]]) -> None:
    """Insert a token into the last frame: offset, token."""
    at = random.below(len(frames[-1]) + 1)
    frames[-1][at:at] = _TOKENS[random.below(len(_TOKENS))]


def _delete(frames: list[bytearray], random: SplitMix64, _: Sequence[Sequence[bytes]]) -> None:
    """Remove up to 8 bytes from the last frame: offset, how many less one."""
    if frame := frames[-1]:
        at = random.below(len(frame))
        del frame[at : at + 1 + random.below(8)]


def _resize(frames: list[bytearray], random: SplitMix64, _: Sequence[Sequence[bytes]]) -> None:
    """Rarely, a frame of a length around a limit, filled up with spaces: which (of 64), length."""
    limits = ((-1, MAX_PAYLOAD), (0, MAX_HEADER), (-1, MAX_JSON))
    which = random.below(64)
    if which < len(limits):
        index, limit = limits[which]
        size = limit - 1 + random.below(3)
        frames[index][:] = frames[index][:size].ljust(size, b" ")


def _repeat(frames: list[bytearray], random: SplitMix64, _: Sequence[Sequence[bytes]]) -> None:
    """Repeat the content of every frame, unless one is long already: how often (of 16)."""
    which = random.below(16)
    times = which + 114 if which >= 14 else 2 + which % 3
    if all(len(frame) <= MAX_BASE for frame in frames):
        for frame in frames:
            frame *= times


_OPERATIONS = (
    *(_flip, _set, _field, _nudge, _truncate, _extend),
    *(_recount, _exchange, _splice, _insert, _delete, _resize, _repeat),
)

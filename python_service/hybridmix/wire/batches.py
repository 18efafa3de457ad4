"""The two messages that flow all the time, read and written many packets at once.

The results are those of `hybridmix.wire.codec`, which is asked where anything is new or wrong.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray

from hybridmix.wire import parameters
from hybridmix.wire.codec import decode, decode_packet
from hybridmix.wire.fields import LAYOUT
from hybridmix.wire.header import MAGIC, Flags, Header, Kind
from hybridmix.wire.limits import (
    HEADER_SIZE,
    HOPS_PER_SECOND,
    MAX_DELAY,
    MAX_HEADER,
    MAX_PACKETS,
    MAX_PAYLOAD,
    MAX_POSITION,
    PROTOCOL,
)

__all__ = ["Answer", "Block", "Settings", "is_blocks", "read_blocks", "write_params"]


class Settings(msgspec.Struct, frozen=True, gc=False):
    """What seldom changes from one BLOCK of an instance to the next; the fields are those of `Header`."""

    instance: UUID
    group: int
    flags: int
    run: int
    rate: int
    frames: int
    channels: int
    role: int
    delay: int
    amount: float
    offset_db: float


class Block(NamedTuple):
    """One packet of a BLOCK message."""

    settings: Settings
    position: int
    lead: int
    #: Finite samples, (channels, frames), read-only.
    audio: NDArray[np.float32]
    #: Start values, with START: ids and values, ids ascending.
    start: Sequence[tuple[int, float]] = ()


class Answer(NamedTuple):
    """What one PARAMS packet says; ``values`` are ids and values, ids ascending."""

    instance: UUID
    flags: int
    run: int
    position: int
    apply_at: int
    values: list[tuple[int, float]]


_SAMPLE: Final = np.dtype("<f4")
_BLOCK_CODE: Final = struct.pack("<H", Kind.BLOCK)
_SIZE_CODE: Final = struct.pack("<H", HEADER_SIZE)
#: position, apply_at, beat, tempo, frames, channels and role, delay, lead: bytes 48 to 96.
_MOVING: Final = struct.Struct("<qqddIIII")
_VALUE: Final = struct.Struct("<HHf")
_RANGES: Final = {parameter.id: parameter.range for parameter in parameters.load().parameters}
_MAX_SETTINGS: Final = 4096
#: Headers without what moves in them, as they arrived, each with what it means; only checked ones.
_SETTINGS: dict[bytes, Settings] = {}


def is_blocks(frames: list[bytes]) -> bool:
    """Whether a message says that it is of kind BLOCK."""
    return len(frames) == 2 and frames[0][8:10] == _BLOCK_CODE


def read_blocks(frames: list[bytes]) -> list[Block]:
    """Read a message of one or more BLOCKs.

    Raises:
        WireError: the same as `decode`.
    """
    blocks = _read_known(*frames)
    if blocks is not None:
        return blocks
    return [
        Block(
            _settings(packet.header), packet.header.position, packet.header.lead, packet.audio, packet.start
        )
        for packet in decode(frames).packets
    ]


def write_params(answers: Iterable[Answer]) -> list[list[bytes]]:
    """The messages that carry ``answers``, in order, as few as the limits allow.

    An answer that a receiver would refuse is left out: nothing that a client sent can lead to one but
    positions at the end of their range.
    """
    heads: list[bytes] = []
    payloads: list[bytes] = []
    for instance, flags, run, position, apply_at, values in answers:
        if not _sendable(position, apply_at, values):
            continue
        heads.append(
            LAYOUT.pack(
                *(MAGIC, *PROTOCOL, HEADER_SIZE, Kind.PARAMS, 0, flags, instance.bytes, run, 0),
                *(0, position, apply_at, 0.0, 0.0, 0, 0, 0, 0, 0, 0, 0.0, 0.0, len(values), 0),
            )
        )
        payloads.append(b"".join([_VALUE.pack(number, 0, value) for number, value in values]))
    return [
        [b"".join(heads[at : at + MAX_PACKETS]), b"".join(payloads[at : at + MAX_PACKETS])]
        for at in range(0, len(heads), MAX_PACKETS)
    ]


def _sendable(position: int, apply_at: int, values: list[tuple[int, float]]) -> bool:
    for number, value in values:
        low, high = _RANGES[number]
        if not low <= value <= high:
            return False
    return -MAX_POSITION <= position <= MAX_POSITION and 0 <= apply_at - position <= MAX_DELAY


def _read_known(head: bytes, payload: bytes) -> list[Block] | None:
    """The packets of a message in which nothing is wrong; None where something is."""
    size, room = len(head), len(payload)
    if size % HEADER_SIZE or not 0 < size <= HEADER_SIZE * MAX_PACKETS or room > MAX_PAYLOAD:
        return None
    if size > MAX_HEADER or head[6:8] != _SIZE_CODE or room % _SAMPLE.itemsize:
        return None
    samples = np.frombuffer(payload, _SAMPLE)
    if not np.isfinite(samples).all():
        return None
    blocks: list[Block] = []
    at = 0
    for start in range(0, size, HEADER_SIZE):
        position, _, beat, tempo, frames, _, _, lead = _MOVING.unpack_from(head, start + 48)
        key = head[start : start + 40] + head[start + 80 : start + 92] + head[start + 96 : start + 104]
        settings = _SETTINGS.get(key)
        if settings is None:
            # Whatever is wrong in this packet, or before it, is found anew and named by `decode`.
            settings = _learn(key, head, start, payload, at * _SAMPLE.itemsize)
        if settings.flags & Flags.START:
            # Rare, and values may follow its samples.
            return None
        if not _moves(settings, position, beat, tempo):
            return None
        end = at + frames * settings.channels
        if end > len(samples):
            return None
        blocks.append(Block(settings, position, lead, samples[at:end].reshape(settings.channels, frames)))
        at = end
    return blocks if at == len(samples) else None


def _moves(settings: Settings, position: int, beat: float, tempo: float) -> bool:
    """Whether the fields that no key holds are what `decode` accepts."""
    if settings.frames and position % (settings.rate // HOPS_PER_SECOND):
        return False
    flags = settings.flags
    if flags & Flags.HAS_BEAT and not math.isfinite(beat):
        return False
    if flags & Flags.HAS_TEMPO and not math.isfinite(tempo):
        return False
    return -MAX_POSITION <= position <= MAX_POSITION


def _learn(key: bytes, head: bytes, start: int, payload: bytes, at: int) -> Settings:
    packet = decode_packet(Kind.BLOCK, head, start, HEADER_SIZE, payload, at)
    if len(_SETTINGS) >= _MAX_SETTINGS:
        _SETTINGS.clear()
    settings = _SETTINGS[key] = _settings(packet.header)
    return settings


def _settings(header: Header) -> Settings:
    h = header
    return Settings(
        *(h.instance, h.group, h.flags, h.run, h.rate, h.frames),
        *(h.channels, h.role, h.delay, h.amount, h.offset_db),
    )

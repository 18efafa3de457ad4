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
from hybridmix.wire.header import MAGIC, Flags, Header, Kind
from hybridmix.wire.limits import (
    HEADER_SIZE,
    HOPS_PER_SECOND,
    MAX_DELAY,
    MAX_HEADER,
    MAX_HOPS,
    MAX_PACKETS,
    MAX_PAYLOAD,
    MAX_POSITION,
    MAX_VALUES,
    PROTOCOL,
)

__all__ = [
    "Answer",
    "Block",
    "Settings",
    "Together",
    "is_blocks",
    "read_blocks",
    "read_together",
    "write_params",
]


class Settings(msgspec.Struct, frozen=True, gc=False):
    """What seldom changes from one BLOCK of an instance to the next; the fields are those of `Header`."""

    instance: UUID
    group: int
    flags: int
    run: int
    rate: int
    channels: int
    role: int
    delay: int
    amount: float
    offset_db: float
    dip_amount: float
    dip_budget_lu: float
    breath_amount: float
    breath_depth_db: float
    staging_amount: float
    staging_level_db: float
    density_amount: float
    high_pass_amount: float
    room_amount: float
    groove_amount: float
    groove_limit_ms: float
    groove_constant_ms: float


class Block(NamedTuple):
    """One packet of a BLOCK message."""

    settings: Settings
    position: int
    lead: int
    #: Finite samples, (channels, frames), read-only.
    audio: NDArray[np.float32]
    #: Start values, with START: ids and values, ids ascending.
    start: Sequence[tuple[int, float]] = ()
    #: Quarter notes at ``position``, and per minute; None where the host does not say both.
    beat: float | None = None
    tempo: float | None = None


class Together(NamedTuple):
    """A message whose BLOCKs all begin at one position and are equally long."""

    #: Of each packet; the same object for every message whose settings are these.
    settings: tuple[Settings, ...]
    position: int
    lead: int
    #: Finite samples, (rows, frames): the channels of the first packet, then of the second, …; read-only.
    audio: NDArray[np.float32]
    #: As in `Block`.
    beat: float | None
    tempo: float | None


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What one PARAMS packet says; ``values`` are ids and values, ids ascending."""

    instance: UUID
    flags: int
    run: int
    position: int
    apply_at: int
    values: Sequence[tuple[int, float]]


_SAMPLE: Final = np.dtype("<f4")
_BLOCK_CODE: Final = struct.pack("<H", Kind.BLOCK)
_SIZE_CODE: Final = struct.pack("<H", HEADER_SIZE)
#: position, apply_at, beat, tempo, frames, channels and role, delay, lead: bytes 48 to 96.
_MOVING: Final = struct.Struct("<qqddIIII")
_VALUE: Final = struct.Struct("<HHf")
#: The header of an answer: what is the same in all, what moves (flags to apply_at), and the rest by the count of values.
_ANSWER_BEGIN: Final = struct.pack("<4sBBHHH", MAGIC, *PROTOCOL, HEADER_SIZE, Kind.PARAMS, 0)
_ANSWER: Final = struct.Struct("<I16sIIQqq")
_REST: Final = HEADER_SIZE - len(_ANSWER_BEGIN) - _ANSWER.size
_ANSWER_ENDS: Final = [struct.pack("<40xII", count, 0).ljust(_REST, b"\0") for count in range(MAX_VALUES + 1)]
_RANGES: Final = {parameter.id: parameter.range for parameter in parameters.load().parameters}
#: The bytes of a header that move, the same in BLOCKs that begin together and are equally long.
_MOVES: Final = np.array([*range(48, 56), *range(64, 84), *range(92, 96)])
#: Begin and end of the bytes that make settings.
_KEY: Final = ((0, 40), (84, 92), (96, 104), (112, HEADER_SIZE))
#: The bytes of a header that do not move.
_STANDING: Final = np.array([*range(40), *range(84, 92), *range(96, HEADER_SIZE)])
_MAX_SETTINGS: Final = 4096
_MAX_TOGETHER: Final = 256
#: Settings of the packets of messages at one rate, and their channels in all, by what does not move in them.
_TOGETHER: Final[dict[bytes, tuple[tuple[Settings, ...], int]]] = {}
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
            *(
                _settings(packet.header),
                packet.header.position,
                packet.header.lead,
                packet.audio,
                packet.start,
            ),
            *_counted(packet.header.flags, packet.header.beat, packet.header.tempo),
        )
        for packet in decode(frames).packets
    ]


def read_together(frames: list[bytes]) -> Together | None:
    """Read a message of BLOCKs that go on together, in settings that `read_blocks` has seen together before.

    None for any other message, right or wrong: ask `read_blocks`.
    """
    head, payload = frames
    if len(head) % HEADER_SIZE or len(payload) % _SAMPLE.itemsize:
        return None
    headers = np.frombuffer(head, np.uint8).reshape(-1, HEADER_SIZE)
    known = _TOGETHER.get(headers[:, _STANDING].tobytes())
    if known is None:
        return None
    settings, rows = known
    moving = headers[:, _MOVES]
    if (moving != moving[0]).any():
        return None
    position, _, beat, tempo, count, _, _, lead = _MOVING.unpack_from(head, 48)
    if not count or not _moves(settings[0], position, count, beat, tempo):
        return None
    if not (math.isfinite(beat) and math.isfinite(tempo)):
        return None
    samples = np.frombuffer(payload, _SAMPLE)
    if len(samples) != rows * count or not np.isfinite(samples).all():
        return None
    return Together(
        settings, position, lead, samples.reshape(rows, count), *_counted(settings[0].flags, beat, tempo)
    )


def write_params(answers: Iterable[Answer]) -> list[list[bytes]]:
    """The messages that carry ``answers``, in order, as few as the limits allow.

    An answer that a receiver would refuse is left out: nothing that a client sent can lead to one but
    positions at the end of their range.
    """
    heads: list[bytes] = []
    payload = bytearray()
    ends = [0]
    for one in answers:
        position, apply_at, values = one.position, one.apply_at, one.values
        if not _sendable(position, apply_at, values):
            continue
        heads.append(
            _ANSWER_BEGIN
            + _ANSWER.pack(one.flags, one.instance.bytes, one.run, 0, 0, position, apply_at)
            + _ANSWER_ENDS[len(values)]
        )
        for number, value in values:
            payload += _VALUE.pack(number, 0, value)
        ends.append(len(payload))
    return [
        [
            b"".join(heads[at : at + MAX_PACKETS]),
            bytes(payload[ends[at] : ends[min(at + MAX_PACKETS, len(heads))]]),
        ]
        for at in range(0, len(heads), MAX_PACKETS)
    ]


def _sendable(position: int, apply_at: int, values: Sequence[tuple[int, float]]) -> bool:
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
    if len(_SETTINGS) > _MAX_SETTINGS - MAX_PACKETS:
        # Both, and not in the middle of a message: they hold the same objects.
        _SETTINGS.clear()
        _TOGETHER.clear()
    blocks: list[Block] = []
    at = 0
    for start in range(0, size, HEADER_SIZE):
        position, _, beat, tempo, frames, _, _, lead = _MOVING.unpack_from(head, start + 48)
        key = b"".join(head[start + begin : start + end] for begin, end in _KEY)
        settings = _SETTINGS.get(key)
        if settings is None:
            # Whatever is wrong in this packet, or before it, is found anew and named by `decode`.
            settings = _learn(key, head, start, payload, at * _SAMPLE.itemsize)
        if settings.flags & Flags.START:
            # Rare, and values may follow its samples.
            return None
        if not _moves(settings, position, frames, beat, tempo):
            return None
        end = at + frames * settings.channels
        if end > len(samples):
            return None
        audio = samples[at:end].reshape(settings.channels, frames)
        blocks.append(Block(settings, position, lead, audio, (), *_counted(settings.flags, beat, tempo)))
        at = end
    if at != len(samples):
        return None
    _remember(head, blocks)
    return blocks


def _remember(head: bytes, blocks: list[Block]) -> None:
    """Note the settings of ``blocks``, which came in one message, for `read_together`."""
    rate = blocks[0].settings.rate
    if all(one.settings.rate == rate for one in blocks):
        if len(_TOGETHER) >= _MAX_TOGETHER:
            _TOGETHER.clear()
        settings = tuple(one.settings for one in blocks)
        key = np.frombuffer(head, np.uint8).reshape(-1, HEADER_SIZE)[:, _STANDING].tobytes()
        _TOGETHER.setdefault(key, (settings, sum(one.channels for one in settings)))


def _counted(flags: int, beat: float, tempo: float) -> tuple[float | None, float | None]:
    """Return beat and tempo where a packet with these ``flags`` says both."""
    both = Flags.HAS_BEAT | Flags.HAS_TEMPO
    return (beat, tempo) if flags & both == both else (None, None)


def _moves(settings: Settings, position: int, frames: int, beat: float, tempo: float) -> bool:
    """Whether the fields that no key holds are what `decode` accepts."""
    hop = settings.rate // HOPS_PER_SECOND
    if frames % hop or not 0 <= frames <= MAX_HOPS * hop or (frames and position % hop):
        return False
    flags = settings.flags
    if not frames and not flags & Flags.RUN_BEGIN:
        return False
    if flags & Flags.HAS_BEAT and not math.isfinite(beat):
        return False
    if flags & Flags.HAS_TEMPO and not math.isfinite(tempo):
        return False
    return -MAX_POSITION <= position <= MAX_POSITION


def _learn(key: bytes, head: bytes, start: int, payload: bytes, at: int) -> Settings:
    packet = decode_packet(Kind.BLOCK, head, start, HEADER_SIZE, payload, at)
    settings = _SETTINGS[key] = _settings(packet.header)
    return settings


def _settings(header: Header) -> Settings:
    h = header
    return Settings(
        *(h.instance, h.group, h.flags, h.run, h.rate),
        *(h.channels, h.role, h.delay),
        *(h.amount, h.offset_db, h.dip_amount, h.dip_budget_lu, h.breath_amount, h.breath_depth_db),
        *(h.staging_amount, h.staging_level_db, h.density_amount, h.high_pass_amount),
        *(h.room_amount, h.groove_amount, h.groove_limit_ms, h.groove_constant_ms),
    )

"""Two frames to one checked message, and back.

A message holds one packet, or several of the kinds that a group sends at once: BLOCK and PARAMS. What `decode` returns holds no number outside its range, and zero in every field that its kind does not use.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray

from hybridmix.wire import parameters
from hybridmix.wire.error import WireError
from hybridmix.wire.fields import LAYOUT
from hybridmix.wire.header import MAGIC, NIL, Flags, Header, Kind
from hybridmix.wire.limits import (
    DELAYS,
    HEADER_SIZE,
    HOPS_PER_SECOND,
    MAX_BREATH_DEPTH_DB,
    MAX_DELAY,
    MAX_DIP_BUDGET_LU,
    MAX_GROOVE_CONSTANT_MS,
    MAX_GROOVE_LIMIT_MS,
    MAX_GROUP,
    MAX_HEADER,
    MAX_HEADER_SIZE,
    MAX_HOPS,
    MAX_OFFSET_DB,
    MAX_PACKETS,
    MAX_PAYLOAD,
    MAX_POSITION,
    MAX_VALUES,
    MIN_HEADER_SIZE,
    MIN_STAGING_LEVEL_DB,
    PROTOCOL,
)
from hybridmix.wire.messages import CONTROL_KINDS, Control, kind_of, read_control, write_control

__all__ = [
    "Message",
    "decode",
    "decode_packet",
    "decode_values",
    "encode",
    "encode_control",
    "encode_values",
    "join",
]

Values = list[tuple[int, float]]

_PREFIX: Final = struct.Struct("<4sBBH")
_VALUE: Final = struct.Struct("<HHf")
_SAMPLE: Final = np.dtype("<f4")
_RANGES: Final = {parameter.id: parameter.range for parameter in parameters.load().parameters}
_KINDS: Final = {int(kind): kind for kind in Kind}
_IDENTITIES: dict[bytes, UUID] = {}
_MAX_IDENTITIES: Final = 4096


class Message(msgspec.Struct, frozen=True):
    """A message that passed every check; ``body`` is what the payload of its first packet holds."""

    header: Header
    payload: bytes
    body: NDArray[np.float32] | Values | Control | None
    #: Start values of a BLOCK with START: ids and values, ids ascending.
    start: Values = msgspec.field(default_factory=list)
    #: The packets after the first, each as a message of its own.
    more: tuple[Message, ...] = ()

    @property
    def packets(self) -> tuple[Message, ...]:
        """Every packet as a message of its own, in order."""
        return (msgspec.structs.replace(self, more=()), *self.more) if self.more else (self,)

    @property
    def audio(self) -> NDArray[np.float32]:
        """Finite samples of a BLOCK, (channels, frames), read-only; (channels, 0) for an announcement."""
        if not isinstance(self.body, np.ndarray):
            raise TypeError(f"{self.header.kind.name} carries no audio")
        return self.body

    @property
    def values(self) -> Values:
        """Ids and values of a PARAMS, ids ascending; ids that are not declared come from a newer service."""
        if not isinstance(self.body, list):
            raise TypeError(f"{self.header.kind.name} carries no values")
        return self.body

    @property
    def control(self) -> Control | None:
        """What the JSON says; None for kinds without, and for a BYE that gives no reason."""
        return None if isinstance(self.body, np.ndarray | list) else self.body


def decode(frames: Sequence[bytes]) -> Message:
    """Read a message from its frames.

    Raises:
        WireError: the first check that fails, in the order of the protocol; nothing else, whatever arrives.
    """
    if len(frames) != 2:
        raise WireError("frame_count", len(frames))
    head, payload = frames
    size = len(head)
    if size > MAX_HEADER:
        raise WireError("header_too_long", size)
    if len(payload) > MAX_PAYLOAD:
        raise WireError("payload_too_long", len(payload))
    if size < MIN_HEADER_SIZE:
        raise _refuse_short(head)
    prefix = _PREFIX.unpack_from(head)
    _check_prefix(prefix)
    stride = prefix[3]
    if not MIN_HEADER_SIZE <= stride <= MAX_HEADER_SIZE or size % stride:
        raise WireError("header_size", stride)
    fields = _unpack(head, 0, stride)
    kind = _KINDS.get(fields[4])
    if kind is None:
        raise WireError("unknown_kind", fields[4])
    if size == stride:
        return _READERS[kind](kind, fields, payload)
    if size > stride * MAX_PACKETS or kind not in _LENGTHS:
        raise WireError("packets", size // stride)
    packets: list[Message] = []
    at = 0
    for start in range(0, size, stride):
        packet = decode_packet(kind, head, start, stride, payload, at)
        at += len(packet.payload)
        packets.append(packet)
    return msgspec.structs.replace(packets[0], more=tuple(packets[1:]))


def decode_packet(kind: Kind, head: bytes, start: int, stride: int, payload: bytes, at: int) -> Message:
    """Read one packet of a message of many: its header begins at ``start``, its payload at ``at``.

    The last packet must use up the payload.

    Raises:
        WireError: the first check that fails.
    """
    fields = _unpack(head, start, stride)
    _check_prefix(fields)
    if fields[3] != stride:
        raise WireError("header_size", fields[3])
    if fields[4] != kind:
        raise WireError("packets", fields[4])
    end = len(payload) if start + stride == len(head) else at + _LENGTHS[kind](fields)
    return _READERS[kind](kind, fields, payload[at:end])


def join(messages: Sequence[Sequence[bytes]]) -> list[bytes]:
    """One message that carries the packets of ``messages``, which `decode` checks: all BLOCK or all PARAMS."""
    return [b"".join(frames[index] for frames in messages) for index in (0, 1)]


def encode(header: Header, payload: bytes = b"") -> list[bytes]:
    """Both frames of a message; fields that the kind does not use are written as zero.

    Raises:
        WireError: whatever a receiver would refuse.
        ValueError: a field does not fit its type at all.
    """
    try:
        head = _pack(header)
    except struct.error as error:
        raise ValueError(f"{header.kind.name}: {error}") from None
    return [_pack(decode([head, payload]).header), payload]


def encode_control(control: Control) -> list[bytes]:
    """Both frames of a control message.

    Raises:
        WireError: ``body`` or ``json_too_long`` where a receiver would refuse it.
    """
    return encode(Header(kind_of(control)), write_control(control))


def encode_values(values: Sequence[tuple[int, float]]) -> bytes:
    """The payload of a PARAMS, or the end of that of a BLOCK with START; `encode` checks it."""
    return b"".join(_VALUE.pack(number, 0, value) for number, value in values)


def decode_values(payload: bytes) -> Values:
    """Read values and their ids.

    Raises:
        WireError: ``value_order`` or ``value_range``.
    """
    values: Values = []
    last = -1
    for number, _, value in _VALUE.iter_unpack(payload):
        if number <= last:
            raise WireError("value_order", number)
        low, high = _RANGES.get(number, (-math.inf, math.inf))
        if not low <= value <= high or math.isinf(value):
            raise WireError("value_range", (number, value))
        values.append((number, value))
        last = number
    return values


def _pack(h: Header) -> bytes:
    return LAYOUT.pack(
        *(MAGIC, *PROTOCOL, HEADER_SIZE, h.kind, h.group, h.flags, h.instance.bytes, h.run, h.rate),
        *(h.sequence, h.position, h.apply_at, h.beat, h.tempo, h.frames, h.channels, h.role, 0),
        *(h.delay, h.lead, h.amount, h.offset_db, h.count, 0, h.dip_amount, h.dip_budget_lu),
        *(h.breath_amount, h.breath_depth_db, h.staging_amount, h.staging_level_db),
        *(h.density_amount, h.high_pass_amount, h.room_amount, bytes(12)),
        *(h.groove_amount, h.groove_limit_ms, h.groove_constant_ms, 0),
    )


def _unpack(head: bytes, start: int, stride: int) -> _Fields:
    """The fields of the header at ``start``; those that a shorter one lacks, or has in part, are zero."""
    if stride >= HEADER_SIZE:
        return LAYOUT.unpack_from(head, start)
    # Every field behind the shortest header has four bytes or a multiple of them.
    whole = stride - stride % 4
    return LAYOUT.unpack(head[start : start + whole].ljust(HEADER_SIZE, b"\0"))


def _check_prefix(fields: tuple[Any, ...]) -> None:
    if fields[0] != MAGIC:
        raise WireError("magic", fields[0])
    if fields[1] != PROTOCOL[0]:
        raise WireError("version", fields[1])


def _refuse_short(head: bytes) -> WireError:
    if len(head) < _PREFIX.size:
        return WireError("header_too_short", len(head))
    magic, major, _, declared = _PREFIX.unpack_from(head)
    if magic != MAGIC:
        return WireError("magic", magic)
    if major != PROTOCOL[0]:
        return WireError("version", major)
    return WireError("header_size", (declared, len(head)))


def _instance(raw: bytes) -> UUID:
    """The instance; kept, because making a UUID costs as much as the rest of a header."""
    known = _IDENTITIES.get(raw)
    if known is None:
        known = UUID(bytes=raw)
        if known == NIL:
            raise WireError("instance", raw)
        if len(_IDENTITIES) >= _MAX_IDENTITIES:
            _IDENTITIES.clear()
        _IDENTITIES[raw] = known
    return known


def _position(position: int) -> int:
    if not -MAX_POSITION <= position <= MAX_POSITION:
        raise WireError("position", position)
    return position


def _no_payload(payload: bytes) -> None:
    if payload:
        raise WireError("payload_length", (0, len(payload)))


# The names of the fields follow `LAYOUT`; the checks, the order of the protocol.
_Fields = tuple[
    bytes, int, int, int, int, int, int, bytes, int, int, int, int, int, float, float,
    int, int, int, int, int, int, float, float, int, int, float, float, float, float,
    float, float, float, float, float, bytes, float, float, float, int,
]  # fmt: skip


def _read_block(kind: Kind, fields: _Fields, payload: bytes) -> Message:
    (_, _, _, _, _, group, flags, raw, run, rate, sequence, position, _, beat, tempo) = fields[:15]
    (frames, channels, role, _, delay, lead, amount, offset_db, count, _) = fields[15:25]
    dip_amount, dip_budget_lu, breath_amount, breath_depth_db = fields[25:29]
    staging_amount, staging_level_db, density_amount, high_pass_amount, room_amount, _ = fields[29:35]
    groove_amount, groove_limit_ms, groove_constant_ms, _ = fields[35:]
    flags &= Flags.OF_BLOCK
    if not flags & Flags.START:
        count = 0
    instance = _instance(raw)
    if not 1 <= group <= MAX_GROUP:
        raise WireError("group", group)
    delays = DELAYS.get(rate)
    if delays is None:
        raise WireError("rate", rate)
    if not 1 <= channels <= 2:
        raise WireError("channels", channels)
    if role > 2:
        raise WireError("role", role)
    if delay not in delays:
        raise WireError("delay", delay)
    if not 0.0 <= amount <= 1.0:
        raise WireError("amount", amount)
    if not -MAX_OFFSET_DB <= offset_db <= MAX_OFFSET_DB:
        raise WireError("offset_db", offset_db)
    if not 0.0 <= dip_amount <= 1.0:
        raise WireError("dip_amount", dip_amount)
    if not 0.0 <= dip_budget_lu <= MAX_DIP_BUDGET_LU:
        raise WireError("dip_budget_lu", dip_budget_lu)
    if not 0.0 <= breath_amount <= 1.0:
        raise WireError("breath_amount", breath_amount)
    if not 0.0 <= breath_depth_db <= MAX_BREATH_DEPTH_DB:
        raise WireError("breath_depth_db", breath_depth_db)
    if not 0.0 <= staging_amount <= 1.0:
        raise WireError("staging_amount", staging_amount)
    if not MIN_STAGING_LEVEL_DB <= staging_level_db <= 0.0:
        raise WireError("staging_level_db", staging_level_db)
    if not 0.0 <= density_amount <= 1.0:
        raise WireError("density_amount", density_amount)
    if not 0.0 <= high_pass_amount <= 1.0:
        raise WireError("high_pass_amount", high_pass_amount)
    if not 0.0 <= groove_amount <= 1.0:
        raise WireError("groove_amount", groove_amount)
    if not 0.0 <= groove_limit_ms <= MAX_GROOVE_LIMIT_MS:
        raise WireError("groove_limit_ms", groove_limit_ms)
    if not 0.0 <= groove_constant_ms <= MAX_GROOVE_CONSTANT_MS:
        raise WireError("groove_constant_ms", groove_constant_ms)
    if not 0.0 <= room_amount <= 1.0:
        raise WireError("room_amount", room_amount)
    if not flags & Flags.HAS_BEAT:
        beat = 0.0
    elif not math.isfinite(beat):
        raise WireError("beat", beat)
    if not flags & Flags.HAS_TEMPO:
        tempo = 0.0
    elif not math.isfinite(tempo):
        raise WireError("tempo", tempo)
    if not flags & Flags.RUN_BEGIN and (flags & Flags.START or not frames):
        raise WireError("flags", flags)
    hop = rate // HOPS_PER_SECOND
    if frames % hop or frames > hop * MAX_HOPS:
        raise WireError("frames", frames)
    if (frames and position % hop) or not -MAX_POSITION <= position <= MAX_POSITION:
        raise WireError("position", position)
    if count > MAX_VALUES:
        raise WireError("count", count)
    samples = frames * channels * _SAMPLE.itemsize
    if len(payload) != samples + count * _VALUE.size:
        raise WireError("payload_length", (samples + count * _VALUE.size, len(payload)))
    audio = np.ndarray((channels, frames), _SAMPLE, payload)
    if not np.isfinite(audio).all():
        raise WireError("samples")
    return Message(
        Header(
            *(kind, group, flags, instance, run, rate, sequence, position, 0, beat, tempo, frames),
            *(channels, role, delay, lead, amount, offset_db, count, dip_amount, dip_budget_lu),
            *(breath_amount, breath_depth_db, staging_amount, staging_level_db),
            *(density_amount, high_pass_amount, room_amount),
            *(groove_amount, groove_limit_ms, groove_constant_ms),
        ),
        payload,
        audio,
        decode_values(payload[samples:]),
    )


def _read_params(kind: Kind, fields: _Fields, payload: bytes) -> Message:
    (_, _, _, _, _, _, flags, raw, run, _, _, position, apply_at) = fields[:13]
    count = fields[23]
    flags &= Flags.OF_PARAMS
    instance = _instance(raw)
    _position(position)
    if not 0 <= apply_at - position <= MAX_DELAY:
        raise WireError("apply_at", apply_at)
    if count > MAX_VALUES:
        raise WireError("count", count)
    if flags & Flags.NONE and count:
        raise WireError("flags", flags)
    if len(payload) != count * _VALUE.size:
        raise WireError("payload_length", (count * _VALUE.size, len(payload)))
    header = Header(kind, 0, flags, instance, run, position=position, apply_at=apply_at, count=count)
    return Message(header, payload, decode_values(payload))


def _read_wait(kind: Kind, fields: _Fields, payload: bytes) -> Message:
    header = Header(kind, instance=_instance(fields[7]), run=fields[8], position=_position(fields[11]))
    _no_payload(payload)
    return Message(header, payload, None)


def _read_leave(kind: Kind, fields: _Fields, payload: bytes) -> Message:
    header = Header(kind, instance=_instance(fields[7]))
    _no_payload(payload)
    return Message(header, payload, None)


def _read_plan(kind: Kind, fields: _Fields, payload: bytes) -> Message:
    return Message(Header(kind, instance=_instance(fields[7])), payload, None)


def _read_numbered(kind: Kind, fields: _Fields, payload: bytes) -> Message:
    _no_payload(payload)
    return Message(Header(kind, sequence=fields[10]), payload, None)


def _read_control(kind: Kind, _: _Fields, payload: bytes) -> Message:
    return Message(Header(kind), payload, read_control(kind, payload))


_READERS: Final[dict[Kind, Callable[[Kind, _Fields, bytes], Message]]] = {
    **dict.fromkeys(CONTROL_KINDS, _read_control),
    Kind.BLOCK: _read_block,
    Kind.PARAMS: _read_params,
    Kind.WAIT: _read_wait,
    Kind.LEAVE: _read_leave,
    Kind.PLAN: _read_plan,
    **dict.fromkeys((Kind.CREDIT, Kind.PING, Kind.PONG), _read_numbered),
}
#: Length of the payload that a header announces, for the kinds that may share a message.
_LENGTHS: Final[dict[Kind, Callable[[_Fields], int]]] = {
    Kind.BLOCK: lambda fields: (
        fields[15] * fields[16] * _SAMPLE.itemsize
        + (fields[23] * _VALUE.size if fields[6] & Flags.START else 0)
    ),
    Kind.PARAMS: lambda fields: fields[23] * _VALUE.size,
}

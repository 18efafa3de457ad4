"""What a decoder made of a message, as bytes that are the same on both sides of the wire."""

from __future__ import annotations

from collections.abc import Sequence

from hybridmix.wire.codec import Message, decode, encode, encode_values
from hybridmix.wire.error import WireError
from hybridmix.wire.header import Kind
from hybridmix.wire.messages import write_control

__all__ = ["ACCEPTED", "judge"]

#: Verdict on a message that was accepted.
ACCEPTED = "accepted"
_LEFT_OUT = (Kind.STATS, Kind.REPORT)


def judge(frames: Sequence[bytes]) -> tuple[str, bytes]:
    """Decode a message: the verdict (`ACCEPTED` or the reason) and, where accepted, what was understood.

    What was understood is the message written anew, packet by packet: its header, then its values or control
    payload. Left out are the samples of a BLOCK, and STATS and REPORT, whose numbers have more than one correct
    spelling.
    """
    try:
        message = decode(frames)
    except WireError as error:
        return error.name, b""
    return ACCEPTED, b"".join(
        encode(packet.header, packet.payload)[0] + _payload(packet) for packet in message.packets
    )


def _payload(message: Message) -> bytes:
    if message.header.kind in _LEFT_OUT or message.body is None:
        return b""
    if message.header.kind is Kind.BLOCK:
        return encode_values(message.start)
    if message.header.kind is Kind.PARAMS:
        return encode_values(message.values)
    control = message.control
    return b"" if control is None else write_control(control)

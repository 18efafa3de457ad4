"""Golden vectors: every message type as bytes with its meaning, and broken ones with the reason.

A vector is a JSON object: ``name``, ``about``, ``frames``, ``error`` (null where it is accepted) and, where
accepted, ``header`` (the fields that a receiver sees), ``payload`` (its meaning), ``more`` (header and payload
of each further packet) and ``canonical`` (false where a sender would write other bytes). A frame is hex, or
``[hex, byte, times]``: hex, then a repeated byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from hybridmix.wire.codec import Message, decode
from hybridmix.wire.error import WireError
from hybridmix.wire.header import Kind

__all__ = ["Frame", "Packet", "Vector", "accepted", "expand", "meaning", "refused", "samples"]

#: Hex, or hex followed by a byte (hex) so many times.
Frame = str | tuple[str, str, int]


class Packet(msgspec.Struct, frozen=True):
    """A packet after the first: the fields that a receiver sees, and the meaning of its payload."""

    header: dict[str, Any]
    payload: Any


class Vector(msgspec.Struct, frozen=True, omit_defaults=True):
    """One golden vector; see the module."""

    name: str
    about: str
    frames: list[Frame]
    error: str | None
    header: dict[str, Any] | None = None
    payload: Any = None
    more: list[Packet] = []
    canonical: bool = True


def samples(channels: int, frames: int) -> bytes:
    """Planar test samples: sample i of channel c is ((37 i + 11 c) mod 256 - 128) / 128."""
    i, c = np.arange(frames), np.arange(channels)[:, None]
    return (((37 * i + 11 * c) % 256 - 128) / 128).astype("<f4").tobytes()


def expand(frame: Frame) -> bytes:
    """The bytes of a frame."""
    if isinstance(frame, str):
        return bytes.fromhex(frame)
    start, byte, times = frame
    return bytes.fromhex(start) + bytes.fromhex(byte) * times


def accepted(name: str, about: str, frames: Sequence[bytes], *, canonical: bool = True) -> Vector:
    """A vector from a message that is decoded here: what is accepted, and what it means."""
    message = decode(frames)
    first, *more = [Packet(msgspec.to_builtins(one.header), meaning(one)) for one in message.packets]
    folded = [_fold(frame) for frame in frames]
    return Vector(name, about, folded, None, first.header, first.payload, more, canonical)


def meaning(packet: Message) -> Any:
    """What the payload of one packet means, as JSON."""
    if packet.header.kind is Kind.BLOCK:
        samples = f"{packet.audio.shape[0]} x {packet.audio.shape[1]} samples"
        return [samples, list(map(list, packet.start))] if packet.start else samples
    return msgspec.json.decode(msgspec.json.encode(packet.body))


def refused(name: str, about: str, frames: Sequence[bytes], error: str) -> Vector:
    """A vector from a message that must be refused for that reason; `AssertionError` where it is not."""
    try:
        decode(frames)
        found = "accepted"
    except WireError as reason:
        found = reason.name
    if found != error:
        raise AssertionError(f"{name}: {found} where {error} was expected")
    return Vector(name, about, [_fold(frame) for frame in frames], error)


def _fold(frame: bytes) -> Frame:
    """Hex, shortened where the frame ends in many equal bytes."""
    end = frame.rstrip(frame[-1:]) if frame else b""
    times = len(frame) - len(end)
    return frame.hex() if times < 1024 else (end.hex(), frame[-1:].hex(), times)

"""The control messages: what their JSON payloads hold, and the ranges of every field."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from msgspec import Meta

from hybridmix.wire import text
from hybridmix.wire.header import NIL, Kind
from hybridmix.wire.limits import (
    DELAYS,
    DELAYS_MS,
    MAX_COUNTER,
    MAX_CREDITS,
    MAX_GROUP,
    MAX_LABEL,
    MAX_MODELS,
    MAX_POSITION,
    MAX_STATS,
    MAX_TEXT,
)

__all__ = [
    "CONTROL_KINDS",
    "Auth",
    "Bye",
    "Challenge",
    "Control",
    "Hello",
    "InstanceStats",
    "Join",
    "Joined",
    "Refuse",
    "RoundTrip",
    "Stats",
    "StatusRequest",
    "Welcome",
    "kind_of",
    "read_control",
    "write_control",
]

Hex32 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Name = Annotated[str, Meta(pattern=r"\A[a-z_]{1,40}\Z")]
Label = Annotated[str, Meta(max_length=MAX_LABEL)]
Text = Annotated[str, Meta(max_length=MAX_TEXT)]
U16 = Annotated[int, Meta(ge=0, le=(1 << 16) - 1)]
U32 = Annotated[int, Meta(ge=0, le=(1 << 32) - 1)]
Counter = Annotated[int, Meta(ge=0, le=MAX_COUNTER)]
Milliseconds = Annotated[float, Meta(ge=0)]
Version = tuple[U16, U16]


def _present(*identities: UUID | None) -> None:
    if NIL in identities:
        raise ValueError("instance or session is zero")


class Hello(msgspec.Struct, frozen=True):
    """Client to service: the first message of a connection; the nonce is fresh and used once."""

    protocol: Version
    client: Text
    pid: U32
    nonce: Hex32


class Challenge(msgspec.Struct, frozen=True):
    """Service to client: answers HELLO; ``proof`` is `proof.service` of both nonces."""

    protocol: Version
    nonce: Hex32
    proof: Hex32


class Auth(msgspec.Struct, frozen=True):
    """Client to service: answers CHALLENGE; ``proof`` is `proof.client` of both nonces."""

    proof: Hex32


class Welcome(msgspec.Struct, frozen=True):
    """Service to client: the connection is open; ``credits`` BLOCKs may be in flight per joined instance."""

    protocol: Version
    server: Text
    schema: Hex32
    models: Annotated[dict[Label, Hex32], Meta(max_length=MAX_MODELS)]
    credits: Annotated[int, Meta(ge=1, le=MAX_CREDITS)]


class Refuse(msgspec.Struct, frozen=True):
    """Service to client: refused; ``code`` is version, auth, bad_message or full, later ones may follow."""

    code: Name
    message: Text


class Join(msgspec.Struct, frozen=True):
    """Client to service: an instance appears; with a handle that is joined already, it changed."""

    handle: U32
    instance: UUID
    session: UUID | None
    group: Annotated[int, Meta(ge=1, le=MAX_GROUP)]
    label: Label
    track_name: Label
    rate: int
    channels: Annotated[int, Meta(ge=1, le=2)]
    delay_ms: int

    def __post_init__(self) -> None:
        _present(self.instance, self.session)
        if self.rate not in DELAYS or self.delay_ms not in DELAYS_MS:
            raise ValueError("rate or delay_ms is not offered")


class Joined(msgspec.Struct, frozen=True):
    """Service to client: answers JOIN with the identity to use from now on, and its session."""

    handle: U32
    instance: UUID
    session: UUID

    def __post_init__(self) -> None:
        _present(self.instance, self.session)


class InstanceStats(msgspec.Struct, frozen=True):
    """Counters of one instance since it was activated; positions and delays in samples."""

    instance: UUID
    late: Counter
    dropped: Counter
    incomplete: Counter
    status: Name
    position: Annotated[int, Meta(ge=-MAX_POSITION, le=MAX_POSITION)]
    run: U32
    lead: U32
    needed_delay: U32

    def __post_init__(self) -> None:
        _present(self.instance)


class RoundTrip(msgspec.Struct, frozen=True):
    """Distribution of hop sent to PARAMS received, in ms, and how many were measured."""

    p50: Milliseconds
    p99: Milliseconds
    p99_9: Milliseconds
    count: Counter


class Stats(msgspec.Struct, frozen=True):
    """Client to service: counters, at most every 200 ms and only when they changed."""

    instances: Annotated[list[InstanceStats], Meta(max_length=MAX_STATS)]
    rtt_ms: RoundTrip


class StatusRequest(msgspec.Struct, frozen=True):
    """Client to service: asks for REPORT."""


class Bye(msgspec.Struct, frozen=True):
    """Either way: the sender closes and says why."""

    reason: Text


#: Any control message; a REPORT is an object that the service documents.
Control = (
    Hello | Challenge | Auth | Welcome | Refuse | Join | Joined | Stats | StatusRequest | Bye | dict[str, Any]
)

_TYPES: Final[dict[Kind, type[msgspec.Struct]]] = {
    Kind.HELLO: Hello,
    Kind.CHALLENGE: Challenge,
    Kind.AUTH: Auth,
    Kind.WELCOME: Welcome,
    Kind.REFUSE: Refuse,
    Kind.JOIN: Join,
    Kind.JOINED: Joined,
    Kind.STATS: Stats,
    Kind.STATUS: StatusRequest,
    Kind.BYE: Bye,
}
_KINDS: Final = {message: kind for kind, message in _TYPES.items()}
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")

#: The kinds that carry JSON.
CONTROL_KINDS: Final = frozenset((*_TYPES, Kind.REPORT))


def kind_of(control: Control) -> Kind:
    """The kind of message that carries ``control``."""
    return Kind.REPORT if isinstance(control, dict) else _KINDS[type(control)]


def write_control(control: Control) -> bytes:
    """The JSON payload; fields in declared order, keys of maps sorted. The codec checks it."""
    return _ENCODER.encode(control)


def read_control(kind: Kind, payload: bytes) -> Control | None:
    """Read the payload of a kind that carries JSON; None for a BYE without a reason.

    Raises:
        WireError: ``json_too_long``, ``json`` or ``body``.
    """
    if kind is Kind.REPORT:
        return text.parse(payload)
    if kind is Kind.BYE and not payload:
        return None
    control: Control = text.read(payload, _TYPES[kind])  # type: ignore[assignment]
    return control

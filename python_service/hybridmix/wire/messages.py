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
    "Learning",
    "Refuse",
    "RoundTrip",
    "Stats",
    "StatusRequest",
    "Welcome",
    "kind_of",
    "read_control",
    "write_control",
]

Hex32 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z", title="64 lowercase hex digits")]
Name = Annotated[str, Meta(pattern=r"\A[a-z_]{1,40}\Z", title="1 to 40 of a to z and _")]
Label = Annotated[str, Meta(max_length=MAX_LABEL)]
Text = Annotated[str, Meta(max_length=MAX_TEXT)]
U16 = Annotated[int, Meta(ge=0, le=(1 << 16) - 1)]
U32 = Annotated[int, Meta(ge=0, le=(1 << 32) - 1)]
Counter = Annotated[int, Meta(ge=0, le=MAX_COUNTER)]
Milliseconds = Annotated[float, Meta(ge=0)]
Version = tuple[U16, U16]
Identity = Annotated[UUID, Meta(title="not zero")]
Rate = Annotated[int, Meta(title="multiple of 100, 44100 to 192000")]
DelayMs = Annotated[int, Meta(title="20, 40, 60, 100 or 200")]
Models = Annotated[dict[Label, Hex32], Meta(max_length=MAX_MODELS)]


def _about(text: str) -> Meta:
    """What a field means; `docs/protocol.md` shows it."""
    return Meta(description=text)


def _present(*identities: UUID | None) -> None:
    if NIL in identities:
        raise ValueError("instance or session is zero")


class Hello(msgspec.Struct, frozen=True):
    """Client to service: the first message of a connection; the nonce is fresh and used once."""

    protocol: Annotated[Version, _about("version that the client speaks: major, minor")]
    client: Annotated[Text, _about("program and version, for the record")]
    pid: Annotated[U32, _about("process id, for the record")]
    nonce: Annotated[Hex32, _about("fresh random bytes, used once")]


class Challenge(msgspec.Struct, frozen=True):
    """Service to client: answers HELLO; ``proof`` is `proof.service` of both nonces."""

    protocol: Annotated[Version, _about("version that the service speaks: major, minor")]
    nonce: Annotated[Hex32, _about("fresh random bytes, used once")]
    proof: Annotated[Hex32, _about("the service's proof over both nonces")]


class Auth(msgspec.Struct, frozen=True):
    """Client to service: answers CHALLENGE; ``proof`` is `proof.client` of both nonces."""

    proof: Annotated[Hex32, _about("the client's proof over both nonces")]


class Welcome(msgspec.Struct, frozen=True):
    """Service to client: the connection is open; ``credits`` BLOCKs may be in flight per joined instance."""

    protocol: Annotated[Version, _about("version that the service speaks: major, minor")]
    server: Annotated[Text, _about("program and version, for the record")]
    schema: Annotated[Hex32, _about("SHA-256 of the service's `parameters.toml`, for the record")]
    models: Annotated[
        Models, _about("models in use by name, with the SHA-256 of their files, for the record")
    ]
    credits: Annotated[
        int, Meta(ge=1, le=MAX_CREDITS), _about("BLOCKs that may be in flight per joined instance")
    ]


class Refuse(msgspec.Struct, frozen=True):
    """Service to client: refused; ``code`` is version, auth, bad_message or full, later ones may follow."""

    code: Annotated[Name, _about("`version`, `auth`, `bad_message` or `full`; others may be appended")]
    message: Annotated[Text, _about("a sentence for the user")]


class Join(msgspec.Struct, frozen=True):
    """Client to service: an instance appears; with a handle that is joined already, it changed."""

    handle: Annotated[U32, _about("the client's own number of the instance, unique on the connection")]
    instance: Annotated[Identity, _about("identity from the plugin's state")]
    session: Annotated[Identity | None, _about("session from the plugin's state; null until one was named")]
    group: Annotated[int, Meta(ge=1, le=MAX_GROUP), _about("group that the user has set")]
    label: Annotated[Label, _about("the user's label; empty where there is none")]
    track_name: Annotated[Label, _about("the host's name of the track; empty where there is none")]
    rate: Annotated[Rate, _about("sample rate in Hz")]
    channels: Annotated[int, Meta(ge=1, le=2), _about("channels of the track")]
    delay_ms: Annotated[DelayMs, _about("control delay in ms")]

    def __post_init__(self) -> None:
        _present(self.instance, self.session)
        if self.rate not in DELAYS or self.delay_ms not in DELAYS_MS:
            raise ValueError("rate or delay_ms is not offered")


class Joined(msgspec.Struct, frozen=True):
    """Service to client: answers JOIN with the identity to use from now on, and its session."""

    handle: Annotated[U32, _about("from JOIN")]
    instance: Annotated[Identity, _about("identity to use from now on")]
    session: Annotated[Identity, _about("session that the instance belongs to now")]

    def __post_init__(self) -> None:
        _present(self.instance, self.session)


class InstanceStats(msgspec.Struct, frozen=True):
    """Counters of one instance since it was activated; positions and delays in samples."""

    instance: Annotated[Identity, _about("the instance")]
    late: Annotated[Counter, _about("values that came after their sample, since activation")]
    dropped: Annotated[Counter, _about("hops lost before they were sent")]
    incomplete: Annotated[Counter, _about("frames answered as incomplete, and waits that were given up")]
    status: Annotated[Name, _about("name of the state that the plugin shows")]
    position: Annotated[
        Annotated[int, Meta(ge=-MAX_POSITION, le=MAX_POSITION)],
        _about("end of the last processed block, in samples"),
    ]
    run: Annotated[U32, _about("run that `position` belongs to")]
    lead: Annotated[U32, _about("largest lead in the process, in samples")]
    needed_delay: Annotated[U32, _about("control delay that the host's blocks need, in samples")]

    def __post_init__(self) -> None:
        _present(self.instance)


class RoundTrip(msgspec.Struct, frozen=True):
    """Distribution of hop sent to PARAMS received, in ms, and how many were measured."""

    p50: Annotated[Milliseconds, _about("median, in ms")]
    p99: Annotated[Milliseconds, _about("99th percentile, in ms")]
    p99_9: Annotated[Milliseconds, _about("99.9th percentile, in ms")]
    count: Annotated[Counter, _about("round trips measured")]


class Stats(msgspec.Struct, frozen=True):
    """Client to service: counters, at most every 200 ms and only when they changed."""

    instances: Annotated[
        Annotated[list[InstanceStats], Meta(max_length=MAX_STATS)], _about("one entry per instance")
    ]
    rtt_ms: Annotated[RoundTrip, _about("round trips from a hop sent to its PARAMS received")]


class StatusRequest(msgspec.Struct, frozen=True):
    """Client to service: asks for REPORT."""


class Learning(msgspec.Struct, frozen=True):
    """Service to client: what becomes of a pass with LEARNS."""

    instance: Annotated[Identity, _about("the instance")]
    state: Annotated[Name, _about("name of the state that the plugin shows; others may be appended")]

    def __post_init__(self) -> None:
        _present(self.instance)


class Bye(msgspec.Struct, frozen=True):
    """Either way: the sender closes and says why."""

    reason: Annotated[Text, _about("a few words for the log")]


#: Any control message; a REPORT is an object that the service documents.
Control = (
    Hello
    | Challenge
    | Auth
    | Welcome
    | Refuse
    | Join
    | Joined
    | Stats
    | StatusRequest
    | Learning
    | Bye
    | dict[str, Any]
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
    Kind.LEARNING: Learning,
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

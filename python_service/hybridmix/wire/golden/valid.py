"""Vectors that are accepted: every message type, and the edges of what a sender may write."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from uuid import UUID

import msgspec

from hybridmix.wire import messages as m
from hybridmix.wire import proof
from hybridmix.wire.codec import encode, encode_control, encode_values, join
from hybridmix.wire.golden.vectors import Vector, accepted, samples
from hybridmix.wire.header import Flags, Header, Kind, Role
from hybridmix.wire.limits import MAX_PACKETS, MAX_POSITION, MIN_HEADER_SIZE

__all__ = ["BLOCK", "PARAMS", "TOKEN", "block", "control", "params", "plain", "plan", "proofs"]

_A = UUID("6f1f3c0e-58d2-4a7b-9f0e-0d5a4c1b2e3f")
_B = UUID("00000000-0000-4000-8000-000000000001")
_SESSION = UUID("a3c59ac2-0001-4c4e-8a6e-6a2f0f6f8b11")
#: Secrets of the vectors; no real service uses them.
TOKEN = "00112233445566778899aabbccddeeff" * 2
_CLIENT_NONCE = "0123456789abcdef" * 4
_SERVICE_NONCE = "fedcba9876543210" * 4

#: One stereo hop at 48 kHz, everything known.
BLOCK = Header(
    Kind.BLOCK,
    group=3,
    flags=Flags.PLAYING | Flags.HAS_BEAT | Flags.HAS_TEMPO,
    instance=_A,
    run=7,
    rate=48000,
    sequence=41,
    position=96000,
    beat=4.0,
    tempo=120.0,
    frames=480,
    channels=2,
    role=Role.LIVE_SOURCE,
    delay=1920,
    lead=512,
    amount=0.75,
    offset_db=-3.5,
    dip_amount=0.5,
    dip_budget_lu=1.5,
    breath_amount=0.25,
    breath_depth_db=2.5,
    staging_amount=1.0,
    staging_level_db=-18.0,
    density_amount=0.75,
    high_pass_amount=0.5,
    groove_amount=0.625,
    groove_limit_ms=10.0,
    groove_constant_ms=20.0,
    room_amount=0.75,
)
#: Both declared values of one frame.
PARAMS = Header(Kind.PARAMS, instance=_A, run=7, position=98400, apply_at=100320, count=2)

_change = msgspec.structs.replace


def _longer(frames: list[bytes]) -> list[bytes]:
    """The message with a header of 184 bytes, as a later minor version may write it."""
    head = frames[0]
    return [head[:5] + b"\x07" + (184).to_bytes(2, "little") + head[8:] + b"\xaa" * 8, frames[1]]


def _shorter(frames: list[bytes], size: int) -> list[bytes]:
    """The message with a header of ``size`` bytes, without the fields that were appended."""
    head = frames[0]
    return [head[:6] + size.to_bytes(2, "little") + head[8:size], frames[1]]


def block() -> Iterator[Vector]:
    """BLOCK."""
    hop = encode(BLOCK, samples(2, 480))
    yield accepted(
        "block_stereo_hop", "one stereo hop at 48 kHz, transport playing, beat and tempo known", hop
    )
    mono = _change(BLOCK, flags=0, rate=44100, channels=1, frames=441, position=-441, delay=882, role=0)
    yield accepted(
        "block_mono_negative", "one mono hop before position 0, no transport", encode(mono, samples(1, 441))
    )
    start_header = _change(BLOCK, flags=Flags.RUN_BEGIN | Flags.START, frames=0, position=-12345)
    yield accepted(
        "block_announces_run", "a run begins off the hop grid, from a stop; no samples", encode(start_header)
    )
    learned = _change(start_header, count=2)
    announced = encode(learned, encode_values([(1, -6.5), (2, -0.25)]))
    yield accepted("block_start_values", "a run begins from a stop with values it has learned", announced)
    whole = _change(learned, frames=480, position=96000, channels=1, count=3)
    values = encode_values([(1, -80.0), (2, 0.0), (999, 1e38)])
    yield accepted(
        "block_start_values_after_samples",
        "start values behind a hop, one of them of a newer client",
        encode(whole, samples(1, 480) + values),
    )
    jump = _change(BLOCK, flags=Flags.RUN_BEGIN | Flags.PLAYING, run=8, position=480)
    yield accepted(
        "block_begins_run", "a jump whose first block holds a whole hop", encode(jump, samples(2, 480))
    )
    flags = Flags.SYNC | Flags.GAP | Flags.ZEROED | Flags.BYPASSED | Flags.LOCKED
    batch = _change(BLOCK, flags=flags, frames=64 * 480, channels=1)
    yield accepted("block_64_hops", "the most hops in one BLOCK, silent", encode(batch, bytes(64 * 480 * 4)))
    extreme = _change(
        BLOCK,
        group=16,
        run=(1 << 32) - 1,
        rate=192000,
        sequence=(1 << 64) - 1,
        position=MAX_POSITION // 1920 * 1920,
        beat=-1.0e300,
        tempo=0.0,
        frames=0,
        flags=Flags.RUN_BEGIN | Flags.HAS_BEAT | Flags.HAS_TEMPO,
        delay=38400,
        lead=(1 << 32) - 1,
        amount=1.0,
        offset_db=24.0,
        dip_amount=1.0,
        dip_budget_lu=6.0,
        breath_amount=1.0,
        breath_depth_db=5.0,
        staging_amount=1.0,
        staging_level_db=0.0,
        density_amount=1.0,
        high_pass_amount=1.0,
        groove_amount=1.0,
        groove_limit_ms=20.0,
        groove_constant_ms=20.0,
        room_amount=1.0,
    )
    yield accepted("block_greatest", "greatest values of every field", encode(extreme))
    least = _change(
        BLOCK,
        group=1,
        flags=Flags.RUN_BEGIN,
        run=0,
        rate=44100,
        sequence=0,
        position=-MAX_POSITION,
        frames=0,
        channels=1,
        role=0,
        delay=882,
        lead=0,
        amount=0.0,
        offset_db=-24.0,
        dip_amount=0.0,
        dip_budget_lu=0.0,
        breath_amount=0.0,
        breath_depth_db=0.0,
        staging_amount=0.0,
        staging_level_db=-30.0,
        density_amount=0.0,
        high_pass_amount=0.0,
        groove_amount=0.0,
        groove_limit_ms=0.0,
        groove_constant_ms=0.0,
        room_amount=0.0,
    )
    yield accepted("block_least", "least values of every field", encode(least))
    odd = struct.pack("<6f", 3.4028234663852886e38, -3.4028234663852886e38, 1e-45, -0.0, 1.17549435e-38, 0.0)
    finite = _change(BLOCK, flags=0, channels=1)
    yield accepted(
        "block_finite_extremes",
        "samples: greatest, least, subnormal, minus zero",
        encode(finite, odd + bytes(1920 - 24)),
    )
    head = bytearray(hop[0])
    head[12:16] = (BLOCK.flags & ~(Flags.HAS_BEAT | Flags.HAS_TEMPO) | 0xFFFFFFFF & ~Flags.OF_BLOCK).to_bytes(
        4, "little"
    )
    head[56:80] = struct.pack("<qdd", -1, math.nan, math.inf)
    head[87] = 0xFF
    head[104:112] = b"\xff" * 8
    yield accepted(
        "block_unused_fields",
        "fields, flags and bytes that are not used hold anything and are read as zero",
        [bytes(head), hop[1]],
        canonical=False,
    )
    head = bytearray(hop[0]) + b"later"
    head[5:8] = struct.pack("<BH", 9, len(head))
    yield accepted(
        "block_later_minor",
        "a later minor version with a longer header",
        [bytes(head), hop[1]],
        canonical=False,
    )
    other = _change(BLOCK, instance=_B, flags=0, sequence=42, position=95520, channels=1, role=Role.AI_STEM)
    yield accepted(
        "block_two_packets",
        "hops of two instances in one message, stereo and mono",
        join([hop, encode(other, samples(1, 480))]),
    )
    yield accepted(
        "block_three_packets",
        "an announcement between hops of two instances",
        join([hop, encode(_change(start_header, instance=_B, sequence=42)), encode(BLOCK, bytes(3840))]),
    )
    yield accepted(
        "block_start_values_between",
        "start values of one instance between the hops of others",
        join([hop, announced, encode(BLOCK, bytes(3840))]),
    )
    longer = [_longer(frames) for frames in (hop, encode(other, samples(1, 480)))]
    yield accepted(
        "block_two_longer_headers",
        "two packets of a later minor version, headers of 184 bytes",
        join(longer),
        canonical=False,
    )
    shorter = [_shorter(frames, MIN_HEADER_SIZE) for frames in (hop, encode(other, samples(1, 480)))]
    yield accepted(
        "block_two_shorter_headers",
        "two packets with headers of 112 bytes: what was appended is zero",
        join(shorter),
        canonical=False,
    )
    yield accepted(
        "block_header_between",
        "a header of 118 bytes: what it has of the appended fields is read, half a field is not",
        _shorter(hop, 118),
        canonical=False,
    )


def params() -> Iterator[Vector]:
    """PARAMS."""
    pair = encode_values([(1, -6.5), (2, -0.25)])
    yield accepted("params_two_values", "both declared values", encode(PARAMS, pair))
    none = _change(PARAMS, flags=Flags.NONE, count=0)
    yield accepted("params_none", "nobody counted in the frame", encode(none))
    late = _change(PARAMS, flags=Flags.INCOMPLETE | Flags.SKIPPED, count=1, position=-2400, apply_at=-480)
    yield accepted("params_incomplete_skipped", "one value, incomplete and skipped", encode(late, pair[8:]))
    yield accepted(
        "params_holds_all", "a computed frame in which every value holds", encode(_change(PARAMS, count=0))
    )
    many = [(1, 36.0), (2, -60.0), *((1000 + n, 1e38) for n in range(13)), (65535, -0.0)]
    full = _change(PARAMS, count=16, apply_at=PARAMS.position + 38400)
    yield accepted(
        "params_most_values",
        "sixteen values, fourteen of them from a newer service; values at the ends of their ranges",
        encode(full, encode_values(many)),
    )
    padded = bytearray(pair)
    padded[2:4] = b"\xff\xff"
    yield accepted(
        "params_padding",
        "the padding of a value is ignored",
        [encode(PARAMS, pair)[0], bytes(padded)],
        canonical=False,
    )
    b = _change(PARAMS, instance=_B, run=2)
    yield accepted(
        "params_two_packets",
        "the values of two instances in one message",
        join([encode(PARAMS, pair), encode(b, pair)]),
    )
    yield accepted(
        "params_three_packets",
        "two values, none, and one",
        join([encode(PARAMS, pair), encode(_change(none, instance=_B)), encode(late, pair[8:])]),
    )
    most = [encode(_change(none, run=number)) for number in range(MAX_PACKETS)]
    yield accepted("params_128_packets", "the most packets of one message", join(most))


def plain() -> Iterator[Vector]:
    """The kinds without a payload."""
    yield accepted("leave", "an instance is gone", encode(Header(Kind.LEAVE, instance=_A)))
    wait = Header(Kind.WAIT, instance=_A, run=7, position=98400)
    yield accepted("wait", "a render waits for the frame that ends at 98400", encode(wait))
    yield accepted("credit", "41 BLOCKs were taken", encode(Header(Kind.CREDIT, sequence=41)))
    yield accepted("ping", "the first ping", encode(Header(Kind.PING, sequence=1)))
    yield accepted(
        "pong", "the answer to the last possible ping", encode(Header(Kind.PONG, sequence=(1 << 64) - 1))
    )


def plan() -> Iterator[Vector]:
    """Plans: JSON that the codec does not look into."""
    text = b'{"begin":0,"frames":4,"level":{"data":"rwkAAMcB","per":2},"values":{},"version":1}'
    head = Header(Kind.PLAN, instance=_A)
    yield accepted("plan", "four frames without a value", encode(head, text))
    yield accepted("plan_nonsense", "what it says is looked at where it is played", encode(head, b"\xff{"))


def control() -> Iterator[Vector]:
    """The kinds that carry JSON."""
    version = (1, 0)
    service = proof.service(TOKEN, _CLIENT_NONCE, _SERVICE_NONCE)
    client = proof.client(TOKEN, _SERVICE_NONCE, _CLIENT_NONCE)
    hello = m.Hello(version, "hybridmix-shim 0.1.0", 4711, _CLIENT_NONCE)
    challenge = m.Challenge(version, _SERVICE_NONCE, service)
    models = {"headroom": "ab" * 32, "equal_loudness": "cd" * 32}
    welcome = m.Welcome(version, "hybridmix 0.1.0", "ef" * 32, models, 32)
    join = m.Join(1, _A, _SESSION, 1, 'Lead "gtr" \\ é 🎸\n', "Audio 1", 48000, 2, 40)
    first = m.InstanceStats(_A, 0, 3, 0, "mixing", 96480, 7, 512, 2432)
    second = m.InstanceStats(_B, 1 << 53, 0, 1, "holding", -MAX_POSITION, (1 << 32) - 1, 0, 0)
    report = {"members": [{"id": 1, "tags": ["a", None, True]}], "rtt": 0.5, "big": 18446744073709551615}
    for name, about, message in (
        ("hello", "the first message", hello),
        ("hello_major_2", "another major version can be read", _change(hello, protocol=(2, 1))),
        ("challenge", "the service proves that it knows the token", challenge),
        ("auth", "the client proves it too", m.Auth(client)),
        ("welcome", "two models, 32 credits", welcome),
        ("welcome_bare", "no models, one credit", m.Welcome(version, "", "00" * 32, {}, 1)),
        ("refuse_version", "another major version", m.Refuse("version", "plugin speaks 2.0, service 1.0")),
        ("join", "an instance with a session and a label with escapes", join),
        ("join_first", "a new project: no session, no name", m.Join(0, _B, None, 16, "", "", 192000, 1, 200)),
        ("joined", "identity and session", m.Joined(1, _A, _SESSION)),
        ("stats", "two instances", m.Stats([first, second], m.RoundTrip(0.5, 1.25, 12.0, 1000))),
        ("stats_empty", "nothing measured", m.Stats([], m.RoundTrip(0.0, 0.0, 0.0, 0))),
        ("status", "asks for a report", m.StatusRequest()),
        ("report", "any object", report),
        ("learning", "a pass is listened to", m.Learning(_A, "learning")),
        ("learning_later", "a state of a later version", m.Learning(_B, "a_later_state")),
        ("bye", "with a reason", m.Bye("shutting down")),
    ):  # fmt: skip
        yield accepted(name, about, encode_control(message))
    yield accepted("bye_silent", "without a reason", encode(Header(Kind.BYE)))
    loose = b' { "later" : [ { } , 1e-5 ] ,\r\n\t"reason" : "\\u00e9\\ud83c\\udfb8\\/" } '
    yield accepted(
        "bye_later_minor",
        "unknown keys are ignored; spaces and escapes do not matter",
        [encode(Header(Kind.BYE))[0], loose],
        canonical=False,
    )


def proofs() -> dict[str, str]:
    """The proofs and the tcp password for fixed secrets."""
    return {
        "token": TOKEN,
        "client_nonce": _CLIENT_NONCE,
        "service_nonce": _SERVICE_NONCE,
        "service": proof.service(TOKEN, _CLIENT_NONCE, _SERVICE_NONCE),
        "client": proof.client(TOKEN, _SERVICE_NONCE, _CLIENT_NONCE),
        "plain_password": proof.plain_password(TOKEN),
    }

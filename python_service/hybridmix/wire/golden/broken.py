"""Vectors that are refused, each with its reason: every reason at least once."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

import msgspec

from hybridmix.wire.codec import encode, encode_control, encode_values, join
from hybridmix.wire.golden.valid import BLOCK, PARAMS
from hybridmix.wire.golden.vectors import Vector, refused
from hybridmix.wire.header import Flags, Header, Kind
from hybridmix.wire.limits import HEADER_SIZE, MAX_HEADER, MAX_JSON, MAX_PACKETS, MAX_PAYLOAD, MAX_POSITION
from hybridmix.wire.messages import Bye

__all__ = ["broken"]

_BLOCK = encode(BLOCK, bytes(2 * 480 * 4))
_PAIR = encode_values([(1, -6.5), (2, -0.25)])
_PARAMS = encode(PARAMS, _PAIR)
_BYE = encode_control(Bye("x"))
_UUID = str(BLOCK.instance).encode()
_PING = encode(Header(Kind.PING, sequence=1))


def _with(frames: list[bytes], at: int, kind: str, *values: float | bytes) -> list[bytes]:
    """The message with other bytes at that offset of its header."""
    field = struct.pack(f"<{kind}", *values)
    return [frames[0][:at] + field + frames[0][at + len(field) :], frames[1]]


def broken() -> Iterator[Vector]:
    """Every refused vector."""
    yield from _framing()
    yield from _block()
    yield from _params()
    yield from _several()
    yield from _control()


def _framing() -> Iterator[Vector]:
    head, payload = _PING
    yield refused("no_frames", "an empty message", [], "frame_count")
    yield refused("one_frame", "a header without a payload frame", [head], "frame_count")
    yield refused("three_frames", "a frame too many", [head, payload, b""], "frame_count")
    long = head[:6] + struct.pack("<H", MAX_HEADER + 1) + head[8:]
    yield refused(
        "header_too_long", "one byte over 32 KiB", [long.ljust(MAX_HEADER + 1, b"\0"), b""], "header_too_long"
    )
    yield refused(
        "payload_too_long", "one byte over 1 MiB", [head, bytes(MAX_PAYLOAD + 1)], "payload_too_long"
    )
    yield refused("header_empty", "no header at all", [b"", b""], "header_too_short")
    yield refused("header_of_seven", "ends before its size", [head[:7], b""], "header_too_short")
    yield refused("magic", "begins with something else", _with(_PING, 0, "4s", b"HMIY"), "magic")
    yield refused("magic_short", "another protocol's short message", [b"RIFFwave", b""], "magic")
    yield refused("major_2", "another major version", _with(_PING, 4, "B", 2), "version")
    yield refused(
        "major_0_short",
        "another major version, shorter header",
        [_with(_PING, 4, "BBH", 0, 0, 8)[0][:8], b""],
        "version",
    )
    yield refused("header_cut", "shorter than it says", [head[:111], b""], "header_size")
    yield refused("header_padded", "longer than it says", [head + b"\0", b""], "header_size")
    yield refused(
        "header_size_8",
        "says that it is shorter than version 1.0",
        [_with(_PING, 6, "H", 8)[0][:8], b""],
        "header_size",
    )
    yield refused("kind_0", "no kind", _with(_PING, 8, "H", 0), "unknown_kind")
    yield refused("kind_21", "a kind of a later version", _with(_PING, 8, "H", 21), "unknown_kind")
    yield refused("ping_with_payload", "a payload where none belongs", [head, b"\0"], "payload_length")
    leave = encode(Header(Kind.LEAVE, instance=BLOCK.instance))
    yield refused("leave_nobody", "no instance", _with(leave, 16, "16s", bytes(16)), "instance")
    plan = encode(Header(Kind.PLAN, instance=BLOCK.instance), b"{}")
    yield refused("plan_nobody", "no instance", _with(plan, 16, "16s", bytes(16)), "instance")
    yield refused("two_plans", "a plan stands alone", [plan[0] * 2, b"{}{}"], "packets")
    wait = encode(Header(Kind.WAIT, instance=BLOCK.instance, run=1, position=2400))
    yield refused("wait_far", "position out of range", _with(wait, 48, "q", MAX_POSITION + 1), "position")


def _block() -> Iterator[Vector]:
    nan, inf = math.nan, math.inf
    for name, about, at, kind, value, error in (
        ("instance_nil", "no instance", 16, "16s", bytes(16), "instance"),
        ("group_0", "groups begin at 1", 10, "H", 0, "group"),
        ("group_17", "groups end at 16", 10, "H", 17, "group"),
        ("rate_48050", "no multiple of 100 Hz", 36, "I", 48050, "rate"),
        ("rate_44000", "below 44.1 kHz", 36, "I", 44000, "rate"),
        ("rate_192100", "above 192 kHz", 36, "I", 192100, "rate"),
        ("channels_0", "no channel", 84, "H", 0, "channels"),
        ("channels_3", "three channels", 84, "H", 3, "channels"),
        ("role_3", "an unknown role", 86, "B", 3, "role"),
        ("delay_1921", "a delay that is not offered", 88, "I", 1921, "delay"),
        ("delay_0", "no delay", 88, "I", 0, "delay"),
        ("amount_above", "just above 1", 96, "I", 0x3F800001, "amount"),
        ("amount_nan", "not a number", 96, "f", nan, "amount"),
        ("offset_above", "just above 24 dB", 100, "I", 0x41C00001, "offset_db"),
        ("offset_infinite", "minus infinity", 100, "f", -inf, "offset_db"),
        ("dip_amount_above", "just above 1", 112, "I", 0x3F800001, "dip_amount"),
        ("dip_amount_nan", "not a number", 112, "f", nan, "dip_amount"),
        ("dip_budget_above", "just above 6 LU", 116, "I", 0x40C00001, "dip_budget_lu"),
        ("dip_budget_negative", "less than nothing", 116, "f", -0.5, "dip_budget_lu"),
        ("breath_amount_above", "just above 1", 120, "I", 0x3F800001, "breath_amount"),
        ("breath_amount_nan", "not a number", 120, "f", nan, "breath_amount"),
        ("breath_depth_above", "just above 5 dB", 124, "I", 0x40A00001, "breath_depth_db"),
        ("breath_depth_negative", "less than nothing", 124, "f", -0.5, "breath_depth_db"),
        ("staging_amount_above", "just above 1", 128, "I", 0x3F800001, "staging_amount"),
        ("staging_level_above", "above full scale", 132, "f", 0.5, "staging_level_db"),
        ("staging_level_below", "just below -30 dBFS", 132, "I", 0xC1F00001, "staging_level_db"),
        ("density_amount_nan", "not a number", 136, "f", nan, "density_amount"),
        ("high_pass_amount_above", "just above 1", 140, "I", 0x3F800001, "high_pass_amount"),
        ("groove_amount_above", "just above 1", 160, "I", 0x3F800001, "groove_amount"),
        ("groove_amount_nan", "not a number", 160, "f", nan, "groove_amount"),
        ("groove_limit_above", "just above 20 ms", 164, "I", 0x41A00001, "groove_limit_ms"),
        ("groove_constant_negative", "less than nothing", 168, "f", -0.5, "groove_constant_ms"),
        ("room_amount_above", "just above 1", 144, "I", 0x3F800001, "room_amount"),
        ("room_amount_nan", "not a number", 144, "f", nan, "room_amount"),
        ("beat_nan", "declared as known", 64, "d", nan, "beat"),
        ("tempo_infinite", "declared as known", 72, "d", inf, "tempo"),
        ("start_alone", "START without RUN_BEGIN", 12, "I", int(Flags.START), "flags"),
        ("announces_nothing", "no frames and no RUN_BEGIN", 80, "I", 0, "flags"),
        ("frames_479", "no whole hop", 80, "I", 479, "frames"),
        ("frames_65_hops", "a hop too many", 80, "I", 65 * 480, "frames"),
        ("frames_2_31", "a length that a multiplication would overflow", 80, "I", 1 << 31, "frames"),
        ("position_off_grid", "samples must begin on the hop grid", 48, "q", 96001, "position"),
        ("position_negative_off_grid", "also below zero", 48, "q", -479, "position"),
        ("position_least", "out of range", 48, "q", -(1 << 63), "position"),
        ("frames_more_than_sent", "two hops announced, one sent", 80, "I", 960, "payload_length"),
    ):  # fmt: skip
        yield refused(f"block_{name}", about, _with(_BLOCK, at, kind, value), error)
    head, audio = _BLOCK
    yield refused("block_payload_odd", "three bytes missing", [head, audio[:-3]], "payload_length")
    announce = _with(_BLOCK, 80, "I", 0)[0]
    announce = announce[:12] + struct.pack("<I", Flags.RUN_BEGIN) + announce[16:]
    yield refused(
        "block_announce_with_samples", "samples that nobody announced", [announce, audio], "payload_length"
    )
    for name, number in (("nan", nan), ("infinite", inf), ("minus_infinite", -inf)):
        bad = struct.pack("<f", number) + audio[4:]
        yield refused(f"block_sample_{name}", "the first sample is not finite", [head, bad], "samples")
    start = announce[:12] + struct.pack("<I", Flags.RUN_BEGIN | Flags.START) + announce[16:104]
    for name, about, count, payload, error in (
        ("count_33", "too many start values", 33, bytes(33 * 8), "count"),
        ("count_greatest", "a count that a multiplication would overflow", (1 << 32) - 1, b"", "count"),
        ("missing", "two start values announced, one sent", 2, _PAIR[:8], "payload_length"),
        ("uncounted", "one start value announced, two sent", 1, _PAIR, "payload_length"),
        ("descend", "ids out of order", 2, _PAIR[8:] + _PAIR[:8], "value_order"),
        ("gain_above", "gain above 36 dB", 1, encode_values([(1, 36.5)]), "value_range"),
        ("gain_nan", "not a number", 1, encode_values([(1, nan)]), "value_range"),
    ):
        bad_start = start + struct.pack("<I", count) + announce[108:]
        yield refused(f"block_start_{name}", about, [bad_start, payload], error)
    jump = encode(msgspec.structs.replace(BLOCK, flags=Flags.RUN_BEGIN, frames=0))
    yield refused(
        "block_jump_with_values", "a jump brings no start values", [jump[0], _PAIR], "payload_length"
    )


def _params() -> Iterator[Vector]:
    for name, about, at, kind, value, error in (
        ("instance_nil", "no instance", 16, "16s", bytes(16), "instance"),
        ("position_far", "out of range", 48, "q", (1 << 63) - 1, "position"),
        ("apply_before", "applies before the frame's end", 56, "q", 98399, "apply_at"),
        ("apply_far", "later than the longest delay", 56, "q", 98400 + 38401, "apply_at"),
        ("apply_least", "a difference that overflows 64 bits", 56, "q", -(1 << 63), "apply_at"),
        ("count_33", "too many values", 104, "I", 33, "count"),
        ("count_greatest", "a count that a multiplication would overflow", 104, "I", (1 << 32) - 1, "count"),
        ("none_with_values", "values in a frame in which nobody counted", 12, "I", int(Flags.NONE), "flags"),
        ("count_1", "one value announced, two sent", 104, "I", 1, "payload_length"),
    ):  # fmt: skip
        yield refused(f"params_{name}", about, _with(_PARAMS, at, kind, value), error)
    head = _PARAMS[0]
    for name, about, values, error in (
        ("ids_equal", "one id twice", [(1, 0.0), (1, 0.0)], "value_order"),
        ("ids_descend", "ids out of order", [(2, 0.0), (1, 0.0)], "value_order"),
        ("gain_above", "gain above 36 dB", [(1, 36.5), (2, 0.0)], "value_range"),
        ("trim_above", "trim above 0 dB", [(1, 0.0), (2, 0.5)], "value_range"),
        ("gain_nan", "not a number", [(1, math.nan), (2, 0.0)], "value_range"),
        ("unknown_infinite", "also for ids of a newer service", [(1, 0.0), (999, math.inf)], "value_range"),
        ("order_before_range", "order is checked first", [(2, 0.0), (1, 99.0)], "value_order"),
    ):  # fmt: skip
        yield refused(f"params_{name}", about, [head, encode_values(values)], error)


def _several() -> Iterator[Vector]:
    """Messages of several packets."""
    audio = _BLOCK[1]
    two = join([_BLOCK, _BLOCK])
    three = join([_BLOCK, _BLOCK, _BLOCK])
    ping, payload = _PING
    yield refused("two_pings", "a kind that stands alone", [ping * 2, payload], "packets")
    yield refused("two_byes", "JSON stands alone", [_BYE[0] * 2, _BYE[1]], "packets")
    yield refused(
        "two_unknown", "whether a later kind may be repeated is not known",
        [_with(_PING, 8, "H", 21)[0] * 2, b""], "unknown_kind",
    )  # fmt: skip
    none = encode(Header(Kind.PARAMS, flags=Flags.NONE, instance=BLOCK.instance))
    yield refused("params_129_packets", "a packet too many", join([none] * (MAX_PACKETS + 1)), "packets")
    yield refused("block_then_params", "two kinds in one message", join([_BLOCK, _PARAMS]), "packets")
    yield refused(
        "block_then_kind_21", "the kind of the first holds", _with(two, HEADER_SIZE + 8, "H", 21), "packets"
    )
    yield refused(
        "second_magic", "every header begins with it", _with(two, HEADER_SIZE, "4s", b"HMIY"), "magic"
    )
    yield refused(
        "second_major_2", "one version in one message", _with(two, HEADER_SIZE + 4, "B", 2), "version"
    )
    yield refused(
        "second_header_size",
        "one length of all headers",
        _with(two, HEADER_SIZE + 6, "H", 2 * HEADER_SIZE),
        "header_size",
    )
    yield refused("headers_cut", "the second header ends early", [two[0][:-1], two[1]], "header_size")
    yield refused(
        "header_size_4098", "longer than a header may be",
        [_with(_PING, 6, "H", 4098)[0].ljust(4098, b"\0"), b""], "header_size",
    )  # fmt: skip
    yield refused(
        "third_group_0", "each packet is checked", _with(three, 2 * HEADER_SIZE + 10, "H", 0), "group"
    )
    yield refused(
        "second_frames_more_than_sent",
        "the payload ends early",
        _with(two, HEADER_SIZE + 80, "I", 960),
        "payload_length",
    )
    yield refused(
        "first_frames_more_than_sent", "what is left is too short for the second", _with(two, 80, "I", 960),
        "payload_length",
    )  # fmt: skip
    yield refused(
        "payload_left_over", "samples that no header announces", [two[0], two[1] + audio], "payload_length"
    )
    nan = struct.pack("<f", math.nan)
    yield refused("second_sample_nan", "in the last sample", [two[0], two[1][:-4] + nan], "samples")
    bad_first = [_with(two, HEADER_SIZE + 10, "H", 0)[0], nan + two[1][4:]]
    yield refused(
        "first_packet_names_the_reason", "its samples come before the next header", bad_first, "samples"
    )
    values = encode_values([(1, 99.0), (2, 0.0)])
    yield refused(
        "params_second_value", "in the second packet", [_PARAMS[0] * 2, _PAIR + values], "value_range"
    )


def _control() -> Iterator[Vector]:
    head = _BYE[0]
    nested = b'{"reason":"x","a":' + b"[" * 16 + b"]" * 16 + b"}"
    for name, about, payload, error in (
        ("long", "one byte over 64 KiB", b'{"reason":"x"}'.ljust(MAX_JSON + 1), "json_too_long"),
        ("latin_1", "not UTF-8", b'{"reason":"\xe9"}', "json"),
        ("byte_order_mark", "begins with a byte-order mark", b'\xef\xbb\xbf{"reason":"x"}', "json"),
        ("cut", "ends early", b'{"reason":"x"', "json"),
        ("trailing", "goes on after its end", b'{"reason":"x"}}', "json"),
        ("array", "not an object", b'["x"]', "json"),
        ("null", "null is no object", b"null", "json"),
        ("doubled_key", "a known key twice", b'{"reason":"x","reason":"y"}', "json"),
        ("doubled_unknown_key", "an unknown key twice", b'{"reason":"x","a":{"b":1,"b":1}}', "json"),
        ("nested", "17 deep", nested, "json"),
        ("surrogate", "half a surrogate pair", b'{"reason":"\\ud800"}', "json"),
        ("control_character", "a raw line feed in a string", b'{"reason":"\n"}', "json"),
        ("overflow", "a number beyond 64-bit floats", b'{"reason":"x","a":1e999}', "json"),
        ("not_a_number", "NaN is no JSON", b'{"reason":"x","a":NaN}', "json"),
        ("comment", "comments are no JSON", b'{"reason":"x"/**/}', "json"),
        ("no_reason", "the field is missing", b"{}", "body"),
        ("reason_null", "the field is null", b'{"reason":null}', "body"),
        ("reason_number", "the field has another type", b'{"reason":1}', "body"),
        ("reason_long", "1025 characters", b'{"reason":"%b"}' % (b"x" * 1025), "body"),
    ):  # fmt: skip
        yield refused(f"bye_{name}", about, [head, payload], error)
    yield refused(
        "hello_empty", "no payload", [encode(Header(Kind.BYE))[0][:8] + b"\1" + head[9:], b""], "json"
    )
    yield from _join()
    yield from _shapes()


def _join() -> Iterator[Vector]:
    text = (
        b'{"handle":1,"instance":"%b","session":null,"group":1,"label":"","track_name":"",'
        b'"rate":48000,"channels":2,"delay_ms":40}'
    ) % _UUID
    head = _kind(Kind.JOIN)
    nil = b"00000000-0000-0000-0000-000000000000"
    for name, about, old, new in (
        ("handle_negative", "handles are not negative", b'"handle":1', b'"handle":-1'),
        ("handle_float", "1.0 is no integer", b'"handle":1', b'"handle":1.0'),
        ("handle_2_32", "beyond 32 bits", b'"handle":1', b'"handle":4294967296'),
        ("handle_minus_zero", "-0 is no integer", b'"handle":1', b'"handle":-0'),
        ("handle_bool", "true is no integer", b'"handle":1', b'"handle":true'),
        ("uuid_upper", "not in canonical form", b"6f1f3c0e", b"6F1F3C0E"),
        ("uuid_plain", "without hyphens", _UUID, _UUID.replace(b"-", b"")),
        ("uuid_nil", "no instance", _UUID, nil),
        ("session_absent", "null must be written", b'"session":null,', b""),
        ("session_nil", "a session of zeros", b'"session":null', b'"session":"' + nil + b'"'),
        ("group_0", "groups begin at 1", b'"group":1', b'"group":0'),
        ("label_long", "257 characters", b'"label":""', b'"label":"%b"' % ("é".encode() * 257)),
        ("rate_48050", "no multiple of 100 Hz", b"48000", b"48050"),
        ("channels_3", "three channels", b'"channels":2', b'"channels":3'),
        ("delay_41", "a delay that is not offered", b'"delay_ms":40', b'"delay_ms":41'),
    ):  # fmt: skip
        assert old in text
        yield refused(f"join_{name}", about, [head, text.replace(old, new, 1)], "body")


def _shapes() -> Iterator[Vector]:
    digits = b"00" * 32
    times = b'{"instances":[],"rtt_ms":{"p50":%b,"p99":0,"p99_9":0,"count":%b}}'
    welcome = b'{"protocol":[1,0],"server":"","schema":"%b","models":{},"credits":0}' % digits
    hello = b'{"protocol":[1,0,0],"client":"","pid":1,"nonce":"%b"}' % digits
    joined = b'{"handle":1,"instance":"%b","session":null}' % _UUID
    for name, about, kind, payload in (
        ("stats_negative_time", "times are not negative", Kind.STATS, times % (b"-1", b"0")),
        ("stats_count", "a counter above 2^53", Kind.STATS, times % (b"0", b"9007199254740993")),
        ("stats_array", "an array for an object", Kind.STATS, b'{"instances":[],"rtt_ms":[0,0,0,0]}'),
        ("auth_upper", "hex digits are lowercase", Kind.AUTH, b'{"proof":"%b"}' % (b"AB" * 32)),
        ("auth_short", "63 digits", Kind.AUTH, b'{"proof":"%b"}' % digits[:63]),
        ("refuse_code", "codes are lowercase words", Kind.REFUSE, b'{"code":"No!","message":""}'),
        ("refuse_code_line", "codes hold no line feed", Kind.REFUSE, b'{"code":"auth\\n","message":""}'),
        ("learning_state", "states are lowercase words", Kind.LEARNING,
         b'{"instance":"%b","state":"No!"}' % _UUID),
        ("welcome_credits", "no credit at all", Kind.WELCOME, welcome),
        ("hello_version", "three numbers", Kind.HELLO, hello),
        ("joined_session", "a session is named", Kind.JOINED, joined),
    ):  # fmt: skip
        yield refused(name, about, [_kind(kind), payload], "body")


def _kind(kind: Kind) -> bytes:
    """A header of that kind."""
    return _BYE[0][:8] + struct.pack("<H", kind) + _BYE[0][10:]

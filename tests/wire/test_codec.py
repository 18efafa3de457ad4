"""What the codec promises for messages that no vector names."""

from __future__ import annotations

import contextlib
import math
import struct
import uuid
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridmix.wire import (
    Flags,
    Header,
    Kind,
    WireError,
    codec,
    decode,
    encode,
    encode_control,
    encode_values,
    messages,
    parameters,
    status,
)
from hybridmix.wire.fuzz import MEMORY_BOUND, peak_memory
from hybridmix.wire.heavy import heaviest
from hybridmix.wire.limits import DELAYS, MAX_POSITION, MAX_VALUES

identities = st.uuids().filter(lambda identity: identity.int != 0)
u32 = st.integers(0, (1 << 32) - 1)
u64 = st.integers(0, (1 << 64) - 1)
positions = st.integers(-MAX_POSITION, MAX_POSITION)
#: Ids that are not declared: any number is in their range.
values = st.dictionaries(
    st.integers(100, 65535), st.floats(-60, 0, width=32, allow_nan=False), max_size=16
).map(lambda values: sorted(values.items()))
labels = st.text(st.characters(exclude_categories=["Cs"]), max_size=256)


@st.composite
def blocks(draw: st.DrawFn) -> tuple[Header, bytes]:
    rate = draw(st.sampled_from([44100, 48000, 88200, 96000, 176400, 192000, 50000]))
    hop = rate // 100
    hops, channels = draw(st.integers(0, 3)), draw(st.integers(1, 2))
    flags = draw(st.integers(0, Flags.OF_BLOCK)) & Flags.OF_BLOCK & ~(Flags.RUN_BEGIN | Flags.START)
    if not hops or draw(st.booleans()):
        flags |= draw(st.sampled_from([Flags.RUN_BEGIN, Flags.RUN_BEGIN | Flags.START]))
    position = draw(st.integers(-(10**15), 10**15)) * hop if hops else draw(positions)
    finite = st.floats(allow_nan=False, allow_infinity=False)
    header = Header(
        Kind.BLOCK,
        group=draw(st.integers(1, 16)),
        flags=flags,
        instance=draw(identities),
        run=draw(u32),
        rate=rate,
        sequence=draw(u64),
        position=position,
        beat=draw(finite) if flags & Flags.HAS_BEAT else 0.0,
        tempo=draw(finite) if flags & Flags.HAS_TEMPO else 0.0,
        frames=hops * hop,
        channels=channels,
        role=draw(st.integers(0, 2)),
        delay=draw(st.sampled_from(sorted(DELAYS[rate]))),
        lead=draw(u32),
        amount=draw(st.floats(0, 1, width=32)),
        offset_db=draw(st.floats(-24, 24, width=32)),
        count=len(start := draw(values) if flags & Flags.START else []),
        dip_amount=draw(st.floats(0, 1, width=32)),
        dip_budget_lu=draw(st.floats(0, 6, width=32)),
        breath_amount=draw(st.floats(0, 1, width=32)),
        breath_depth_db=draw(st.floats(0, 5, width=32)),
        staging_amount=draw(st.floats(0, 1, width=32)),
        staging_level_db=draw(st.floats(-30, 0, width=32)),
        density_amount=draw(st.floats(0, 1, width=32)),
        high_pass_amount=draw(st.floats(0, 1, width=32)),
        room_amount=draw(st.floats(0, 1, width=32)),
    )
    noise = np.random.default_rng(draw(u32)).standard_normal((channels, hops * hop))
    return header, noise.astype("<f4").tobytes() + encode_values(start)


@given(blocks())
@settings(max_examples=60, deadline=None)
def test_block_arrives_as_it_was_sent(sent: tuple[Header, bytes]) -> None:
    header, payload = sent
    message = decode(encode(header, payload))
    assert message.header == header
    assert message.audio.tobytes() + encode_values(message.start) == payload
    assert message.audio.shape == (header.channels, header.frames)


@given(identities, positions, st.integers(0, 38400), u32, values)
@settings(deadline=None)
def test_params_arrive_as_they_were_sent(
    instance: uuid.UUID, end: int, delay: int, run: int, sent: list[tuple[int, float]]
) -> None:
    header = Header(
        Kind.PARAMS,
        instance=instance,
        run=run,
        position=end,
        apply_at=end + delay,
        count=len(sent),
    )
    message = decode(encode(header, encode_values(sent)))
    assert message.header == header
    assert message.values == sent


@given(u32, identities, st.none() | identities, labels, labels, st.sampled_from(sorted(DELAYS)))
@settings(deadline=None)
def test_join_arrives_as_it_was_sent(
    handle: int, instance: uuid.UUID, session: uuid.UUID | None, label: str, track: str, rate: int
) -> None:
    join = messages.Join(handle, instance, session, 4, label, track, rate, 2, 100)
    assert decode(encode_control(join)).control == join


@given(st.lists(st.binary(max_size=200), max_size=3))
@settings(deadline=None)
def test_no_bytes_raise_anything_but_wire_error(frames: list[bytes]) -> None:
    with contextlib.suppress(WireError):
        decode(frames)


@given(
    st.sampled_from(sorted(messages.CONTROL_KINDS)),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    ),
)
@settings(deadline=None)
def test_no_json_raises_anything_but_wire_error(kind: Kind, tree: Any) -> None:
    head = encode_control(messages.Bye("x"))[0]
    head = head[:8] + struct.pack("<H", kind) + head[10:]
    with contextlib.suppress(WireError):
        decode([head, msgspec.json.encode(tree)])


def ping(sequence: int) -> list[bytes]:
    return encode(Header(Kind.PING, sequence=sequence))


def test_fields_that_a_kind_does_not_use_are_not_sent() -> None:
    loose = Header(Kind.PING, sequence=5, group=3, position=9, beat=math.nan)
    assert encode(loose) == ping(5)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (Header(Kind.LEAVE), "instance"),
        (Header(Kind.PARAMS, instance=uuid.UUID(int=1), position=10, apply_at=9), "apply_at"),
        (Header(Kind.BLOCK, instance=uuid.UUID(int=1), group=17), "group"),
    ],
)
def test_what_a_receiver_would_refuse_is_not_sent(header: Header, reason: str) -> None:
    with pytest.raises(WireError) as caught:
        encode(header)
    assert caught.value.name == reason


def test_a_number_that_does_not_fit_its_field_is_named() -> None:
    with pytest.raises(ValueError, match="PING"):
        ping(-1)


def test_other_major_version_is_named() -> None:
    head, payload = ping(1)
    with pytest.raises(WireError) as caught:
        decode([head[:4] + b"\x03" + head[5:], payload])
    assert (caught.value.name, caught.value.value) == ("version", 3)


def test_many_identities_do_not_grow_memory() -> None:
    for number in range(1, 10_000):
        decode(encode(Header(Kind.LEAVE, instance=uuid.UUID(int=number))))
    frames = encode(Header(Kind.LEAVE, instance=uuid.UUID(int=77)))
    assert decode(frames).header.instance == uuid.UUID(int=77)
    assert len(codec._IDENTITIES) <= 4096


@pytest.mark.parametrize("frames", heaviest(), ids=["numbers", "objects", "texts", "keys", "escapes"])
def test_the_heaviest_json_stays_within_the_memory_bound(frames: list[bytes]) -> None:
    assert decode(frames).header.kind is Kind.REPORT
    assert peak_memory(frames) < MEMORY_BOUND


def test_declarations_fit_the_messages_that_carry_them() -> None:
    schema = parameters.load()
    assert [parameter.id for parameter in schema.parameters] == sorted({p.id for p in schema.parameters})
    assert len(schema.parameters) <= MAX_VALUES
    assert schema.named("gain_db").range == (-80.0, 36.0)
    codes = [state.code for state in status.load()]
    assert codes == list(range(len(codes)))
    assert all(len(state.text) <= 30 for state in status.load())

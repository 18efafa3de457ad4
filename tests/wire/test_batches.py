"""Reading and writing many packets at once gives what one by one gives."""

from __future__ import annotations

import uuid

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridmix.wire import Flags, Header, Kind, Message, WireError, batches, corpus, decode, encode, join
from hybridmix.wire.batches import (
    Answer,
    Block,
    Settings,
    is_blocks,
    read_blocks,
    read_together,
    write_params,
)
from hybridmix.wire.golden import files
from hybridmix.wire.limits import MAX_POSITION

from .test_codec import blocks


def read_one_by_one(frames: list[bytes]) -> str | list[Message]:
    """What the codec makes of a message: its packets, or the reason why it is refused."""
    try:
        return list(decode(frames).packets)
    except WireError as error:
        return error.name


def read_at_once(frames: list[bytes]) -> str | list[Block]:
    try:
        return read_blocks(frames)
    except WireError as error:
        return error.name


def assert_equal(read: list[Block], packets: list[Message]) -> None:
    assert len(read) == len(packets)
    for block, packet in zip(read, packets, strict=True):
        header = packet.header
        names = Settings.__struct_fields__
        assert [getattr(block.settings, name) for name in names] == [getattr(header, name) for name in names]
        assert (block.position, block.lead) == (header.position, header.lead)
        assert block.audio.shape == packet.audio.shape
        assert block.audio.tobytes() == packet.audio.tobytes()
        assert list(block.start) == packet.start


@pytest.mark.parametrize("seed", [1, 2])
def test_broken_blocks_meet_the_verdict_of_the_codec(seed: int) -> None:
    bases = [frames for frames in files.bases(map(files.read, files.NAMES)) if is_blocks(frames)]
    refused = 0
    for frames in corpus.generate(bases, seed, 4000):
        if not is_blocks(frames):
            continue
        expected = read_one_by_one(frames)
        # Twice: what was learnt from the first reading must not change the second.
        for _ in range(2):
            found = read_at_once(frames)
            if isinstance(expected, str) or isinstance(found, str):
                assert found == expected
                refused += 1
            else:
                assert_equal(found, expected)
    assert refused > 1000


@given(st.lists(blocks(), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_packets_of_one_message_arrive_in_order(sent: list[tuple[Header, bytes]]) -> None:
    frames = join([encode(header, payload) for header, payload in sent])
    packets = list(decode(frames).packets)
    assert [packet.header for packet in packets] == [header for header, _ in sent]
    assert [packet.payload for packet in packets] == [payload for _, payload in sent]
    assert_equal(read_blocks(frames), packets)


def test_a_stream_is_read_without_copies_of_its_samples() -> None:
    header = Header(
        Kind.BLOCK, 1, Flags.PLAYING, uuid.UUID(int=1), 1, 48000, frames=480, channels=2, delay=1920
    )
    payload = np.ones((2, 480), "<f4").tobytes()
    frames = join([encode(header, payload), encode(header, payload)])
    first, second = read_blocks(frames)
    assert first.settings is second.settings
    assert np.shares_memory(first.audio, np.frombuffer(frames[1], "<f4"))


def test_many_settings_do_not_grow_memory() -> None:
    for number in range(1, 10_000):
        header = Header(
            Kind.BLOCK, 1, Flags.RUN_BEGIN, uuid.UUID(int=number), 1, 48000, channels=1, delay=1920
        )
        read_blocks(encode(header))
    assert len(batches._SETTINGS) <= 4096


def test_what_is_read_together_has_the_settings_of_its_blocks_after_however_many_others() -> None:
    def message(*numbers: int) -> list[bytes]:
        ids = [uuid.UUID(int=number) for number in numbers]
        headers = [Header(Kind.BLOCK, 1, 0, one, 1, 48000, frames=480, channels=1, delay=1920) for one in ids]
        return join([encode(header, bytes(1920)) for header in headers])

    watched = message(1, 2)
    for number in range(3, 4500, 100):
        read_blocks(message(*range(number, number + 100)))
        apart = [block.settings for block in read_blocks(watched)]
        together = read_together(watched)
        assert together is not None
        assert all(one is other for one, other in zip(together.settings, apart, strict=True))


def answer(number: int, position: int = 4800, values: list[tuple[int, float]] | None = None) -> Answer:
    told = [(1, -6.5), (2, -0.25)] if values is None else values
    return Answer(uuid.UUID(int=number + 1), Flags.INCOMPLETE, 7, position, position + 1920, told)


def test_answers_are_written_as_the_codec_reads_them() -> None:
    answers = [answer(number) for number in range(300)]
    messages = [decode(frames) for frames in write_params(answers)]
    assert [len(message.packets) for message in messages] == [128, 128, 44]
    read = [packet for message in messages for packet in message.packets]
    for packet, sent in zip(read, answers, strict=True):
        header = packet.header
        assert (header.instance, header.flags, header.run) == (sent.instance, sent.flags, sent.run)
        assert (header.position, header.apply_at) == (sent.position, sent.apply_at)
        assert packet.values == sent.values


def test_an_answer_that_would_be_refused_is_left_out_alone() -> None:
    good = answer(1)
    for bad in (
        answer(2, MAX_POSITION + 1),
        answer(2, values=[(1, 99.0)]),
        answer(2, values=[(2, float("nan"))]),
    ):
        (frames,) = write_params([bad, good])
        (packet,) = decode(frames).packets
        assert packet.header.instance == good.instance
    assert write_params([answer(2, values=[(1, float("inf"))])]) == []

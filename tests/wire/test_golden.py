"""The golden vectors, as the Rust tests read them too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from hybridmix import generated
from hybridmix.wire import Message, WireError, corpus, decode, encode, encode_values, join, proof
from hybridmix.wire.error import NAMES as REASONS
from hybridmix.wire.golden import files
from hybridmix.wire.golden.vectors import Packet, Vector, expand, meaning
from hybridmix.wire.header import Kind
from hybridmix.wire.messages import write_control

VECTORS = {vector.name: vector for name in files.NAMES for vector in files.read(name)}
ACCEPTED = [vector for vector in VECTORS.values() if vector.error is None]
BROKEN = [vector for vector in VECTORS.values() if vector.error is not None]


def frames_of(vector: Vector) -> list[bytes]:
    return [expand(frame) for frame in vector.frames]


def by_name(vector: Vector) -> str:
    return vector.name


@pytest.mark.parametrize("vector", ACCEPTED, ids=by_name)
def test_accepted_vector_means_what_it_says(vector: Vector) -> None:
    frames = frames_of(vector)
    assert vector.header is not None
    expected = [Packet(vector.header, vector.payload), *vector.more]
    packets = decode(frames).packets
    assert [Packet(msgspec.to_builtins(one.header), meaning(one)) for one in packets] == expected
    anew = [encode(one.header, anew_payload(one)) for one in packets]
    assert (join(anew) == frames) is vector.canonical


def anew_payload(message: Message) -> bytes:
    """The payload as a sender would write it."""
    if message.header.kind is Kind.PARAMS:
        return encode_values(message.values)
    return message.payload if message.control is None else write_control(message.control)


@pytest.mark.parametrize("vector", BROKEN, ids=by_name)
def test_broken_vector_is_refused_for_its_reason(vector: Vector) -> None:
    with pytest.raises(WireError) as caught:
        decode(frames_of(vector))
    assert caught.value.name == vector.error


def test_every_kind_and_every_reason_has_a_vector() -> None:
    kinds = {vector.header["kind"] for vector in ACCEPTED if vector.header is not None}
    assert kinds == {int(kind) for kind in Kind}
    assert {vector.error for vector in BROKEN} == set(REASONS)


def test_samples_arrive_in_order() -> None:
    audio = decode(frames_of(VECTORS["block_stereo_hop"])).audio
    expected = [[((37 * i + 11 * c) % 256 - 128) / 128 for i in range(480)] for c in range(2)]
    assert audio.dtype == np.float32
    assert np.array_equal(audio, np.array(expected, np.float32))


def test_proofs_equal_the_recorded_ones() -> None:
    recorded = json.loads((files.folder() / "proofs.json").read_text())
    token, client, service = (recorded[key] for key in ("token", "client_nonce", "service_nonce"))
    assert proof.service(token, client, service) == recorded["service"]
    assert proof.client(token, service, client) == recorded["client"]
    assert proof.plain_password(token) == recorded["plain_password"]
    assert not proof.matches(recorded["service"], recorded["client"])


def test_the_corpus_and_every_verdict_equal_the_recorded_ones() -> None:
    recorded = json.loads((files.folder() / "corpus.json").read_text())
    bases = files.bases(map(files.read, files.NAMES))
    messages = list(corpus.generate(bases, recorded["seed"], recorded["messages"]))
    assert corpus.digest(messages) == recorded["sha256"]
    counts, digest = files.verdicts(messages)
    assert counts == recorded["verdicts"]
    assert digest == recorded["verdicts_sha256"]


def test_golden_files_are_what_the_generator_writes() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "hybridmix.wire.golden", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_drift_shows_the_difference_and_the_command(tmp_path: Path) -> None:
    file = tmp_path / "table.md"
    file.write_text("one\ntwo\n")
    shown = generated.differences({file: "one\nthree\n"}, "python -m hybridmix.wire.golden --write")
    assert "-two" in shown
    assert "+three" in shown
    assert "python -m hybridmix.wire.golden --write" in shown

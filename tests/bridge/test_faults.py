"""What the bridge survives: services that die, hang, lie or talk nonsense, and folders that are not ours."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from hybridmix.wire import Header, Kind, encode, encode_control, encode_values, messages, proof

from .driving import Probe, Stage, begins, joined, mixing

NO_SERVICE, CONNECTING, OTHER_VERSION, NOT_TRUSTED = 1, 2, 3, 4

root_only = pytest.mark.skipif(os.getuid() != 0, reason="needs root, to act as a second user")


def refused(stage: Stage, probe: Probe, status: int) -> str:
    """What the probe says once it shows ``status``, with no instance connected."""
    snapshot = stage.seen(probe, lambda s: s["bridge"]["status"] == status)
    assert not any(instance["up"] for instance in snapshot["instances"])
    stage.seen(probe, lambda s: all(i["status"] == status for i in s["instances"]))
    return str(snapshot["bridge"]["sentence"])


# -- services that come and go ----------------------------------------------------------------------------


def test_without_a_service_audio_goes_on_and_the_status_says_what_to_do(stage: Stage) -> None:
    probe = stage.probe(instances=1)
    assert refused(stage, probe, NO_SERVICE) == (
        "No HybridMix service is running; start it with: hybridmix serve"
    )
    stage.seen(probe, lambda s: s["instances"][0]["run"] >= 1)
    stage.serve()
    stage.seen(probe, mixing)


def test_a_service_that_is_killed_and_started_again_is_found_and_runs_begin_anew(stage: Stage) -> None:
    first = stage.serve()
    probe = stage.probe(instances=3)
    before = stage.seen(probe, mixing)
    stage.stop(first, withdrawn=False)
    stage.seen(probe, lambda s: not any(i["up"] for i in s["instances"]))
    second = stage.serve()
    after = stage.seen(probe, lambda s: mixing(s) and all(i["joined"] == 2 for i in s["instances"]))
    for old, new in zip(before["instances"], after["instances"], strict=True):
        assert old["instance"] == new["instance"]
        assert new["run"] > old["run"]
        assert begins(second.blocks(new["instance"])[0])


def test_fifty_reconnections_leave_no_descriptor_and_no_thread_behind(stage: Stage) -> None:
    service = stage.serve()
    probe = stage.probe(instances=2)
    before = stage.seen(probe, mixing)
    for count in range(2, 52):
        service.send(encode_control(messages.Bye("again")))
        stage.until(lambda count=count: len(service.of(Kind.AUTH)) == count)  # type: ignore[misc]
    after = stage.seen(probe, lambda s: mixing(s) and s["bridge"]["connections"] >= 51)
    assert (after["fds"], after["threads"]) == (before["fds"], before["threads"])


def test_a_service_that_hangs_is_given_up_although_its_library_answers_heartbeats(stage: Stage) -> None:
    service = stage.serve()
    probe = stage.probe(instances=1)
    stage.seen(probe, mixing)
    service.ponging = service.crediting = service.answering = False
    stage.seen(probe, lambda s: s["instances"][0]["joined"] == 2)
    service.ponging = service.crediting = service.answering = True
    stage.seen(probe, lambda s: mixing(s) and joined(s))


def test_a_render_ends_although_its_service_dies_in_the_middle(stage: Stage) -> None:
    service = stage.serve()
    probe = stage.probe(instances=2, block=512, sync=1, seconds=60)
    stage.until(lambda: len(service.of(Kind.WAIT)) > 20)
    stage.stop(service)
    last = stage.finish(probe)
    assert last["played"]["samples"] >= 60 * 48000
    # A closed connection ends a wait at once; the backstop would take 10 s.
    assert last["played"]["longest_block_ms"] < 5000


# -- nonsense ---------------------------------------------------------------------------------------------


def broken(instance: str) -> list[list[bytes]]:
    good = Header(Kind.PARAMS, instance=UUID(instance), position=2400, apply_at=4320, count=1)
    head, payload = encode(good, encode_values([(1, 0.0)]))
    credit = encode(Header(Kind.CREDIT, sequence=1 << 40))
    return [
        [b""],
        [head],
        [head, payload, b""],
        [b"XMIX" + head[4:], payload],
        [head[:8] + struct.pack("<H", 999) + head[10:], payload],
        [head, payload[:4] + struct.pack("<f", float("nan"))],
        [head, payload[:4] + struct.pack("<f", 1e9)],
        [head[:104] + struct.pack("<I", 17) + head[108:], payload],
        encode(Header(Kind.PING, sequence=1)),
        credit,
        encode_control(messages.Welcome((1, 0), "again", proof.fresh(), {}, 1)),
    ]


def test_messages_that_make_no_sense_are_counted_and_ignored(stage: Stage) -> None:
    service = stage.serve()
    probe = stage.probe(instances=1)
    seen = stage.seen(probe, mixing)
    nonsense = broken(seen["instances"][0]["instance"])
    for frames in nonsense:
        # What has three frames ends the connection below, as a peer that speaks another language would.
        if len(frames) < 3:
            service.send(frames)
    stage.seen(probe, lambda s: s["bridge"]["ignored"] == len(nonsense) - 1)
    service.send(encode(Header(Kind.PARAMS, instance=uuid4(), position=2400, apply_at=4320, count=0), b""))
    stage.rest(0.3)
    after = stage.seen(probe, mixing)
    assert after["bridge"]["connections"] == 1
    assert after["instances"][0]["joined"] == 1


def test_a_message_of_too_many_frames_ends_the_connection_and_a_new_one_is_made(stage: Stage) -> None:
    service = stage.serve()
    probe = stage.probe(instances=1)
    stage.seen(probe, mixing)
    service.send([b"", b"", b""])
    stage.seen(probe, lambda s: mixing(s) and s["bridge"]["connections"] == 2)


# -- who is at the other end ------------------------------------------------------------------------------


def test_another_version_is_refused_with_the_sentence_of_the_service(stage: Stage) -> None:
    sentence = "The client speaks protocol 1, this service 2.0: install the same release."
    stage.serve().refusal = messages.Refuse("version", sentence)
    assert refused(stage, stage.probe(instances=1), OTHER_VERSION) == sentence


def test_an_announcement_of_another_version_is_not_even_connected_to(stage: Stage) -> None:
    service = stage.serve()
    path = service.folder / "service.json"
    path.write_text(path.read_text().replace('"protocol":[1,0]', '"protocol":[2,1]'))
    sentence = refused(stage, stage.probe(instances=1), OTHER_VERSION)
    assert sentence == "The service speaks protocol 2.1, this plugin 1.0; install both from the same release"
    assert not service.received


def test_a_service_that_does_not_know_the_token_hears_hello_and_no_more(stage: Stage) -> None:
    service = stage.serve(token=proof.fresh())
    sentence = refused(stage, stage.probe(instances=1), NOT_TRUSTED)
    assert "does not know its token" in sentence
    assert {message.header.kind for message in service.received} == {Kind.HELLO}
    nonces = [message.control.nonce for message in service.of(Kind.HELLO)]  # type: ignore[union-attr]
    assert len(nonces) == len(set(nonces)) >= 2


def test_a_service_that_refuses_the_proof_is_not_trusted(stage: Stage) -> None:
    stage.serve().refusal = messages.Refuse("auth", "The proof is wrong.")
    assert refused(stage, stage.probe(instances=1), NOT_TRUSTED) == "The proof is wrong."


def test_a_group_that_is_full_is_said_and_the_connection_stays(stage: Stage) -> None:
    service = stage.serve()
    probe = stage.probe(instances=1)
    stage.seen(probe, mixing)
    service.send(encode_control(messages.Refuse("full", "Group 1 has 128 members.")))
    seen = stage.seen(probe, lambda s: s["bridge"]["sentence"])
    assert (seen["bridge"]["sentence"], seen["bridge"]["connections"]) == ("Group 1 has 128 members.", 1)
    assert joined(seen)


# -- folders and sockets ----------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["folder", "service.json", "service.lock"])
def test_what_others_may_open_is_not_used(stage: Stage, what: str) -> None:
    service = stage.serve()
    (service.folder if what == "folder" else service.folder / what).chmod(0o755)
    assert "is open to other users" in refused(stage, stage.probe(instances=1), NOT_TRUSTED)
    assert not service.received


def test_what_a_dead_service_left_behind_is_stale(stage: Stage) -> None:
    service = stage.serve()
    stage.stop(service, withdrawn=False)
    assert (service.folder / "service.json").exists()
    refused(stage, stage.probe(instances=1), NO_SERVICE)


def test_a_folder_behind_a_link_is_not_used(stage: Stage) -> None:
    service = stage.serve()
    stage.folder = service.folder.with_name("link")
    stage.folder.symlink_to(service.folder)
    assert "is not a folder of this user" in refused(stage, stage.probe(instances=1), NOT_TRUSTED)


@root_only
@pytest.mark.parametrize("what", ["folder", "service.json", "service.sock"])
def test_what_belongs_to_another_user_is_not_used(stage: Stage, what: str) -> None:
    service = stage.serve()
    os.chown(service.folder if what == "folder" else service.folder / what, 65534, 65534)
    assert "belongs to user 65534" in refused(stage, stage.probe(instances=1), NOT_TRUSTED)
    assert not service.received


@root_only
def test_a_socket_that_another_user_serves_hears_nothing(stage: Stage) -> None:
    service = stage.serve()
    path = service.folder / "service.sock"
    path.unlink()
    listen = (
        "import os, socket, sys; os.setuid(65534); s = socket.fromfd(int(sys.argv[1]), socket.AF_UNIX, "
        "socket.SOCK_STREAM); s.listen(); s.settimeout(1); c = s.accept()[0]; c.settimeout(1); "
        "print(len(c.recv(100)), flush=True)"
    )
    with socket.socket(socket.AF_UNIX) as squatted:
        squatted.bind(str(path))
        squatter = subprocess.Popen(
            [sys.executable, "-c", listen, str(squatted.fileno())],
            pass_fds=[squatted.fileno()],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            sentence = refused(stage, stage.probe(instances=1), NOT_TRUSTED)
            assert sentence.startswith("The service's socket is served by user 65534")
            heard, _ = squatter.communicate(timeout=10)
            assert heard == "0\n"
        finally:
            squatter.kill()
            squatter.communicate()


# -- manners inside the host ------------------------------------------------------------------------------


def test_the_thread_takes_no_signal_that_is_meant_for_the_host(stage: Stage) -> None:
    stage.serve()
    probe = stage.probe(instances=1)
    stage.seen(probe, mixing)
    blocked = {}
    for task in Path(f"/proc/{probe.pid}/task").iterdir():
        fields = dict(
            line.split(":", 1) for line in (task / "status").read_text().splitlines() if ":" in line
        )
        blocked[fields["Name"].strip()] = int(fields["SigBlk"], 16)
    bridge = blocked["hybridmix-bridg"]
    # SIGPIPE is 13, SIGTERM 15, SIGINT 2: bit number - 1.
    assert all(bridge >> (number - 1) & 1 for number in (2, 13, 15))
    assert blocked["bridge_probe"] == 0

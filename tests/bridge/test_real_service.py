"""The bridge and the service of this project, together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from .driving import Stage, joined, mixing


class RealService:
    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self._options = options
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "hybridmix",
                "serve",
                "--runtime-dir",
                str(self.folder),
                "--quiet",
                *self._options,
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith("ready")

    def kill(self, number: signal.Signals) -> None:
        os.kill(self._process.pid, number)
        self._process.communicate(timeout=20)


@pytest.fixture
def service(stage: Stage) -> Iterator[RealService]:
    service = RealService(stage.folder)
    yield service
    service.kill(signal.SIGTERM)


@pytest.mark.usefixtures("service")
def test_live_values_arrive_in_time_and_move_the_gain(stage: Stage) -> None:
    probe = stage.probe(instances=4)
    seen = stage.seen(probe, lambda s: mixing(s) and all(i["gain_db"] < -3 for i in s["instances"]))
    assert len({instance["session"] for instance in seen["instances"]}) == 1
    assert all(instance["dropped"] == 0 for instance in seen["instances"])


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize(("block", "seconds"), [(64, 3), (512, 10), (1024, 10)])
def test_a_render_in_lockstep_is_complete(stage: Stage, block: int, seconds: int) -> None:
    probe = stage.probe(instances=4, block=block, sync=1, seconds=seconds)
    stage.finish(probe)
    last = probe.history()[-2]
    for instance in last["instances"]:
        counters = {name: instance[name] for name in ("late", "dropped", "incomplete", "joined")}
        assert counters == {"late": 0, "dropped": 0, "incomplete": 0, "joined": 1}
        assert instance["gain_db"] < -3


@pytest.mark.usefixtures("service")
def test_a_copied_track_gets_an_identity_of_its_own(stage: Stage) -> None:
    copied = uuid4()
    probe = stage.probe(instances=3, identity=copied)
    seen = stage.seen(probe, joined)
    identities = [instance["instance"] for instance in seen["instances"]]
    assert identities[0] == str(copied)
    assert len(set(identities)) == 3
    other = stage.seen(stage.probe(instances=1, identity=copied), joined)["instances"][0]
    assert other["instance"] not in identities
    assert other["session"] == seen["instances"][0]["session"], "the only open session is joined"


def test_a_killed_service_is_replaced_without_a_trace_in_the_counters(
    stage: Stage, service: RealService
) -> None:
    probe = stage.probe(instances=2)
    before = stage.seen(probe, mixing)
    service.kill(signal.SIGKILL)
    stage.seen(probe, lambda s: not any(i["up"] for i in s["instances"]))
    service.start()
    after = stage.seen(probe, lambda s: mixing(s) and all(i["joined"] == 2 for i in s["instances"]))
    assert [i["instance"] for i in before["instances"]] == [i["instance"] for i in after["instances"]]
    assert (after["fds"], after["threads"]) == (before["fds"], before["threads"])


def test_tcp_carries_the_same_where_there_are_no_sockets_in_the_file_system(stage: Stage) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    service = RealService(stage.folder, "--tcp", str(port))
    try:
        seen = stage.seen(stage.probe(instances=2), mixing)
        assert seen["bridge"]["connections"] == 1
    finally:
        service.kill(signal.SIGTERM)

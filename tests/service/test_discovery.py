"""The folder, the lock and the file through which plugins find the service."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import msgspec
import pytest

from hybridmix.engine import discovery as d
from hybridmix.engine.server import Server
from hybridmix.errors import HybridMixError, InputError
from hybridmix.wire import proof

from .running import Process, serving

_ANOTHER_USER = 54321
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can act as a second user")


def _file(folder: Path) -> d.Discovery:
    return d.Discovery(
        protocol=(1, 0), endpoint=f"ipc://{folder}/service.sock", pid=1, token=proof.fresh(), version="0"
    )


def test_the_folder_is_private_and_the_file_too(server: Server, folder: Path) -> None:
    assert server.endpoint == f"ipc://{folder}/service.sock"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "service.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "service.sock").stat().st_mode) & 0o077 == 0
    assert (folder / "service.lock").read_text() == f"{os.getpid()}\n"
    assert sorted(path.name for path in folder.iterdir()) == ["service.json", "service.lock", "service.sock"]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HYBRIDMIX_RUNTIME_DIR": "/a", "XDG_RUNTIME_DIR": "/b"}, "/a"),
        ({"XDG_RUNTIME_DIR": "/b"}, "/b/hybridmix"),
        ({}, f"/tmp/hybridmix-{os.getuid()}"),
    ],
)
def test_the_folder_comes_from_the_environment(environ: dict[str, str], expected: str) -> None:
    assert d.runtime_folder(environ) == Path(expected)


def test_a_folder_open_to_others_is_refused(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    message = f"runtime folder {folder} has mode 0755; expected 0700: run chmod 700 {folder}"
    for use in (d.open_folder, d.find):
        with pytest.raises(InputError) as error:
            use(folder)
        assert str(error.value) == message


def test_a_symbolic_link_is_refused(folder: Path, parent: Path) -> None:
    (parent / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(parent / "elsewhere")
    for use in (d.open_folder, d.find):
        with pytest.raises(InputError, match="run is a symbolic link; expected a real folder"):
            use(folder)


def test_a_file_in_place_of_the_folder_is_refused(folder: Path) -> None:
    folder.touch()
    with pytest.raises(InputError, match="is not a folder; expected one"):
        d.open_folder(folder)


@needs_root
def test_a_folder_of_another_user_is_refused(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    os.chown(folder, _ANOTHER_USER, _ANOTHER_USER)
    for use in (d.open_folder, d.find):
        with pytest.raises(InputError, match=f"belongs to user {_ANOTHER_USER}; expected user 0"):
            use(folder)


def test_a_path_too_long_for_a_socket_is_refused(parent: Path) -> None:
    with pytest.raises(InputError, match=r"has \d+ bytes; expected at most 100:"):
        d.open_folder(parent / ("x" * 90))


def test_without_a_service_the_command_to_start_one_is_named(folder: Path) -> None:
    message = f"no HybridMix service runs in {folder}; start it with: hybridmix serve"
    for made in (False, True):
        if made:
            folder.mkdir(mode=0o700)
        with pytest.raises(HybridMixError) as error:
            d.find(folder)
        assert str(error.value) == message


def test_a_file_whose_lock_nobody_holds_is_stale(folder: Path) -> None:
    d.open_folder(folder)
    lock = d.Lock(folder)
    d.publish(folder, _file(folder))
    assert d.find(folder).pid == 1
    lock.release()
    with pytest.raises(HybridMixError, match="no HybridMix service runs"):
        d.find(folder)


def test_a_file_open_to_others_is_refused(folder: Path) -> None:
    d.open_folder(folder)
    lock = d.Lock(folder)
    d.publish(folder, _file(folder))
    (folder / "service.json").chmod(0o644)
    with pytest.raises(InputError, match="is open to others; expected mode 0600"):
        d.find(folder)
    lock.release()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"protocol": [1, 0]}'])
def test_a_broken_file_is_an_error_with_a_fix(folder: Path, content: bytes) -> None:
    d.open_folder(folder)
    lock = d.Lock(folder)
    d.publish(folder, _file(folder))
    (folder / "service.json").write_bytes(content)
    with pytest.raises(InputError, match=r"cannot be read .*; start the service again with: hybridmix serve"):
        d.find(folder)
    lock.release()


def test_a_client_that_looks_at_the_lock_does_not_stop_a_service_from_starting(folder: Path) -> None:
    d.open_folder(folder)
    (folder / "service.lock").touch(mode=0o600)
    with (folder / "service.lock").open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        threading.Timer(0.1, lambda: fcntl.flock(looking, fcntl.LOCK_UN)).start()
        d.Lock(folder).release()
        time.sleep(0.15)


def test_a_second_start_is_refused_with_the_pid_of_the_first(server: Server, folder: Path) -> None:  # noqa: ARG001
    with pytest.raises(HybridMixError) as error, serving(folder):
        pass
    assert str(error.value) == (
        f"a HybridMix service (pid {os.getpid()}) already runs in {folder}; stop it first, "
        "or set HYBRIDMIX_RUNTIME_DIR to another folder."
    )
    assert d.find(folder).pid == os.getpid()


def test_a_service_starts_where_another_was_killed(folder: Path) -> None:
    with Process(folder, "--model", "raw") as killed:
        killed.end(signal.SIGKILL)
    assert (folder / "service.json").exists()
    with serving(folder, model="raw"):
        assert d.find(folder).pid == os.getpid()


_INTRUDER = """
    import json, os, socket, sys, zmq
    folder, user = sys.argv[1], int(sys.argv[2])
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    os.setgroups([]); os.setgid(user); os.setuid(user)
    seen = {}
    try:
        seen["discovery"] = open(folder + "/service.json").read()
    except OSError as error:
        seen["discovery"] = type(error).__name__
    try:
        seen["list"] = os.listdir(folder)
    except OSError as error:
        seen["list"] = type(error).__name__
    try:
        socket.socket(socket.AF_UNIX).connect(folder + "/service.sock")
        seen["connect"] = "connected"
    except OSError as error:
        seen["connect"] = type(error).__name__
    try:
        router.bind("ipc://" + folder + "/other.sock")
        seen["squat"] = "bound"
    except zmq.ZMQError as error:
        seen["squat"] = "ZMQError"
    print(json.dumps(seen), flush=True)
    os._exit(0)
"""


@needs_root
def test_a_second_user_can_neither_connect_nor_read_nor_squat(server: Server, folder: Path) -> None:  # noqa: ARG001
    # The folder above is open, so that only the runtime folder itself keeps the intruder out.
    folder.parent.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_INTRUDER), str(folder), str(_ANOTHER_USER)],
        capture_output=True,
        check=True,
        timeout=20,
    )
    assert msgspec.json.decode(done.stdout) == {
        "discovery": "PermissionError",
        "list": "PermissionError",
        "connect": "PermissionError",
        "squat": "ZMQError",
    }


@needs_root
def test_a_folder_made_by_a_second_user_is_used_by_neither_side(folder: Path) -> None:
    # A squatter who was first: a folder with a service in it, where this user's would be.
    folder.mkdir(mode=0o700)
    lock = d.Lock(folder)
    d.publish(folder, _file(folder))
    for path in (folder, *folder.iterdir()):
        os.chown(path, _ANOTHER_USER, _ANOTHER_USER)
    for use in (d.find, d.open_folder):
        with pytest.raises(InputError, match="belongs to user"):
            use(folder)
    lock.release()

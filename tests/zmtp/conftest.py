from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .driving import Client

WORKSPACE = Path(__file__).parents[2] / "plugin_shim"


@pytest.fixture(scope="session")
def program() -> Path:
    """The client's program, built if need be; cargo says where (it minds CARGO_TARGET_DIR)."""
    command = ["cargo", "build", "--quiet", "--locked", "-p", "zmtp", "--example", "zmtp_peer"]
    build = subprocess.run(
        [*command, "--message-format=json"], cwd=WORKSPACE, capture_output=True, text=True, check=False
    )
    assert build.returncode == 0, build.stderr
    messages = [json.loads(line) for line in build.stdout.splitlines()]
    return Path(next(m["executable"] for m in messages if m.get("executable")))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name: socket paths have little room."""
    path = Path(tempfile.mkdtemp(prefix="zmtp-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(params=["ipc", "tcp"])
def endpoint(request: pytest.FixtureRequest, folder: Path) -> str:
    """A free endpoint of either kind."""
    if request.param == "ipc":
        return f"ipc://{folder / 's'}"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"tcp://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def client(program: Path, endpoint: str) -> Iterator[Callable[..., Client]]:
    """Start clients of the endpoint; they end with the test."""
    clients: list[Client] = []

    def start(*options: str) -> Client:
        clients.append(Client(program, endpoint, *options))
        return clients[-1]

    yield start
    for one in clients:
        with one:
            pass

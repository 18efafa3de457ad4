from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hybridmix.engine.client import Client
from hybridmix.engine.server import Server

from .running import Peer, discovery, serving


@pytest.fixture
def parent() -> Iterator[Path]:
    """A folder with a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="hm-") as folder:
        yield Path(folder)


@pytest.fixture
def folder(parent: Path) -> Path:
    """A runtime folder that does not exist yet."""
    return parent / "run"


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    with serving(folder) as running:
        yield running


@pytest.fixture
def client(server: Server, folder: Path) -> Iterator[Client]:  # noqa: ARG001
    with Client(folder) as connected:
        yield connected


@pytest.fixture
def peer(server: Server) -> Iterator[Peer]:
    """Connected, nothing said."""
    with Peer(server.endpoint) as connected:
        yield connected


@pytest.fixture
def proved(peer: Peer, folder: Path) -> Peer:
    """Connected and welcome."""
    peer.prove(discovery(folder).token)
    return peer

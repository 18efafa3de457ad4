"""How a case is judged: its message, its exit code, and that it leaves nothing behind."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hybridmix.cli.main import main
from hybridmix.engine import discovery

from .cases import Case, Judge


@pytest.fixture(scope="module")
def busy_port() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield listener.getsockname()[1]


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service sets up logging for a process of its own."""
    logger = logging.getLogger("hybridmix")
    for name, value in (("handlers", []), ("level", logger.level), ("propagate", logger.propagate)):
        monkeypatch.setattr(logger, name, value)


def _files(folder: Path) -> dict[str, bytes]:
    """Everything in ``folder`` but the lock, which stays on purpose."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
        if path.name != discovery.LOCK
    }


@pytest.fixture
def judge(
    tmp_path: Path, busy_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Judge:
    """Run the command of a case in its folder, and compare."""

    def fill(text: str) -> str:
        values = {"folder": tmp_path, "pid": os.getpid(), "port": busy_port, "user": os.getuid()}
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", str(value))
        return text

    def judge(case: Case) -> None:
        monkeypatch.chdir(tmp_path)
        for variable in [name for name in os.environ if name.startswith("HYBRIDMIX_")]:
            monkeypatch.delenv(variable)
        for variable, value in case.environ.items():
            monkeypatch.setenv(variable, value)
        if case.session is not None:
            (tmp_path / "session.toml").write_text(case.session)
        with case.prepare(tmp_path):
            before = _files(tmp_path)
            with pytest.raises(SystemExit) as end:
                main([fill(argument) for argument in case.arguments])
        said = capsys.readouterr()
        assert said.err == f"error: {fill(case.message)}\n"
        assert said.out == ""
        assert end.value.code == case.code
        assert _files(tmp_path) == before

    return judge

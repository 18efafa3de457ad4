"""Every key that ``hybridmix bench --json`` prints is explained."""

from __future__ import annotations

import ast
import re

import pytest

from .pages import ROOT

PAGE = ROOT / "docs/benchmarks.md"
BENCH = ROOT / "python_service/hybridmix/bench"
COMMANDS = ("bridge", "render", "faults", "parity", "chain", "frames", "models")
#: Dicts that are not printed.
INNER = {"rss", "fds", "threads", "names"}


def _printed(command: str) -> set[str]:
    """Keys of the dicts that ``command``'s module builds, and names that it makes into keys."""
    keys = set()
    for node in ast.walk(ast.parse((BENCH / f"{command}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Dict):
            keys |= {key.value for key in node.keys if isinstance(key, ast.Constant)}
        elif isinstance(node, ast.DictComp) and isinstance(node.generators[0].iter, ast.Tuple):
            keys |= {name.value for name in node.generators[0].iter.elts if isinstance(name, ast.Constant)}
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_EXACT":
            keys |= set(ast.literal_eval(node.value))
    return {str(key) for key in keys} - INNER


def _explained(command: str) -> set[str]:
    section = re.search(
        rf"^## bench {command}$(.*?)(?=^## )", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert section is not None
    cells = [line.split("|")[1] for line in section[1].splitlines() if line.startswith("| ")]
    names = {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}
    # ``<tracks>`` stands for a number, ``<parameter>`` for a name.
    return {re.split(r"[.\]]+", re.sub(r"\.<\w+>$", "", name))[-1] for name in names} | {
        re.split(r"[.\[]", name)[0] for name in names
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_every_key_is_explained(command: str) -> None:
    printed = _printed(command)
    assert len(printed) > 5
    assert sorted(printed - _explained(command)) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_no_key_is_explained_that_is_not_printed(command: str) -> None:
    quantiles = {"p50", "p99", "p99_9", "max"}
    assert sorted(_explained(command) - _printed(command) - quantiles - {""}) == []

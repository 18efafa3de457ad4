"""Every message that a user can see, collected from the sources, with what ``docs/messages.toml`` says of it.

A message is written here as its template: what is filled in stands as ``…``. The sources are read, not run:
arguments of the error classes, of log events, of prints to stderr, what ``make`` says, and what the plugin tells
the host.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Final

from hybridmix.errors import DegradedError, HybridMixError, InputError
from hybridmix.generated import checkout

__all__ = ["collected", "explained", "rows", "said_in"]

_BLANK: Final = "…"
#: How a message comes, by the class that carries it.
_ERRORS: Final = {
    **{kind.__name__: f"exit code {kind.exit_code}" for kind in (InputError, HybridMixError, DegradedError)},
    "RefusalError": "refusal",
}
#: Functions whose results are messages or the second half of one.
_SAYING: Final = {"_explain": "exit code 2", "_advice": "exit code 3", "version_sentence": "refusal"}
_LEVELS: Final = ("info", "warning", "error")


def collected() -> dict[str, str]:
    """How each message comes ("exit code 2", "log, warning", …), by its template."""
    root = checkout()
    found: dict[str, set[str]] = {}
    for path in [*sorted((root / "python_service").rglob("*.py")), root / "plugin_shim/bundle.py"]:
        for text, ways in said_in(path.read_text(encoding="utf-8")).items():
            found.setdefault(text, set()).update(ways)
    for text in _of_make(root / "tools/needs.sh"):
        found[text] = {"make"}
    shim = root / "plugin_shim/shim/src"
    for path in (shim / "state.rs", *sorted((shim / "clap").glob("*.rs"))):
        for text in _of_rust(path):
            found[text] = {"host's log"}
    return {text: " or ".join(sorted(ways)) for text, ways in found.items()}


def said_in(source: str) -> dict[str, set[str]]:
    """How each message of a Python ``source`` comes, by its template."""
    found: dict[str, set[str]] = {}
    for function, node in _calls(ast.parse(source)):
        for text, way in _of_call(function, node):
            if re.search(r"[a-z]{2}", text):
                found.setdefault(text, set()).add(way)
    return found


def explained() -> dict[str, dict[str, Sequence[str]]]:
    """Cause and fix of each message by its template, by section, as ``docs/messages.toml`` has them."""
    return tomllib.loads((checkout() / "docs/messages.toml").read_text(encoding="utf-8"))


def rows(section: str) -> Iterator[Sequence[str]]:
    """Message, how it comes, cause and fix of each message in ``section``.

    Raises:
        InputError: a message of the sources is not explained, or one that is explained is not in the sources.
    """
    ways, sections = collected(), explained()
    known = {text for messages in sections.values() for text in messages}
    if missing := sorted(set(ways) - known):
        raise InputError(f"docs/messages.toml lacks {missing}; add cause and fix of each.")
    if gone := sorted(known - set(ways)):
        raise InputError(f"docs/messages.toml explains {gone}, which nothing says; remove or correct them.")
    for text, (cause, fix) in sections[section].items():
        yield f"`{text}`", ways[text], cause, fix


def _calls(tree: ast.Module) -> Iterator[tuple[ast.AST, ast.Call | ast.Return]]:
    """Each call, and each return of a function that makes messages, with the function that it stands in."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.Module):
            continue
        for node in _inside(function):
            if isinstance(node, ast.Call) or (
                isinstance(node, ast.Return) and getattr(function, "name", "") in _SAYING
            ):
                yield function, node


def _inside(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of ``function`` but not of functions inside it."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, ast.FunctionDef):
            yield node
            yield from _inside(node)


def _of_call(function: ast.AST, node: ast.Call | ast.Return) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Return):
        assert isinstance(function, ast.FunctionDef)
        yield from ((text, _SAYING[function.name]) for text in _texts(node.value, function))
        return
    match node:
        case ast.Call(func=ast.Name(id=name), args=[*_, message]) if name in _ERRORS:
            yield from ((text, _ERRORS[name]) for text in _texts(message, function))
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id="log"), attr=level), args=[ast.Call(args=[name, *_])]
        ) if level in _LEVELS:
            yield from ((f"event={_quoted(text)}", f"log, {level}") for text in _texts(name, function))
        case ast.Call(func=ast.Name(id="print"), args=[message], keywords=[ast.keyword(arg="file")]):
            yield from ((text, "exit code 1") for text in _texts(message, function))
        case ast.Call(func=ast.Attribute(value=ast.Name(id="sys"), attr="exit"), args=[message]):
            yield from ((text, "exit code 1") for text in _texts(message, function))


def _quoted(text: str) -> str:
    return f'"{text}"' if " " in text else text


def _texts(node: ast.AST | None, function: ast.AST) -> list[str]:
    """The templates that ``node`` can become; a blank for what only running would tell."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            return ["".join(texts) for texts in product(*(_texts(part, function) for part in parts))]
        case ast.FormattedValue(value=ast.Name() as name):
            return _texts(name, function)
        case ast.IfExp(body=one, orelse=other):
            return [*_texts(one, function), *_texts(other, function)]
        case ast.Name(id=name):
            values = [
                text
                for part in _inside(function)
                if isinstance(part, ast.Assign)
                and [ast.dump(target) for target in part.targets] == [ast.dump(ast.Name(name, ast.Store()))]
                for text in _texts(part.value, function)
            ]
            return values or [_BLANK]
    return [_BLANK]


def _of_make(script: Path) -> Iterator[str]:
    for text in re.findall(r'fail "((?:[^"$]|\$\([^)]*\)|\$\w+)*)"', script.read_text(encoding="utf-8")):
        yield "make: " + re.sub(r"\$\([^)]*\)|\$\w+", _BLANK, text)


def _of_rust(source: Path) -> Iterator[str]:
    """What the plugin gives to the host as the reason why it refuses."""
    text = source.read_text(encoding="utf-8")
    for message in re.findall(r'(?:#\[error|PluginError::Message)\(\s*"([^"]*)"', text):
        yield re.sub(r"\{\w+\}", _BLANK, re.sub(r"\\\s+", "", message))

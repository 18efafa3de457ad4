"""Every message that a user can see stands on the troubleshooting page, in one style."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

import hybridmix
from hybridmix import docs_messages
from hybridmix.errors import DegradedError, HybridMixError, InputError

from .pages import ROOT


def test_every_message_of_the_sources_is_on_the_page_with_cause_and_fix() -> None:
    page = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
    explained = {text: say for part in docs_messages.explained().values() for text, say in part.items()}
    for message, way in docs_messages.collected().items():
        assert message in explained, f"add cause and fix of {message!r} to docs/messages.toml"
        cause, fix = explained[message]
        assert f"| `{message}` | {way} | {cause} | {fix} |" in page


def test_messages_are_found_however_they_are_put_together() -> None:
    source = '''
def look(path, tcp):
    """Not a message."""
    fix = "name another"
    reason = "is in use" if tcp else f"is odd ({path})"
    if path:
        raise InputError(f"file {path} is empty; {fix}.")
    absent = HybridMixError(f"port {tcp} {reason}")
    log.warning(event("bad message", kind=3))
    raise absent
'''
    assert docs_messages.said_in(source) == {
        "file … is empty; name another.": {"exit code 2"},
        "port … is in use": {"exit code 1"},
        "port … is odd (…)": {"exit code 1"},
        'event="bad message"': {"log, warning"},
    }


def test_what_is_not_explained_or_not_said_any_more_stops_the_generator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = docs_messages.collected()
    monkeypatch.setattr(docs_messages, "collected", lambda: {**known, "a new one": "exit code 2"})
    with pytest.raises(InputError, match=r"docs/messages\.toml lacks \['a new one'\]"):
        list(docs_messages.rows("session"))
    gone = dict(list(known.items())[1:])
    monkeypatch.setattr(docs_messages, "collected", lambda: gone)
    with pytest.raises(InputError, match=r"explains \[.*which nothing says"):
        list(docs_messages.rows("session"))


def test_messages_are_in_one_style() -> None:
    begins = re.compile(r"[a-z…]|[A-Z]{2,}|event=|docs/")
    for message, way in docs_messages.collected().items():
        assert begins.match(message), f"begins with a capital: {message}"
        if not way.startswith(("log", "make")):
            assert "expected" not in message or re.search(r"(; |^|were )expected", message), message
            assert not re.search(r"\. [A-Z]", message), f"two sentences: {message}"


def test_no_other_class_of_error_reaches_users() -> None:
    for module in pkgutil.walk_packages(hybridmix.__path__, "hybridmix."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    ours = {error for error in HybridMixError.__subclasses__() if error.__module__.startswith("hybridmix.")}
    assert ours == {InputError, DegradedError}
    assert not InputError.__subclasses__()
    assert not DegradedError.__subclasses__()

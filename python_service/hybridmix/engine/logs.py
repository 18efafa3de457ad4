"""Structured logs on stderr: one line per event, ``key=value``, readable by people and by tools."""

from __future__ import annotations

import logging
import sys
import time

__all__ = ["OncePerKind", "event", "setup"]

_LINE = "time=%(asctime)s.%(msecs)03dZ level=%(levelname)s %(message)s"


def setup(quiet: bool) -> None:
    """Log to stderr: everything from INFO, or from WARNING when ``quiet``."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = logging.Formatter(_LINE, datefmt="%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    root = logging.getLogger("hybridmix")
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING if quiet else logging.INFO)
    root.propagate = False


def event(name: str, **fields: object) -> str:
    """``event=name key=value …``; texts with anything but plain characters are quoted."""
    return " ".join([f"event={_text(name)}", *(f"{key}={_text(value)}" for key, value in fields.items())])


def _text(value: object) -> str:
    text = str(value)
    plain = text.isascii() and text.isprintable() and text and not any(c in text for c in ' "=')
    # ascii() keeps what a peer sent from breaking the line or the terminal.
    return text if plain else '"' + ascii(text[:200])[1:-1].replace('"', "'") + '"'


class OncePerKind:
    """Lets the first event of a kind through, and again a minute later at the earliest."""

    _QUIET_S = 60.0

    def __init__(self) -> None:
        """Nothing was logged yet."""
        self._last: dict[str, float] = {}

    def __call__(self, kind: str, now: float) -> bool:
        """Whether an event of ``kind`` should be logged at ``now`` (seconds)."""
        last = self._last.get(kind)
        if last is not None and now - last < self._QUIET_S:
            return False
        self._last[kind] = now
        return True

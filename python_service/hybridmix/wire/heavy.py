"""Reports of the greatest length that cost the most memory to read: many small things."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from hybridmix.wire.codec import encode
from hybridmix.wire.header import Header, Kind
from hybridmix.wire.limits import MAX_JSON

__all__ = ["heaviest"]


def heaviest() -> list[list[bytes]]:
    """Messages that must stay within the memory bound."""
    payloads = (
        _fill('{"a":[0', lambda _: ",0", "]}"),
        _fill('{"a":[0', lambda _: ",{}", "]}"),
        _fill('{"a":[0', lambda _: ',""', "]}"),
        _fill('{"_":0', lambda n: f',"{n:x}":0', "}"),
        _fill('{"a":"', lambda _: "\\ud83c\\udfb8", '"}'),
    )
    return [encode(Header(Kind.REPORT), payload) for payload in payloads]


def _fill(start: str, item: Callable[[int], str], end: str) -> bytes:
    parts, size = [start], len(start) + len(end)
    for text in map(item, count()):
        size += len(text)
        if size > MAX_JSON:
            return ("".join(parts) + end).encode()
        parts.append(text)
    raise AssertionError("count() has no end")

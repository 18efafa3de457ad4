"""Strict reading of control payloads: one meaning per text, the same on both sides of the wire."""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

import msgspec

from hybridmix.wire.error import WireError
from hybridmix.wire.limits import MAX_JSON, MAX_JSON_DEPTH

__all__ = ["parse", "read"]

T = TypeVar("T", bound=msgspec.Struct)

_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


def read(payload: bytes, kind: type[T]) -> T:
    """Read one control message.

    Unknown keys are ignored; known ones must read back as they were written.

    Raises:
        WireError: ``json_too_long``, ``json`` or ``body``.
    """
    raw = parse(payload)
    try:
        typed = msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise WireError("body", str(error)) from None
    if not _agrees(raw, msgspec.to_builtins(typed)):
        raise WireError("body", "a field is not in its canonical form")
    return typed


def parse(payload: bytes) -> dict[str, Any]:
    """Read a JSON object; refuse doubled keys, deep nesting, NaN, overflow and lone surrogates.

    Raises:
        WireError: ``json_too_long`` or ``json``.
    """
    if len(payload) > MAX_JSON:
        raise WireError("json_too_long", len(payload))
    try:
        text = str(payload, "utf-8")
        _check_depth(text)
        raw = _DECODER.decode(text)
        if "\\u" in text:
            json.dumps(raw, ensure_ascii=False).encode()
    except ValueError as error:
        raise WireError("json", str(error)) from None
    if not isinstance(raw, dict):
        raise WireError("json", "not an object")
    return raw


def _check_depth(text: str) -> None:
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_JSON_DEPTH:
            raise ValueError("nested too deep")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("doubled key")
    return result


def _integer(text: str) -> int | float:
    """Integers of 64 bits; anything else is read as a float, as most JSON readers do."""
    if len(text) <= 20:
        value = int(text)
        if -(1 << 63) <= value < 1 << 64 and text != "-0":
            return value
    return _float(text)


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("number out of range")
    return value


def _constant(text: str) -> float:
    raise ValueError(f"{text} is no number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def _agrees(raw: Any, back: Any) -> bool:
    """True where everything in ``back`` stands in ``raw`` in the same form."""
    if isinstance(back, dict):
        return isinstance(raw, dict) and all(
            key in raw and _agrees(raw[key], value) for key, value in back.items()
        )
    if isinstance(back, list | tuple):
        return len(raw) == len(back) and all(_agrees(a, b) for a, b in zip(raw, back, strict=True))
    if isinstance(back, float):
        return type(raw) in (int, float) and float(raw) == back
    return type(raw) is type(back) and bool(raw == back)

"""``python -m hybridmix.docs_tables --write|--check``: what is told of declarations outside the code.

That is the tables in ``docs/`` and the JSON schema of the session file, for editors. A table stands between ``<!-- table: NAME -->`` and ``<!-- end of table -->``, in any page of ``docs/``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from hybridmix import docs_messages, presets, profiles
from hybridmix.batch import session_file
from hybridmix.errors import InputError
from hybridmix.generated import checkout, write_or_check
from hybridmix.plan import document
from hybridmix.wire import error, limits, messages, notes, parameters, status
from hybridmix.wire.fields import FIELDS, TYPES, Field
from hybridmix.wire.header import Flags, Kind

__all__ = ["TABLES", "fill", "pages", "schemas"]

_MARKED: Final = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end of table -->)", re.DOTALL)
_TYPE_NAMES: Final = {
    int: "integer",
    float: "number",
    str: "string",
    UUID: "UUID",
    dict: "object",
    list: "array of objects",
    tuple: "array of two integers",
}


def _table(head: str, rows: Iterator[Sequence[object]]) -> str:
    columns = [cell.strip() for cell in head.split("|")]
    lines = [columns, ["---"] * len(columns), *([str(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _header() -> Iterator[Sequence[object]]:
    offset = 0
    for field in FIELDS:
        name = f"`{field.name}`" if field.name else "(padding)"
        yield offset, TYPES[field.code], name, field.range, field.used_by, field.about
        offset += _size(field)


def _size(field: Field) -> int:
    return (
        int(re.sub(r"\D", "", TYPES[field.code].split("[")[0])) // 8 * int(field.code.rstrip("sBHIQqfd") or 1)
    )


def _kinds() -> Iterator[Sequence[object]]:
    for kind in Kind:
        yield kind.value, kind.name, *notes.KINDS[kind]


def _flags() -> Iterator[Sequence[object]]:
    for name in (name for name in vars(Flags) if name.isupper() and not name.startswith("OF_")):
        yield getattr(Flags, name).bit_length() - 1, f"`{name}`", *notes.FLAGS[name]


def _limits() -> Iterator[Sequence[object]]:
    for name, about in notes.LIMITS.items():
        yield about, _number(getattr(limits, name))


def _reasons() -> Iterator[Sequence[object]]:
    for name in error.NAMES:
        yield f"`{name}`", notes.REASONS[name]


def _parameters() -> Iterator[Sequence[object]]:
    for p in parameters.load().parameters:
        numbers = (
            f"{p.min:g} to {p.max:g}",
            f"{p.neutral:g}",
            f"{p.ramp_ms:g} ms",
            f"{p.slew_per_s:g} {p.unit}/s",
        )
        yield p.id, f"`{p.name}`", p.section, p.unit, *numbers, f"`{p.source}`", p.description


def _statuses() -> Iterator[Sequence[object]]:
    for state in status.load():
        yield state.code, f"`{state.name}`", state.text, state.sentence, state.fix


def _said(section: str) -> Callable[[], str]:
    return lambda: _table("message | comes as | why | what to do", docs_messages.rows(section))


def _message(struct: type[msgspec.Struct]) -> Iterator[Sequence[object]]:
    for name, hint in get_type_hints(struct, include_extras=True).items():
        metas = _metas(hint)
        about = next(meta.description for meta in metas if meta.description)
        yield f"`{name}`", _type_name(hint), _range(metas, _type_name(hint)), about


def _metas(hint: Any) -> list[msgspec.Meta]:
    """Every `Meta` of a type, through unions and tuples."""
    if get_origin(hint) is Annotated:
        base, *metas = get_args(hint)
        return [*_metas(base), *(meta for meta in metas if isinstance(meta, msgspec.Meta))]
    if get_origin(hint) in (Union, UnionType, tuple):
        return [meta for part in get_args(hint) for meta in _metas(part)]
    return []


def _type_name(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        return _type_name(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(_type_name(part) for part in get_args(hint))
    if hint is type(None):
        return "null"
    return _TYPE_NAMES.get(get_origin(hint) or hint, "object")


def _range(metas: Sequence[msgspec.Meta], type_name: str) -> str:
    for meta in metas:
        if meta.title:
            return meta.title
        if meta.max_length is not None:
            return f"at most {meta.max_length} {'characters' if type_name == 'string' else 'entries'}"
        if meta.ge is not None:
            return (
                f"{_number(meta.ge)} to {_number(meta.le)}" if meta.le is not None else f"at least {meta.ge}"
            )
    return ""


def _number(value: float) -> str:
    """Powers of two that nobody reads as digits are shown as powers."""
    size = abs(int(value))
    if size >= 1 << 32 and size & (size - 1) == 0:
        return f"{'−' if value < 0 else ''}2^{size.bit_length() - 1}"
    return f"{value}"


def _of(struct: type[msgspec.Struct]) -> Callable[[], str]:
    return lambda: _table("field | type | range | meaning", _message(struct))


_SESSION: Final[Mapping[str, type[msgspec.Struct]]] = {
    "session.": session_file.Session,
    "output.": session_file.Output,
    "track.": session_file.Track,
}


def _settings(structs: Mapping[str, type[msgspec.Struct]]) -> Iterator[Sequence[str]]:
    """Yield the name of every field of ``structs``, by section, what it takes, its default and its meaning."""
    for section, struct in structs.items():
        component = msgspec.json.schema_components([struct])[1][struct.__name__]
        required = component.get("required", [])
        for name, about in component["properties"].items():
            kind = next((part for part in about.get("anyOf", []) if part.get("type") != "null"), about)
            default = "required" if name in required else _shown(about.get("default"))
            meaning = kind.get("description") or about.get("description", "")
            yield f"`{section}{name}`", _takes(kind), default, meaning


def _takes(kind: dict[str, Any]) -> str:
    if "enum" in kind:
        return ", ".join(str(option) for option in kind["enum"] if option is not None)
    words = {"integer": "whole number", "string": "text", "boolean": "true, false"}
    name = str(kind["type"])
    return words.get(name, name) + (
        f", {kind['minimum']:g} to {kind['maximum']:g}" if "minimum" in kind else ""
    )


def _shown(default: object) -> str:
    if default is None:
        return ""
    return str(default).lower() if isinstance(default, bool) else f"{default}"


def _presets() -> Iterator[Sequence[str]]:
    for name in presets.names():
        preset = presets.load(name)
        yield f"`{name}`", (preset.role or "any").replace("_", " "), preset.description


#: How each table is made, by the name that pages call it by.
TABLES: Final[dict[str, Callable[[], str]]] = {
    "header": lambda: _table("offset | type | field | range | used by | meaning", _header()),
    "kinds": lambda: _table("kind | name | direction | payload | meaning", _kinds()),
    "flags": lambda: _table("bit | flag | kind | meaning", _flags()),
    "limits": lambda: _table("what | at most", _limits()),
    "reasons": lambda: _table("reason | when", _reasons()),
    "parameters": lambda: _table(
        "id | name | section | unit | range | neutral | ramp at least | slew at most | comes from | what it is",
        _parameters(),
    ),
    "status": lambda: _table("code | name | shown as | what it means | what to do", _statuses()),
    "hello": _of(messages.Hello),
    "challenge": _of(messages.Challenge),
    "auth": _of(messages.Auth),
    "welcome": _of(messages.Welcome),
    "refuse": _of(messages.Refuse),
    "join": _of(messages.Join),
    "joined": _of(messages.Joined),
    "stats": _of(messages.Stats),
    "stats-instance": _of(messages.InstanceStats),
    "stats-rtt": _of(messages.RoundTrip),
    "learning": _of(messages.Learning),
    "bye": _of(messages.Bye),
    "session-fields": lambda: _table("field | takes | default | meaning", _settings(_SESSION)),
    "preset-fields": lambda: _table("field | takes | default | meaning", _settings({"": presets.Preset})),
    "presets": lambda: _table("preset | role | for", _presets()),
    **{
        f"messages-{section}": _said(section)
        for section in (
            *("session", "files", "render", "plugin", "state", "service", "refusals", "log"),
            *("make", "developers"),
        )
    },
}


def fill(page: str, name: str) -> str:
    """The text of a page with its tables made anew; ``name`` is for the message.

    Raises:
        InputError: the page asks for a table that there is not.
    """

    def one(found: re.Match[str]) -> str:
        start, table, end = found.groups()
        if table not in TABLES:
            raise InputError(f"{name}: no table is called {table!r}; expected one of {', '.join(TABLES)}.")
        return f"{start}{TABLES[table]()}{end}"

    return _MARKED.sub(one, page)


def pages() -> dict[Path, str]:
    """Every page of ``docs/`` that holds a table, as it should be."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted((checkout() / "docs").rglob("*.md"))}
    return {path: fill(text, path.name) for path, text in texts.items() if _MARKED.search(text)}


def schemas() -> dict[Path, str]:
    """The JSON schemas of the session file, of a profile, of a preset and of a plan file, as they should be."""
    made = {
        Path(session_file.__file__).with_name("session.schema.json"): session_file.schema(),
        Path(profiles.__file__).with_name("profile.schema.json"): profiles.schema(),
        Path(document.__file__).with_name("plan.schema.json"): document.schema(),
        Path(presets.__file__).with_name("preset.schema.json"): presets.schema(),
    }
    return {
        path: msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"
        for path, schema in made.items()
    }


if __name__ == "__main__":
    write_or_check({**pages(), **schemas()}, "python -m hybridmix.docs_tables --write")

"""The tables in the documentation follow the declarations."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hybridmix import docs_tables
from hybridmix.errors import InputError
from hybridmix.wire import error, limits, messages, notes
from hybridmix.wire.fields import FIELDS, LAYOUT
from hybridmix.wire.header import Header, Kind


def test_pages_and_the_schema_of_the_session_file_are_what_the_generator_writes() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "hybridmix.docs_tables", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_changed_table_is_made_anew() -> None:
    page = "a\n<!-- table: parameters -->\n| old |\n<!-- end of table -->\nb\n"
    filled = docs_tables.fill(page, "page.md")
    assert "| old |" not in filled
    assert "`gain_db`" in filled
    assert docs_tables.fill(filled, "page.md") == filled


def test_an_unknown_table_is_named() -> None:
    with pytest.raises(InputError, match=r"page\.md: no table is called 'colours'"):
        docs_tables.fill("<!-- table: colours -->\n<!-- end of table -->", "page.md")


def test_every_table_stands_on_its_page() -> None:
    pages = {path.name: text for path, text in docs_tables.pages().items()}
    for name in docs_tables.TABLES:
        own = {"messages": "troubleshooting.md", "session": "session-file.md"}
        own |= {"preset": "presets.md", "presets": "presets.md"}
        assert f"<!-- table: {name} -->" in pages[own.get(name.split("-")[0], "protocol.md")]


def test_the_header_table_describes_the_layout() -> None:
    names = [field.name for field in FIELDS if field.name]
    assert names == ["magic", "major", "minor", "header_size", *Header.__struct_fields__]
    assert LAYOUT.size == limits.HEADER_SIZE
    assert docs_tables.TABLES["header"]().splitlines()[-2].startswith("| 144 | f32 |")


def test_types_and_ranges_of_fields_are_shown() -> None:
    join, hello = docs_tables.TABLES["join"](), docs_tables.TABLES["hello"]()
    assert "| `session` | UUID or null | not zero |" in join
    assert "| `label` | string | at most 256 characters |" in join
    assert "| `protocol` | array of two integers | 0 to 65535 |" in hello


def test_everything_is_described() -> None:
    assert set(notes.KINDS) == set(Kind)
    assert set(notes.REASONS) == set(error.NAMES)
    json_kinds = {kind for kind, (_, payload, _) in notes.KINDS.items() if "JSON" in payload}
    assert json_kinds == messages.CONTROL_KINDS

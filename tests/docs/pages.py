"""The pages a reader finds, and the code on them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from hybridmix.generated import checkout

ROOT = checkout()
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "python_service").rglob("*.md")),
]


@dataclass(frozen=True)
class Block:
    """A fenced block of code, ``name`` for the test's report."""

    page: Path
    language: str
    text: str
    line: int

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def fenced(language: str) -> list[Block]:
    """Every block of ``language``, in the order of the pages."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            if match[1] == language:
                found.append(Block(page, language, match[2], text.count("\n", 0, match.start()) + 1))
    return found


def code(page: Path) -> list[str]:
    """Every line of indented or fenced code and every span of code on ``page``."""
    text = page.read_text(encoding="utf-8")
    text = re.sub(r"^```\w*$", "", text, flags=re.MULTILINE)
    lines = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    return lines + re.findall(r"`([^`\n]+)`", text)

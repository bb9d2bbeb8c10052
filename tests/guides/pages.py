"""The GraphQL of the guides: blocks of the pages under docs/, each with the variables that stand below it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(
    r"^```graphql\n(?P<text>.*?)^```\n(?:\s*^```json\n(?P<variables>.*?)^```\n)?", re.DOTALL | re.MULTILINE
)
SENT = re.compile(r"# as (?P<role>[A-Z]+)(?:, refused with (?P<codes>[A-Z_]+(?:, [A-Z_]+)*))?\n")


@dataclass(frozen=True)
class Example:
    """A block. With a first line ``# as ROLE`` it is run, and refused with the codes that the line names."""

    page: str
    line: int
    text: str
    variables: dict[str, Any] | None
    role: str | None
    codes: frozenset[str]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """The guides, by path below docs/."""
    folders = [DOCS, DOCS / "front-end"]
    return sorted(str(page.relative_to(DOCS)) for folder in folders for page in folder.glob("*.md"))


def examples(page: str) -> Iterator[Example]:
    """The blocks of a page, in order."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        sent = SENT.match(block["text"])
        yield Example(
            page=page,
            line=text.count("\n", 0, block.start()) + 1,
            text=block["text"],
            variables=json.loads(block["variables"]) if block["variables"] else None,
            role=sent["role"] if sent else None,
            codes=frozenset((sent["codes"] or "").split(", ")) - {""} if sent else frozenset(),
        )

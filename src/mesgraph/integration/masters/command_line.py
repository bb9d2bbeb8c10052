"""`mesgraph master import`: hand a table to a running server, in as many documents as it takes."""

import csv
import io
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mesgraph.integration.command_line import NotSubmitted, asked, told
from mesgraph.integration.masters.table import DELIMITERS, DOCUMENT_MAX, ROWS_MAX

FILE_MAX = 64 * 1024 * 1024
SUBMIT = """
mutation Submit($input: SubmitMastersCsvInput!) {
  submitMastersCsv(input: $input) {
    rows { line key outcome userErrors { code message path } }
    userErrors { code message path }
  }
}
"""


@dataclass(frozen=True)
class Part:
    """A document: the header, and rows of which the first stands on ``first_line`` of the file."""

    document: str
    first_line: int


def read_parts(path: Path, delimiter: str) -> list[Part]:
    """The documents of a file in UTF-8; raises :class:`NotSubmitted` for what cannot be read or is too large."""
    if delimiter not in DELIMITERS:
        raise NotSubmitted("the delimiter is a comma, a semicolon or a tab")
    try:
        if path.stat().st_size > FILE_MAX:
            raise NotSubmitted(f"{path} has {path.stat().st_size} bytes, more than {FILE_MAX}: split it")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise NotSubmitted(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeError as error:
        raise NotSubmitted(f"{path} is not in UTF-8: {error}") from error
    lines = list(io.StringIO(text, newline=""))
    try:
        records = list(_records(lines, delimiter))
    except csv.Error as error:
        raise NotSubmitted(f"{path} is no table: {error}") from error
    if not records:
        raise NotSubmitted(f"{path} is empty; its first record names the columns")
    (begin, end), *rows = records
    return list(_parts("".join(lines[begin:end]), rows, lines))


def _records(lines: Sequence[str], delimiter: str) -> Iterator[tuple[int, int]]:
    """The lines of each record that is not blank: the first one, and the one behind the last."""
    reader = csv.reader(iter(lines), delimiter=delimiter, strict=True)
    begin = 0
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield begin, reader.line_num
        begin = reader.line_num


def _parts(header: str, rows: Sequence[tuple[int, int]], lines: Sequence[str]) -> Iterator[Part]:
    """Rows with the blank lines between them, so that the lines of a document count as those of the file."""
    first = last = rows[0][0] if rows else 1
    count = size = 0
    for begin, end in rows:
        length = sum(map(len, lines[last:end]))
        if count and (count == ROWS_MAX or len(header) + size + length > DOCUMENT_MAX):
            yield Part(header + "".join(lines[first:last]), first + 1)
            first, count, size, length = begin, 0, 0, sum(map(len, lines[begin:end]))
        last, count, size = end, count + 1, size + length
    yield Part(header + "".join(lines[first:last]), first + 1)


@dataclass
class Report:
    """What became of the rows of a file, for a person to read."""

    counts: dict[str, int] = field(default_factory=dict)
    known: dict[str, int] = field(default_factory=dict)

    def lines(self, payload: dict[str, Any]) -> Iterator[str]:
        """The rows of one document."""
        for row in payload["rows"]:
            self.counts[row["outcome"]] = self.counts.get(row["outcome"], 0) + 1
            yield f"  {row['line']} {row['key']} {row['outcome']}"
            yield from told(row["userErrors"], "    ")
            before = self.known.setdefault(row["key"], row["line"])
            if before != row["line"] and row["outcome"] != "REJECTED":
                yield f"    note: it stands on line {before}, too; what comes later counts"

    def summary(self, name: str) -> str:
        """One line."""
        parts = [f"{count} {outcome.lower()}" for outcome, count in sorted(self.counts.items())]
        return f"{name}: {', '.join(parts) or 'no rows'}"


def import_table(server: str, key: str, parts: Sequence[Part], **given: Any) -> Iterator[dict[str, Any]]:
    """Submit the documents one after the other; each answer as it comes. Raises :class:`NotSubmitted`."""
    run = uuid.uuid4().hex
    for number, part in enumerate(parts):
        input = given | {
            "document": part.document,
            "firstLine": part.first_line,
            "idempotencyKey": f"master-import-{run}-{number}",
        }
        yield asked(server, key, SUBMIT, input, "submitMastersCsv")

"""Reading a table: RFC 4180, one record a row, the first one the names of the columns."""

import csv
import io
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from mesgraph.errors import Code, Refused, Violation, invalid

DOCUMENT_MAX = 200_000
"""Characters of one document, so that it fits into a request; the command line sends longer files in several."""
ROWS_MAX = 500
"""Rows of one document: they keep the writer busy for seconds."""
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}


@dataclass(frozen=True)
class Record:
    """A row: the line of the file on which it begins, and its cells that are not empty, by column."""

    line: int
    cells: dict[str, str]
    wrong: Violation | None = None


def read_table(
    document: str, delimiter: str, columns: Sequence[str], required: Collection[str], first_line: int = 2
) -> list[Record]:
    """The rows of ``document``. ``first_line`` is the line of the file at which the first of them stands.

    Names of columns may be written in any case. Refuses MESSAGE_INVALID for what is no table of these columns: too
    long, quotes that do not close, columns that are unknown, missing or named twice, another delimiter than declared.
    A row with another number of cells than the header is noted in it.
    """
    if delimiter not in DELIMITERS:
        raise Refused(invalid("the delimiter is a comma, a semicolon or a tab", "delimiter"))
    if first_line < 2:
        raise Refused(invalid(f"{first_line} is above the first row; it stands on line 2 or below", "first_line"))
    if len(document) > DOCUMENT_MAX:
        raise _unreadable(
            f"{len(document)} characters are more than {DOCUMENT_MAX}: send the rows in several documents"
        )
    lines = _records(document.removeprefix("\ufeff"), delimiter)
    header = next(lines, None)
    if header is None:
        raise _unreadable("the document is empty; its first record names the columns")
    names = _header(header[1], delimiter, columns, required)
    records = [_record(line - 2 + first_line, cells, names) for line, cells in lines]
    if len(records) > ROWS_MAX:
        raise _unreadable(f"{len(records)} rows are more than {ROWS_MAX}: send them in several documents")
    return records


def _records(document: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not blank, with the line on which it begins."""
    reader = csv.reader(io.StringIO(document, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise _unreadable(f"line {begins}: {error}") from error


def _header(cells: Sequence[str], delimiter: str, columns: Sequence[str], required: Collection[str]) -> list[str]:
    known = {column.lower(): column for column in columns}
    named = [cell.strip() for cell in cells]
    if len(named) == 1 and named[0].lower() not in known:
        other = next((mark for mark in DELIMITERS if mark != delimiter and mark in named[0]), None)
        if other is not None:
            raise _unreadable(f"the columns are separated by {DELIMITERS[other]}s: declare it as the delimiter")
    unknown = [name[:40] for name in named if name.lower() not in known]
    names = [known.get(name.lower(), name) for name in named]
    missing = sorted(set(required) - set(names))
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    found = [
        *([f"unknown columns: {', '.join(unknown)}"] if unknown else []),
        *([f"missing columns: {', '.join(missing)}"] if missing else []),
        *([f"columns named twice: {', '.join(twice)}"] if twice else []),
    ]
    if found:
        raise _unreadable(f"{'; '.join(found)}. There are {', '.join(columns)}")
    return names


def _record(line: int, cells: Sequence[str], names: Sequence[str]) -> Record:
    if len(cells) != len(names):
        message = f"line {line} has {len(cells)} cells, the header {len(names)}"
        return Record(line, {}, invalid(message, names[min(len(cells), len(names) - 1)], code=Code.MESSAGE_INVALID))
    return Record(line, {name: cell.strip() for name, cell in zip(names, cells, strict=True) if cell.strip()})


def _unreadable(message: str) -> Refused:
    return Refused(invalid(message, "document", code=Code.MESSAGE_INVALID))

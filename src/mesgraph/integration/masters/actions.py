"""Putting the rows of a table into effect, each by itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import inspect

from mesgraph.db import Entity
from mesgraph.equipment.models import Equipment, Site
from mesgraph.equipment.queries import classes_of, site_by_key, stores_of
from mesgraph.errors import Code, Findings, Refused, Violation, invalid, not_found, replace_path
from mesgraph.integration.masters.kinds import KINDS, Kind, MastersKind
from mesgraph.integration.masters.table import Record, read_table
from mesgraph.work import Work


class RowOutcome(StrEnum):
    """What became of a row."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    UNCHANGED = "UNCHANGED"
    REJECTED = "REJECTED"


@dataclass(frozen=True)
class RowResult:
    """A row of the report: its line, what it names, what became of it, and why not; violations point to columns."""

    line: int
    key: str
    outcome: RowOutcome
    violations: tuple[Violation, ...] = ()


class _Unchanged(Exception):
    """Nothing differs from what is known, so nothing is to be recorded."""


def submit_masters(
    work: Work,
    kind: MastersKind,
    document: str,
    *,
    delimiter: str = ",",
    site: Site | None = None,
    first_line: int = 2,
    atomic: bool = False,
) -> list[RowResult]:
    """Make known or change what the rows of ``document`` name, each by itself, or all or none if ``atomic``.

    A row says everything of its thing, as the command of its kind does: an empty cell takes away what was there.
    ``site`` is meant where a row names none. Refuses MESSAGE_INVALID for what is no table of this kind, and with
    ``atomic`` the violations of all rows. LOTS need a reason (REASON_REQUIRED).
    """
    table = KINDS[kind]
    if kind is MastersKind.LOTS:
        work.needs_reason()
    required = [name for name, column in table.columns.items() if column.required]
    records = read_table(document, delimiter, list(table.columns), required, first_line)
    results = list(_submit_all(work, table, records, site))
    if atomic:
        found = Findings()
        for result in results:
            found.extend(replace_path(v, ("document", result.line, *v.path)) for v in result.violations)
        found.refuse()
    return results


def _submit_all(work: Work, table: Kind, records: Sequence[Record], site: Site | None) -> Iterator[RowResult]:
    lines: dict[str, int] = {}
    for record in records:
        key = "/".join(record.cells[name] for name in table.key if name in record.cells)
        place = lines.setdefault(key, record.line) if key else record.line
        if place == record.line:
            yield _submit_one(work, table, record, key, site)
        else:
            twice = invalid(f"{key} stands on line {place} already", table.key[-1], code=Code.DUPLICATE_KEY)
            yield RowResult(record.line, key, RowOutcome.REJECTED, (twice,))


def _submit_one(work: Work, table: Kind, record: Record, key: str, site: Site | None) -> RowResult:
    recorded = len(work.events)
    outcome = RowOutcome.CREATED
    try:
        with work.session.begin_nested():
            given = _read(table, record)
            of_row = _site_of(work, record, site)
            known = table.find(work, of_row, given)
            before = None if known is None else _content(work, known)
            row = table.put(work, of_row, given)
            work.session.flush()
            if before is not None:
                outcome = RowOutcome.UPDATED
                if before == _content(work, row):
                    raise _Unchanged
    except _Unchanged:
        del work.events[recorded:]
        return RowResult(record.line, key, RowOutcome.UNCHANGED)
    except Refused as refused:
        del work.events[recorded:]
        return RowResult(record.line, key, RowOutcome.REJECTED, refused.violations)
    return RowResult(record.line, key, outcome)


def _read(table: Kind, record: Record) -> dict[str, Any]:
    """The values of the cells, or all that is wrong with them."""
    found = Findings()
    found.add(record.wrong)
    found.refuse()
    given: dict[str, Any] = {}
    for name, column in table.columns.items():
        cell = record.cells.get(name)
        if cell is None:
            if column.required:
                found.add(invalid(f"{name} is empty", name))
            continue
        try:
            given[name] = column.read(cell)
        except ValueError as error:
            found.add(invalid(str(error), name))
    found.refuse()
    return given


def _site_of(work: Work, record: Record, site: Site | None) -> Site | None:
    code = record.cells.get("site")
    if code is None:
        return site
    named = site_by_key(work.session, code)
    if named is None:
        raise Refused(not_found("Site", code[:100], "site"))
    return named


def _content(work: Work, row: Entity) -> tuple[object, ...]:
    """All that is known of a thing, but for the count of its changes."""
    columns = [getattr(row, c.key) for c in inspect(type(row)).column_attrs if c.key != "version"]
    if isinstance(row, Equipment):
        columns += [c.code for _, c in classes_of(work.session, [row.id])]
        columns += [store.code for _, store in stores_of(work.session, [row.id])]
    return tuple(map(repr, columns))

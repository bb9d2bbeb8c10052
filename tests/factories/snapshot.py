"""What a factory made in an empty plant, kept as rows: the next test gets it in a few statements.

Most tests begin with the same plant. Making it by its verbs each time would take more of a run than the tests
themselves.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, insert, select, text
from sqlalchemy.orm import Session

from mesgraph.ledger.models import LedgerEvent
from mesgraph.models import Row
from tests.api import MOVED_BY_THEMSELVES, Api

Rows = dict[Table, list[dict[str, Any]]]

_kept: dict[tuple[str, str, datetime], Rows] = {}


async def make_once(api: Api, name: str, make: Callable[[Session], None]) -> None:
    """Run ``make``; or insert the rows that it made before under ``name``, at the same time, in an empty plant too."""
    await api.plant.database.write(lambda session: _make(api, session, name, make))


def _make(api: Api, session: Session, name: str, make: Callable[[Session], None]) -> None:
    if session.scalar(select(LedgerEvent.id).limit(1)) is not None:
        make(session)
        return
    connection = session.connection()
    key = (connection.dialect.name, name, api.plant.clock.now())
    if key in _kept:
        _put(connection, _kept[key])
    else:
        make(session)
        session.flush()
        _kept[key] = _take(connection)


def _take(connection: Connection) -> Rows:
    rows: Rows = {}
    # only SQLite gives events their position in the transaction that records them
    left_out = MOVED_BY_THEMSELVES - ({"ledger_position"} if connection.dialect.name == "sqlite" else set())
    for table in Row.metadata.sorted_tables:
        if table.name not in left_out:
            columns = [column for column in table.c if (table.name, column.name) != ("ledger_event", "transaction")]
            in_order = select(*columns).order_by(*table.primary_key)  # a row may refer to an earlier one of its table
            if found := [dict(row) for row in connection.execute(in_order).mappings()]:
                rows[table] = found
    return rows


def _put(connection: Connection, rows: Rows) -> None:
    for table, found in rows.items():
        connection.execute(insert(table), found)
    if connection.dialect.name == "postgresql":
        numbered = {table.name: max(row["id"] for row in found) for table, found in rows.items() if "id" in table.c}
        moves = (f"setval(pg_get_serial_sequence('{name}', 'id'), {last})" for name, last in numbered.items())
        connection.execute(text(f"SELECT {', '.join(moves)}"))

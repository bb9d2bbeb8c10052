"""What a factory made in an empty plant, kept as rows: the next test gets it in a few statements.

Most tests begin with the same plant. Making it by its verbs each time would take more of a run than the tests
themselves.
"""

from collections.abc import Awaitable, Callable
from copy import deepcopy
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, insert, select, text
from sqlalchemy.orm import Session

from mesgraph.ledger.models import LedgerEvent
from mesgraph.models import Row
from tests.api import MOVED_BY_THEMSELVES, Api

Rows = dict[Table, list[dict[str, Any]]]

T = TypeVar("T")

_kept: dict[tuple[str, str, datetime], Rows] = {}
_found: dict[tuple[str, str, datetime], Any] = {}


async def make_once(api: Api, name: str, make: Callable[[Session], None]) -> None:
    """Run ``make``; or insert the rows that it made before under ``name``, at the same time, in an empty plant too."""
    await api.plant.database.write(lambda session: _make(api, session, name, make))


async def asked_once(api: Api, name: str, make: Callable[[], Awaitable[T]]) -> T:
    """The same for what takes many commands, together with what ``make`` tells of it: names and ids of rows."""
    database = api.plant.database
    key = (database.dialect, name, api.plant.clock.now())
    if await database.read(_something_is_there):
        return await make()
    if key in _found:
        await database.write(lambda session: _put(session.connection(), _kept[key]))
    else:
        _found[key] = deepcopy(await make())
        _kept[key] = await database.read(lambda session: _take(session.connection()))
    found: T = deepcopy(_found[key])
    return found


def _something_is_there(session: Session) -> bool:
    return session.scalar(select(LedgerEvent.id).limit(1)) is not None


def _make(api: Api, session: Session, name: str, make: Callable[[Session], None]) -> None:
    if _something_is_there(session):
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
            in_order = select(*columns).order_by(*table.primary_key)
            if found := [dict(row) for row in connection.execute(in_order).mappings()]:
                rows[table] = _referred_first(table, found)
    return rows


def _referred_first(table: Table, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each row behind those of its table that it refers to: a unit before what was put into it."""
    own = [key.parent.name for key in table.foreign_keys if key.column.table is table]
    placed: dict[Any, dict[str, Any]] = {}
    while own and len(placed) < len(rows):
        fit = [row for row in rows if row["id"] not in placed and {row[name] for name in own} <= {None, *placed}]
        assert fit, f"rows of {table.name} refer to each other in a circle"
        placed.update((row["id"], row) for row in fit)
    return list(placed.values()) if own else rows


def _put(connection: Connection, rows: Rows) -> None:
    for table, found in rows.items():
        connection.execute(insert(table), found)
    if connection.dialect.name == "postgresql":
        numbered = {table.name: max(row["id"] for row in found) for table, found in rows.items() if "id" in table.c}
        moves = (f"setval(pg_get_serial_sequence('{name}', 'id'), {last})" for name, last in numbered.items())
        connection.execute(text(f"SELECT {', '.join(moves)}"))

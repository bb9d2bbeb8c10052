"""Row security of PostgreSQL behind the scope of sessions: a statement that forgot the scope sees nothing more.

Each table with rows of a site has a policy that reads the setting ``mesgraph.sites`` (migration 0023). A connection
keeps it from one unit to the next, and it is said anew only when the next unit has another scope.

What goes beyond the scope on purpose lifts it: statements of :data:`~mesgraph.db.scope.EVERY_SITE`, everything inside
:func:`~mesgraph.db.scope.every_site`, and Core statements, which walk through all sites. A query is lifted for that one
statement; a command from there to its end, because what it locks, counts and writes is all of the same kind.
"""

from typing import Any

import asyncpg
from sqlalchemy import Select, event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.sql.selectable import CompoundSelect

from mesgraph.db.scope import Sites, sites_of

EVERYTHING = "*"
HELD, READS = "row_security", "row_security_reads"
SAY = text("SELECT set_config('mesgraph.sites', :sites, true)")
ESCAPES = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"


def written(sites: Sites) -> str:
    """A scope as the setting has it."""
    return EVERYTHING if sites is None else ",".join(map(str, sorted(sites)))


async def hold(session: AsyncSession, connection: AsyncConnection, sites: Sites, *, reads: bool) -> None:
    """Bring the session's connection to a scope, before its transaction begins.

    Raises ``ConnectionError`` when the connection is gone.
    """
    wanted = written(sites)
    if connection.info.get(HELD) != wanted:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        try:
            await raw.execute(f"SET mesgraph.sites = '{wanted}'")  # digits and commas
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            await connection.invalidate()
            raise ConnectionError(str(error)) from error
        connection.info[HELD] = wanted
    session.sync_session.info.update({HELD: None if sites is None else wanted, READS: reads})


async def escaped(connection: AsyncConnection) -> bool:
    """Whether row security does not hold the role of the connection: a superuser, or one that may bypass it."""
    return bool((await connection.exec_driver_sql(ESCAPES)).scalar())


@event.listens_for(Session, "do_orm_execute")
def lift_for_statement(state: ORMExecuteState) -> Any:
    """Let a statement that goes beyond the scope on purpose see everything."""
    session = state.session
    held = session.info.get(HELD)
    if held is None or not _goes_beyond(state):
        return None
    _say(session, EVERYTHING)
    if not session.info[READS]:
        session.info[HELD] = None
        return None
    result = state.invoke_statement()
    _say(session, held)
    return result


@event.listens_for(Session, "before_flush")
def lift_for_writing(session: Session, *_: object) -> None:
    """What a command writes may leave its sites: an item that is sent, and what follows it."""
    if session.info.get(HELD) is not None:
        _say(session, EVERYTHING)
        session.info[HELD] = None


def _goes_beyond(state: ORMExecuteState) -> bool:
    of_core = not state.is_orm_statement and isinstance(state.statement, Select | CompoundSelect)
    return of_core or bool(state.execution_options.get("every_site")) or sites_of(state.session) is None


def _say(session: Session, sites: str) -> None:
    session.connection().execute(SAY, {"sites": sites})

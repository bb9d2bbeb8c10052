"""Writing what the watch has seen, beside the requests: once a second, all of it in one transaction.

What cannot be written now stays in the watch and is written later; the database may be away as long as it likes.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.orm import Session

from mesgraph.clock import Clock
from mesgraph.db import Database
from mesgraph.errors import Unavailable
from mesgraph.security_events.actions import raise_event
from mesgraph.security_events.kinds import SecurityEventKind
from mesgraph.security_events.watch import SERVER, Watch
from mesgraph.work import SYSTEM, Work

PAUSE_S = 1.0

log = logging.getLogger(__name__)


async def write_due(database: Database, clock: Clock, watch: Watch) -> None:
    """Write what is due. Raises ``Unavailable`` when the database does not answer; nothing is lost by that."""
    alarms = watch.due()
    if not alarms:
        return
    now = clock.now()

    def unit(session: Session) -> None:
        work = Work(session=session, actor=SYSTEM, now=now, occurred_at=now, command="watch")
        for alarm in alarms:
            raise_event(work, alarm)

    await database.write(unit)
    watch.told(alarms)


@asynccontextmanager
async def recording(database: Database, clock: Clock, watch: Watch) -> AsyncIterator[None]:
    """Write what is due for as long as the block lasts, and at its end."""
    if database.dialect == "postgresql" and not database.row_security:
        watch.note(SecurityEventKind.POLICY_CHANGED, SERVER, clock.now())
    task = asyncio.create_task(_write_forever(database, clock, watch), name="security-events")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await _write(database, clock, watch)


async def _write_forever(database: Database, clock: Clock, watch: Watch) -> None:
    while True:
        await _write(database, clock, watch)
        await asyncio.sleep(PAUSE_S)


async def _write(database: Database, clock: Clock, watch: Watch) -> None:
    try:
        await write_due(database, clock, watch)
    except Unavailable:
        pass  # the database says so itself
    except Exception:
        log.exception("security events could not be written; they are tried again")

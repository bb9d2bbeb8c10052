"""PostgreSQL: one process gives every event its position.

Business transactions append without a shared lock and commit in any order. The sequencer reads by *snapshot
difference*: the events whose transaction is visible now and was not in the snapshot of its last step. It sorts them
by id, numbers them, and commits the numbers together with its snapshot, so no event is skipped, numbered twice or
waited for. Ids are drawn at insert (sequence cache 1): whatever a transaction had seen committed has a smaller id than
what it records, so the order is causal. Ordering by transaction id would not be: a release may start before the hold
that it releases. Reading below the oldest running transaction would wait for any slow one.
"""

import asyncio
import contextlib
import logging
from typing import Any

import asyncpg
from sqlalchemy.engine import URL

from mesgraph.ledger.tail import Tail

POLL_S = 0.05
NOTIFY_DELAY_S = 0.005
LEADER_LOCK = 0x6D657367  # "mesg"
COMMITTED, SEQUENCED = "mesgraph_committed", "mesgraph_sequenced"

UNNUMBERED = """
    FROM ledger_event
    WHERE transaction >= pg_snapshot_xmin($1::text::pg_snapshot)
      AND NOT pg_visible_in_snapshot(transaction, $1::text::pg_snapshot)
"""
NUMBER = f"""
    INSERT INTO ledger_position (position, ledger_event_id)
    SELECT $2::bigint + row_number() OVER (ORDER BY id), id {UNNUMBERED}
"""

log = logging.getLogger(__name__)


class Sequencer:
    """This process's part in the numbering: leader if it gets the lock, and always the ear and voice of its tail.

    ``committed`` is called after each commit of this process. After numbering, every process is told by NOTIFY, sent
    here and never in a business transaction, where it would be held across the commit's disk write.
    """

    def __init__(self, url: URL, tail: Tail) -> None:
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._tail = tail
        self._woken = asyncio.Event()
        self._to_tell = asyncio.Event()
        self._leading = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to listen, tell, and number."""
        self._tasks = [
            asyncio.create_task(self._forever(self._number_events), name="ledger-sequencer"),
            asyncio.create_task(self._forever(self._listen_and_tell), name="ledger-notifier"),
        ]

    async def stop(self) -> None:
        """Let go of the lock and the connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def committed(self) -> None:
        """Something was committed here."""
        if self._leading:
            self._woken.set()
        else:
            self._to_tell.set()

    async def _forever(self, run: Any) -> None:
        while True:
            try:
                connection = await asyncpg.connect(self._dsn, timeout=5)
                try:
                    await run(connection)
                finally:
                    self._leading = False
                    with contextlib.suppress(Exception):
                        await connection.close(timeout=2)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("the sequencer lost its connection and tries again: %s", error)
                await asyncio.sleep(0.5)
            except Exception:
                log.exception("the sequencer failed and tries again")
                await asyncio.sleep(0.5)

    async def _number_events(self, connection: "asyncpg.Connection[Any]") -> None:
        # another process may hold the lock; only it knows until when
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LEADER_LOCK):  # noqa: ASYNC110
            await asyncio.sleep(0.5)
        self._leading = True
        while True:
            if await step(connection):
                self._tail.wake()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._woken.wait()
            self._woken.clear()

    async def _listen_and_tell(self, connection: "asyncpg.Connection[Any]") -> None:
        # an ear that went deaf would wait for ever: let it speak, fail, and connect anew
        connection.add_termination_listener(lambda _: self._to_tell.set())
        await connection.add_listener(COMMITTED, lambda *_: self._woken.set())
        await connection.add_listener(SEQUENCED, lambda *_: self._tail.wake())
        while True:
            await self._to_tell.wait()
            await asyncio.sleep(NOTIFY_DELAY_S)
            self._to_tell.clear()
            await connection.execute(f"NOTIFY {COMMITTED}")


async def step(connection: "asyncpg.Connection[Any]") -> int:
    """Number what became visible since the last step; returns how many events that were.

    The state row is locked, so even two sequencers that both believe to lead cannot number twice: the second waits,
    then fails to serialise and starts again.
    """
    try:
        async with connection.transaction(isolation="repeatable_read"):
            state = await connection.fetchrow("SELECT position, snapshot FROM ledger_sequencer WHERE id = 1")
            if state is None or not await connection.fetchval(f"SELECT EXISTS (SELECT 1 {UNNUMBERED})", state[1]):
                return 0
            await connection.execute("SELECT 1 FROM ledger_sequencer WHERE id = 1 FOR UPDATE")
            answer: str = await connection.execute(NUMBER, state["snapshot"], state["position"])
            count = int(answer.rsplit(" ", 1)[1])
            await connection.execute(
                "UPDATE ledger_sequencer SET position = position + $1, snapshot = pg_current_snapshot()::text"
                " WHERE id = 1",
                count,
            )
            await connection.execute(f"NOTIFY {SEQUENCED}")
            return count
    except asyncpg.SerializationError:
        return 0

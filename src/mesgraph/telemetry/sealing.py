"""Seals the heads of all instances every few minutes. Nothing is lost when it stops: the head is on disk."""

import asyncio
import contextlib
import logging
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.db import Database
from mesgraph.telemetry.models import SampleBatch
from mesgraph.telemetry.store import Overtaken, fold, gather, put

EVERY_S = 300
"""A chunk is written anew each time, so not more often; what is in the head is read whole, so not more rarely."""

log = logging.getLogger(__name__)


async def seal(database: Database) -> int:
    """Fold everything that is in the heads now into chunks; how many batches that were."""

    def heads(session: Session) -> list[int]:
        return list(session.scalars(select(SampleBatch.driver_instance_id).distinct()))

    return sum([await _seal_one(database, instance_id) for instance_id in await database.read(heads)])


async def _seal_one(database: Database, instance_id: int) -> int:
    sealed = 0
    while (gathered := await database.read(partial(gather, instance_id=instance_id))) is not None:
        folded = await asyncio.to_thread(fold, gathered)
        try:
            await database.write(partial(put, folded=folded))
        except Overtaken:
            break
        sealed += len(folded.batches)
    return sealed


class Sealer:
    """Seals beside the server."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._seal_forever(), name="sealer")

    async def stop(self) -> None:
        """Stop; a fold that is being written is written or not, as a whole."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _seal_forever(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await seal(self._database)
            except Exception:
                log.exception("samples could not be sealed; it is tried again")

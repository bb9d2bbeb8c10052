"""Hands the spool of one instance to the server, in order, one batch at a time.

A batch that arrived although its answer was lost is sent again and counted as duplicate there. What the server will not
take is halved until the samples are found that it means; those are put into a file beside the spool and named, and the
others go on. While the server is away nothing is lost but room on the disk.
"""

import asyncio
import logging
import time

from mesgraph.edge import columns
from mesgraph.edge.backoff import Backoff
from mesgraph.edge.plant import Later, NotTaken, Plant, Taken
from mesgraph.edge.spool import Record, Spool

LINGER_S = 0.1
"""The shortest time between two batches that are not full."""
REFUSED_MAX = 16 * 1024 * 1024

log = logging.getLogger(__name__)


class Uplink:
    """The way of one instance. ``turns`` is shared: so many requests are under way at a time."""

    def __init__(self, plant: Plant, instance: str, code: str, spool: Spool, turns: asyncio.Semaphore) -> None:
        self._plant = plant
        self._instance = instance
        self._code = code
        self._spool = spool
        self._turns = turns
        self._backoff = Backoff()
        self._wake = asyncio.Event()
        self._agreed = False
        self._named: set[str] = set()
        self.sent = spool.first
        """What lies below this number is at the server."""
        self.clock_offset_ms: int | None = None
        self.refused = 0
        """Samples that the server did not take, each by itself or with its batch."""
        self.reason = ""
        """Why nothing is sent at the moment."""

    @property
    def buffered(self) -> int:
        """Samples that wait."""
        return max(0, self._spool.next - self.sent)

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    async def run(self) -> None:
        """Send for ever."""
        while True:
            began = time.monotonic()
            try:
                full = await self._send()
                self._backoff.reset()
                self._say("")
            except Later as later:
                self._say(str(later))
                await asyncio.sleep(later.wait_s + self._backoff.pause_s())
                continue
            if not full:
                await asyncio.sleep(max(0.0, LINGER_S - (time.monotonic() - began)))
                await self._wake.wait()

    async def _send(self) -> bool:
        """Send what waits, at most a batch; whether more waits."""
        self._wake.clear()
        await self._spool.synced_beside()
        if not self._agreed:
            await self._agree()
        records = self._next() if self._agreed else []
        if not records:
            self.sent = max(self.sent, self._spool.synced)
            return False
        count = sum(record.count for record in records)
        batch = records[0].batch if len(records) == 1 else columns.join(record.batch for record in records)
        await self._deliver(Record(records[0].number, count, batch))
        self.sent = records[-1].number + records[-1].count
        self._spool.drop(self.sent)
        return self._spool.synced > self.sent or self._wake.is_set()

    async def _agree(self) -> None:
        """Learn which number the server expects, by the oldest sample that is here: sent again it is harmless.

        From a new spool it goes as number 0. A server that has heard of this instance before counts it as duplicate
        and says where it stands; then it goes once more, by its right number.
        """
        record = next(iter(self._spool.records(self.sent)), None)
        if record is None:
            return
        first = max(self.sent, record.number)
        _, rest = columns.halves(record.batch, first - record.number)
        probe, _ = columns.halves(rest, 1)
        try:
            taken = await self._ingest(first + self._spool.offset if self._spool.numbered else 0, probe)
        except NotTaken as refusal:
            self._set_aside(Record(first, 1, probe), str(refusal))
            self.sent = first + 1
            return
        if self._spool.numbered:
            self._spool.catch_up(taken.next)
        else:
            known = taken.duplicate > 0
            self._spool.number(first, taken.next if known else 0)
        self.sent = max(self.sent, taken.next - self._spool.offset)
        self._agreed = True

    def _next(self) -> list[Record]:
        """What can travel in one batch: numbers without a gap between them."""
        found: list[Record] = []
        count = size = 0
        for record in self._spool.records(self.sent):
            count, size = count + record.count, size + len(record.batch)
            if found and (
                record.number != found[-1].number + found[-1].count
                or count > columns.COUNT_MAX
                or size > columns.BYTES_MAX
            ):
                break
            found.append(record)
        return found

    async def _deliver(self, record: Record) -> None:
        waiting = [record]
        while waiting:
            one = waiting.pop()
            try:
                taken = await self._ingest(one.number + self._spool.offset, one.batch)
                self._note(taken)
            except NotTaken as refusal:
                if one.count == 1:
                    self._set_aside(one, str(refusal))
                    continue
                at = one.count // 2
                first, second = columns.halves(one.batch, at)
                waiting += [Record(one.number + at, one.count - at, second), Record(one.number, at, first)]

    async def _ingest(self, number: int, batch: bytes) -> Taken:
        async with self._turns:
            return await self._plant.ingest(self._instance, number, batch)

    def _note(self, taken: Taken) -> None:
        self.clock_offset_ms = taken.clock_offset_ms
        self.refused += len(taken.rejected)
        for index, code in taken.rejected.items():
            self._name(code, f"sample {index} of a batch")

    def _set_aside(self, record: Record, reason: str) -> None:
        """Keep a sample that the server never takes where somebody can look at it."""
        self.refused += 1
        self._name(reason.partition(":")[0], f"{reason}; see {self._spool.folder / 'refused.jsonl'}")
        with (self._spool.folder / "refused.jsonl").open("ab") as file:
            if file.tell() < REFUSED_MAX:
                file.write(record.batch + b"\n")

    def _name(self, code: str, what: str) -> None:
        if code not in self._named:
            self._named.add(code)
            log.warning("%s: the server does not take %s (%s)", self._code, what, code)

    def _say(self, reason: str) -> None:
        """One line when sending stops, and one when it goes on."""
        if bool(reason) != bool(self.reason):
            log.warning("%s: %s", self._code, reason or "the server takes samples again")
        self.reason = reason

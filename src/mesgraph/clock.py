"""Injected time. Facts are stamped by a :class:`Clock`; durations, leases and timeouts use the monotonic clock."""

import asyncio
import mmap
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEARS = range(1970, 2201)
"""The years in which a time that is given may lie."""
MICROSECOND = timedelta(microseconds=1)

LOOK_S = 0.05
"""How often a waiter looks at a clock that somebody else sets."""

SLEEP_S_MAX = 60
"""How long a waiter sleeps at most: a wall clock may be corrected meanwhile."""


def to_micros(instant: datetime) -> int:
    """Microseconds since 1970-01-01 UTC. Exact: no float takes part."""
    return (instant - EPOCH) // MICROSECOND


def from_micros(micros: int) -> datetime:
    """The aware UTC datetime of :func:`to_micros`."""
    return EPOCH + timedelta(microseconds=micros)


class Clock(Protocol):
    """Where the time of a record comes from."""

    virtual: bool

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's wall clock."""

    virtual = False

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        return datetime.now(UTC)


class VirtualClock:
    """A clock that stands until somebody sets it, shared by processes through a file of eight bytes.

    The demo's shift sets it and the demo's server reads it, so a shift of hours plays in seconds and goes on through
    a restart of the server. It never runs backwards.
    """

    virtual = True

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(struct.pack("<q", 0))
        with path.open("r+b") as file:
            self._cell = mmap.mmap(file.fileno(), 8)

    def now(self) -> datetime:
        """The instant that was set last."""
        return from_micros(struct.unpack("<q", self._cell[:8])[0])

    def set(self, instant: datetime) -> None:
        """Move on to ``instant``; an earlier one is ignored."""
        if instant > self.now():
            self._cell[:8] = struct.pack("<q", to_micros(instant))


async def reach(clock: Clock, instant: datetime) -> None:
    """Return as soon as ``clock`` shows ``instant``."""
    # a clock does not tell when it has got there
    while (left := (instant - clock.now()).total_seconds()) > 0:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_S if clock.virtual else min(left, SLEEP_S_MAX))

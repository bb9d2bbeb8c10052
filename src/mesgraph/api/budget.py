"""Time of the processor that is there for one principal: a bucket that fills by itself and from which is taken what was
really used, so that no pattern of requests, known or not, takes the plant away from the others.

A request is many tasks on one loop. Each step of each of them is timed, and so is what it does in threads:
reads, writes and traces.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar
from time import thread_time
from typing import Any, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

PERIOD_S = 10.0
"""A bucket is full again after this time."""
KNOWN_MAX = 10_000
CHARGED_S = 0.005
"""What is used is charged in parts of this size."""


class Bucket:
    """What one principal has left, in seconds of a processor."""

    def __init__(self, size_s: float) -> None:
        self._size_s = size_s
        self._left_s = size_s
        self._at = time.monotonic()
        self._lock = threading.Lock()

    def take(self, used_s: float) -> None:
        """Take what was used. Debt is at most one bucket, so that nobody waits longer than a period."""
        with self._lock:
            self._fill()
            self._left_s = max(self._left_s - used_s, -self._size_s)

    def wait_s(self) -> float:
        """How long until there is something left; 0 when there is."""
        with self._lock:
            self._fill()
            return max(0.0, -self._left_s) * PERIOD_S / self._size_s

    def is_full(self) -> bool:
        """Whether nothing was used of late."""
        with self._lock:
            self._fill()
            return self._left_s >= self._size_s

    def _fill(self) -> None:
        now = time.monotonic()
        self._left_s = min(self._size_s, self._left_s + (now - self._at) * self._size_s / PERIOD_S)
        self._at = now


class Budgets:
    """The buckets of all principals of this process; ``size_ms`` 0 stands for no limit."""

    def __init__(self, size_ms: int) -> None:
        self._size_s = size_ms / 1000
        self._buckets: dict[int, Bucket] = {}

    def of(self, principal_id: int) -> Bucket | None:
        """The bucket of a principal; none where there is no limit."""
        if not self._size_s:
            return None
        bucket = self._buckets.get(principal_id)
        if bucket is None:
            if len(self._buckets) >= KNOWN_MAX:
                self._buckets = {key: kept for key, kept in self._buckets.items() if not kept.is_full()}
            bucket = self._buckets[principal_id] = Bucket(self._size_s)
        return bucket


class Payer(Protocol):
    """Whom time of the processor is charged to."""

    def take(self, used_s: float) -> None:
        """Take what was used."""


class Shares:
    """Those who share what is done for all of them. Each pays for as many parts as were added for it."""

    def __init__(self) -> None:
        self._parts: Counter[Bucket | None] = Counter()

    def add(self, bucket: Bucket | None) -> None:
        """One part more."""
        self._parts[bucket] += 1

    def remove(self, bucket: Bucket | None) -> None:
        """One part less."""
        self._parts[bucket] -= 1
        if not self._parts[bucket]:
            del self._parts[bucket]

    def take(self, used_s: float) -> None:
        """Take what was used from each its share; threads call this, too."""
        parts = list(self._parts.items())
        whole = sum(count for _, count in parts)
        for bucket, count in parts:
            if bucket is not None:
                bucket.take(used_s * count / whole)

    def wait_s(self) -> float:
        """How long until one of them has something left; what is done for that one costs no more for the others."""
        return min((bucket.wait_s() if bucket else 0.0 for bucket in self._parts), default=0.0)


class Meter:
    """Counts what one request, or one socket, uses; what was used before anybody was known is charged later."""

    def __init__(self) -> None:
        self.used_s = 0.0
        self.charge_at_s = 0.0
        self._charged_s = 0.0
        self._payer: Payer | None = None
        self._lock = threading.Lock()

    def charge_to(self, payer: Payer | None) -> None:
        """From now on ``payer`` pays, and for what was used until now."""
        self._payer = payer
        self.charge()

    def charge(self) -> None:
        """Take what was used since the last time; done now and then, because steps are many and short."""
        with self._lock:
            used_s = self.used_s
            if self._payer is not None:
                self._payer.take(used_s - self._charged_s)
                self._charged_s = used_s
            self.charge_at_s = used_s + CHARGED_S


_meter: ContextVar[Meter | None] = ContextVar("meter", default=None)


def meter() -> Meter | None:
    """The meter of the request at hand."""
    return _meter.get()


async def metered(work: Coroutine[Any, Any, T], payer: Payer | None = None) -> T:
    """Do ``work``, and all tasks that it starts, under a new meter, charged to ``payer`` once there is one."""
    new = Meter()
    new.charge_to(payer)
    token = _meter.set(new)
    try:
        return await _Timed(work, new)
    finally:
        new.charge()
        _meter.reset(token)


def timed(work: Callable[P, T]) -> Callable[P, T]:
    """``work``, charged to the request at hand when it runs in a thread, also when the request does not wait for it."""
    counting, here = _meter.get(), threading.get_ident()
    if counting is None:
        return work

    def run(*args: P.args, **options: P.kwargs) -> T:
        if threading.get_ident() == here:  # a step of a task, which is timed as such
            return work(*args, **options)
        begun = time.thread_time()
        try:
            return work(*args, **options)
        finally:
            counting.used_s += time.thread_time() - begun
            counting.charge()

    return run


@contextmanager
def tasks_are_timed() -> Iterator[None]:
    """While the block lasts, tasks that a metered request starts on this loop are timed as well."""
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    loop.set_task_factory(_timed_task)
    try:
        yield
    finally:
        loop.set_task_factory(before)


def _timed_task(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> "asyncio.Task[Any]":
    context: Context | None = options.get("context")
    counting = _meter.get() if context is None else context.get(_meter)
    if counting is not None and asyncio.iscoroutine(work):
        work = _Timed(work, counting)
    return asyncio.Task(work, loop=loop, **options)


class _Timed(Coroutine[Any, Any, T]):
    """A coroutine whose steps are timed. There may be thousands of them in a request, so there is little of it."""

    __slots__ = ("_meter", "_work")

    def __init__(self, work: Coroutine[Any, Any, T], meter: Meter) -> None:
        self._work = work
        self._meter = meter

    def send(self, value: Any) -> Any:
        begun = thread_time()
        try:
            return self._work.send(value)
        finally:
            meter = self._meter
            meter.used_s += thread_time() - begun
            if meter.used_s > meter.charge_at_s:
                meter.charge()

    def throw(self, *thrown: Any) -> Any:
        begun = thread_time()
        try:
            return self._work.throw(*thrown)
        finally:
            self._meter.used_s += thread_time() - begun

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Generator[Any, Any, T]:
        step: Callable[[Any], Any] = self.send
        value: Any = None
        while True:
            try:
                waited = step(value)
            except StopIteration as end:
                done: T = end.value
                return done
            try:
                value, step = (yield waited), self.send
            except GeneratorExit:
                self.close()
                raise
            except BaseException as thrown:
                value, step = thrown, self.throw

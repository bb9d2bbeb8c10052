"""The rules of the kit as tests. Their names and meanings stand in ``manifest.RULES``."""

import asyncio
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ClassVar, TypeVar, cast

import pytest

from mesgraph.edge.conformance.bench import Bench
from mesgraph.edge.conformance.proxy import Line, line_to, mutate
from mesgraph.edge.conformance.watched import Watched, at_work, opened, written
from mesgraph.edge.contract import LinkLost, Misconfigured, Quality, Refused, State

F = TypeVar("F", bound=Callable[..., Any])

DEAD_S = 10.0
"""A dead line is seen within this time."""
AGAIN_S = 5.0
"""After a fault values flow again within this time."""
FRAMES = 200
ROUNDS = 8
MEMORY_MAX = 64 * 1024 * 1024
AGE_SLACK_MS = 150.0
"""What a busy computer adds to the age of a value."""


def rule(name: str) -> Callable[[F], F]:
    """The rule that a test proves."""

    def mark(test: F) -> F:
        @pytest.mark.conformance(name)
        @wraps(test)
        def run(self: "Conformance") -> None:
            asyncio.run(test(self))

        return cast(F, run)

    return mark


class Conformance:
    """Derive from it, and name the bench."""

    bench: ClassVar[type[Bench]]

    @rule("reads-truth")
    async def test_reads_truth(self) -> None:
        with self._machine() as (bench, port):
            async with at_work(bench.driver, bench.config(port), list(bench.holds)) as watched:
                for address in bench.holds:
                    await watched.until(lambda it=address: watched.good(it), AGAIN_S, f"no value of {address}")
            for address, value in bench.holds.items():
                seen = watched.good(address)
                assert all(type(one) is type(value) and one == value for one in seen), (address, value, seen[:3])

    @rule("starts-without-device")
    async def test_starts_without_device(self) -> None:
        with self._machine() as (bench, port):
            bench.stop()
            async with self._at_work(bench, port) as watched:
                await watched.until(lambda: watched.state is State.DISCONNECTED, DEAD_S, "not DISCONNECTED")
                assert watched.states[-1][1], "the state says why"
                bench.start()
                await watched.flows(bench.clock, AGAIN_S)
                assert watched.state is State.RUNNING

    @rule("bad-tag-among-good")
    async def test_bad_tag_among_good(self) -> None:
        with self._machine() as (bench, port):
            bad = (bench.bad, bench.nonsense)
            addresses = [bench.bad, bench.clock, bench.nonsense, *bench.holds]
            async with at_work(bench.driver, bench.config(port), addresses) as watched:
                for address in (bench.clock, *bench.holds):
                    await watched.until(lambda it=address: watched.good(it), AGAIN_S, f"no value of {address}")
                await watched.until(lambda: watched.state is State.DEGRADED, AGAIN_S, "not DEGRADED")
            told = [one for _, one in watched.samples if one.path in bad]
            assert {one.path for one in told} == set(bad)
            assert all(one.value is None and one.quality is Quality.BAD for one in told)

    @rule("wrong-config")
    async def test_wrong_config(self) -> None:
        bench = self.bench()
        with pytest.raises(Misconfigured) as refused:
            await opened(bench.driver, bench.wrong_config, [bench.clock])[0].run()
        assert all(key in str(refused.value) for key in bench.wrong_config), str(refused.value)

    @rule("stops-clean")
    async def test_stops_clean(self) -> None:
        with self._machine() as (bench, port):
            if not bench.has_line:
                async with self._at_work(bench, port) as watched:
                    await watched.flows(bench.clock, AGAIN_S)
                return
            async with line_to(port) as line:
                for silent in (False, True):
                    async with self._at_work(bench, line.port) as watched:
                        await watched.flows(bench.clock, AGAIN_S)
                        line.black_hole = silent
                        await asyncio.sleep(0.1)
                    line.black_hole = False
                    await watched.until(lambda: line.open == 0, 2.0, "the connection was not closed")

    @rule("regains-link")
    async def test_regains_link(self) -> None:
        async with self._on_a_line() as (bench, line, watched):
            for _ in range(3):
                line.cut_in_frame = True
                await watched.until(lambda: not line.cut_in_frame, AGAIN_S, "nothing was asked")
                await watched.flows(bench.clock, AGAIN_S)
            self._all_fresh(bench, watched)

    @rule("black-hole")
    async def test_black_hole(self) -> None:
        async with self._on_a_line() as (bench, line, watched):
            line.black_hole = True
            await watched.until(lambda: watched.state is State.DISCONNECTED, DEAD_S, "not DISCONNECTED")
            line.black_hole = False
            await watched.flows(bench.clock, AGAIN_S + bench.timeout_s)
            self._all_fresh(bench, watched)

    @rule("half-open")
    async def test_half_open(self) -> None:
        async with self._on_a_line() as (bench, line, watched):
            line.drop_machine()
            await watched.until(lambda: watched.state is State.DISCONNECTED, DEAD_S, "not DISCONNECTED")
            line.black_hole = False
            await watched.flows(bench.clock, AGAIN_S + bench.timeout_s)

    @rule("byte-dribble")
    async def test_byte_dribble(self) -> None:
        async with self._on_a_line() as (bench, line, watched):
            line.dribble_s = 0.0005
            await watched.flows(bench.clock, AGAIN_S, count=10)
            assert watched.state is State.RUNNING
            self._all_fresh(bench, watched)

    @rule("says-what-is-missing")
    async def test_says_what_is_missing(self) -> None:
        async with self._on_a_line() as (bench, line, watched):
            line.black_hole = True
            since = len(watched.samples)
            await watched.until(lambda: watched.state is State.DISCONNECTED, DEAD_S, "not DISCONNECTED")
            missing = [one for _, one in watched.samples[since:] if one.path == bench.clock]
            assert missing[-1].value is None
            assert missing[-1].quality is Quality.BAD

    @rule("stale-reply")
    async def test_stale_reply(self) -> None:
        async with self._on_a_line() as (bench, line, watched):
            line.stale = True
            await asyncio.sleep(1.0)
            line.stale = False
            line.late_s = 1.3 * bench.timeout_s
            await asyncio.sleep(6 * bench.timeout_s)
            line.late_s = 0.0
            await watched.flows(bench.clock, AGAIN_S)
            self._all_fresh(bench, watched)

    @rule("duplicate-reply")
    async def test_duplicate_reply(self) -> None:
        async with self._on_a_line() as (bench, line, watched):
            line.duplicate = True
            await watched.flows(bench.clock, AGAIN_S, count=10)
            line.duplicate = False
            await watched.flows(bench.clock, AGAIN_S)
            self._all_fresh(bench, watched)

    @rule("malformed-frames")
    async def test_malformed_frames(self) -> None:
        async with self._on_a_line() as (bench, line, watched):
            for _ in range(ROUNDS):
                line.corrupt, until = mutate, line.replies + FRAMES // ROUNDS
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr("mesgraph.edge.backoff.FIRST_S", 0.01)
                    patch.setattr("mesgraph.edge.keep.UP_PAUSE_S", 0.02)
                    await watched.until(
                        lambda it=until: line.replies >= it or watched.mistakes(), 60.0, "too few frames"
                    )
                assert not watched.mistakes(), "what a machine sends is no mistake of the driver"
                line.corrupt = None
                await watched.flows(bench.clock, AGAIN_S + bench.timeout_s)

    @rule("bounded-memory")
    async def test_bounded_memory(self) -> None:
        async with self._on_a_line() as (bench, line, watched):
            before = _most_memory()
            line.flood = True
            since = line.replies
            await watched.until(lambda: line.replies > since + 2, DEAD_S, "no reply was flooded")
            await watched.until(lambda: watched.state is not State.RUNNING, DEAD_S, "it took the flood for values")
            line.flood = False
            await watched.flows(bench.clock, AGAIN_S + bench.timeout_s)
            assert _most_memory() - before < MEMORY_MAX

    @rule("silent-write-failure")
    async def test_silent_write_failure(self) -> None:
        with self._machine() as (bench, port):
            assert bench.writable is not None, "the bench says where one can write"
            assert bench.deaf is not None, "the bench says where the machine does not do it"
            config = bench.config(port)
            assert (await written(bench.driver, config, *bench.writable)).value == bench.writable[1]
            with pytest.raises((Refused, LinkLost)):
                await written(bench.driver, bench.deaf_config(port), *bench.deaf)

    @contextmanager
    def _machine(self) -> Iterator[tuple[Bench, int]]:
        bench = self.bench()
        try:
            yield bench, bench.start()
        finally:
            bench.stop()

    def _at_work(self, bench: Bench, port: int) -> Any:
        return at_work(bench.driver, bench.config(port), [bench.clock], bench.clock, bench.clock_modulo)

    def _on_a_line(self) -> "OnALine":
        return OnALine(self.bench())

    def _all_fresh(self, bench: Bench, watched: Watched) -> None:
        """Nothing was offered as good that was older than an answer may be, and nothing twice."""
        clocks = watched.clocks()
        assert len(set(clocks)) == len(clocks), "a reply was taken twice"
        oldest = max(watched.ages_ms())
        assert oldest <= bench.timeout_s * 1000 + AGE_SLACK_MS, f"a value was {oldest:.0f} ms old"


class OnALine:
    """A driver that reads the machine's clock over a line, and is well, for as long as the block lasts."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def __aenter__(self) -> tuple[Bench, Line, Watched]:
        bench = self._bench
        self._line = line_to(bench.start())
        line = await self._line.__aenter__()
        self._work = at_work(bench.driver, bench.config(line.port), [bench.clock], bench.clock, bench.clock_modulo)
        watched = await self._work.__aenter__()
        await watched.flows(bench.clock, AGAIN_S)
        return bench, line, watched

    async def __aexit__(self, *error: Any) -> None:
        try:
            await self._work.__aexit__(*error)
        finally:
            await self._line.__aexit__(None, None, None)
            self._bench.stop()


def _most_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

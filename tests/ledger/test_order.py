"""Positions are dense and causal, and the tail delivers every committed event once and in order (I29, I31)."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from sqlalchemy.util import await_only

from mesgraph.access.actions import create_principal, grant_role
from mesgraph.access.models import Principal, PrincipalKind
from mesgraph.access.roles import Role
from mesgraph.config import Settings
from mesgraph.errors import Refused
from mesgraph.ledger.models import LedgerEvent, Position
from mesgraph.ledger.queries import Cursor, Recorded, head
from mesgraph.plant import Plant, running_plant
from mesgraph.work import SYSTEM, Work
from tests.api import START, Api, SteppedClock
from tests.factories.genealogy import receive
from tests.factories.materials import make_halvard

postgresql_only = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


def recording(subject: str, pause: Callable[[Session], None] = lambda _: None) -> Callable[[Session], int]:
    """A unit of work that records one event, then stays open for ``pause``; answers with the event's id."""

    def unit(session: Session) -> int:
        work = Work(session=session, actor=SYSTEM, now=START, occurred_at=START)
        create_principal(work, subject=subject, kind=PrincipalKind.SERVICE, display_name=subject)
        pause(session)
        [event] = work.events
        assert isinstance(event, LedgerEvent)
        return event.id

    return unit


def sleeping(seconds: float) -> Callable[[Session], None]:
    def pause(session: Session) -> None:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SELECT pg_sleep(:s)"), {"s": seconds})

    return pause


async def take(plant: Plant, count: int, after: Cursor | None) -> list[Recorded]:
    """The next ``count`` events behind ``after``."""
    taken: list[Recorded] = []
    async with asyncio.timeout(30), aclosing(plant.tail.follow(after)) as events:  # type: ignore[type-var]
        async for event in events:
            taken.append(event)
            if len(taken) == count:
                break
    return taken


@asynccontextmanager
async def another_plant(plant: Plant) -> AsyncIterator[Plant]:
    async with running_plant(Settings(database=plant.settings.database), clock=SteppedClock()) as running:
        yield running


async def positions(plant: Plant) -> list[int]:
    return await plant.database.read(lambda s: list(s.scalars(select(Position.position).order_by(Position.position))))


async def test_every_event_of_many_writers_comes_once_and_in_order(plant: Plant) -> None:
    draw = random.Random(7)
    count = 200
    units = [
        recording(f"p{i}", sleeping(2 if i % 40 == 0 else draw.choice([0, 0, 0, 0.01, 0.05, 0.3])))
        for i in range(count)
    ]
    reader = asyncio.create_task(take(plant, count, Cursor(1, 0)))
    ids = await asyncio.gather(*(plant.database.write(unit) for unit in units))
    seen = await reader
    assert [event.position for event in seen] == list(range(1, count + 1))
    assert {event.ledger_event_id for event in seen} == set(ids)
    assert await positions(plant) == list(range(1, count + 1))


async def test_what_was_rolled_back_has_no_position(plant: Plant) -> None:
    def failing(session: Session) -> None:
        recording("never")(session)
        raise Refused

    for i in range(3):
        await plant.database.write(recording(f"a{i}"))
        with pytest.raises(Refused):
            await plant.database.write(failing)
    events = await take(plant, 3, Cursor(1, 0))
    assert [event.position for event in events] == [1, 2, 3]


@postgresql_only
async def test_a_slow_transaction_delays_nobody_else(plant: Plant) -> None:
    still_open = asyncio.Event()
    slow = asyncio.create_task(plant.database.write(recording("slow", lambda _: await_only(still_open.wait()))))
    await asyncio.sleep(0.05)
    fast = [await plant.database.write(recording(f"fast{i}")) for i in range(5)]
    seen = await take(plant, 5, Cursor(1, 0))
    assert not slow.done(), "all five were delivered while the slow one was open"
    assert [event.ledger_event_id for event in seen] == fast
    still_open.set()
    late = await slow
    assert late < fast[0], "its id was drawn first"
    [last] = await take(plant, 1, Cursor(1, 5))
    assert (last.ledger_event_id, last.position) == (late, 6)


@postgresql_only
async def test_a_release_that_began_before_the_hold_stands_behind_it(plant: Plant) -> None:
    begun, held = asyncio.Event(), asyncio.Event()

    def release(session: Session) -> int:
        transaction = session.scalar(text("SELECT pg_current_xact_id()::text::bigint"))
        begun.set()
        await_only(held.wait())
        work = Work(session=session, actor=SYSTEM, now=START, occurred_at=START)
        principal = session.scalars(select(Principal).where(Principal.subject == "held")).one()
        grant_role(work, principal, Role.QA, None, None)
        assert transaction is not None
        return int(transaction)

    def hold(session: Session) -> int:
        recording("held")(session)
        return int(session.scalar(text("SELECT pg_current_xact_id()::text::bigint")) or 0)

    releasing = asyncio.create_task(plant.database.write(release))
    await begun.wait()
    holding_transaction = await plant.database.write(hold)
    held.set()
    assert await releasing < holding_transaction, "the trap is set: the release has the older transaction"
    events = await take(plant, 2, Cursor(1, 0))
    assert [event.type for event in events] == ["PRINCIPAL_CREATED", "ROLE_GRANTED"]


async def test_a_reader_goes_on_where_it_was_after_a_restart(database_url: str) -> None:
    settings = Settings(database=database_url)
    seen: list[Recorded] = []
    for life in range(3):
        async with running_plant(settings, clock=SteppedClock()) as plant:
            units = [recording(f"p{life}-{i}") for i in range(20)]
            await asyncio.gather(*(plant.database.write(unit) for unit in units))
            after = Cursor(1, seen[-1].position if seen else 0)
            seen += await take(plant, 13, after)
    async with running_plant(settings, clock=SteppedClock()) as plant:
        seen += await take(plant, 60 - len(seen), Cursor(1, seen[-1].position))
    assert [event.position for event in seen] == list(range(1, 61))
    assert len({event.event_id for event in seen}) == 60


async def test_an_event_committed_just_before_the_end_has_its_place_after_the_restart(database_url: str) -> None:
    settings = Settings(database=database_url)
    async with running_plant(settings, clock=SteppedClock()) as plant:
        await plant.database.write(recording("last words"))
    async with running_plant(settings, clock=SteppedClock()) as plant:
        [event] = await take(plant, 1, Cursor(1, 0))
    assert event.position == 1


@postgresql_only
async def test_two_plants_on_one_database_see_one_order_and_the_lead_passes_on(plant: Plant) -> None:
    async with another_plant(plant) as second:
        await mixed(plant, second, "both", 30)
        readers = [take(p, 60, Cursor(1, 0)) for p in (plant, second)]
        one, other = await asyncio.gather(*readers)
        assert [e.event_id for e in one] == [e.event_id for e in other]
        async with another_plant(plant) as third:
            leading = [p for p in (plant, second, third) if await leads(p)]
            assert leading == [plant], "who came first numbers"
    async with another_plant(plant) as fourth:
        await stop_numbering(plant)
        await mixed(plant, fourth, "after", 10)
        events = await take(fourth, 20, Cursor(1, 60))
        assert [e.position for e in events] == list(range(61, 81))


async def mixed(one: Plant, other: Plant, name: str, count: int) -> None:
    units = [(plant, recording(f"{name}-{n}-{i}")) for n, plant in enumerate((one, other)) for i in range(count)]
    await asyncio.gather(*(plant.database.write(unit) for plant, unit in units))


def sequencer_of(plant: Plant) -> Any:
    [listener] = plant.database._listeners
    return listener.__self__  # type: ignore[attr-defined]


async def leads(plant: Plant) -> bool:
    return bool(sequencer_of(plant)._leading)


async def stop_numbering(plant: Plant) -> None:
    await sequencer_of(plant).stop()


@postgresql_only
async def test_the_numbering_survives_the_loss_of_its_connections(plant: Plant) -> None:
    await plant.database.write(recording("before"))
    await take(plant, 1, Cursor(1, 0))

    def kill(session: Session) -> None:
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = current_user AND application_name <> 'mesgraph'"
            )
        )

    await plant.database.write(kill)
    await plant.database.write(recording("after"))
    events = await take(plant, 2, Cursor(1, 0))
    assert [event.position for event in events] == [1, 2]


@postgresql_only
async def test_two_sequencers_that_both_believe_to_lead_number_nothing_twice(plant: Plant) -> None:
    import asyncpg

    from mesgraph.ledger.sequencer import step

    await stop_numbering(plant)
    dsn = plant.settings.database
    connections = [await asyncpg.connect(dsn) for _ in range(4)]
    try:
        for round in range(10):
            await asyncio.gather(*(plant.database.write(recording(f"{round}-{i}")) for i in range(5)))
            counts = await asyncio.gather(*(step(connection) for connection in connections))
            assert sum(counts) == 5, counts
    finally:
        await asyncio.gather(*(connection.close() for connection in connections))
    assert await positions(plant) == list(range(1, 51))


@postgresql_only
async def test_a_history_waits_for_the_numbers_of_what_is_committed(api: Api) -> None:
    await make_halvard(api)
    key = await receive(api, "RM-PVDF", "A", "1")
    lot = (await api.ask("query($k: ItemKey!) { item(key: $k) { id } }", by=Role.QA, k={"id": key}))["item"]["id"]
    history = "query($id: ID!) { history(id: $id) { nodes { type } } }"
    received = {"history": {"nodes": [{"type": "MATERIAL_RECEIVED"}]}}
    assert await api.ask(history, by=Role.QA, id=lot) == received
    await stop_numbering(api.plant)
    await receive(api, "RM-PVDF", "B", "1")  # another item's events are not waited for
    assert await api.ask(history, by=Role.QA, id=lot) == received
    await api.do("rejectLot", "", by=Role.QA, item={"id": key}, reason={"code": "TEST"})
    asked = asyncio.create_task(api.ask(history, by=Role.QA, id=lot))
    await asyncio.sleep(0.2)
    sequencer_of(api.plant).start()
    nodes = (await asked)["history"]["nodes"]
    assert [node["type"] for node in nodes] == ["MATERIAL_RECEIVED", "LOT_REJECTED"]


@pytest.mark.parametrize(
    "cursor", [Cursor(2, 0), Cursor(1, 1), Cursor(1, 10**17)], ids=["another epoch", "one ahead", "far ahead"]
)
async def test_a_cursor_that_cannot_be_of_this_record_is_refused(plant: Plant, cursor: Cursor) -> None:
    with pytest.raises(Refused) as refusal:
        await take(plant, 1, cursor)
    assert refusal.value.violations[0].path == ("after",)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "c",
        "c1",
        "1-2",
        "c1-",
        "c-1",
        "c1-2-3",
        "c1-x",
        "c1--2",
        "c\u0661-\u0662",
        "c1-2 ",
        "c1-" + "9" * 19,
        "C1-2",
    ],
)
def test_a_malformed_cursor_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="is not a cursor"):
        Cursor.parse(written)


def test_a_cursor_reads_what_it_writes() -> None:
    assert Cursor.parse(str(Cursor(3, 5512))) == Cursor(3, 5512)


async def test_from_now_on_means_nothing_old(plant: Plant) -> None:
    await plant.database.write(recording("old"))
    await take(plant, 1, Cursor(1, 0))
    reader = asyncio.create_task(take(plant, 1, None))
    await asyncio.sleep(0.05)
    new = await plant.database.write(recording("new"))
    assert [event.ledger_event_id for event in await reader] == [new]


async def test_slow_and_fast_readers_see_the_same(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mesgraph.ledger.tail.KEPT", 10)
    monkeypatch.setattr("mesgraph.ledger.tail.BATCH", 7)

    async def slow() -> list[int]:
        seen = []
        async with aclosing(plant.tail.follow(Cursor(1, 0))) as events:  # type: ignore[type-var]
            async for event in events:
                seen.append(event.position)
                await asyncio.sleep(0.002)
                if len(seen) == 100:
                    break
        return seen

    readers = [asyncio.create_task(slow()), asyncio.create_task(take(plant, 100, Cursor(1, 0)))]
    for start in range(0, 100, 20):
        await asyncio.gather(*(plant.database.write(recording(f"p{start + i}")) for i in range(20)))
        await asyncio.sleep(0.01)
    slowly, fast = await asyncio.gather(*readers)
    assert slowly == [event.position for event in fast] == list(range(1, 101))


async def test_the_tail_outlives_a_failing_read(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    from mesgraph.ledger import tail

    working = tail.events_after
    failures = iter([True])

    def failing(*arguments: Any) -> list[Recorded]:
        if next(failures, False):
            raise RuntimeError("unreadable")
        return working(*arguments)

    monkeypatch.setattr(tail, "events_after", failing)
    await plant.database.write(recording("p"))
    assert len(await take(plant, 1, Cursor(1, 0))) == 1


async def test_the_tail_stops_at_once_even_when_it_was_just_woken(plant: Plant) -> None:
    from mesgraph.ledger.tail import Tail

    async with asyncio.timeout(20):
        for i in range(100):
            tail = Tail(plant.database)
            await tail.start()
            await asyncio.sleep(0)
            for _ in range(i % 4):
                await asyncio.sleep(0)
            tail.wake()
            await tail.stop()


async def test_the_end_of_the_record_is_its_last_position(plant: Plant) -> None:
    assert await plant.database.read(head) == Cursor(1, 0)
    await plant.database.write(recording("p"))
    await take(plant, 1, Cursor(1, 0))
    assert await plant.database.read(head) == plant.tail.cursor == Cursor(1, 1)

"""A reader that acts keeps its position with its effect: each event has its effect once, whatever happens."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.access.actions import create_principal
from mesgraph.access.models import PrincipalKind
from mesgraph.config import Settings
from mesgraph.equipment.actions import submit_equipment_class
from mesgraph.ledger import reader as module
from mesgraph.ledger.models import LedgerEvent, ReaderPosition
from mesgraph.ledger.queries import Cursor, Recorded, recorded
from mesgraph.ledger.reader import Reader
from mesgraph.plant import Plant, running_plant
from mesgraph.work import Work
from tests.api import Api, SteppedClock
from tests.patience import eventually


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_S", 0.01)
    monkeypatch.setattr(module, "RETRY_S", 0.01)


def note(work: Work, events: Sequence[Recorded]) -> None:
    """The effect: a class for each principal that was created."""
    for event in events:
        submit_equipment_class(work, code=f"C-{event.payload['principal']['key']}", name="Noted")


def noting(effect: Callable[[Work, Sequence[Recorded]], None] = note, **more: Any) -> Reader:
    return Reader(name="noting", types=frozenset({"PRINCIPAL_CREATED"}), effect=effect, **more)


async def create(api: Api, *names: str) -> None:
    def write(session: Session) -> None:
        for name in names:
            create_principal(api.work(session), subject=name, kind=PrincipalKind.PERSON, display_name=name)

    await api.plant.database.write(write)


async def noted(plant: Plant) -> list[str]:
    """What the effect did, in order; a second effect of one event would show as a second record."""

    def read(session: Session) -> list[str]:
        rows = session.scalars(
            select(LedgerEvent).where(LedgerEvent.type == "EQUIPMENT_CLASS_SUBMITTED").order_by(LedgerEvent.id)
        )
        return [recorded(row, 0).payload["equipment_class"]["key"].removeprefix("C-") for row in rows]

    return await plant.database.read(read)


async def until(plant: Plant, wanted: list[str]) -> None:
    await eventually(lambda: noted(plant), lambda found: found == wanted)


async def told(plant: Plant) -> None:
    """Until the first event has its position."""
    await anext(plant.tail.follow(Cursor(1, 0)))


async def position(plant: Plant) -> ReaderPosition | None:
    return await plant.database.read(lambda session: session.get(ReaderPosition, "noting"))


@pytest.fixture
async def alone(database_url: str) -> Settings:
    """Settings of a database that nobody has open: SQLite has one owner."""
    return Settings(database=database_url)


def life(settings: Settings, reader: Reader, clock: SteppedClock | None = None) -> Any:
    return running_plant(settings, clock=clock or SteppedClock(), readers=[reader])


async def test_each_event_has_its_effect_once_through_several_lives(alone: Settings) -> None:
    async with life(alone, noting()) as plant:
        await create(Api(plant), "ann")
        await create(Api(plant), "bob")
        await until(plant, ["ann", "bob"])
    async with running_plant(alone, clock=SteppedClock()) as plant:
        await create(Api(plant), "cid", "dan")
    async with life(alone, noting()) as plant:
        await until(plant, ["ann", "bob", "cid", "dan"])
        await create(Api(plant), "eve")
        await until(plant, ["ann", "bob", "cid", "dan", "eve"])
    async with life(alone, noting()) as plant:
        await create(Api(plant), "fay")
        await until(plant, ["ann", "bob", "cid", "dan", "eve", "fay"])


async def test_a_reader_may_begin_at_the_present_end(alone: Settings) -> None:
    async with running_plant(alone, clock=SteppedClock()) as plant:
        await create(Api(plant), "ann")
        await told(plant)
    async with life(alone, noting(from_now=True)) as plant:
        await eventually(lambda: position(plant), lambda place: place is not None)
        await create(Api(plant), "bob")
        await until(plant, ["bob"])


async def test_more_than_a_batch_is_taken_in_order(alone: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 3)
    names = [f"p{i}" for i in range(10)]
    async with running_plant(alone, clock=SteppedClock()) as plant:
        await create(Api(plant), *names)
    async with life(alone, noting()) as plant:
        await until(plant, names)


async def test_an_effect_that_fails_leaves_nothing_and_is_tried_again(alone: Settings) -> None:
    failing = True

    def fragile(work: Work, events: Sequence[Recorded]) -> None:
        note(work, events)
        if failing and events:
            raise RuntimeError("the effect is half done")

    async with life(alone, noting(fragile)) as plant:
        await create(Api(plant), "ann")
        await asyncio.sleep(0.02)
        assert await noted(plant) == []
        failing = False
        await until(plant, ["ann"])
        place = await position(plant)
        assert place is not None
        assert place.passed_over == 0


async def test_an_event_whose_effect_always_fails_is_passed_over_alone(alone: Settings) -> None:
    def picky(work: Work, events: Sequence[Recorded]) -> None:
        note(work, events)
        if any(event.payload["principal"]["key"] == "bob" for event in events):
            raise RuntimeError("never bob")

    async with running_plant(alone, clock=SteppedClock()) as plant:
        await create(Api(plant), "ann", "bob", "cid")
    async with life(alone, noting(picky)) as plant:
        await until(plant, ["ann", "cid"])
        place = await position(plant)
        assert place is not None
        assert place.passed_over == 1
        assert b'mesgraph_reader_passed_over_total{reader="noting"} 1.0' in plant.metrics.text()
        await create(Api(plant), "dan")
        await until(plant, ["ann", "cid", "dan"])


async def test_the_effect_is_called_when_the_clock_reaches_what_is_due(alone: Settings) -> None:
    clock = SteppedClock()
    moment = clock.now() + timedelta(hours=2)

    def due(session: Session, now: datetime) -> datetime | None:
        return moment if now < moment else None

    def look(work: Work, events: Sequence[Recorded]) -> None:
        if work.now >= moment:
            submit_equipment_class(work, code="C-late", name="Looked")

    async with life(alone, noting(look, due=due), clock) as plant:
        clock.step(hours=1, minutes=59)
        await asyncio.sleep(0.2)
        assert await noted(plant) == []
        clock.step(minutes=1)
        await until(plant, ["late"])
        await asyncio.sleep(0.1)
        assert await noted(plant) == ["late"]


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_two_processes_over_one_database_act_once(alone: Settings) -> None:
    async with life(alone, noting()) as first, life(alone, noting()):
        names = [f"p{i}" for i in range(12)]
        for name in names:
            await create(Api(first), name)
        await until(first, names)
        await asyncio.sleep(0.2)
        assert await noted(first) == names

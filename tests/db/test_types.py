"""Exact values come back as they went, on both databases."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, func, insert, select
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from mesgraph.clock import from_micros, to_micros
from mesgraph.db import Exact, Instant, Key, Word
from mesgraph.db.database import Database
from mesgraph.equipment.models import PackmlState
from mesgraph.plant import Plant

VALUES = Table(
    "exact_values",
    MetaData(),
    Column("id", Key, primary_key=True),
    Column("amount", Exact),
    Column("at", Instant),
    Column("state", Word(PackmlState)),
)

decimals = st.decimals(-(10**12), 10**12, places=6, allow_nan=False, allow_infinity=False)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.builds(
    lambda micros, zone: from_micros(micros).astimezone(zone),
    st.integers(to_micros(datetime(1970, 1, 2, tzinfo=UTC)), to_micros(datetime(2200, 1, 1, tzinfo=UTC))),
    zones,
)


@pytest.fixture
async def database(plant: Plant) -> Database:
    await plant.database.write(lambda session: VALUES.create(session.connection()))
    return plant.database


def stored_and_read(rows: list[dict[str, Any]]) -> Any:
    def unit(session: Session) -> list[Any]:
        session.execute(VALUES.delete())
        session.execute(insert(VALUES), rows)
        return list(session.execute(select(VALUES.c.amount, VALUES.c.at, VALUES.c.state).order_by(VALUES.c.id)))

    return unit


async def test_decimals_instants_and_words_come_back_exactly(database: Database) -> None:
    loop = asyncio.get_running_loop()

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(decimals, instants, st.sampled_from(PackmlState)), min_size=1, max_size=20))
    def check(given_rows: list[tuple[Decimal, datetime, PackmlState]]) -> None:
        rows = [{"amount": amount, "at": at, "state": state} for amount, at, state in given_rows]
        writing = asyncio.run_coroutine_threadsafe(database.write(stored_and_read(rows)), loop)
        for (amount, at, state), read in zip(given_rows, writing.result(30), strict=True):
            assert isinstance(read[0], Decimal)
            assert read == (amount, at, state)
            assert read[1].tzinfo is UTC
            assert read[2] is state

    await asyncio.to_thread(check)


async def test_nothing_stays_nothing(database: Database) -> None:
    assert await database.write(stored_and_read([{"amount": None, "at": None, "state": None}])) == [(None, None, None)]


async def test_sums_stay_exact(database: Database) -> None:
    def unit(session: Session) -> Decimal | None:
        session.execute(insert(VALUES), [{"amount": Decimal("0.1")} for _ in range(1000)])
        return session.scalar(select(func.sum(VALUES.c.amount)))

    assert await database.write(unit) == Decimal(100)


@pytest.mark.parametrize(
    "row",
    [
        {"amount": Decimal("0.0000001")},
        {"amount": Decimal("1000000000000.000001")},
        {"amount": Decimal("NaN")},
        {"amount": Decimal("Infinity")},
        {"at": datetime(2026, 2, 16)},  # noqa: DTZ001  # naive on purpose
        {"state": "FLYING"},
    ],
    ids=["seven places", "too large", "NaN", "infinite", "naive", "unknown word"],
)
async def test_what_does_not_fit_is_refused_and_not_rounded(database: Database, row: dict[str, Any]) -> None:
    with pytest.raises((StatementError, TypeError, ValueError)):
        await database.write(stored_and_read([row]))
    assert await database.read(lambda s: s.scalar(select(func.count()).select_from(VALUES))) == 0

"""A plant to ask: orders with ten jobs each, ten lots for each order, a tree of 1,025 lots, and running jobs."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import insert, inspect, select
from sqlalchemy.orm import Session

from mesgraph.access.actions import create_principal, grant_role, issue_api_key
from mesgraph.access.models import PrincipalKind
from mesgraph.access.roles import Role
from mesgraph.clock import SystemClock
from mesgraph.config import Settings
from mesgraph.db import Database, Entity
from mesgraph.genealogy.actions import ReceiptLine, receive_items
from mesgraph.materials.models import Item
from mesgraph.orders.models import JobOrder, OperationsRequest, SegmentRequirement
from mesgraph.plant import running_plant
from mesgraph.work import SYSTEM, Work
from tests.api import Api, SteppedClock
from tests.factories.execution import MIX, Line, Step, make_order, make_plant, receive, start
from tests.factories.genealogy import make, new_item
from tests.factories.materials import equipment, material, site

JOBS = 10
LOTS_PER_ORDER = 10
PARTS = 768
T = TypeVar("T")
CONSUMERS = 8
BULK = 5_000


@dataclass
class Seeded:
    """What can be asked."""

    key: str
    lots: int
    tree_root: str
    runs: list[str]


async def seed(database: str, orders: int, *, consumers: int = CONSUMERS) -> Seeded:
    """Fill an empty, migrated database through the verbs, and in bulk where only reading is measured."""
    async with running_plant(Settings(database=database), clock=SteppedClock(SystemClock().now())) as plant:
        api = Api(plant)
        operator = await make_plant(api)
        route = [Step(10 * n, "SLURRY-C", [Line("RM-PVDF", per="0.01")]) for n in range(1, JOBS + 1)]
        await make_order(api, *route, code="TEMPLATE")
        await plant.database.write(lambda session: _bulk_orders(session, orders))
        await plant.database.write(lambda session: _bulk_lots(session, orders * LOTS_PER_ORDER))
        root = await _tree(plant.database)
        runs = []
        for n in range(consumers):
            order = await make_order(api, MIX, code=f"RUN-{n}", quantity="1000000")
            await receive(api, "RM-PVDF", f"PVDF-{n}", "1000000")
            runs.append(await start(api, order, MIX.seq, operator))
        key = await plant.database.write(_key)
        return Seeded(key=key, lots=orders * LOTS_PER_ORDER, tree_root=root, runs=runs)


def _bulk_orders(session: Session, count: int) -> None:
    """Copies of the template order and its jobs."""
    template = session.scalars(select(OperationsRequest)).one()
    requirements = session.scalars(select(SegmentRequirement).order_by(SegmentRequirement.seq)).all()
    jobs = session.scalars(select(JobOrder).order_by(JobOrder.id)).all()
    for begin in range(0, count, BULK):
        numbers = range(begin, min(begin + BULK, count))
        copies = [{"code": f"{n:07}", "external_id": f"{n:07}", "created_at": template.created_at} for n in numbers]
        session.execute(insert(OperationsRequest), [_copy(template) | copy for copy in copies])
        ids = dict(session.execute(select(OperationsRequest.code, OperationsRequest.id)).tuples().all())
        for requirement, job in zip(requirements, jobs, strict=True):
            of_orders = [{"request_id": ids[f"{n:07}"]} for n in numbers]
            session.execute(insert(SegmentRequirement), [_copy(requirement) | of for of in of_orders])
            made = select(SegmentRequirement.request_id, SegmentRequirement.id)
            places = dict(session.execute(made.where(SegmentRequirement.seq == requirement.seq)).tuples().all())
            copies = [
                {"code": f"{n:07}-{requirement.seq}", "requirement_id": places[of["request_id"]], **of}
                for n, of in zip(numbers, of_orders, strict=True)
            ]
            session.execute(insert(JobOrder), [_copy(job) | copy for copy in copies])


def _bulk_lots(session: Session, count: int) -> None:
    """Copies of one received lot."""
    template = new_item(_work(session), "RM-PVDF", "TEMPLATE", "25")
    for begin in range(0, count, BULK):
        numbers = range(begin, min(begin + BULK, count))
        session.execute(
            insert(Item),
            [_copy(template) | {"number": f"L{n:07}", "key": f"RM-PVDF/L{n:07}"} for n in numbers],
        )


def _copy(row: Entity) -> dict[str, Any]:
    return {a.key: getattr(row, a.key) for a in inspect(type(row)).column_attrs if a.key != "id"}


async def _tree(database: Database) -> str:
    """A lot made of up to four lots, each made of four, down to parts of one; 1,025 in all. Returns its key."""
    level = await database.write(_parts)
    depth = 0
    while len(level) > 1:
        depth += 1
        joining = [partial(_join, f"T{depth}-{n}", parts) for n, parts in enumerate(batched(level, 4))]
        level = [made for some in batched(joining, 16) for made in await asyncio.gather(*map(database.write, some))]
    return level[0][0]


def batched(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """``items`` in pieces of ``size``."""
    return (items[begin : begin + size] for begin in range(0, len(items), size))


def _parts(session: Session) -> list[tuple[str, int]]:
    work = _work(session)
    whole = ReceiptLine(
        material=material(session, "RM-PVDF"),
        lot_number="WHOLE",
        quantity=Decimal(PARTS),
        location=equipment(session, "HV1/STORE-WIP"),
    )
    (posted,) = receive_items(work, site(session), [whole])
    numbers = [f"T0-{i}" for i in range(PARTS)]
    make(work, [(posted.items[0].key, str(PARTS))], [("RM-PVDF", number, "1") for number in numbers])
    return [(f"RM-PVDF/{number}", 1) for number in numbers]


def _join(number: str, parts: Sequence[tuple[str, int]], session: Session) -> tuple[str, int]:
    amount = sum(part for _, part in parts)
    make(_work(session), [(key, str(part)) for key, part in parts], [("RM-PVDF", number, str(amount))])
    return f"RM-PVDF/{number}", amount


def _key(session: Session) -> str:
    work = _work(session)
    principal = create_principal(work, subject="load", kind=PrincipalKind.SERVICE, display_name="Load")
    for role in (Role.OPERATOR, Role.PLANNER):
        grant_role(work, principal, role, None, None)
    return issue_api_key(work, principal)[1]


def _work(session: Session) -> Work:
    now = SystemClock().now()
    return Work(session=session, actor=SYSTEM, now=now, occurred_at=now, command="seed")

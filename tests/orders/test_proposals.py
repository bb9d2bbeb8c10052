"""Which lots a job should take: by expiry or receipt, at hand first, only what its order may use, exactly enough."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.materials.models import Item, Lifecycle
from mesgraph.orders.models import JobOrder, MaterialReservation, ReservationState
from mesgraph.orders.proposals import Proposal, Strategy, proposals_of
from mesgraph.orders.queries import jobs_of
from tests.api import START, Api
from tests.factories.execution import Line, Order, Step, consume, make_order, make_plant, start
from tests.factories.materials import equipment, make_item
from tests.factories.orders import job_of, make_cathode, release, request_of
from tests.stages import scaled

BINDING = Step(20, "SLURRY-C", [Line("RM-PVDF", per="0.5")])
"""20 kg of slurry need 10 kg of binder."""

PROPOSALS = """query($job: ID!, $strategy: Strategy!, $unit: ID) { jobOrder(id: $job) {
  materialProposals(strategy: $strategy, equipment: $unit) { line material { code } needed { value uom }
    picks { item { key } quantity { value } location { code } atHand }
    shortage { quantity { value } code message } } } }"""


async def asked(api: Api, order: Order, strategy: str = "FEFO", unit: str | None = None) -> dict[str, Any]:
    data = await api.ask(PROPOSALS, by=Role.OPERATOR, job=order.jobs[20], strategy=strategy, unit=unit)
    [proposal] = data["jobOrder"]["materialProposals"]
    return dict(proposal)


async def picks(api: Api, order: Order, strategy: str = "FEFO", unit: str | None = None) -> list[tuple[str, str]]:
    found = (await asked(api, order, strategy, unit))["picks"]
    return [(pick["item"]["key"].removeprefix("RM-PVDF/"), pick["quantity"]["value"]) for pick in found]


async def lot(api: Api, number: str, quantity: str, *, days: float | None = None, **more: Any) -> Item:
    """A lot of binder that expires in ``days``; each is received a minute after the one before."""
    api.clock.step(minutes=1)
    item = await make_item(api, "RM-PVDF", number, quantity, **more)
    await change(api, item, expires_at=START + timedelta(days=days) if days is not None else None)
    return item


async def change(api: Api, item: Item, **values: Any) -> None:
    def write(session: Session) -> None:
        row = session.merge(item)
        for name, value in values.items():
            setattr(row, name, value)

    await api.plant.database.write(write)


@pytest.fixture
async def order(api: Api) -> Order:
    await make_plant(api)
    return await make_order(api, BINDING)


async def test_first_expired_first_out_then_first_received(api: Api, order: Order) -> None:
    await lot(api, "KEEPS", "4")
    await lot(api, "LATER", "4", days=9)
    await lot(api, "SOON", "4", days=2)
    await lot(api, "ALSO-SOON", "4", days=2)
    assert await picks(api, order) == [("SOON", "4"), ("ALSO-SOON", "4"), ("LATER", "2")]
    assert await picks(api, order, "FIFO") == [("KEEPS", "4"), ("LATER", "4"), ("SOON", "2")]


async def test_what_is_at_hand_comes_before_what_has_to_be_brought(api: Api, order: Order) -> None:
    await lot(api, "FAR", "9", days=1, location="HV1/COAT02")
    await lot(api, "NEAR", "9", days=5, location="HV1/STORE-WIP")
    proposal = await asked(api, order)
    assert proposal == {
        "line": 2,
        "material": {"code": "RM-PVDF"},
        "needed": {"value": "10", "uom": "KGM"},
        "picks": [
            {"item": {"key": "RM-PVDF/NEAR"}, "quantity": {"value": "9"}, "location": {"code": "STORE-WIP"}}
            | {"atHand": True},
            {"item": {"key": "RM-PVDF/FAR"}, "quantity": {"value": "1"}, "location": {"code": "COAT02"}}
            | {"atHand": False},
        ],
        "shortage": None,
    }
    assert await picks(api, order, unit="HV1/COAT02") == [("FAR", "9"), ("NEAR", "1")]


async def test_what_may_not_be_used_is_left_out_and_named_when_it_is_short(api: Api, order: Order) -> None:
    await change(api, await lot(api, "HELD", "2"), open_holds=1)
    await lot(api, "OLD", "3", days=-1)
    await lot(api, "NEW", "4", lifecycle=Lifecycle.QUARANTINE)
    await lot(api, "GOOD", "5")
    proposal = await asked(api, order)
    assert [pick["item"]["key"] for pick in proposal["picks"]] == ["RM-PVDF/GOOD"]
    assert proposal["shortage"] == {
        "quantity": {"value": "5"},
        "code": "INSUFFICIENT_QUANTITY",
        "message": "5 KGM of RM-PVDF are missing at the site; there are 3 KGM expired, 4 KGM in quarantine, "
        "2 KGM on hold",
    }


async def test_what_is_kept_for_the_order_comes_first_and_what_is_kept_for_others_not_at_all(
    api: Api, order: Order
) -> None:
    other = await make_order(api, BINDING, code="B")
    await lot(api, "SOON", "6", days=1)
    late = await lot(api, "LATE", "6", days=9)
    await keep(api, order, late, "4")
    assert await picks(api, order) == [("LATE", "4"), ("SOON", "6")]
    proposal = await asked(api, other)
    assert [(pick["item"]["key"], pick["quantity"]["value"]) for pick in proposal["picks"]] == [
        ("RM-PVDF/SOON", "6"),
        ("RM-PVDF/LATE", "2"),
    ]
    assert proposal["shortage"]["code"] == "LOT_RESERVED"
    assert "4 KGM reserved for other orders" in proposal["shortage"]["message"]
    data = await api.ask(
        "query($job: ID!) { readiness(jobOrder: $job) { blockers { code } } }", by=Role.OPERATOR, job=other.jobs[20]
    )
    assert data["readiness"]["blockers"] == [{"code": "LOT_RESERVED"}]


async def keep(api: Api, order: Order, item: Item, value: str) -> None:
    await api.do(
        "reserveMaterial",
        "",
        by=Role.PLANNER,
        jobOrder=order.jobs[20],
        item={"id": item.key},
        quantity={"value": value, "uom": "KGM"},
    )


async def test_a_running_job_is_proposed_what_it_has_not_got_yet(api: Api, order: Order) -> None:
    await lot(api, "SOON", "6", days=1)
    await lot(api, "LATE", "6", days=9)
    run = await start(api, order, 20)
    taken = await consume(api, run, "RM-PVDF", "SOON", "5")
    assert await picks(api, order) == [("SOON", "1"), ("LATE", "4")]
    await api.do(
        "reverseEvent", "", by=Role.OPERATOR, event=taken["eventId"], reason={"code": "WRONG_SCAN", "comment": "x"}
    )
    assert await picks(api, order) == [("SOON", "6"), ("LATE", "4")]


async def test_many_jobs_cost_as_many_statements_as_few(api: Api) -> None:
    await make_cathode(api)
    keys = [await release(api, f"A{n}") for n in range(20)]

    def count(session: Session, wanted: list[str]) -> tuple[int, int]:
        jobs = [job for key in wanted for job in jobs_of(session, request_of(session, key).id)]
        counted: list[int] = []
        connection = session.connection()

        def note(*_: Any) -> None:
            counted.append(1)

        event.listen(connection, "before_cursor_execute", note)
        try:
            proposals_of(session, jobs, api.clock.now())
        finally:
            event.remove(connection, "before_cursor_execute", note)
        return len(jobs), len(counted)

    few = await api.plant.database.read(lambda session: count(session, keys[:1]))
    many = await api.plant.database.read(lambda session: count(session, keys))
    assert (few[0], many[0]) == (5, 100)
    assert many[1] == few[1]


# --- a model in plain Python, which looks at every item by itself


@dataclass(frozen=True)
class Known:
    """An item as the model knows it; ``kept`` are (order, amount)."""

    item: Item
    kept: tuple[tuple[int, Decimal], ...]


def predicted(
    job: JobOrder, per: Decimal, known: list[Known], at_hand: set[int], now: datetime, strategy: Strategy
) -> tuple[list[tuple[str, Decimal]], Decimal]:
    """Take micro-unit by micro-unit's portion: the items in order, first what is kept, then the rest."""
    needed = (per * job.quantity).quantize(Decimal("0.000001"), ROUND_UP)
    ours: list[tuple[Any, str, Decimal]] = []
    for one in known:
        item = one.item
        mine = item.lifecycle is Lifecycle.IN_PROCESS and item.request_id == job.request_id
        if not (item.lifecycle is Lifecycle.AVAILABLE or mine) or item.open_holds or item.quantity == 0:
            continue
        if item.expires_at is not None and item.expires_at <= now:
            continue
        others = sum((amount for key, amount in one.kept if key != job.request_id), Decimal(0))
        own = sum((amount for key, amount in one.kept if key == job.request_id), Decimal(0))
        free = max(item.quantity - others, Decimal(0))
        age = (item.created_at, item.id)
        expiry = (item.expires_at is None, item.expires_at or now) if strategy is Strategy.FEFO else ()
        place = item.location_id not in at_hand
        ours.append(((0, place, expiry, age), item.key, min(own, free)))
        ours.append(((1, place, expiry, age), item.key, free - min(own, free)))
    chosen: dict[str, Decimal] = {}
    for _, key, amount in sorted(ours):
        part = min(amount, needed)
        if part:
            chosen[key] = chosen.get(key, Decimal(0)) + part
            needed -= part
    return list(chosen.items()), needed


@pytest.mark.parametrize("seed", range(scaled(3, 200)))
async def test_a_plain_model_predicts_every_proposal(api: Api, seed: int) -> None:
    chance = random.Random(seed)
    await make_plant(api)
    per = str(chance.choice(["0.5", "0.333333", "1.000001", "0.0093"]))
    orders = [
        await make_order(
            api,
            Step(20, "SLURRY-C", [Line("RM-PVDF", per=per)]),
            code=f"O{n}",
            quantity=str(Decimal(chance.randint(1, 90_000_000)).scaleb(-6)),
            equipment_code=chance.choice(["COAT01", "COAT02"]),
        )
        for n in range(4)
    ]
    known = await api.plant.database.write(lambda session: _scatter(api, session, orders, chance))
    api.clock.step(days=5)

    def proposals(session: Session, strategy: Strategy) -> list[tuple[JobOrder, list[Proposal]]]:
        jobs = [job_of(session, order.jobs[20]) for order in orders]
        return list(zip(jobs, proposals_of(session, jobs, api.clock.now(), strategy), strict=True))

    places = await api.plant.database.read(
        lambda s: {
            code: {equipment(s, f"HV1/{place}").id for place in (code, "STORE-RM", "STORE-WIP")}
            for code in ("COAT01", "COAT02")
        }
    )
    units = await api.plant.database.read(
        lambda s: {equipment(s, f"HV1/{code}").id: code for code in ("COAT01", "COAT02")}
    )
    for strategy in Strategy:
        for job, [found] in await api.plant.database.read(lambda s, strategy=strategy: proposals(s, strategy)):
            at_hand = places[units[job.equipment_id or 0]]
            wanted, missing = predicted(job, Decimal(per), known, at_hand, api.clock.now(), strategy)
            assert [(pick.item.key, pick.quantity) for pick in found.picks] == wanted
            assert (found.shortage.quantity if found.shortage else Decimal(0)) == missing
            assert all(pick.at_hand is (pick.item.location_id in at_hand) for pick in found.picks)


def _scatter(api: Api, session: Session, orders: list[Order], chance: random.Random) -> list[Known]:
    """Lots of binder in every state, at every place, some of them kept for orders, some for more than there is."""
    from mesgraph.materials.creation import create_item
    from mesgraph.materials.models import ItemKind
    from tests.factories.materials import material, site

    requests = [request_of(session, order.code).id for order in orders]
    work, known = api.work(session), []
    for n in range(40):
        item = create_item(
            work,
            site_id=site(session).id,
            item_kind=ItemKind.LOT,
            material=material(session, "RM-PVDF"),
            number=f"P-{n}",
            quantity=Decimal(chance.randint(1, 20_000_000)).scaleb(-6),
            lifecycle=chance.choice([Lifecycle.AVAILABLE, Lifecycle.AVAILABLE, Lifecycle.IN_PROCESS])
            if chance.random() < 0.9
            else Lifecycle.QUARANTINE,
            location_id=equipment(session, f"HV1/{chance.choice(['STORE-RM', 'STORE-WIP', 'COAT01', 'COAT02'])}").id,
        )
        item.request_id = chance.choice([None, *requests])
        item.created_at = START + timedelta(minutes=chance.randint(0, 5))
        item.expires_at = chance.choice([None, START + timedelta(days=chance.randint(1, 10))])
        item.open_holds = int(chance.random() < 0.1)
        kept = []
        for order in chance.sample(orders, chance.choice([0, 0, 0, 1, 2])):
            job = job_of(session, order.jobs[20])
            amount = Decimal(chance.randint(1, 12_000_000)).scaleb(-6)
            work.add(
                MaterialReservation(
                    site_id=item.site_id,
                    request_id=job.request_id,
                    requirement_id=job.requirement_id,
                    item_id=item.id,
                    quantity=amount + 1,
                    issued=Decimal(1),
                    state=ReservationState.RESERVED,
                )
            )
            kept.append((job.request_id, amount))
        known.append(Known(item, tuple(kept)))
    session.flush()
    return known

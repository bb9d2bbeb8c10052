"""What a hold stops, and how it passes on to what is split from a held item."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.holds.actions import inherit_holds
from mesgraph.holds.queries import Range, hold_violations, open_holds_of
from mesgraph.materials.models import Item
from mesgraph.materials.queries import item_by_key
from tests.api import Api
from tests.factories.materials import coil_c, make_halvard, make_item, pvdf_2219

COIL = "COIL-C/CC-26047-04-A"


def of(start: int | str, end: int | str) -> Range:
    return Decimal(start), Decimal(end)


async def hold(api: Api, key: str, **more: Any) -> None:
    reason = {"code": "TEMPERATURE"}
    await api.do("placeHold", "", by=Role.QUALITY, items=[{"id": key}], severity="MAJOR", reason=reason, **more)


async def stopped(api: Api, key: str, range: Range | None = None) -> list[int]:
    """How many holds each violation names."""

    def read(session: Session) -> list[int]:
        violations = hold_violations(session, named(session, key), "item", range=range)
        assert all((v.code, v.path) == ("LOT_ON_HOLD", ("item",)) for v in violations)
        return [len(v.holds) for v in violations]

    return await api.plant.database.read(read)


def named(session: Session, key: str) -> Item:
    item = item_by_key(session, key)
    assert item is not None
    return item


async def inherit(api: Api, parent: str, child: str, child_range: Range | None = None) -> tuple[int, str]:
    """Pass the holds on; the child's counter and status afterwards."""

    def run(session: Session) -> tuple[int, str]:
        work = api.work(session)
        item = named(session, child)
        inherit_holds(work, named(session, parent), item, child_range)
        session.flush()
        return item.open_holds, item.status_at(work.now)

    return await api.plant.database.write(run)


async def test_all_holds_of_an_item_are_named_in_one_violation(api: Api) -> None:
    await make_halvard(api)
    await pvdf_2219(api)
    assert await stopped(api, "RM-PVDF/PVDF-2219") == []
    await hold(api, "RM-PVDF/PVDF-2219")
    await hold(api, "RM-PVDF/PVDF-2219")
    assert await stopped(api, "RM-PVDF/PVDF-2219") == [2]


@pytest.mark.parametrize(
    ("taken", "count"),
    [
        (of(0, 612), []),  # half-open: metre 612 is the first that is held
        (of(0, "612.000001"), [1]),
        (of(640, 641), [1]),
        (of(0, 655), [1]),
        (None, [1]),
    ],
)
async def test_a_range_stops_only_what_overlaps_it(api: Api, taken: Range | None, count: list[int]) -> None:
    await make_halvard(api)
    await coil_c(api)
    await hold(api, COIL, range={"from": "612", "to": "655"})
    assert await stopped(api, COIL, taken) == count


async def test_of_196_cells_cut_from_the_coil_the_last_13_are_held(api: Api) -> None:
    """Story S2: cell k takes metres [3.34 k, 3.34 (k + 1))."""
    await make_halvard(api)
    await coil_c(api)
    await hold(api, COIL, range={"from": "612", "to": "655"})
    metres = Decimal("3.34")

    def read(session: Session) -> list[int]:
        coil = named(session, COIL)
        return [k for k in range(196) if hold_violations(session, coil, range=(metres * k, metres * (k + 1)))]

    assert await api.plant.database.read(read) == list(range(183, 196))


async def test_a_child_of_a_held_item_is_held(api: Api) -> None:
    await make_halvard(api)
    await pvdf_2219(api)
    await make_item(api, "RM-PVDF", "PVDF-2219-2", "5")
    await hold(api, "RM-PVDF/PVDF-2219")
    assert await inherit(api, "RM-PVDF/PVDF-2219", "RM-PVDF/PVDF-2219-2") == (1, "ON_HOLD")
    assert await inherit(api, "RM-PVDF/PVDF-2219", "RM-PVDF/PVDF-2219-2") == (1, "ON_HOLD")
    reason = await api.do("releaseHold", "hold { items { key openHolds } }", by=Role.QA, hold="HV1/H-000001")
    assert reason["hold"]["items"] == [
        {"key": "RM-PVDF/PVDF-2219", "openHolds": 0},
        {"key": "RM-PVDF/PVDF-2219-2", "openHolds": 0},
    ]
    await make_item(api, "RM-PVDF", "PVDF-2219-3", "5")
    assert await inherit(api, "RM-PVDF/PVDF-2219", "RM-PVDF/PVDF-2219-3") == (0, "AVAILABLE")


async def test_a_range_passes_on_in_the_positions_of_the_child(api: Api) -> None:
    await make_halvard(api)
    await coil_c(api)
    await hold(api, COIL, range={"from": "612", "to": "655"})
    for number, length in (("FREE", "600"), ("PART", "50"), ("INSIDE", "5"), ("CUT", "49")):
        await coil_c(api, number, length)
    assert await inherit(api, COIL, "COIL-C/FREE", of(0, 600)) == (0, "AVAILABLE")
    assert await stopped(api, "COIL-C/FREE") == []
    assert await inherit(api, COIL, "COIL-C/PART", of(600, 650)) == (0, "AVAILABLE")
    assert await stopped(api, "COIL-C/PART", of(0, 12)) == []
    assert await stopped(api, "COIL-C/PART", of(12, 13)) == [1]
    assert await inherit(api, COIL, "COIL-C/INSIDE", of(650, 655)) == (1, "ON_HOLD")
    # one metre was lost on the way, so nobody knows where the range lies in it
    assert await inherit(api, COIL, "COIL-C/CUT", of(600, 650)) == (1, "ON_HOLD")
    await make_item(api, "CELL-105", "HC2604700184")
    assert await inherit(api, COIL, "CELL-105/HC2604700184", of("611.22", "614.56")) == (1, "ON_HOLD")


async def test_open_holds_are_found_for_many_items(api: Api) -> None:
    await make_halvard(api)
    held, free = await pvdf_2219(api), await make_item(api, "RM-CB", "CB-1")
    await hold(api, held.key)
    found = await api.plant.database.read(lambda s: open_holds_of(s, [held.id, free.id]))
    assert [(key, [hold.number for hold in holds]) for key, holds in found.items()] == [(held.id, ["H-000001"])]

"""An operator's screen needs one subscription: the list comes at once, and again whenever something of it changed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.api.context import Context
from mesgraph.equipment.models import PackmlState
from mesgraph.schema import build_schema
from tests.api import START, Api
from tests.factories.execution import Line, Order, Step, consume, make_order, make_plant, receive, start
from tests.factories.materials import make_item
from tests.factories.orders import approve, cathode, make_line, release

SCREEN = """subscription Screen($unit: ID!) { dispatchListChanged(equipment: $unit) {
  cursor equipment { packmlState }
  jobOrders { code state request { dueAt product { code } }
    readiness(equipment: $unit) { blockers { code } }
    materialProposals(equipment: $unit) { picks { item { key } quantity { value } } shortage { code } }
    jobResponse { goodQuantity { value } materialActuals { item { key } quantity { value } } } } } }"""

BINDING = Step(20, "SLURRY-C", [Line("RM-PVDF", per="0.5")])


class Screen:
    """What a work unit's screen shows, one list after the other."""

    def __init__(self, answers: Any) -> None:
        self._answers = answers
        self._coming: asyncio.Task[Any] | None = None

    async def next(self) -> dict[str, Any]:
        answer = await asyncio.wait_for(self._wait(), 10)
        assert not answer.errors, answer.errors
        shown: dict[str, Any] = answer.data["dispatchListChanged"]
        return shown

    async def until(self, wanted: Any) -> dict[str, Any]:
        while not wanted(shown := await self.next()):
            pass
        return shown

    async def job(self) -> dict[str, Any]:
        [job] = (await self.next())["jobOrders"]
        return dict(job)

    async def stays(self) -> None:
        """Nothing comes for a while."""
        self._coming = self._coming or asyncio.create_task(anext(self._answers))
        done, _ = await asyncio.wait([self._coming], timeout=0.4)
        assert not done, done

    async def close(self) -> None:
        if self._coming is not None:
            self._coming.cancel()
            await asyncio.gather(self._coming, return_exceptions=True)
        await self._answers.aclose()

    async def _wait(self) -> Any:
        coming, self._coming = self._coming, None
        return await (coming or anext(self._answers))


@asynccontextmanager
async def screen(api: Api, unit: str = "HV1/COAT01") -> AsyncIterator[Screen]:
    context = Context(api.plant, await api.actor(Role.OPERATOR))
    answers: Any = await build_schema().subscribe(SCREEN, variable_values={"unit": unit}, context_value=context)
    shown = Screen(answers)
    try:
        yield shown
    finally:
        await shown.close()


@pytest.fixture
async def order(api: Api) -> Order:
    await make_plant(api)
    return await make_order(api, BINDING)


def codes(job: dict[str, Any]) -> list[str]:
    return [blocker["code"] for blocker in job["readiness"]["blockers"]]


async def test_the_list_comes_at_once_with_all_that_the_screen_shows(api: Api, order: Order) -> None:
    await receive(api, "RM-PVDF", "P-1", "25")
    async with screen(api) as shown:
        assert await shown.job() == {
            "code": "10045-20",
            "state": "ALLOWED_TO_START",
            "request": {"dueAt": None, "product": {"code": "SLURRY-C"}},
            "readiness": {"blockers": []},
            "materialProposals": [
                {"picks": [{"item": {"key": "RM-PVDF/P-1"}, "quantity": {"value": "10"}}], "shortage": None}
            ],
            "jobResponse": None,
        }


async def test_it_moves_when_a_lot_arrives_and_when_it_is_held(api: Api, order: Order) -> None:
    async with screen(api) as shown:
        assert codes(await shown.job()) == ["INSUFFICIENT_QUANTITY"]
        await receive(api, "RM-PVDF", "P-1", "25")
        job = await shown.job()
        assert codes(job) == []
        assert job["materialProposals"][0]["shortage"] is None
        await api.do(
            "placeHold",
            "",
            by=Role.QUALITY,
            items=[{"material": "RM-PVDF", "lot": "P-1"}],
            severity="MINOR",
            reason={"code": "SUSPECT"},
        )
        assert codes(await shown.job()) == ["INSUFFICIENT_QUANTITY"]


async def test_it_moves_when_the_machine_does(api: Api, order: Order) -> None:
    await receive(api, "RM-PVDF", "P-1", "25")
    async with screen(api) as shown:
        await shown.next()
        await api.do("reportEquipmentState", "", by=Role.DRIVER, equipment="HV1/COAT01", state=PackmlState.ABORTING)
        after = await shown.next()
        assert after["equipment"] == {"packmlState": "ABORTING"}
        assert codes(after["jobOrders"][0]) == ["EQUIPMENT_NOT_READY"]


async def test_it_moves_when_another_order_reserves_the_lot(api: Api, order: Order) -> None:
    other = await make_order(api, BINDING, code="B", equipment_code="COAT02")
    await receive(api, "RM-PVDF", "P-1", "10")
    async with screen(api) as shown:
        assert codes(await shown.job()) == []
        given = {"item": {"material": "RM-PVDF", "lot": "P-1"}, "quantity": {"value": "4", "uom": "KGM"}}
        await api.do("reserveMaterial", "", by=Role.PLANNER, jobOrder=other.jobs[20], **given)
        job = await shown.job()
        assert codes(job) == ["LOT_RESERVED"]
        assert job["materialProposals"][0]["picks"][0]["quantity"] == {"value": "6"}


async def test_it_shows_what_the_run_takes(api: Api, order: Order) -> None:
    await receive(api, "RM-PVDF", "P-1", "25")
    async with screen(api) as shown:
        await shown.next()
        run = await start(api, order, 20)
        assert (await shown.job())["state"] == "RUNNING"
        await consume(api, run, "RM-PVDF", "P-1", "4")
        job = await shown.job()
        assert job["jobResponse"]["materialActuals"] == [{"item": {"key": "RM-PVDF/P-1"}, "quantity": {"value": "4"}}]
        assert job["materialProposals"][0]["picks"][0]["quantity"] == {"value": "6"}


async def test_it_moves_when_a_lot_expires_and_not_before(api: Api, order: Order) -> None:
    item = await make_item(api, "RM-PVDF", "P-1", "25")

    def expire(session: Session) -> None:
        session.merge(item).expires_at = START + timedelta(hours=2)

    await api.plant.database.write(expire)
    async with screen(api) as shown:
        assert codes(await shown.job()) == []
        api.clock.step(hours=1, minutes=59)
        await shown.stays()
        api.clock.step(minutes=1)
        assert codes(await shown.job()) == ["INSUFFICIENT_QUANTITY"]


async def test_it_moves_when_a_delay_has_passed(api: Api) -> None:
    await make_line(api)
    content = cathode()
    content["segments"][3]["dependencies"] = [{"after": 10, "delay": "PT2H"}]
    await approve(api, content)
    key = await release(api)
    async with screen(api, "HV1/CAL01") as shown:
        assert codes(await shown.job()) == ["SEGMENT_DEPENDENCY_UNMET"]
        await api.do("startJobOrder", "", by=Role.OPERATOR, jobOrder=f"{key}-10")
        await api.do("stopJobOrder", "", by=Role.OPERATOR, jobOrder=f"{key}-10")
        after = await shown.until(lambda seen: codes(seen["jobOrders"][0]) == ["SEGMENT_DEPENDENCY_UNMET"])
        assert after["cursor"]
        api.clock.step(hours=2)
        await shown.until(lambda seen: codes(seen["jobOrders"][0]) == [])


async def test_what_concerns_other_units_alone_is_not_sent(api: Api, order: Order) -> None:
    await make_order(api, Step(20, "SLURRY-A", [Line("RM-CB", per="1")]), code="B", equipment_code="COAT02")
    async with screen(api) as shown:
        await shown.next()
        await receive(api, "RM-CB", "CB-1", "5")
        await api.do("reportEquipmentState", "", by=Role.DRIVER, equipment="HV1/COAT02", state="STARTING")
        await shown.stays()


async def test_what_happens_together_is_sent_once(api: Api, order: Order) -> None:
    async with screen(api) as shown:
        await shown.next()
        async with asyncio.TaskGroup() as group:
            for n in range(5):
                group.create_task(receive(api, "RM-PVDF", f"P-{n}", "1"))
        lists = [await shown.next()]
        while len(lists[-1]["jobOrders"][0]["materialProposals"][0]["picks"]) < 5:
            lists.append(await shown.next())
        assert len(lists) <= 5
        await shown.stays()

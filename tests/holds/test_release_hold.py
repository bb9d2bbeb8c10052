"""Releasing holds: who may, and what it does."""

from typing import Any

import pytest

from mesgraph.access.policy import MASK
from mesgraph.access.roles import Role
from mesgraph.materials.models import Lifecycle
from tests.api import Api
from tests.factories.materials import make_halvard, make_item, pvdf_2219

PVDF = {"material": "RM-PVDF", "lot": "PVDF-2219"}
WHY = {"code": "SUPPLIER_NOTICE"}


async def place(api: Api, by: Any, severity: str = "MINOR", **more: Any) -> str:
    payload = await api.do("placeHold", "hold { id }", by=by, items=[PVDF], severity=severity, reason=WHY, **more)
    return str(payload["hold"]["id"])


async def test_what_was_under_it_goes_on_in_its_state(api: Api) -> None:
    await make_halvard(api)
    await make_item(api, "RM-PVDF", "PVDF-2219", "25", lifecycle=Lifecycle.QUARANTINE)
    first = await place(api, Role.OPERATOR, equipment="HV1/COAT01")
    second = await place(api, Role.OPERATOR)
    fields = "hold { releasedAt items { status openHolds } equipment { openHolds } } ledgerEvents { type }"
    one = await api.do("releaseHold", fields, by=Role.QUALITY, hold=first)
    assert one["hold"]["releasedAt"] is not None
    assert one["hold"]["items"] == [{"status": "ON_HOLD", "openHolds": 1}]
    assert one["hold"]["equipment"] == {"openHolds": 0}
    assert [event["type"] for event in one["ledgerEvents"]] == ["HOLD_RELEASED"]
    other = await api.do("releaseHold", fields, by=Role.QA, hold=second)
    assert other["hold"]["items"] == [{"status": "QUARANTINE", "openHolds": 0}]


@pytest.mark.parametrize("severity", ["MAJOR", "CRITICAL"])
async def test_a_grave_hold_is_released_by_another_person(api: Api, severity: str) -> None:
    await make_halvard(api)
    await pvdf_2219(api)
    hold = await place(api, Role.QUALITY, severity)
    (error,) = await api.refused("releaseHold", by=Role.QUALITY, hold=hold)
    assert (error["code"], error["path"]) == ("HOLD_RELEASE_FORBIDDEN", ["input", "hold"])
    await api.do("releaseHold", "", by=await api.actor(Role.QUALITY, subject="q-06"), hold=hold)


async def test_a_minor_hold_may_be_released_by_who_placed_it(api: Api) -> None:
    await make_halvard(api)
    await pvdf_2219(api)
    await api.do("releaseHold", "", by=Role.QUALITY, hold=await place(api, Role.QUALITY))


async def test_a_hold_is_released_once(api: Api) -> None:
    await make_halvard(api)
    await pvdf_2219(api)
    hold = await place(api, Role.OPERATOR)
    await api.do("releaseHold", "", by=Role.QA, hold="HV1/H-000001", expectedVersion=1)
    (error,) = await api.refused("releaseHold", by=Role.QA, hold=hold)
    assert error["__typename"] == "InvalidTransitionError"
    (conflict,) = await api.refused("releaseHold", by=Role.QA, hold=hold, expectedVersion=1)
    assert conflict["__typename"] == "VersionConflictError"


async def test_it_is_not_released_before_it_was_placed(api: Api) -> None:
    await make_halvard(api)
    await pvdf_2219(api)
    hold = await place(api, Role.OPERATOR)
    (error,) = await api.refused("releaseHold", by=Role.QA, hold=hold, eventTime="2026-02-16T04:59:59Z")
    assert error["code"] == "TIME_ORDER_INVALID"


async def test_an_operator_may_not_release(api: Api) -> None:
    document = 'mutation { releaseHold(input: {hold: "HV1/H-000001"}) { replayed } }'
    assert (await api.error(document, by=Role.OPERATOR))["code"] == "FORBIDDEN"


async def test_a_hold_that_is_not_there_or_not_yours_is_not_found(api: Api) -> None:
    await make_halvard(api)
    await pvdf_2219(api)
    hold = await place(api, Role.OPERATOR)
    elsewhere = await api.actor(Role.QA, site="HV2")
    for by, reference in ((Role.QA, "HV1/H-000009"), (elsewhere, hold), (elsewhere, "HV1/H-000001")):
        (error,) = await api.refused("releaseHold", by=by, hold=reference)
        assert error["code"] == "NOT_FOUND"


async def test_holds_are_listed_by_state_and_site_and_show_names_to_staff_alone(api: Api) -> None:
    await make_halvard(api)
    await pvdf_2219(api)
    await api.do("releaseHold", "", by=Role.QA, hold=await place(api, Role.OPERATOR))
    await place(api, await api.actor(Role.OPERATOR, subject="op-017"))

    async def listed(**filter: Any) -> list[str]:
        document = "query($filter: HoldFilter) { holds(filter: $filter) { nodes { number } } }"
        data = await api.ask(document, by=Role.VIEWER, filter=filter)
        return [hold["number"] for hold in data["holds"]["nodes"]]

    assert await listed() == ["H-000002", "H-000001"]
    assert await listed(open=True) == ["H-000002"]
    assert await listed(open=False, site="HV1") == ["H-000001"]
    assert await listed(site="HV2") == []
    assert await listed(equipment="HV1/COAT01") == []
    names = "{ holds(filter: {open: true}) { nodes { placedBy { subject } releasedBy { subject } } } }"
    data = await api.ask(names, by=Role.QUALITY)
    assert data["holds"]["nodes"] == [{"placedBy": {"subject": "op-017"}, "releasedBy": None}]
    data = await api.ask(names, by=Role.VIEWER)
    assert data["holds"]["nodes"] == [{"placedBy": {"subject": MASK}, "releasedBy": None}]
    both = '{ item(key: {id: "RM-PVDF/PVDF-2219"}) { a: holds { number } b: holds(includeReleased: true) { number } } }'
    item = (await api.ask(both, by=Role.VIEWER))["item"]
    assert [[hold["number"] for hold in item[name]] for name in "ab"] == [["H-000002"], ["H-000001", "H-000002"]]

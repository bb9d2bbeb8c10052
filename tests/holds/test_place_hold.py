"""Placing holds."""

from typing import Any

import pytest

from mesgraph.access.roles import Role
from mesgraph.materials.models import Lifecycle
from tests.api import Api
from tests.factories.materials import coil_c, make_halvard, make_item, pvdf_2219

PVDF = {"material": "RM-PVDF", "lot": "PVDF-2219"}
COIL = {"material": "COIL-C", "lot": "CC-26047-04-A"}
WHY = {"code": "SUPPLIER_NOTICE", "comment": "moisture in binder"}


async def test_items_and_equipment_show_the_hold_and_lose_no_state(api: Api) -> None:
    await make_halvard(api)
    await pvdf_2219(api)
    payload = await api.do(
        "placeHold",
        "hold { number scope severity reasonCode comment items { key status lifecycle openHolds holds { number } }"
        "  equipment { code openHolds } range { from to } releasedAt } ledgerEvents { type subjects { kind } }",
        by=Role.QUALITY,
        items=[PVDF, PVDF],
        equipment="HV1/COAT01",
        severity="MAJOR",
        reason=WHY,
    )
    assert payload["hold"] == {
        "number": "H-000001",
        "scope": "ITEM",
        "severity": "MAJOR",
        "reasonCode": "SUPPLIER_NOTICE",
        "comment": "moisture in binder",
        "items": [
            {
                "key": "RM-PVDF/PVDF-2219",
                "status": "ON_HOLD",
                "lifecycle": "AVAILABLE",
                "openHolds": 1,
                "holds": [{"number": "H-000001"}],
            }
        ],
        "equipment": {"code": "COAT01", "openHolds": 1},
        "range": None,
        "releasedAt": None,
    }
    (event,) = payload["ledgerEvents"]
    assert event["type"] == "HOLD_PLACED"
    assert [subject["kind"] for subject in event["subjects"]] == ["Hold", "MaterialLot", "Equipment"]


async def test_numbers_count_within_the_site(api: Api) -> None:
    await make_halvard(api)
    numbers = []
    for equipment in ("HV1/COAT01", "HV1/COAT01", "HV2/PA01"):
        payload = await api.do(
            "placeHold", "hold { number scope }", by=Role.OPERATOR, equipment=equipment, severity="MINOR", reason=WHY
        )
        numbers.append((payload["hold"]["number"], payload["hold"]["scope"]))
    assert numbers == [("H-000001", "EQUIPMENT"), ("H-000002", "EQUIPMENT"), ("H-000001", "EQUIPMENT")]


async def test_a_range_is_held_while_the_lot_stays_available(api: Api) -> None:
    await make_halvard(api)
    await coil_c(api)
    payload = await api.do(
        "placeHold",
        "hold { scope range { from to } items { status openHolds holds { number } } }",
        by=Role.RULE,
        items=[COIL],
        range={"from": "612", "to": "655"},
        severity="MAJOR",
        reason={"code": "TEMPERATURE"},
    )
    assert payload["hold"] == {
        "scope": "RANGE",
        "range": {"from": "612", "to": "655"},
        "items": [{"status": "AVAILABLE", "openHolds": 0, "holds": [{"number": "H-000001"}]}],
    }


@pytest.mark.parametrize(
    ("items", "range"),
    [
        ([COIL], {"from": "655", "to": "612"}),
        ([COIL], {"from": "612", "to": "612"}),
        ([COIL], {"from": "-1", "to": "612"}),
        ([COIL], {"from": "612", "to": "655.000001"}),
        ([PVDF], {"from": "0", "to": "1"}),
        ([COIL, PVDF], {"from": "0", "to": "1"}),
    ],
)
async def test_a_range_lies_within_one_lot_with_positions(api: Api, items: list[Any], range: dict[str, str]) -> None:
    await make_halvard(api)
    await coil_c(api)
    await pvdf_2219(api)
    (error,) = await api.refused("placeHold", by=Role.QUALITY, items=items, range=range, severity="MINOR", reason=WHY)
    assert (error["code"], error["path"]) == ("VALIDATION_FAILED", ["input", "range"])


async def test_a_hold_on_nothing_is_refused_and_so_is_one_without_a_reason_all_at_once(api: Api) -> None:
    await make_halvard(api)
    errors = await api.refused("placeHold", by=Role.QUALITY, severity="MINOR")
    assert [(e["code"], e["path"]) for e in errors] == [
        ("REASON_REQUIRED", ["input", "reason"]),
        ("VALIDATION_FAILED", ["input", "items"]),
    ]


async def test_every_item_that_cannot_be_found_is_named(api: Api) -> None:
    await make_halvard(api)
    errors = await api.refused(
        "placeHold",
        by=Role.QUALITY,
        items=[PVDF, {"lot": "PVDF-2219"}],
        equipment="HV1/NONE",
        severity="MINOR",
        reason=WHY,
    )
    assert [(e["code"], e["path"]) for e in errors] == [
        ("NOT_FOUND", ["input", "items", "0"]),
        ("VALIDATION_FAILED", ["input", "items", "1"]),
        ("NOT_FOUND", ["input", "equipment"]),
    ]


async def test_what_has_ended_is_not_held(api: Api) -> None:
    await make_halvard(api)
    await pvdf_2219(api)

    def ship(session: Any) -> None:
        from mesgraph.materials.queries import item_by_key

        item = item_by_key(session, "RM-PVDF/PVDF-2219")
        assert item is not None
        item.lifecycle = Lifecycle.SHIPPED

    await api.plant.database.write(ship)
    (error,) = await api.refused("placeHold", by=Role.QUALITY, items=[PVDF], severity="MINOR", reason=WHY)
    assert (error["code"], error["path"]) == ("INVALID_TRANSITION", ["input", "items", "0"])


async def test_a_hold_belongs_to_one_site(api: Api) -> None:
    await make_halvard(api)
    await pvdf_2219(api)
    (error,) = await api.refused(
        "placeHold", by=Role.QUALITY, items=[PVDF], equipment="HV2/PA01", severity="MINOR", reason=WHY
    )
    assert error["code"] == "VALIDATION_FAILED"


async def test_a_quality_inspector_of_one_site_reaches_no_item_of_another(api: Api) -> None:
    await make_halvard(api)
    await make_item(api, "RM-CB", "CB-1", site_code="HV2", location=None)
    inspector = await api.actor(Role.QUALITY, site="HV1")
    cb = {"material": "RM-CB", "lot": "CB-1"}
    (error,) = await api.refused("placeHold", by=inspector, items=[cb], severity="MINOR", reason=WHY)
    assert error["code"] == "NOT_FOUND"


PLACE = "mutation($input: PlaceHoldInput!) { placeHold(input: $input) { replayed } }"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"severity": "HIGH"}, "INVALID_VALUE"),
        ({"range": {"from": "NaN", "to": "1"}}, "INVALID_VALUE"),
        ({"range": {"from": "0", "to": "1e9"}}, "INVALID_VALUE"),
        ({"range": {"from": "0", "to": "9999999999999"}}, "INVALID_VALUE"),
        ({"items": [{"sscc": "095212340000000014"}]}, "INVALID_GS1_KEY"),
    ],
)
async def test_a_value_without_the_form_of_its_type_is_an_error_of_the_document(
    api: Api, change: dict[str, Any], code: str
) -> None:
    input = {"items": [COIL], "severity": "MINOR", "reason": WHY} | change
    assert (await api.error(PLACE, by=Role.QUALITY, input=input))["code"] == code


async def test_a_reason_has_bearable_length(api: Api) -> None:
    await make_halvard(api)
    for reason in ({"code": "x" * 65}, {"code": "X", "comment": "y" * 2001}):
        (error,) = await api.refused(
            "placeHold", by=Role.QUALITY, equipment="HV1/COAT01", severity="MINOR", reason=reason
        )
        assert error["code"] == "VALIDATION_FAILED"


async def test_a_planner_may_not_hold(api: Api) -> None:
    input = {"items": [COIL], "severity": "MINOR", "reason": WHY}
    assert (await api.error(PLACE, by=Role.PLANNER, input=input))["code"] == "FORBIDDEN"

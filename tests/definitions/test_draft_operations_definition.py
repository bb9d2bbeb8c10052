"""Drafting: route and bill as a whole, every mistake at once."""

from typing import Any

from mesgraph.access.roles import Role
from tests.api import Api
from tests.factories.orders import approve, cathode, codes, make_line, makes, quantity, step, takes

SHOWN = (
    "operationsDefinition { version state rowVersion author effective product { code } sites { code } "
    "segments { seq name setupTime runTimePerUnit outputUom equipmentClass { code } "
    "dependencies { after { seq } kind delay } "
    "materials { line use quantityPer { value uom } tolerancePct toleranceAction revisionRule material { code } } } }"
)


async def draft(api: Api, content: dict[str, Any]) -> dict[str, Any]:
    payload = await api.do("draftOperationsDefinition", SHOWN, by=Role.ENGINEER, **content)
    definition: dict[str, Any] = payload["operationsDefinition"]
    return definition


def by_seq(definition: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {segment["seq"]: segment for segment in definition["segments"]}


async def test_a_segment_without_dependencies_follows_the_one_before(api: Api) -> None:
    await make_line(api)
    segments = by_seq(await draft(api, cathode()))
    assert segments[10]["dependencies"] == []
    assert segments[30]["dependencies"] == [{"after": {"seq": 20}, "kind": "AFTER_END", "delay": "PT0S"}]


async def test_given_dependencies_stand_and_an_empty_list_waits_for_nothing(api: Api) -> None:
    await make_line(api)
    content = cathode()
    content["segments"][1]["dependencies"] = []
    content["segments"][2]["dependencies"] = [{"after": 10, "kind": "AFTER_START", "delay": "PT2H"}, {"after": 20}]
    segments = by_seq(await draft(api, content))
    assert segments[20]["dependencies"] == []
    assert segments[30]["dependencies"] == [
        {"after": {"seq": 10}, "kind": "AFTER_START", "delay": "PT2H"},
        {"after": {"seq": 20}, "kind": "AFTER_END", "delay": "PT0S"},
    ]


async def test_times_units_and_bill_are_kept_exactly(api: Api) -> None:
    await make_line(api)
    content = cathode()
    content["segments"][1]["materials"][2] = takes(3, "RM-PVDF", "9.3", "GRM", tolerancePct="0.5")
    segments = by_seq(await draft(api, content))
    assert (segments[30]["setupTime"], segments[30]["runTimePerUnit"]) == ("PT24M", "PT7.5S")
    assert segments[20]["materials"][2] == {
        "line": 3,
        "use": "CONSUMED",
        "quantityPer": {"value": "0.0093", "uom": "KGM"},
        "tolerancePct": "0.5",
        "toleranceAction": "WARN",
        "revisionRule": "ANY_APPROVED",
        "material": {"code": "RM-PVDF"},
    }


async def test_the_output_is_counted_by_what_is_made_or_by_the_step_that_follows(api: Api) -> None:
    await make_line(api)
    segments = by_seq(await draft(api, cathode()))
    assert {seq: segment["outputUom"] for seq, segment in segments.items()} == {
        10: "KGM",
        20: "KGM",
        30: "MTR",
        40: "MTR",
        50: "MTR",
    }


async def test_a_draft_is_replaced_as_a_whole(api: Api) -> None:
    await make_line(api)
    await draft(api, cathode())
    replaced = await draft(api, cathode(name="Cathode", segments=cathode()["segments"][:3]))
    assert [segment["seq"] for segment in replaced["segments"]] == [10, 20, 30]
    assert replaced["rowVersion"] == 2


async def test_what_is_no_draft_any_more_is_another_version(api: Api) -> None:
    await make_line(api)
    await approve(api, cathode())
    errors = await api.refused("draftOperationsDefinition", by=Role.ENGINEER, **cathode(name="Other"))
    assert [(e["code"], e["path"]) for e in errors] == [("RECORD_IMMUTABLE", ["input", "version"])]
    await draft(api, cathode(version="6"))


async def test_every_mistake_is_named_at_once(api: Api) -> None:
    await make_line(api)
    bill = [
        takes(1, "NOWHERE", "1"),
        takes(1, "RM-CB", "1", "MTR", tolerancePct="101"),
        {**makes(2, "COIL-C", "MTR"), "quantityPer": quantity("2", "MTR")},
        makes(3, "COIL-C", "MTR"),
    ]
    errors = await api.refused(
        "draftOperationsDefinition",
        by=Role.ENGINEER,
        code="O D",
        version="5",
        name="",
        product="NOTHING",
        sites=["HV9"],
        effectiveFrom="2026-03-01T00:00:00Z",
        effectiveTo="2026-02-01T00:00:00Z",
        segments=[
            step(10, "A", "COATING", setupTime="PT0.5S", materials=bill),
            step(10, "B", "FLYING", dependencies=[{"after": 99}, {"after": 10}]),
        ],
    )
    assert {(e["code"], ".".join(e["path"][1:])) for e in errors} == {
        ("VALIDATION_FAILED", "code"),
        ("VALIDATION_FAILED", "name"),
        ("NOT_FOUND", "product"),
        ("NOT_FOUND", "sites.0"),
        ("TIME_ORDER_INVALID", "effectiveTo"),
        ("VALIDATION_FAILED", "segments.0.setupTime"),
        ("NOT_FOUND", "segments.0.materials.0.material"),
        ("UOM_MISMATCH", "segments.0.materials.1.quantityPer.uom"),
        ("VALIDATION_FAILED", "segments.0.materials.1.line"),
        ("VALIDATION_FAILED", "segments.0.materials.1.tolerancePct"),
        ("VALIDATION_FAILED", "segments.0.materials.2.quantityPer"),
        ("VALIDATION_FAILED", "segments.0.materials.3.use"),
        ("VALIDATION_FAILED", "segments.1.seq"),
        ("NOT_FOUND", "segments.1.equipmentClass"),
        ("VALIDATION_FAILED", "segments.1.dependencies.0.after"),
        ("VALIDATION_FAILED", "segments.1.dependencies.1.after"),
    }


async def test_steps_that_wait_for_each_other_are_refused(api: Api) -> None:
    await make_line(api)
    content = cathode()
    content["segments"][1]["dependencies"] = [{"after": 40}]
    errors = await api.refused("draftOperationsDefinition", by=Role.ENGINEER, **content)
    assert codes(errors) == ["VALIDATION_FAILED"]
    assert errors[0]["path"] == ["input", "segments"]
    assert "wait for each other" in errors[0]["message"]


async def test_some_segment_makes_the_product(api: Api) -> None:
    await make_line(api)
    errors = await api.refused("draftOperationsDefinition", by=Role.ENGINEER, **cathode(product="CELL-105"))
    assert [(e["code"], e["path"]) for e in errors] == [("VALIDATION_FAILED", ["input", "segments"])]


async def test_a_by_product_stands_beside_a_product(api: Api) -> None:
    await make_line(api)
    content = cathode()
    content["segments"][3]["materials"] = [
        {"line": 1, "material": "RM-NMP", "use": "BY_PRODUCT", "quantityPer": quantity("0.1", "KGM")}
    ]
    errors = await api.refused("draftOperationsDefinition", by=Role.ENGINEER, **content)
    assert errors[0]["path"] == ["input", "segments", "3", "materials", "0", "use"]


async def test_a_step_that_makes_nothing_new_may_take_material(api: Api) -> None:
    await make_line(api)
    content = cathode()
    content["segments"][4]["materials"] = [takes(1, "RM-ALFOIL", "0.01", "MTR")]
    assert by_seq(await draft(api, content))[50]["outputUom"] == "MTR"


async def test_only_engineers_draft(api: Api) -> None:
    document = "mutation($i: DraftOperationsDefinitionInput!) { draftOperationsDefinition(input: $i) { replayed } }"
    error = await api.error(document, by=Role.PLANNER, i=cathode())
    assert error["code"] == "FORBIDDEN"

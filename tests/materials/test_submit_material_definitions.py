"""Master data of materials."""

from typing import Any

import pytest

from mesgraph.access.roles import Role
from tests.api import Api
from tests.factories.materials import make_halvard, make_item

PVDF: dict[str, Any] = {
    "code": "RM-PVDF",
    "revision": "1",
    "name": "PVDF binder",
    "kind": "RAW",
    "baseUom": "KGM",
    "tracking": "LOT",
    "uomFactors": [{"uom": "GRM", "factor": "0.001"}],
}
SLURRY: dict[str, Any] = {
    "code": "SLURRY-C",
    "revision": "1",
    "name": "Cathode slurry",
    "kind": "INTERMEDIATE",
    "gtin": "09521234004202",
    "baseUom": "KGM",
    "tracking": "LOT",
    "shelfLife": "PT24H",
}


async def test_what_was_submitted_is_shown(api: Api) -> None:
    await api.do("submitMaterialDefinitions", "", by=Role.ERP, definitions=[PVDF, SLURRY])
    data = await api.ask(
        '{ materialDefinition(code: "RM-PVDF", revision: "1") { kind uomFactors { uom factor } shelfLife }'
        "  materialDefinitions(filter: {kind: INTERMEDIATE}) { nodes { code gtin shelfLife } totalCount } }",
        by=Role.VIEWER,
    )
    assert data["materialDefinition"] == {
        "kind": "RAW",
        "uomFactors": [{"uom": "GRM", "factor": "0.001"}],
        "shelfLife": None,
    }
    slurry = {"code": "SLURRY-C", "gtin": "09521234004202", "shelfLife": "P1D"}
    assert data["materialDefinitions"] == {"nodes": [slurry], "totalCount": 1}


async def test_a_code_alone_names_the_latest_revision(api: Api) -> None:
    await api.do("submitMaterialDefinitions", "", by=Role.ERP, definitions=[PVDF, PVDF | {"revision": "2"}])
    data = await api.ask('{ materialDefinition(code: "RM-PVDF") { revision } }', by=Role.VIEWER)
    assert data["materialDefinition"] == {"revision": "2"}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"code": "RM PVDF"}, ["code"]),
        ({"code": "x" * 65}, ["code"]),
        ({"revision": "1:2"}, ["revision"]),
        ({"name": "n" * 201}, ["name"]),
        ({"name": "line\nbreak"}, ["name"]),
        ({"shelfLife": "PT0S"}, ["shelfLife"]),
        ({"shelfLife": "P36500D"}, ["shelfLife"]),
        ({"shelfLife": "PT0.5S"}, ["shelfLife"]),
        ({"uomFactors": [{"uom": "GRM", "factor": "0"}]}, ["uomFactors", "0", "factor"]),
        ({"uomFactors": [{"uom": "GRM", "factor": "-1"}]}, ["uomFactors", "0", "factor"]),
        ({"uomFactors": [{"uom": "KGM", "factor": "1"}]}, ["uomFactors", "0", "uom"]),
        ({"uomFactors": [{"uom": "GRM", "factor": "1"}, {"uom": "GRM", "factor": "2"}]}, ["uomFactors"]),
    ],
)
async def test_a_value_that_breaks_a_rule_is_refused(api: Api, change: dict[str, Any], path: list[str]) -> None:
    (error,) = await api.refused("submitMaterialDefinitions", by=Role.ERP, definitions=[PVDF | change])
    assert (error["code"], error["path"]) == ("VALIDATION_FAILED", ["input", "definitions", "0", *path])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"gtin": "09521234004203"}, "INVALID_GS1_KEY"),
        ({"gtin": "9521234004202"}, "INVALID_GS1_KEY"),
        ({"baseUom": "kilogram"}, "INVALID_VALUE"),
        ({"kind": "GOLD"}, "INVALID_VALUE"),
        ({"uomFactors": [{"uom": "GRM", "factor": "9999999999999"}]}, "INVALID_VALUE"),
        ({"uomFactors": [{"uom": "GRM", "factor": "0.0000001"}]}, "INVALID_VALUE"),
        ({"uomFactors": [{"uom": "GRM", "factor": "NaN"}]}, "INVALID_VALUE"),
        ({"uomFactors": [{"uom": "GRM", "factor": "1e-3"}]}, "INVALID_VALUE"),
        ({"uomFactors": [{"uom": "GRM", "factor": 0.001}]}, "INVALID_VALUE"),
        ({"shelfLife": "P1M"}, "INVALID_VALUE"),
    ],
)
async def test_a_value_without_the_form_of_its_type_is_an_error_of_the_document(
    api: Api, change: dict[str, Any], code: str
) -> None:
    document = (
        "mutation($input: SubmitMaterialDefinitionsInput!) { submitMaterialDefinitions(input: $input) { replayed } }"
    )
    extensions = await api.error(document, by=Role.ERP, input={"definitions": [PVDF | change]})
    assert extensions["code"] == code


async def test_a_gtin_belongs_to_one_material(api: Api) -> None:
    await api.do("submitMaterialDefinitions", "", by=Role.ERP, definitions=[SLURRY, SLURRY | {"revision": "2"}])
    other = PVDF | {"gtin": SLURRY["gtin"]}
    (error,) = await api.refused("submitMaterialDefinitions", by=Role.ERP, definitions=[other])
    assert (error["code"], error["path"][-1]) == ("DUPLICATE_KEY", "gtin")


@pytest.mark.parametrize(
    "change", [{"baseUom": "LTR"}, {"tracking": "LOT_AND_SERIAL"}, {"hasPositions": True}, {"uomFactors": []}]
)
async def test_what_quantities_are_counted_in_is_fixed_by_the_first_item(api: Api, change: dict[str, Any]) -> None:
    await make_halvard(api)
    await api.do("submitMaterialDefinitions", "", by=Role.ERP, definitions=[PVDF | change])
    await api.do("submitMaterialDefinitions", "", by=Role.ERP, definitions=[PVDF])
    await make_item(api, "RM-PVDF", "PVDF-2219", "25")
    (error,) = await api.refused("submitMaterialDefinitions", by=Role.ERP, definitions=[PVDF | change])
    assert error["code"] == "RECORD_IMMUTABLE"
    assert "submit a new revision" in error["message"]
    renamed = PVDF | {"name": "Binder", "shelfLife": "P730D"}
    await api.do("submitMaterialDefinitions", "", by=Role.ERP, definitions=[renamed, PVDF | change | {"revision": "2"}])

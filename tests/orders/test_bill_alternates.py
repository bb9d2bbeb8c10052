"""A bill line accepts its own material in the revisions of its rule, and approved alternates by their factor (I9)."""

from dataclasses import replace
from typing import Any

import pytest

from mesgraph.access.roles import Role
from mesgraph.definitions.instruction import EntryDraft, InstructionDraft, StepDraft
from mesgraph.definitions.models import MaterialSpecification, RevisionRule, StepKind, ToleranceAction
from mesgraph.definitions.values import DataType, ValueRule
from mesgraph.materials.models import MaterialDefinition
from mesgraph.orders.bill import BillLine
from tests.api import Api
from tests.factories.execution import MIX, Line, codes, consume, lot, make_order, make_plant, produce, receive, start
from tests.factories.materials import material
from tests.factories.orders import approve, cathode, make_line, takes

BINDER = Line("RM-PVDF", per="0.0093", tolerance="0.5", action=ToleranceAction.BLOCK, instead=[("RM-CB", "0.8")])
"""0.8 kg of the other binder does what 1 kg of PVDF does."""
SLURRY = lot("SLURRY-C", "SC-1", "800")


async def mixing(api: Api) -> tuple[Any, str]:
    """The operator, and a run whose bill has this line; 25 kg of either material are there."""
    operator = await make_plant(api)
    order = await make_order(api, replace(MIX, lines=[BINDER]))
    for code in ("RM-PVDF", "RM-CB", "RM-NMP"):
        await receive(api, code, f"{code}-1", "25")
    return operator, await start(api, order, 20, operator)


async def test_an_alternate_counts_by_its_factor(api: Api) -> None:
    operator, run = await mixing(api)
    await consume(api, run, "RM-PVDF", "RM-PVDF-1", "3.44", by=operator)
    await consume(api, run, "RM-CB", "RM-CB-1", "3.2", by=operator)
    assert (await produce(api, run, SLURRY, by=operator))["warnings"] == []


async def test_outside_the_tolerance_it_is_told_in_the_material_of_the_line(api: Api) -> None:
    operator, run = await mixing(api)
    await consume(api, run, "RM-CB", "RM-CB-1", "7.44", by=operator)
    errors = await api.refused("produceMaterial", by=operator, jobResponse=run, outputs=[SLURRY])
    assert codes(errors) == ["CONSUMPTION_OUT_OF_TOLERANCE"]
    assert errors[0]["message"].startswith("9.3 KGM of RM-PVDF, the bill asks 7.44 KGM")


async def test_what_is_no_alternate_is_wrong(api: Api) -> None:
    operator, run = await mixing(api)
    errors = await api.refused(
        "consumeMaterial",
        by=operator,
        jobResponse=run,
        item={"material": "RM-NMP", "lot": "RM-NMP-1"},
        quantity={"value": "1", "uom": "KGM"},
    )
    assert codes(errors) == ["WRONG_MATERIAL"]


async def test_a_scan_accepts_what_the_bill_lets_go_in_instead(api: Api) -> None:
    operator = await make_plant(api)
    binder = await api.plant.database.read(lambda session: material(session, "RM-PVDF"))
    asked = EntryDraft(field="binder", prompt="Binder", rule=ValueRule(DataType.ITEM), material=binder)
    scan = StepDraft(no=10, kind=StepKind.SCAN, prompt="Scan", entries=[asked])
    charge = InstructionDraft(code="WI", version="1", name="Charge", steps=[scan])
    order = await make_order(api, replace(MIX, lines=[BINDER], instruction=charge))
    for code in ("RM-CB", "RM-NMP"):
        await receive(api, code, f"{code}-1", "25")
    run = await start(api, order, 20, operator)
    scanned = {"jobResponse": run, "step": "10"}
    entry = {"field": "binder", "item": {"material": "RM-NMP", "lot": "RM-NMP-1"}}
    assert codes(await api.refused("recordStep", by=operator, **scanned, entries=[entry])) == ["WRONG_MATERIAL"]
    entry = {"field": "binder", "item": {"material": "RM-CB", "lot": "RM-CB-1"}}
    await api.do("recordStep", "", by=operator, **scanned, entries=[entry])


async def test_a_job_is_ready_with_an_alternate(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, replace(MIX, lines=[BINDER]), quantity="800")
    await receive(api, "RM-CB", "RM-CB-1", "5.952")
    document = "query($id: ID!) { readiness(jobOrder: $id) { blockers { code message } } }"
    assert (await api.ask(document, by=operator, id=order.jobs[20]))["readiness"]["blockers"] == []
    other = await make_order(api, replace(MIX, lines=[BINDER]), code="10046", quantity="801")
    [blocker] = (await api.ask(document, by=operator, id=other.jobs[20]))["readiness"]["blockers"]
    assert "RM-PVDF" in blocker["message"]


def accepts(rule: RevisionRule, named: str, revision: str) -> bool:
    own = MaterialDefinition(id=1, code="RM-PVDF", revision=named)
    given = own if revision == named else MaterialDefinition(id=2, code="RM-PVDF", revision=revision)
    return BillLine(MaterialSpecification(revision_rule=rule), own).accepts(given)


@pytest.mark.parametrize(
    ("named", "revision", "fits"),
    [
        ("2", "2", True),
        ("2", "10", True),
        ("10", "2", False),
        ("B", "A", False),
        ("A", "B", True),
        ("1.9", "1.10", True),
    ],
)
def test_a_minimum_is_the_named_revision_and_later_ones(named: str, revision: str, fits: bool) -> None:
    assert accepts(RevisionRule.MINIMUM, named, revision) is fits
    assert accepts(RevisionRule.EXACT, named, revision) is (named == revision)
    assert accepts(RevisionRule.ANY_APPROVED, named, revision)


async def test_alternates_are_shown_and_frozen_with_the_version(api: Api) -> None:
    await make_line(api)
    content = cathode()
    content["segments"][1]["materials"][2] |= {"alternates": [{"material": "RM-ELY", "factor": "0.8"}]}
    shown = "contentHash segments { seq materials { line alternates { factor material { code } } } }"
    document = f'query($v: String!) {{ operationsDefinition(code: "OD-X", version: $v) {{ {shown} }} }}'
    hashes = set()
    for factor in ("0.8", "0.9"):
        content["segments"][1]["materials"][2]["alternates"][0]["factor"] = factor
        await approve(api, {**content, "code": "OD-X", "version": factor})
        found = (await api.ask(document, by=Role.ENGINEER, v=factor))["operationsDefinition"]
        hashes.add(found["contentHash"])
        assert found["segments"][1]["materials"][2] == {
            "line": 3,
            "alternates": [{"factor": factor, "material": {"code": "RM-ELY"}}],
        }
    assert len(hashes) == 2


@pytest.mark.parametrize(
    ("changes", "refusals"),
    [
        ({"alternates": [{"material": "RM-CB"}]}, {("DUPLICATE_KEY", "alternates.0.material")}),
        ({"alternates": [{"material": "RM-ELY", "factor": "0"}]}, {("VALIDATION_FAILED", "alternates.0.factor")}),
        (
            {"alternates": [{"material": "RM-ELY"}, {"material": "RM-ELY"}]},
            {("DUPLICATE_KEY", "alternates.1.material")},
        ),
        ({"alternates": [{"material": "NOWHERE"}]}, {("NOT_FOUND", "alternates.0.material")}),
    ],
)
async def test_an_alternate_goes_in_for_one_line(
    api: Api, changes: dict[str, Any], refusals: set[tuple[str, str]]
) -> None:
    await make_line(api)
    content = cathode()
    content["segments"][1]["materials"][2] = takes(3, "RM-PVDF", "0.0093") | changes
    errors = await api.refused("draftOperationsDefinition", by=Role.ENGINEER, **content)
    assert {(e["code"], ".".join(e["path"][5:])) for e in errors} == refusals

"""Undoing what was recorded wrongly (I29, I30)."""

from typing import Any

import pytest

from mesgraph.access.roles import Role
from mesgraph.errors import Refused
from mesgraph.genealogy.actions import reverse_activity, reverse_event
from mesgraph.genealogy.models import GenealogyEvent
from mesgraph.genealogy.queries import activities_with
from mesgraph.work import Work
from tests.api import Api
from tests.factories.genealogy import act, item, receive, transform
from tests.factories.materials import SSCC, make_halvard, make_item

KEY = {"material": "RM-PVDF", "lot": "P-1"}
ITEM = """query($key: ItemKey!) { item(key: $key) { status lifecycle quantity { value } initialQuantity { value }
    location { code } parent { key } } genealogyEvents(filter: {item: $key}, first: 1) { nodes { id } } }"""


async def shown(api: Api, key: str) -> Any:
    return (await api.ask(ITEM, by=Role.VIEWER, key={"id": key}))["item"]


async def latest(api: Api, key: str) -> int:
    def newest(work: Work) -> int:
        return max(work.session.scalars(activities_with(item(work, key).id)))

    return await act(api, newest)


async def undo(api: Api, activity: int, *, runs: bool = False) -> None:
    verb = reverse_activity if runs else reverse_event
    await act(api, lambda work: verb(work, work.session.get_one(GenealogyEvent, activity)))


async def refused(api: Api, activity: int) -> list[str]:
    with pytest.raises(Refused) as refusal:
        async with api.nothing_written():
            await undo(api, activity)
    return [v.code.value for v in refusal.value.violations]


async def setup(api: Api) -> None:
    await make_halvard(api)
    await receive(api, "RM-PVDF", "P-1", "25")
    await make_item(api, "CELL-105", "HC1")


COMMANDS: list[tuple[str, Role, dict[str, Any]]] = [
    ("splitLot", Role.OPERATOR, {"item": KEY, "parts": 3}),
    ("takeSample", Role.OPERATOR, {"item": KEY, "quantity": {"value": "25", "uom": "KGM"}}),
    ("scrapItem", Role.QA, {"item": KEY, "reason": {"code": "X"}}),
    ("adjustLot", Role.SUPERVISOR, {"item": KEY, "counted": {"value": "3", "uom": "KGM"}, "reason": {"code": "X"}}),
    ("adjustLot", Role.SUPERVISOR, {"item": KEY, "counted": {"value": "30", "uom": "KGM"}, "reason": {"code": "X"}}),
    ("moveMaterial", Role.OPERATOR, {"items": [KEY], "location": "HV1/STORE-WIP"}),
    ("pack", Role.OPERATOR, {"sscc": SSCC, "items": [KEY], "location": "HV1/STORE-WIP"}),
    ("shipItems", Role.OPERATOR, {"items": [KEY]}),
]


@pytest.mark.parametrize(("command", "role", "input"), COMMANDS, ids=[c[0] for c in COMMANDS])
async def test_everything_is_as_it_was(api: Api, command: str, role: Role, input: dict[str, Any]) -> None:
    await setup(api)
    before = await shown(api, "RM-PVDF/P-1")
    await api.do(command, "", by=role, **input)
    assert await shown(api, "RM-PVDF/P-1") != before
    activity = await latest(api, "RM-PVDF/P-1")
    await undo(api, activity)
    assert await shown(api, "RM-PVDF/P-1") == before
    assert await refused(api, activity) == ["RECORD_IMMUTABLE"]
    assert await refused(api, await latest(api, "RM-PVDF/P-1")) == ["RECORD_IMMUTABLE"]


async def test_a_reversed_receipt_leaves_the_number_known_with_nothing_in_it(api: Api) -> None:
    await setup(api)
    await undo(api, await latest(api, "RM-PVDF/P-1"))
    found = await shown(api, "RM-PVDF/P-1")
    assert (found["lifecycle"], found["initialQuantity"]) == ("PLANNED", {"value": "0"})


async def test_an_unpacked_item_is_in_its_unit_again(api: Api) -> None:
    await setup(api)
    await api.do("pack", "", by=Role.OPERATOR, sscc=SSCC, items=[KEY])
    await api.do("unpack", "", by=Role.OPERATOR, sscc=SSCC)
    await undo(api, await latest(api, "RM-PVDF/P-1"))
    assert (await shown(api, "RM-PVDF/P-1"))["parent"] == {"key": SSCC}
    trace = "query($i: ItemKey!) { trace(item: $i, direction: FORWARD) { nodes { item { key } } } }"
    found = await api.ask(trace, by=Role.VIEWER, i=KEY)
    assert [n["item"]["key"] for n in found["trace"]["nodes"]] == ["RM-PVDF/P-1", SSCC]


async def test_a_run_is_undone_from_the_leaves_upwards(api: Api) -> None:
    await setup(api)
    first = await transform(api, [("RM-PVDF/P-1", "10")], [("SLURRY-C", "S-1", "100")])
    second = await transform(api, [("SLURRY-C/S-1", "40")], [("CELL-105", "HC2", "1")])
    assert await refused(api, first) == ["VALIDATION_FAILED"]  # a run's own facts are reversed with the run
    with pytest.raises(Refused, match="DOWNSTREAM_DEPENDENCY"):
        await undo(api, first, runs=True)
    await undo(api, second, runs=True)
    assert (await shown(api, "SLURRY-C/S-1"))["quantity"] == {"value": "100"}
    await undo(api, first, runs=True)
    assert (await shown(api, "RM-PVDF/P-1"))["quantity"] == {"value": "25"}
    trace = "query($i: ItemKey!) { trace(item: $i, direction: BOTH) { nodes { depth } edges { slot } } }"
    assert (await api.ask(trace, by=Role.VIEWER, i=KEY))["trace"] == {"nodes": [{"depth": 0}], "edges": []}


async def test_a_split_whose_part_was_used_is_not_undone(api: Api) -> None:
    await setup(api)
    await api.do("splitLot", "", by=Role.OPERATOR, item=KEY, parts=2)
    split = await latest(api, "RM-PVDF/P-1")
    quantity = {"value": "1", "uom": "KGM"}
    await api.do("takeSample", "", by=Role.OPERATOR, item=KEY | {"sublot": "001"}, quantity=quantity)
    assert await refused(api, split) == ["DOWNSTREAM_DEPENDENCY"]
    await undo(api, await latest(api, "RM-PVDF/P-1/001"))
    await undo(api, split)
    assert (await shown(api, "RM-PVDF/P-1"))["quantity"] == {"value": "25"}


async def test_a_count_stands_on_what_was_taken_before_it(api: Api) -> None:
    await setup(api)
    await api.do("takeSample", "", by=Role.OPERATOR, item=KEY, quantity={"value": "1", "uom": "KGM"})
    sample = await latest(api, "RM-PVDF/P-1")
    count = {"value": "23", "uom": "KGM"}
    await api.do("adjustLot", "", by=Role.SUPERVISOR, item=KEY, counted=count, reason={"code": "X"})
    assert await refused(api, sample) == ["DOWNSTREAM_DEPENDENCY"]


async def test_a_reversal_needs_a_reason(api: Api) -> None:
    await setup(api)
    activity = await latest(api, "RM-PVDF/P-1")

    def verb(work: Work) -> None:
        work.reason = None
        reverse_event(work, work.session.get_one(GenealogyEvent, activity))

    with pytest.raises(Refused, match="REASON_REQUIRED"):
        await act(api, verb)


async def test_both_activities_name_each_other(api: Api) -> None:
    await setup(api)
    await undo(api, await latest(api, "RM-PVDF/P-1"))
    document = """query($key: ItemKey!) { genealogyEvents(filter: {item: $key}) { nodes {
      kind reasonCode reverses { id }
        reversedBy { id } id } } }"""
    new, old = (await api.ask(document, by=Role.AUDITOR, key=KEY))["genealogyEvents"]["nodes"]
    assert (new["reverses"]["id"], new["reasonCode"], new["reversedBy"]) == (old["id"], "TEST", None)
    assert (old["reversedBy"]["id"], old["kind"]) == (new["id"], "RECEIVE")

"""Pages put together are the whole list, and relations cost one query per level, not one per row."""

import asyncio
import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesgraph.access.roles import Role
from mesgraph.api.paging import Order, read_cursor
from mesgraph.equipment.models import Equipment
from mesgraph.errors import Refused
from mesgraph.orders.models import OperationsRequest
from tests.api import Api
from tests.counting import statements

PAGE = """query ($first: Int!, $after: String, $filter: EquipmentFilter, $order: EquipmentOrder! = OLDEST) {
  equipmentList(first: $first, after: $after, filter: $filter, orderBy: $order) {
    nodes { code } edges { cursor node { code } } pageInfo { hasNextPage endCursor } totalCount } }"""
SITES = [{"code": code, "name": code, "timeZone": "Europe/Lisbon"} for code in ("HV1", "HV2")]


@pytest.fixture
async def filled(api: Api) -> Api:
    await api.do("submitSites", "", by=Role.ADMIN, sites=SITES)
    await api.do("submitEquipmentClasses", "", by=Role.ENGINEER, classes=[{"code": "C", "name": "Class"}])
    for site in ("HV1", "HV2"):
        machines = [{"code": f"M{i}", "name": f"M{i}", "level": "WORK_CELL", "classes": ["C"]} for i in range(12)]
        await api.do("submitEquipment", "", by=Role.ENGINEER, site=site, equipment=machines)
    return api


async def whole(api: Api, first: int, **more: Any) -> list[str]:
    codes: list[str] = []
    after = None
    while True:
        page = (await api.ask(PAGE, by=Role.OPERATOR, first=first, after=after, **more))["equipmentList"]
        found = [node["code"] for node in page["nodes"]]
        assert [edge["node"]["code"] for edge in page["edges"]] == found
        assert len(found) <= first
        codes += found
        after = page["pageInfo"]["endCursor"]
        assert after == (page["edges"][-1]["cursor"] if found else None)
        if not page["pageInfo"]["hasNextPage"]:
            assert page["totalCount"] == len(codes), "counted over all pages"
            return codes
        assert len(found) == first, "a page that is not the last is full"


async def test_pages_put_together_are_the_whole_list(filled: Api) -> None:
    everything = await whole(filled, 500)
    assert len(everything) == 26
    loop = asyncio.get_running_loop()

    @settings(max_examples=12, deadline=None)
    @given(st.integers(1, 30))
    def check(first: int) -> None:
        assert asyncio.run_coroutine_threadsafe(whole(filled, first), loop).result(30) == everything

    await asyncio.to_thread(check)


async def test_an_empty_list_is_a_page(api: Api) -> None:
    assert await whole(api, 5) == []


async def test_a_filter_counts_what_it_filters(filled: Api) -> None:
    assert len(await whole(filled, 5, filter={"site": "HV2"})) == 13


async def test_rows_that_come_between_two_pages_are_neither_skipped_nor_repeated(filled: Api) -> None:
    first = (await filled.ask(PAGE, by=Role.OPERATOR, first=20))["equipmentList"]
    new = [{"code": "NEW", "name": "New", "level": "WORK_CELL"}]
    await filled.do("submitEquipment", "", by=Role.ENGINEER, site="HV1", equipment=new)
    after = first["pageInfo"]["endCursor"]
    second = (await filled.ask(PAGE, by=Role.OPERATOR, first=20, after=after))["equipmentList"]
    assert len(first["nodes"]) + len(second["nodes"]) == 27
    assert second["nodes"][-1] == {"code": "NEW"}


@pytest.mark.parametrize("first", [0, -1, 501, 2**31 - 1])
async def test_a_page_has_1_to_500(api: Api, first: int) -> None:
    extensions = await api.error(PAGE, by=Role.OPERATOR, first=first)
    assert (extensions["code"], extensions["path"]) == ("VALIDATION_FAILED", ["first"])


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        *("", "x", "é", "====", "\u20ac" * 5, "A" * 60_000),
        *map(encoded, (b"", b"1", b"{}", b"[]", b"null", b'"OLDEST"', b"[" * 40_000, b"\xff", b'["OLDEST"]')),
        *(
            encoded(b'["OLDEST", ' + values + b"]")
            for values in (
                *(b"1, 2", b'"1"', b"1.5", b"null", b"true", b"[1]", b"NaN", b"{}"),
                *(b"%d" % 2**63, b"-%d" % 2**64, b"1" + b"0" * 5000),
            )
        ),
        *map(encoded, (b"[1]", b'["NEWEST", 1]', b'["CODE", "A", 1]', b"[null, 1]", b"[[], 1]")),
    ],
)
async def test_a_cursor_of_another_list_is_refused(api: Api, cursor: str) -> None:
    extensions = await api.error(PAGE, by=Role.OPERATOR, first=5, after=cursor)
    assert (extensions["code"], extensions["path"]) == ("VALIDATION_FAILED", ["after"])


PARTS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers(), max_size=2))


@given(st.one_of(st.text(max_size=60), st.lists(PARTS, max_size=3).map(lambda values: place("DUE", *values))))
@settings(max_examples=300)
def test_no_text_breaks_the_reading_of_cursors(text: str) -> None:
    for order in (
        Order((Equipment.id,)),
        Order((Equipment.code, Equipment.id), name="DUE"),
        Order((OperationsRequest.due_at, OperationsRequest.id), name="DUE"),
    ):
        with contextlib.suppress(Refused):
            assert len(read_cursor(text, order)) == len(order.columns)


def place(*values: Any) -> str:
    return encoded(json.dumps(values).encode())


async def about_equipment(api: Api, document: str) -> list[str]:
    operator = await api.actor(Role.OPERATOR)
    with statements() as seen:
        await api.ask(document, by=operator)
    return [s for s in seen if any(f"FROM {t}" in s for t in ("site", "equipment"))]


async def test_relations_cost_one_query_per_level(filled: Api) -> None:
    deep = """{ equipmentList(first: %d) { totalCount nodes { code site { code } parent { code site { name } }
      classes { code } children { code site { code } classes { code } } storageLocations { code } } } }"""
    few = await about_equipment(filled, deep % 1)
    many = await about_equipment(filled, deep % 500)
    assert len(many) <= 10, "\n".join(many)
    assert len(few) <= len(many)


async def test_the_total_is_counted_only_when_asked(filled: Api) -> None:
    assert len(await about_equipment(filled, "{ equipmentList(first: 5) { nodes { code } } }")) == 1
    assert len(await about_equipment(filled, "{ equipmentList(first: 5) { totalCount } }")) == 2


async def test_the_ids_of_one_request_are_looked_up_together(filled: Api) -> None:
    from mesgraph.api.nodes import opaque_id

    ids = ", ".join(f'"{opaque_id("Equipment", key)}"' for key in range(1, 27))
    assert len(await about_equipment(filled, f"{{ nodes(ids: [{ids}]) {{ id }} }}")) == 1


async def test_history_is_paged_by_the_places_of_its_events(filled: Api) -> None:
    from mesgraph.api.nodes import opaque_id

    for state in ("EXECUTE", "HELD", "EXECUTE", "STOPPED", "IDLE"):
        filled.clock.step(minutes=1)
        await filled.do("reportEquipmentState", "", by=Role.OPERATOR, equipment="HV1/M1", state=state)
    document = """query ($id: ID!, $after: Cursor, $first: Int!) { history(id: $id, after: $after, first: $first) {
      totalCount nodes { type subjects { counter } } pageInfo { hasNextPage endCursor } } }"""
    machine = (await filled.ask('{ equipment(site: "HV1", code: "M1") { id } }', by=Role.OPERATOR))["equipment"]["id"]
    counters: list[int] = []
    after = None
    await filled.plant.tail.end()
    while True:
        page = (await filled.ask(document, by=Role.OPERATOR, id=machine, first=2, after=after))["history"]
        assert page["totalCount"] == 6
        counters += [event["subjects"][0]["counter"] for event in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert counters == [1, 2, 3, 4, 5, 6]
    for cursor, code in (
        ("c2-0", "VALIDATION_FAILED"),
        ("c1-" + "9" * 18, "VALIDATION_FAILED"),
        ("c1-" + "9" * 19, "INVALID_VALUE"),
    ):
        result = await filled.answer(document, by=Role.OPERATOR, id=opaque_id("Equipment", 3), first=1, after=cursor)
        assert [e.extensions["code"] for e in result.errors or []] == [code]


HISTORY = """query (
  $id: ID!, $filter: HistoryFilter, $order: HistoryOrder! = OLDEST, $first: Int! = 50, $after: Cursor
) {
  history(id: $id, filter: $filter, orderBy: $order, first: $first, after: $after) {
    totalCount nodes { type occurredAt } pageInfo { hasNextPage endCursor } } }"""


async def test_history_is_read_from_either_end_and_by_type_and_time(filled: Api) -> None:
    for state in ("EXECUTE", "HELD", "EXECUTE"):
        filled.clock.step(hours=1)
        await filled.do("reportEquipmentState", "", by=Role.OPERATOR, equipment="HV1/M1", state=state)
    await filled.plant.tail.end()
    machine = (await filled.ask('{ equipment(site: "HV1", code: "M1") { id } }', by=Role.OPERATOR))["equipment"]["id"]

    async def told(first: int = 50, **how: Any) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        after = None
        while True:
            data = await filled.ask(HISTORY, by=Role.OPERATOR, id=machine, first=first, after=after, **how)
            page = data["history"]
            found += [(node["type"], node["occurredAt"]) for node in page["nodes"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                assert page["totalCount"] == len(found)
                return found

    everything = await told()
    assert len(everything) == 4
    assert await told(first=1) == everything
    assert await told(first=1, order="NEWEST") == everything[::-1]
    changes = [event for event in everything if event[0] == "EQUIPMENT_STATE_CHANGED"]
    assert len(changes) == 3
    assert await told(filter={"type": ["EQUIPMENT_STATE_CHANGED"]}, first=2, order="NEWEST") == changes[::-1]
    window = {"from": changes[1][1], "to": changes[2][1]}
    assert await told(filter={"occurredAt": window}) == [changes[1]]
    assert await told(filter={"type": []}) == []


async def test_what_one_may_not_see_is_neither_listed_nor_counted(api: Api) -> None:
    for name in ("ann", "bob"):
        await api.do("createPrincipal", "", by=Role.ADMIN, subject=name, kind="PERSON", displayName=name)
        await api.do("grantRole", "", by=Role.ADMIN, principal=name, role="OPERATOR")
    await api.plant.tail.end()
    listed = '{ principals(filter: {keyPrefix: "ann"}) { nodes { id } } }'
    [ann] = (await api.ask(listed, by=Role.AUDITOR))["principals"]["nodes"]
    seen = (await api.ask(HISTORY, by=Role.AUDITOR, id=ann["id"], first=1))["history"]
    assert (seen["totalCount"], seen["pageInfo"]["hasNextPage"]) == (2, True)
    hidden = (await api.ask(HISTORY, by=Role.OPERATOR, id=ann["id"], first=1))["history"]
    assert hidden == {"totalCount": 0, "nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}

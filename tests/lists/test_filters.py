"""Every condition of every list, and every order, told by plain Python over the rows."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLNonNull, GraphQLObjectType
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from mesgraph.access.models import Principal
from mesgraph.access.roles import Role
from mesgraph.api.nodes import node_id
from mesgraph.definitions.models import OperationsDefinition
from mesgraph.documents.models import StoredDocument
from mesgraph.equipment.models import Equipment
from mesgraph.genealogy.models import GenealogyEvent
from mesgraph.holds.models import Hold
from mesgraph.integration.models import Destination, InboundMessage, OutboundMessage
from mesgraph.materials.models import Item, ItemStatus, MaterialDefinition, Supplier
from mesgraph.orders.models import Deviation, JobOrder, JobResponse, OperationsRequest
from mesgraph.schema import build_schema
from mesgraph.security_events.models import SecurityEvent
from mesgraph.sites.models import Transfer
from mesgraph.telemetry.models import DataQualityIssue, DriverInstance, Tag
from tests.api import START, Api
from tests.factories.materials import SSCC, make_halvard, make_item
from tests.lists.stage import NOW, Lot, Rows, fill

LISTS: dict[str, type] = {
    "equipmentList": Equipment,
    "items": Item,
    "materialLots": Lot,
    "materialDefinitions": MaterialDefinition,
    "suppliers": Supplier,
    "holds": Hold,
    "operationsDefinitions": OperationsDefinition,
    "operationsRequests": OperationsRequest,
    "jobOrders": JobOrder,
    "deviations": Deviation,
    "genealogyEvents": GenealogyEvent,
    "principals": Principal,
    "inboundMessages": InboundMessage,
    "destinations": Destination,
    "outboundMessages": OutboundMessage,
    "transfers": Transfer,
    "storedDocuments": StoredDocument,
    "securityEvents": SecurityEvent,
    "driverInstances": DriverInstance,
    "tags": Tag,
    "dataQualityIssues": DataQualityIssue,
}
Test = Callable[[Rows, Any], bool]


def day(days: float) -> str:
    return (START + timedelta(days=days)).isoformat()


def within(column: str, start: float | None, end: float | None) -> Test:
    """The moment lies in [start, end), in days."""

    def test(_: Rows, row: Any) -> bool:
        value: datetime | None = getattr(row, column)
        return (
            value is not None
            and (start is None or value >= START + timedelta(days=start))
            and (end is None or value < START + timedelta(days=end))
        )

    return test


def has(column: str, *values: Any) -> Test:
    return lambda _, row: getattr(row, column) in values


def begins(column: str, prefix: str) -> Test:
    return lambda _, row: getattr(row, column).startswith(prefix)


def of(column: str, cls: type, *names: str) -> Test:
    return lambda rows, row: getattr(row, column) in {rows.id(cls, name) for name in names}


def below(column: str, root: str) -> Test:
    return lambda rows, row: rows.below(getattr(row, column), root)


def every(*tests: Test) -> Test:
    return lambda rows, row: all(test(rows, row) for test in tests)


def linked(link: str, cls: type, name: str) -> Test:
    return lambda rows, row: (row.id, rows.id(cls, name)) in rows.links[link]


def revisions(column: str, code: str) -> Test:
    return lambda rows, row: getattr(row, column) in {r.id for r in rows.of[MaterialDefinition] if r.code == code}


def of_site(code: str) -> Test:
    return lambda rows, row: rows.below(rows.id(Equipment, code), code) and row.site_id == SITE_IDS[code]


def with_role(*roles: str, site: str | None = None) -> Test:
    def test(rows: Rows, row: Any) -> bool:
        return any(
            owner == row.id and role in roles and (site is None or at in (None, SITE_IDS[site]))
            for owner, role, at in rows.links["role"]
        )

    return test


SITE_IDS = {"HV1": 1, "HV2": 2}
ANY_ROLE = tuple(Role)

CASES_OF_LOTS: list[tuple[dict[str, Any], Test]] = [
    ({"keyPrefix": "RM-PVDF/L-1"}, begins("key", "RM-PVDF/L-1")),
    ({"site": "HV2"}, of_site("HV2")),
    ({"material": "RM-CB"}, revisions("material_id", "RM-CB")),
    ({"material": "RM-CB:1"}, revisions("material_id", "RM-CB")),
    *(
        ({"status": list(words)}, lambda _, row, words=words: row.status_at(NOW) in words)
        for words in [(word,) for word in ItemStatus] + list(combinations(ItemStatus, 2))[::7]
    ),
    ({"lifecycle": ["AVAILABLE", "QUARANTINE"]}, has("lifecycle", "AVAILABLE", "QUARANTINE")),
    ({"location": "HV1/STORE-RM"}, below("location_id", "STORE-RM")),
    ({"location": "HV1/BIN-11"}, below("location_id", "BIN-11")),
    ({"supplier": "FERROVIA"}, of("supplier_id", Supplier, "FERROVIA")),
    ({"supplierLot": "S-1"}, has("supplier_lot", "S-1")),
    ({"expiresAt": {"to": day(5)}}, within("expires_at", None, 5)),
    ({"expiresAt": {"from": day(3), "to": day(5)}}, within("expires_at", 3, 5)),
    ({"expiresAt": {}}, within("expires_at", None, None)),
    (
        {"keyPrefix": "RM-", "location": "HV1/STORE-RM", "expiresAt": {"from": day(3)}, "supplier": "SOLEXA"},
        every(
            begins("key", "RM-"),
            below("location_id", "STORE-RM"),
            within("expires_at", 3, None),
            of("supplier_id", Supplier, "SOLEXA"),
        ),
    ),
]

CASES: dict[str, list[tuple[dict[str, Any], Test]]] = {
    "equipmentList": [
        ({"keyPrefix": "COAT"}, begins("code", "COAT")),
        ({"keyPrefix": "coat"}, begins("code", "coat")),
        ({"site": "HV2"}, of_site("HV2")),
        ({"parent": "HV1/RACK-1"}, of("parent_id", Equipment, "RACK-1")),
        ({"within": "HV1/STORE-RM"}, below("id", "STORE-RM")),
        ({"within": "HV1/HV1"}, below("id", "HV1")),
        ({"level": ["SITE", "STORAGE_UNIT"]}, has("level", "SITE", "STORAGE_UNIT")),
        ({"equipmentClass": "COATING"}, lambda rows, row: row.code in ("COAT01", "COAT02")),
        ({"state": ["HELD"]}, has("packml_state", "HELD")),
        ({"mode": ["MAINTENANCE"], "state": ["EXECUTE", "HELD"]}, has("mode", "MAINTENANCE")),
    ],
    "materialLots": CASES_OF_LOTS,
    "items": [
        *CASES_OF_LOTS,
        ({"keyPrefix": "0952"}, begins("key", "0952")),
        ({"kind": ["SERIAL_UNIT"]}, has("item_kind", "SERIAL_UNIT")),
        ({"kind": ["LOGISTIC_UNIT", "SUBLOT"]}, has("item_kind", "LOGISTIC_UNIT", "SUBLOT")),
        ({"lot": {"material": "RM-NMP", "lot": "G-2"}}, of("lot_id", Item, "RM-NMP/G-2")),
        ({"parent": {"sscc": SSCC}}, of("parent_id", Item, SSCC)),
        ({"request": "HV1/R-2"}, of("request_id", OperationsRequest, "R-2")),
        (
            {"kind": ["SUBLOT"], "lot": {"material": "RM-NMP", "lot": "G-2"}, "location": "HV1/STORE-RM"},
            every(has("item_kind", "SUBLOT"), of("lot_id", Item, "RM-NMP/G-2"), below("location_id", "STORE-RM")),
        ),
    ],
    "materialDefinitions": [
        ({"keyPrefix": "RM-"}, begins("code", "RM-")),
        ({"code": "RM-CB"}, has("code", "RM-CB")),
        ({"gtin": "09521234003007"}, has("gtin", "09521234003007")),
        ({"kind": ["FINISHED", "INTERMEDIATE"]}, has("material_kind", "FINISHED", "INTERMEDIATE")),
        ({"tracking": ["SERIAL"]}, has("tracking", "SERIAL")),
    ],
    "suppliers": [
        ({"keyPrefix": "S"}, begins("code", "S")),
        ({"approvalStatus": ["BLOCKED"]}, has("approval_status", "BLOCKED")),
    ],
    "holds": [
        ({"keyPrefix": "H-00000"}, begins("number", "H-00000")),
        ({"open": True}, has("released_at", None)),
        ({"open": False}, lambda _, row: row.released_at is not None),
        ({"site": "HV2"}, of_site("HV2")),
        ({"scope": ["RANGE", "EQUIPMENT"]}, has("scope", "RANGE", "EQUIPMENT")),
        ({"severity": ["CRITICAL"]}, has("severity", "CRITICAL")),
        ({"equipment": "HV1/STORE-RM"}, below("equipment_id", "STORE-RM")),
        ({"item": {"material": "RM-NMP", "lot": "G-1"}}, linked("held", Item, "RM-NMP/G-1")),
        ({"operationsRequest": "HV1/R-3"}, of("request_id", OperationsRequest, "R-3")),
        ({"placedAt": {"from": day(0.5)}}, within("placed_at", 0.5, None)),
    ],
    "operationsDefinitions": [
        ({"keyPrefix": "OD-C"}, begins("code", "OD-C")),
        ({"code": "OD-X"}, has("code", "OD-X")),
        ({"state": ["APPROVED"]}, has("state", "APPROVED")),
        ({"product": "COIL-A"}, revisions("product_id", "COIL-A")),
    ],
    "operationsRequests": [
        ({"keyPrefix": "A-"}, begins("code", "A-")),
        ({"site": "HV1"}, of_site("HV1")),
        ({"site": "HV2"}, of_site("HV2")),
        ({"state": ["FORECAST"]}, has("state", "FORECAST")),
        ({"state": ["RELEASED", "READY", "RUNNING"]}, has("state", "RELEASED", "READY", "RUNNING")),
        ({"state": []}, lambda _, row: False),
        ({"product": "COIL-A"}, revisions("product_id", "COIL-A")),
        ({"sourceSystem": "ERP1"}, has("source_system", "ERP1")),
        ({"externalId": "R-1"}, has("external_id", "R-1")),
        ({"dueAt": {"from": day(4), "to": day(5)}}, within("due_at", 4, 5)),
        ({"earliestStart": {"to": day(2)}}, within("earliest_start", None, 2)),
    ],
    "jobOrders": [
        ({"keyPrefix": "R-1"}, begins("code", "R-1")),
        ({"site": "HV1"}, of_site("HV1")),
        ({"state": ["RUNNING", "INTERRUPTED"]}, has("state", "RUNNING", "INTERRUPTED")),
        ({"subState": ["READY", "LOADED"]}, has("sub_state", "READY", "LOADED")),
        ({"equipment": "HV1/STORE-RM"}, below("equipment_id", "STORE-RM")),
        ({"equipment": "HV1/COAT01"}, below("equipment_id", "COAT01")),
        ({"request": "HV1/R-2"}, of("request_id", OperationsRequest, "R-2")),
        ({"plannedStart": {"from": day(1 / 24), "to": day(2 / 24)}}, within("planned_start", 1 / 24, 2 / 24)),
    ],
    "deviations": [
        ({"keyPrefix": "D-1"}, begins("number", "D-1")),
        ({"site": "HV1"}, of_site("HV1")),
        ({"state": ["OPEN"]}, has("state", "OPEN")),
        ({"kind": ["CONSUMPTION"]}, has("deviation_kind", "CONSUMPTION")),
        ({"request": "HV1/R-2"}, lambda rows, row: rows.row(JobResponse, row.job_response_id).code == "R-2-10-R1"),
        ({"jobResponse": "HV1/R-1-10-R1"}, of("job_response_id", JobResponse, "R-1-10-R1")),
        ({"openedAt": {"to": day(1)}}, within("opened_at", None, 1)),
    ],
    "genealogyEvents": [
        ({"item": {"material": "RM-NMP", "lot": "G-1"}}, linked("line", Item, "RM-NMP/G-1")),
        ({"site": "HV1"}, of_site("HV1")),
        ({"site": "HV2"}, of_site("HV2")),
        ({"kind": ["RECEIVE"]}, has("event_kind", "RECEIVE")),
        ({"kind": ["SHIP"]}, has("event_kind", "SHIP")),
        ({"occurredAt": {"from": day(0.3)}}, within("occurred_at", 0.3, None)),
    ],
    "destinations": [
        ({"kind": ["HTTP"]}, has("destination_kind", "HTTP")),
        ({"active": True}, has("active", True)),
    ],
    "outboundMessages": [
        ({"destination": "X8"}, of("destination_id", Destination, "X8")),
        ({"state": ["PENDING", "FAILED"]}, has("state", "PENDING", "FAILED")),
        ({"request": "HV1/R-1"}, of("request_id", OperationsRequest, "R-1")),
        ({"request": "HV1/R-2"}, of("request_id", OperationsRequest, "R-2")),
    ],
    "transfers": [
        ({"keyPrefix": "T-1"}, begins("number", "T-1")),
        ({"state": ["DISPUTED"]}, has("state", "DISPUTED")),
        ({"site": "HV2"}, lambda _, row: SITE_IDS["HV2"] in (row.from_site_id, row.to_site_id)),
        ({"item": {"material": "RM-NMP", "lot": "G-1"}}, linked("sent", Item, "RM-NMP/G-1")),
    ],
    "inboundMessages": [
        ({"sourceSystem": "ERP2"}, has("source_system", "ERP2")),
        ({"state": ["PARTIAL", "DEAD_LETTER"]}, has("state", "PARTIAL", "DEAD_LETTER")),
    ],
    "principals": [
        ({"keyPrefix": "q-"}, begins("subject", "q-")),
        ({"kind": ["SERVICE"]}, has("principal_kind", "SERVICE")),
        ({"role": ["QUALITY"]}, with_role("QUALITY")),
        ({"role": ["QUALITY"], "site": "HV2"}, with_role("QUALITY", site="HV2")),
        ({"site": "HV1"}, with_role(*ANY_ROLE, site="HV1")),
        ({"active": False}, has("active", False)),
    ],
    "storedDocuments": [
        ({"keyPrefix": "St"}, begins("name", "St")),
        ({"retired": True}, lambda _, row: row.retired_at is not None),
        ({"retired": False}, has("retired_at", None)),
    ],
    "securityEvents": [
        ({"kind": ["PROBING", "COST_SPIKE"]}, has("event_kind", "PROBING", "COST_SPIKE")),
        ({"severity": ["HIGH"]}, has("severity", "HIGH")),
        ({"state": ["UNACKNOWLEDGED"]}, has("acknowledged_at", None)),
        ({"state": ["ACKNOWLEDGED"]}, lambda _, row: row.acknowledged_at is not None),
        ({"state": ["ACKNOWLEDGED", "UNACKNOWLEDGED"]}, lambda *_: True),
        ({"lastAt": {"from": day(2), "to": day(5)}}, within("last_at", 2, 5)),
    ],
    "driverInstances": [
        ({"keyPrefix": "DRV-1"}, begins("code", "DRV-1")),
        ({"site": "HV2"}, of_site("HV2")),
        ({"driver": ["modbus", "mqtt"]}, has("driver", "modbus", "mqtt")),
    ],
    "tags": [
        ({"keyPrefix": "COAT01/"}, begins("path", "COAT01/")),
        ({"site": "HV2"}, of_site("HV2")),
        ({"driverInstance": "HV1/DRV-1"}, of("driver_instance_id", DriverInstance, "DRV-1")),
        ({"equipment": "HV1/STORE-RM"}, below("equipment_id", "STORE-RM")),
        ({"kind": ["COUNTER", "TEXT"]}, has("tag_kind", "COUNTER", "TEXT")),
        ({"dataType": ["FLOAT"], "keyPrefix": "COAT"}, every(has("data_type", "FLOAT"), begins("path", "COAT"))),
    ],
    "dataQualityIssues": [
        ({"driverInstance": "HV1/DRV-1"}, of("driver_instance_id", DriverInstance, "DRV-1")),
        ({"tag": "HV1/COAT01/Temp"}, of("tag_id", Tag, "COAT01/Temp")),
        ({"kind": ["GAP", "SPIKE"]}, has("issue_kind", "GAP", "SPIKE")),
        ({"toAt": {"from": day(0.5)}}, within("last_at", 0.5, None)),
    ],
}

ORDERS: dict[str, Callable[[Any], Any]] = {
    "OLDEST": lambda row: row.id,
    "CODE": lambda row: (row.code, row.id),
    "KEY": lambda row: (row.key, row.item_kind),
    "NAME": lambda row: (row.name, row.id),
    "SUBJECT": lambda row: row.subject,
    "EXPIRES_AT": lambda row: (row.expires_at is None, row.expires_at, row.id),
    "DUE_AT": lambda row: (row.due_at is None, row.due_at, row.id),
    "PLANNED_START": lambda row: (row.planned_start is None, row.planned_start, row.id),
    "OCCURRED_AT": lambda row: (row.occurred_at, row.id),
    "PATH": lambda row: (row.path, row.id),
}
REVERSED = {"NEWEST": "OLDEST", "OCCURRED_AT_DESC": "OCCURRED_AT"}


def arranged(rows: list[Any], order: str) -> list[str]:
    """The ids of ``rows`` in the order."""

    def key(row: Any) -> Any:
        value = ORDERS[REVERSED.get(order, order)](row)
        # None does not compare; behind the flag that says so, any value will do
        return tuple(START if part is None else part for part in value) if isinstance(value, tuple) else value

    return [identity(row) for row in sorted(rows, key=key, reverse=order in REVERSED)]


def identity(row: Any) -> str:
    """How the list names the row: by id, or by key where it has none."""
    key = {InboundMessage: "message_id", Destination: "code"}.get(type(row))
    return node_id(row) if key is None else str(getattr(row, key))


async def listed(api: Api, name: str, filter: dict[str, Any], order: str | None = None, first: int = 500) -> list[str]:
    """The ids of a list, page by page; counted when all have come."""
    types = build_schema()._schema.query_type.fields[name].args  # type: ignore[union-attr]
    by = types["orderBy"].type.of_type.name  # type: ignore[union-attr]
    document = (
        f"query ($filter: {types['filter'].type}, $order: {by}, $first: Int!, $after: String) {{ found: {name}"
        "(filter: $filter, orderBy: $order, first: $first, after: $after) "
        "{ nodes { id: %s } pageInfo { hasNextPage endCursor } totalCount } }"
    ) % {"inboundMessages": "messageId", "destinations": "code"}.get(name, "id")
    if order is None:
        document = document.replace("orderBy: $order, ", "").replace(f"$order: {by}, ", "")
    found: list[str] = []
    variables: dict[str, Any] = {"filter": filter, "first": first, **({"order": order} if order else {})}
    while True:
        page = (await api.ask(document, by=Role.AUDITOR, **variables))["found"]
        found += [node["id"] for node in page["nodes"]]
        variables["after"] = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            assert page["totalCount"] == len(found)
            return found


async def test_every_condition_is_the_one_of_the_model(api: Api) -> None:
    await api.actor(Role.AUDITOR)
    rows = await fill(api)
    for name, cases in CASES.items():
        everything = rows.of[LISTS[name]]
        for filter, test in cases:
            wanted = [identity(row) for row in everything if test(rows, row)]
            assert sorted(await listed(api, name, filter)) == sorted(wanted), (name, filter)
        told = {key for filter, _ in cases for key in filter}
        assert told == filters()[name], f"every condition of {name} has a case"
        assert await listed(api, name, {}, "OLDEST") == arranged(everything, "OLDEST")


async def test_every_order_is_the_one_of_the_model_over_all_pages(api: Api) -> None:
    await api.actor(Role.AUDITOR)
    rows = await fill(api)
    for name, cls in LISTS.items():
        for order in orders()[name]:
            wanted = arranged(rows.of[cls], order)
            assert await listed(api, name, {}, order, first=4) == wanted, (name, order)


async def test_rows_that_come_between_two_pages_move_nothing(api: Api) -> None:
    """Into an order whose first column is empty in some rows: before the place, behind it, and among the empty."""
    await api.actor(Role.AUDITOR)
    await make_halvard(api)

    async def lot(number: str, days: int | None) -> str:
        row = await make_item(api, "RM-CB", number)

        def expire(session: Session) -> None:
            session.query(Item).filter_by(id=row.id).one().expires_at = START + timedelta(days=days or 0)

        if days is not None:
            await api.plant.database.write(expire)
        return number

    old = [await lot(f"L{i}", days) for i, days in enumerate((2, 2, 4, 6, None, None))]
    seen: list[str] = []
    after = None
    page = """query ($after: String) { materialLots(orderBy: EXPIRES_AT, first: 1, after: $after) {
      nodes { number } pageInfo { hasNextPage endCursor } } }"""
    for i in range(20):
        found = (await api.ask(page, by=Role.AUDITOR, after=after))["materialLots"]
        seen += [node["number"] for node in found["nodes"]]
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
        if i < 6:
            await lot(f"N{i}", (1, 3, None, 9, 2, None)[i])
    assert [number for number in seen if number in old] == old
    assert len(seen) == len(set(seen))
    # N0 and N4 expire before the place that was reached, the others behind it
    assert {number for number in seen if number.startswith("N")} == {"N1", "N2", "N3", "N5"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_page_is_a_range_of_an_index_whatever_its_place(api: Api) -> None:
    """Nothing is sorted, and nothing before the page is read."""
    await api.actor(Role.AUDITOR)
    await fill(api)
    read: list[tuple[str, Any]] = []

    def note(_c: Any, _k: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "LIMIT" in statement and "ledger_position" not in statement:
            read.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        for name in LISTS:
            for order in orders()[name]:
                await listed(api, name, {}, order, first=1)
        for kind in ("LOT", "SUBLOT", "LOGISTIC_UNIT"):
            await listed(api, "items", {"kind": [kind]}, "NEWEST", first=1)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len(dict(read)) > 40, [name for name, _ in read]

    def explain(session: Session) -> None:
        for statement, parameters in dict(read).items():
            steps = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plan, *more = [str(step[-1]) for step in steps]
            assert not more, (statement, plan, more)
            behind_a_place = re.search(r"\) [<>] \(", statement)
            if "item_kind = '" in statement and "ORDER BY item.id DESC" in statement:
                assert f"INDEX ix_item_{kind_of(statement)}_by_" in plan, "not past thousands of serial units"
            assert plan.startswith("SEARCH" if behind_a_place else ("SCAN", "SEARCH")), (statement, plan)

    await api.plant.database.read(explain)


def kind_of(statement: str) -> str:
    """The kind of items that is written into a statement."""
    [kind] = re.findall(r"item_kind = '(\w+)'", statement)
    return str(kind).lower()


def connections() -> dict[str, Any]:
    """The lists of the root, by name."""
    query: GraphQLObjectType = build_schema()._schema.query_type  # type: ignore[assignment]
    return {name: field for name, field in query.fields.items() if str(field.type).endswith("Connection!")}


def filters() -> dict[str, set[str]]:
    """The conditions of each list."""
    found = {}
    for name, field in connections().items():
        kind = field.args["filter"].type
        assert isinstance(kind, GraphQLInputObjectType)
        found[name] = set(kind.fields)
    return found


def orders() -> dict[str, list[str]]:
    """The orders of each list."""
    found = {}
    for name, field in connections().items():
        kind = field.args["orderBy"].type
        assert isinstance(kind, GraphQLNonNull)
        found[name] = list(kind.of_type.values)
    return found


def test_every_list_has_one_shape() -> None:
    names = set(connections())
    assert names == {*LISTS, "history"}, "a new list gets its cases here"
    for name, field in connections().items():
        assert {"filter", "orderBy", "first", "after"} <= set(field.args), name
        assert set(field.args) <= {"filter", "orderBy", "first", "after", *(["id"] if name == "history" else [])}
        assert str(field.args["orderBy"].type).removesuffix("!").endswith("Order"), name
        assert field.args["filter"].default_value is None, "no filter at all is every thing"


@pytest.mark.parametrize(
    ("name", "filter", "path"),
    [
        ("materialLots", {"location": "HV1/NONE"}, ["filter", "location"]),
        ("materialLots", {"material": "NONE"}, ["filter", "material"]),
        ("operationsRequests", {"site": "HV9"}, ["filter", "site"]),
        ("jobOrders", {"request": "HV1/NONE"}, ["filter", "request"]),
        ("items", {"request": "HV1/NONE"}, ["filter", "request"]),
        ("items", {"lot": {"material": "RM-CB", "lot": "NONE"}}, ["filter", "lot"]),
        ("items", {"parent": {"material": "RM-CB"}}, ["filter", "parent"]),
        ("holds", {"item": {"material": "RM-CB", "lot": "NONE"}}, ["filter", "item"]),
        ("genealogyEvents", {"item": {"material": "RM-CB"}}, ["filter", "item"]),
        ("operationsRequests", {"dueAt": {"from": day(2), "to": day(1)}}, ["filter", "dueAt", "to"]),
    ],
)
async def test_a_condition_that_cannot_be_is_refused_by_its_name(
    api: Api, name: str, filter: dict[str, Any], path: list[str]
) -> None:
    kind = connections()[name].args["filter"].type
    extensions = await api.error(
        f"query ($filter: {kind}) {{ {name}(filter: $filter) {{ totalCount }} }}", by=Role.AUDITOR, filter=filter
    )
    assert extensions["code"] in ("NOT_FOUND", "VALIDATION_FAILED")
    assert extensions["path"] == path

"""Between sites: an item is at one site or in transit; both see the transfer, each only its own items (I40)."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from mesgraph.access.policy import POLICY
from mesgraph.access.roles import Role
from mesgraph.materials.models import Lifecycle
from mesgraph.sites.lifecycle import STEPS, targets
from mesgraph.sites.models import Transfer, TransferState
from mesgraph.work import Actor
from tests.api import Api
from tests.factories.execution import amount, codes, receive
from tests.factories.materials import make_halvard, make_item
from tests.invariants.checks import broken_invariants

BINDER = {"material": "RM-PVDF", "lot": "PVDF-2219"}
FIELDS = """transfer { number version state lines { itemKey shipped { value } received { value }
  difference { value } resolution item { key } } }"""


@pytest.fixture
async def sender(api: Api) -> Actor:
    await make_halvard(api)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    return await api.actor(Role.OPERATOR, site="HV1", subject="store-1")


@pytest.fixture
async def receiver(api: Api, sender: Actor) -> Actor:
    return await api.actor(Role.OPERATOR, site="HV2", subject="store-2")


async def create(api: Api, sender: Actor, *items: dict[str, str]) -> str:
    payload = await api.do("createTransfer", FIELDS, by=sender, toSite="HV2", items=list(items or [BINDER]))
    return str(payload["transfer"]["number"])


async def ship(api: Api, sender: Actor, *items: dict[str, str]) -> str:
    number = await create(api, sender, *items)
    await api.do("shipTransfer", "", by=sender, transfer=number)
    return number


async def right(api: Api) -> None:
    assert await api.plant.database.read(broken_invariants) == []


async def confirm(api: Api, receiver: Actor, number: str, *received: Any, **more: Any) -> dict[str, Any]:
    payload = await api.do(
        "confirmTransferReceipt",
        FIELDS,
        by=receiver,
        transfer=number,
        location="HV2/STORE-FG",
        received=list(received),
        **more,
    )
    return dict(payload["transfer"])


async def shown(api: Api, by: Actor | Role, **key: str) -> dict[str, Any] | None:
    data = await api.ask(
        "query($key: ItemKey!) { item(key: $key) { lifecycle location { code } quantity { value } } }",
        by=by,
        key=key or BINDER,
    )
    item: dict[str, Any] | None = data["item"]
    return item


async def test_an_item_is_at_one_site_or_in_transit(api: Api, sender: Actor, receiver: Actor) -> None:
    number = await create(api, sender)
    assert (await shown(api, sender) or {})["location"] == {"code": "STORE-RM"}
    assert await shown(api, receiver) is None
    await api.do("shipTransfer", "", by=sender, transfer=number)
    assert await shown(api, sender) is None
    assert await shown(api, receiver) == {"lifecycle": "SHIPPED", "location": None, "quantity": {"value": "25"}}
    await right(api)
    transfer = await confirm(api, receiver, number)
    assert transfer["state"] == "RECONCILED"
    assert await shown(api, receiver) == {
        "lifecycle": "AVAILABLE",
        "location": {"code": "STORE-FG"},
        "quantity": {"value": "25"},
    }
    assert await shown(api, sender) is None


async def test_what_is_in_transit_can_be_used_by_nobody(api: Api, sender: Actor, receiver: Actor) -> None:
    await ship(api, sender)
    move = {"items": [BINDER], "location": "HV2/STORE-FG"}
    assert codes(await api.refused("moveMaterial", by=receiver, **move)) == ["INVALID_TRANSITION"]
    assert codes(await api.refused("returnItems", by=receiver, **move)) == ["INVALID_TRANSITION"]
    assert codes(await api.refused("createTransfer", by=receiver, toSite="HV1", items=[BINDER])) == [
        "INVALID_TRANSITION"
    ]


async def test_what_may_not_leave_the_plant_may_not_leave_the_site(api: Api, sender: Actor) -> None:
    number = await create(api, sender)
    await api.do("placeHold", "", by=Role.QUALITY, items=[BINDER], severity="MINOR", reason={"code": "SUSPECT"})
    assert codes(await api.refused("shipTransfer", by=sender, transfer=number)) == ["NOT_RELEASED_FOR_SHIPMENT"]
    await make_item(api, "RM-CB", "CB-1", "5", lifecycle=Lifecycle.QUARANTINE)
    other = await create(api, sender, {"material": "RM-CB", "lot": "CB-1"})
    assert codes(await api.refused("shipTransfer", by=sender, transfer=other)) == [
        "NOT_RELEASED_FOR_SHIPMENT",
        "LOT_NOT_RELEASED",
    ]


async def test_an_item_stands_on_one_draft_until_that_is_cancelled(api: Api, sender: Actor, receiver: Actor) -> None:
    number = await create(api, sender)
    [error] = await api.refused("createTransfer", by=sender, toSite="HV2", items=[BINDER])
    assert (error["code"], error["path"]) == ("DUPLICATE_KEY", ["input", "items", "0"])
    assert number in error["message"]
    assert codes(await api.refused("cancelTransfer", by=receiver, transfer=number)) == ["NOT_FOUND"]
    done = await api.do("cancelTransfer", FIELDS, by=sender, transfer=number)
    assert done["transfer"]["state"] == "CANCELLED"
    assert (await shown(api, sender) or {})["location"] == {"code": "STORE-RM"}
    assert codes(await api.refused("shipTransfer", by=sender, transfer=number)) == ["INVALID_TRANSITION"]
    assert codes(await api.refused("cancelTransfer", by=sender, transfer=number)) == ["INVALID_TRANSITION"]
    await ship(api, sender)
    await right(api)


async def test_a_shipment_refused_for_an_item_names_it_and_points_to_the_transfer(api: Api, sender: Actor) -> None:
    number = await create(api, sender)
    await api.do("placeHold", "", by=Role.QUALITY, items=[BINDER], severity="MINOR", reason={"code": "SUSPECT"})
    [error] = await api.refused("shipTransfer", by=sender, transfer=number)
    assert (error["code"], error["path"]) == ("NOT_RELEASED_FOR_SHIPMENT", ["input", "transfer"])
    assert "RM-PVDF/PVDF-2219" in error["message"]
    done = await api.do("cancelTransfer", FIELDS, by=sender, transfer=number)
    assert done["transfer"]["state"] == "CANCELLED"


async def test_a_lot_that_comes_short_is_counted_off_and_disputed(api: Api, sender: Actor, receiver: Actor) -> None:
    number = await ship(api, sender)
    short = {"item": BINDER, "quantity": amount("24.5", "KGM")}
    given = {"transfer": number, "location": "HV2/STORE-FG"}
    errors = await api.refused("confirmTransferReceipt", by=receiver, **given, received=[short])
    assert codes(errors) == ["REASON_REQUIRED"]
    transfer = await confirm(api, receiver, number, short, reason={"code": "SPILLED"})
    [line] = transfer["lines"]
    assert (transfer["state"], line["received"], line["difference"]) == (
        "DISPUTED",
        {"value": "24.5"},
        {"value": "0.5"},
    )
    assert (await shown(api, receiver) or {})["quantity"] == {"value": "24.5"}
    supervisor = await api.actor(Role.SUPERVISOR, site="HV2", subject="sup-2")
    late = {"transfer": number, "items": [BINDER], "resolution": "ARRIVED_LATE", "location": "HV2/STORE-FG"}
    done = await api.do("adjustTransfer", FIELDS, by=supervisor, **late, reason={"code": "FOUND"})
    assert (done["transfer"]["state"], done["transfer"]["lines"][0]["resolution"]) == ("RECONCILED", "ARRIVED_LATE")
    assert (await shown(api, receiver) or {})["quantity"] == {"value": "25"}
    totals = """query($i: ItemKey!) { trace(item: $i, direction: FORWARD) {
        nodes { contained { value } } totals { onHand { value } removed { value } } } }"""
    found = (await api.ask(totals, by=Role.VIEWER, i=BINDER))["trace"]
    assert found["totals"] == {"onHand": {"value": "25"}, "removed": {"value": "0"}}, "nothing was lost"
    assert found["nodes"][0]["contained"] == {"value": "25"}
    await right(api)


async def test_what_never_left_is_at_the_sending_site_again(api: Api, sender: Actor, receiver: Actor) -> None:
    number = await ship(api, sender)
    await confirm(api, receiver, number, {"item": BINDER, "quantity": amount("0", "KGM")})
    adjust = {"transfer": number, "items": [BINDER], "resolution": "NEVER_LEFT", "location": "HV1/STORE-RM"}
    here = await api.actor(Role.SUPERVISOR, site="HV2", subject="sup-2")
    errors = await api.refused("adjustTransfer", by=here, **adjust, reason={"code": "FOUND"})
    assert codes(errors) == ["NOT_FOUND"]  # the store of another site
    await api.do("adjustTransfer", "", by=Role.SUPERVISOR, **adjust, reason={"code": "FOUND"})
    assert (await shown(api, sender) or {})["location"] == {"code": "STORE-RM"}
    assert await shown(api, receiver) is None
    await right(api)


async def test_only_what_is_missing_is_adjusted(api: Api, sender: Actor, receiver: Actor) -> None:
    number = await ship(api, sender)
    await make_item(api, "RM-CB", "CB-1", "5", location=None, site_code="HV2")
    foreign = {"item": {"material": "RM-CB", "lot": "CB-1"}, "quantity": amount("1", "KGM")}
    given = {"transfer": number, "location": "HV2/STORE-FG"}
    errors = await api.refused("confirmTransferReceipt", by=receiver, **given, received=[foreign])
    assert [(e["code"], e["path"]) for e in errors] == [("TRANSFER_DISCREPANCY", ["input", "received", "0", "item"])]
    await confirm(api, receiver, number, {"item": BINDER, "quantity": amount("0", "KGM")})
    adjust = {"transfer": number, "resolution": "LOST", "reason": {"code": "LOST"}}
    errors = await api.refused("adjustTransfer", by=Role.SUPERVISOR, **adjust, items=[foreign["item"]])
    assert codes(errors) == ["TRANSFER_DISCREPANCY"]
    errors = await api.refused("adjustTransfer", by=Role.SUPERVISOR, **adjust, items=[BINDER], location="HV2/STORE-FG")
    assert codes(errors) == ["VALIDATION_FAILED"]


async def test_each_site_does_its_part_and_others_see_nothing(api: Api, sender: Actor, receiver: Actor) -> None:
    number = await create(api, sender)
    assert codes(await api.refused("shipTransfer", by=receiver, transfer=number)) == ["NOT_FOUND"]
    await api.do("shipTransfer", "", by=sender, transfer=number)
    errors = await api.refused(
        "confirmTransferReceipt", by=sender, transfer=number, location="HV1/STORE-RM", received=[]
    )
    assert "NOT_FOUND" in codes(errors)
    await api.do(
        "submitSites", "", by=Role.ADMIN, sites=[{"code": "WH3", "name": "Warehouse", "timeZone": "Europe/Lisbon"}]
    )
    stranger = await api.actor(Role.OPERATOR, site="WH3", subject="store-3")
    document = "{ transfers { nodes { number } totalCount } }"
    for actor, seen in ((sender, [{"number": number}]), (receiver, [{"number": number}]), (stranger, [])):
        data = await api.ask(document, by=actor)
        assert data["transfers"] == {"nodes": seen, "totalCount": len(seen)}
    assert codes(await api.refused("shipTransfer", by=stranger, transfer=number)) == ["NOT_FOUND"]


async def test_genealogy_spans_the_sites_for_whom_may_see_both(api: Api, sender: Actor, receiver: Actor) -> None:
    split = {"item": BINDER, "children": [{"number": "1", "quantity": amount("5", "KGM")}]}
    await api.do("splitLot", "", by=sender, **split)
    part = BINDER | {"sublot": "1"}
    await confirm(api, receiver, await ship(api, sender, part))
    trace = """query($key: ItemKey!) { trace(item: $key, direction: BACKWARD) {
      nodes { item { key } } completeness { complete } } }"""
    both = (await api.ask(trace, by=Role.AUDITOR, key=part))["trace"]
    assert {node["item"]["key"] for node in both["nodes"]} >= {"RM-PVDF/PVDF-2219", "RM-PVDF/PVDF-2219/1"}
    assert both["completeness"]["complete"] is True
    one = (await api.ask(trace, by=receiver, key=part))["trace"]
    assert {node["item"]["key"] for node in one["nodes"]} == {"RM-PVDF/PVDF-2219/1"}
    assert one["completeness"]["complete"] is False


async def test_a_transfer_is_corrected_by_its_own_verbs(api: Api, sender: Actor) -> None:
    number = await create(api, sender)
    payload = await api.do("shipTransfer", "ledgerEvents { type eventId }", by=sender, transfer=number)
    assert [event["type"] for event in payload["ledgerEvents"]] == [
        "ITEMS_TRANSFERRED_OUT",
        "TRANSFER_SHIPPED",
        "TRANSFER_ANNOUNCED",
    ]
    errors = await api.refused(
        "reverseEvent",
        by=Role.OPERATOR,
        event=payload["ledgerEvents"][0]["eventId"],
        reason={"code": "MISTAKE", "comment": "x"},
    )
    assert codes(errors) == ["RECORD_IMMUTABLE"]


VERBS = {
    "cancelTransfer": TransferState.CANCELLED,
    "shipTransfer": TransferState.SHIPPED,
    "confirmTransferReceipt": TransferState.RECEIVED,
    "adjustTransfer": TransferState.RECONCILED,
}


@pytest.mark.parametrize("command", VERBS)
async def test_a_state_permits_what_the_table_says_and_names_it(api: Api, sender: Actor, command: str) -> None:
    number = await ship(api, sender)
    given: dict[str, Any] = {"transfer": number, "reason": {"code": "X"}}
    if command == "confirmTransferReceipt":
        given |= {"location": "HV2/STORE-FG", "received": []}
    if command == "adjustTransfer":
        given |= {"items": [BINDER], "resolution": "LOST"}
    for state in TransferState:
        if VERBS[command] in targets(state):
            continue

        def put(session: Session, state: TransferState = state) -> None:
            session.query(Transfer).one().state = state

        await api.plant.database.write(put)
        errors = await api.refused(command, by=Role.SUPERVISOR, **given)
        assert "INVALID_TRANSITION" in codes(errors)


def test_who_may_take_a_step_is_what_the_policy_says() -> None:
    who = {step.target: step.who for step in STEPS if step.who}
    for command, target in VERBS.items():
        assert POLICY["Mutation"][command] == who[target]

"""Every step of the table of lifecycles through the API: for the roles named and no others, from the states named and
no others. Made from the table, so a new row is proved as soon as it names its command here.
"""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.materials.lifecycle import FOLLOWERS, STEPS
from mesgraph.materials.models import Item, Lifecycle
from tests.api import Api
from tests.factories.execution import MIX, make_order, make_plant
from tests.factories.materials import make_item

WHY = {"reason": {"code": "TEST"}}
COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "release": ("releaseLot", {}),
    "reject": ("rejectLot", WHY),
    "rework": ("dispositionItem", WHY | {"decision": "REWORK", "request": "HV1/10045"}),
    "use as is": ("dispositionItem", WHY | {"decision": "USE_AS_IS"}),
    "regrade": ("dispositionItem", WHY | {"decision": "REGRADE", "grade": "B"}),
    "return to supplier": ("dispositionItem", WHY | {"decision": "RETURN_TO_SUPPLIER"}),
    "disassemble": ("disassembleUnit", {"unit": {"material": "MOD-8S", "serial": "HM1"}}),
    "ship": ("shipItems", {}),
    "return": ("returnItems", {"location": "HV1/STORE-WIP"}),
    "scrap": ("scrapItem", WHY),
}
"""The command that takes an item that is there through the step."""
TAKING_MANY = {"disassemble": "components", "ship": "items", "return": "items"}
ELSEWHERE = {
    "receive": "tests/genealogy/test_receive_items.py",
    "produce": "tests/orders/test_produce_material.py",
    "assemble": "tests/orders/test_assemble_unit.py",
    "receive a transfer": "transfers",
}
"""Steps that make the item, or need a run."""
OWN_CODE = {"ship": "NOT_RELEASED_FOR_SHIPMENT"}
"""Where an invariant of its own says no (I43)."""
STEPS_HERE = [step for step in STEPS if step.trigger in COMMANDS]


async def item_in(api: Api, lifecycle: Lifecycle, number: str) -> dict[str, str]:
    """A cell of a supplier that is put into a state; an installed one is in module HM1."""
    await make_item(api, "CELL-105", number, location="HV1/STORE-WIP")

    def put(session: Session) -> None:
        row = session.scalars(select(Item).where(Item.key == f"CELL-105/{number}")).one()
        row.lifecycle, row.supplier_id = lifecycle, 1
        if lifecycle is Lifecycle.INSTALLED:
            unit = session.scalars(select(Item).where(Item.key == "MOD-8S/HM1")).one()
            row.parent_id, row.quantity = unit.id, row.quantity * 0

    await api.plant.database.write(put)
    return {"material": "CELL-105", "serial": number}


def asked(trigger: str, key: dict[str, str]) -> tuple[str, dict[str, Any]]:
    command, more = COMMANDS[trigger]
    many = TAKING_MANY.get(trigger)
    return command, more | ({many: [key]} if many else {"item": key})


async def ready(api: Api) -> None:
    """HALVARD with an order that reworks, and an empty module."""
    await make_plant(api)
    await make_order(api, MIX)
    await make_item(api, "MOD-8S", "HM1", location="HV1/STORE-WIP")


def test_every_step_is_proved_here_or_elsewhere() -> None:
    by_people = {step.trigger for step in STEPS if step.who}
    assert by_people == COMMANDS.keys() | ELSEWHERE.keys()


@pytest.mark.parametrize("trigger", COMMANDS)
async def test_the_roles_named_take_the_step_and_no_others(api: Api, trigger: str) -> None:
    await ready(api)
    (step,) = [step for step in STEPS_HERE if step.trigger == trigger]
    for role in Role:
        key = await item_in(api, sorted(step.sources)[0], f"C-{role}"[:20])
        command, wanted = asked(trigger, key)
        if role in step.who:
            await api.do(command, "", by=role, **wanted)
            continue
        name = command[0].upper() + command[1:]
        document = f"mutation($input: {name}Input!) {{ {command}(input: $input) {{ replayed }} }}"
        assert (await api.error(document, by=role, input=wanted))["code"] == "FORBIDDEN", role


@pytest.mark.parametrize("trigger", COMMANDS)
async def test_it_leads_from_the_states_named_and_from_others_it_is_refused_with_the_way_out(
    api: Api, trigger: str
) -> None:
    await ready(api)
    (step,) = [step for step in STEPS_HERE if step.trigger == trigger]
    role = sorted(step.who)[0]
    for before in Lifecycle:
        key = await item_in(api, before, f"C-{before}")
        command, wanted = asked(trigger, key)
        if before in step.sources:
            await api.do(command, "", by=role, **wanted)
            assert await lifecycle_of(api, key) is step.target, before
            continue
        errors = await api.refused(command, by=role, **wanted)
        if trigger in OWN_CODE:
            assert OWN_CODE[trigger] in {e["code"] for e in errors}, before
            continue
        (error,) = [e for e in errors if e["code"] == "INVALID_TRANSITION"]
        assert await allowed(api, command, role, wanted) == sorted(FOLLOWERS[before]), before
        assert error["path"][1] in ("item", "items", "components")


async def allowed(api: Api, command: str, role: Role, wanted: dict[str, Any]) -> list[str]:
    """What the refusal says is permitted."""
    name = command[0].upper() + command[1:]
    data = await api.ask(
        f"mutation($input: {name}Input!) {{ {command}(input: $input) {{ userErrors {{ "
        "... on InvalidTransitionError { allowed } } } }",
        by=role,
        input=wanted,
    )
    (found,) = [error["allowed"] for error in data[command]["userErrors"] if error]
    return list(found)


async def lifecycle_of(api: Api, key: dict[str, str]) -> Lifecycle:
    document = "query($key: ItemKey!) { item(key: $key) { lifecycle } }"
    return Lifecycle((await api.ask(document, by=Role.VIEWER, key=key))["item"]["lifecycle"])


async def test_a_logistic_unit_is_not_judged(api: Api) -> None:
    await ready(api)
    await make_item(api, "PACK-48-105", "HP1")
    sscc = "095212340000000013"
    await api.do("pack", "", by=Role.OPERATOR, sscc=sscc, items=[{"material": "PACK-48-105", "serial": "HP1"}])
    (error,) = await api.refused("rejectLot", by=Role.QA, item={"sscc": sscc}, **WHY)
    assert (error["code"], error["path"]) == ("VALIDATION_FAILED", ["input", "item"])


async def test_a_rejection_needs_a_reason_and_shows_in_the_history(api: Api) -> None:
    await ready(api)
    key = await item_in(api, Lifecycle.QUARANTINE, "C1")
    (error,) = await api.refused("rejectLot", by=Role.QA, item=key)
    assert error["code"] == "REASON_REQUIRED"
    (error,) = await api.refused("rejectLot", by=Role.QA, item=key, expectedVersion=7, **WHY)
    assert error["code"] == "VERSION_CONFLICT"
    payload = await api.do("rejectLot", "item { id status } ledgerEvents { type payload }", by=Role.QA, item=key, **WHY)
    assert payload["item"]["status"] == "REJECTED"
    (event,) = payload["ledgerEvents"]
    assert (event["type"], event["payload"]["fromLifecycle"]) == ("LOT_REJECTED", "QUARANTINE")
    found = await api.ask(
        "query($id: ID!) { history(id: $id) { nodes { type reasonCode } } }",
        by=Role.QA,
        id=payload["item"]["id"],
    )
    assert {"type": "LOT_REJECTED", "reasonCode": "TEST"} in found["history"]["nodes"]

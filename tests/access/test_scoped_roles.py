"""A role at equipment: for what is done there and below, and for nothing else; what is read, it opens for the site."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from mesgraph.access.actions import grant_role
from mesgraph.access.models import Principal
from mesgraph.access.queries import actor_of, authenticate
from mesgraph.access.roles import Role
from mesgraph.equipment.actions import EquipmentMaster, submit_equipment
from mesgraph.equipment.models import EquipmentLevel
from mesgraph.security_events.kinds import SecurityEventKind
from mesgraph.security_events.watch import Watch
from mesgraph.work import Actor
from tests.api import Api
from tests.factories.execution import MIX, Order, make_order, make_plant, receive
from tests.factories.materials import equipment, site

WHY_DENIED = """query ($principal: ID!, $field: String!, $site: ID, $equipment: ID, $apiKey: ID) {
  whyDenied(principal: $principal, field: $field, site: $site, equipment: $equipment, apiKey: $apiKey) {
    allowed reasons { code text } } }"""


@pytest.fixture
async def orders(api: Api) -> dict[str, Order]:
    """HALVARD with COAT01 and STORE-WIP in LINE-1, COAT02 in LINE-2, and an order at each work unit and at none."""
    await make_plant(api)

    def lines(session: Session) -> None:
        line, cell, zone = EquipmentLevel.PRODUCTION_LINE, EquipmentLevel.WORK_CELL, EquipmentLevel.STORAGE_ZONE
        for code, level, parent in (
            ("LINE-1", line, None),
            ("LINE-2", line, None),
            ("COAT01", cell, "LINE-1"),
            ("COAT02", cell, "LINE-2"),
            ("STORE-WIP", zone, "LINE-1"),
        ):
            _put(api, session, code, level, parent)

    await api.plant.database.write(lines)
    made = {unit: await make_order(api, MIX, code=f"AT-{unit}", equipment_code=unit) for unit in ("COAT01", "COAT02")}
    return made | {"nowhere": await make_order(api, MIX, code="AT-NOWHERE", equipment_code=None)}


def _put(api: Api, session: Session, code: str, level: EquipmentLevel, parent: str | None, *stores: str) -> None:
    classes = ["WORK-UNIT"] if level is EquipmentLevel.WORK_CELL else []
    master = EquipmentMaster(
        code=code, name=code, level=level, parent=parent, classes=classes, storage_locations=list(stores)
    )
    submit_equipment(api.work(session), site(session), master)


async def at(api: Api, *places: str, role: Role = Role.OPERATOR, subject: str = "ann") -> Actor:
    """Somebody with a role at each of these pieces of equipment of HV1."""
    known = await api.actor(subject=subject)

    def grant(session: Session) -> Actor:
        principal = session.get_one(Principal, known.principal_id)
        for place in places:
            row = equipment(session, f"HV1/{place}")
            grant_role(api.work(session), principal, role, row.site_id, "HV1", row.id, row.code)
        return actor_of(session, principal, "test")

    return await api.plant.database.write(grant)


async def forbidden(api: Api, command: str, *, by: Actor, **input: Any) -> str:
    """Run a command that must be refused for want of a role, before anything is written; returns why."""
    document = (
        f"mutation ($input: {command[0].upper()}{command[1:]}Input!) {{ {command}(input: $input) {{ replayed }} }}"
    )
    async with api.nothing_written():
        result = await api.answer(document, by=by, input=input)
    [error] = result.errors
    assert error.extensions["code"] == "FORBIDDEN"
    return str(error.message)


async def test_a_role_at_a_line_counts_at_its_work_units_and_at_no_other_line(
    api: Api, orders: dict[str, Order]
) -> None:
    ann = await at(api, "LINE-1")
    message = await forbidden(api, "startJobOrder", by=ann, jobOrder=orders["COAT02"].jobs[20])
    assert message == "Mutation.startJobOrder needs one of the roles driver, operator at COAT02"
    await api.do("startJobOrder", "", by=ann, jobOrder=orders["COAT01"].jobs[20])
    run = f"{orders['COAT01'].jobs[20]}-R1"
    await api.do("reportQuantity", "", by=ann, jobResponse=run, good={"value": "1", "uom": "KGM"})
    state = {"state": "EXECUTE", "by": ann}
    await api.do("reportEquipmentState", "", equipment="HV1/COAT01", **state)
    await forbidden(api, "reportEquipmentState", equipment="HV1/COAT02", **state)


async def test_who_tries_one_line_after_another_is_noticed(
    api: Api, orders: dict[str, Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, watch = await at(api, "LINE-1"), Watch({SecurityEventKind.PROBING: 2})
    monkeypatch.setattr(Watch, "note", lambda _, *args, note=watch.note, **how: note(*args, **how))
    for line in ("LINE-2", "LINE-2", "COAT02"):
        assert watch.due() == [], "the same thing again is no other thing"
        await forbidden(api, "placeHold", by=ann, equipment=f"HV1/{line}", severity="MINOR", reason={"code": "TEST"})
    [alarm] = watch.due()
    assert alarm.source.principal_id == ann.principal_id


async def test_a_role_at_a_work_unit_does_not_count_above_it(api: Api, orders: dict[str, Order]) -> None:
    hold = {"severity": "MINOR", "reason": {"code": "TEST"}}
    ann = await at(api, "COAT01")
    await forbidden(api, "placeHold", by=ann, equipment="HV1/LINE-1", **hold)
    await api.do("placeHold", "", by=ann, equipment="HV1/COAT01", **hold)


async def test_the_whole_site_is_read(api: Api, orders: dict[str, Order]) -> None:
    ann = await at(api, "LINE-1")
    data = await api.ask("{ jobOrders { nodes { code } } sites { code } }", by=ann)
    assert {job["code"] for job in data["jobOrders"]["nodes"]} == {"AT-COAT01-20", "AT-COAT02-20", "AT-NOWHERE-20"}
    assert data["sites"] == [{"code": "HV1"}]


async def test_what_is_done_to_the_site_needs_a_role_for_it(api: Api, orders: dict[str, Order]) -> None:
    supervisor = await at(api, "LINE-1", role=Role.SUPERVISOR)
    order = {"operationsRequest": orders["COAT01"].code, "reason": {"code": "TEST"}}
    message = await forbidden(api, "holdOperationsRequest", by=supervisor, **order)
    assert message == "Mutation.holdOperationsRequest needs one of the roles quality, rule, supervisor for a whole site"
    hold = {**order, "severity": "MINOR"}
    message = await forbidden(api, "placeHold", by=supervisor, **hold)
    assert message.endswith("supervisor for a whole site"), "an order runs at no particular equipment"
    whole = await api.actor(Role.SUPERVISOR, site="HV1", subject="bob")
    await api.do("placeHold", "", by=whole, **hold)
    for unit in ("COAT01", "COAT02"):
        await api.do("reportEquipmentState", "", by=whole, equipment=f"HV1/{unit}", state="EXECUTE")


async def test_a_role_for_one_site_and_one_at_a_line_of_another_do_not_mix(api: Api, orders: dict[str, Order]) -> None:
    """A supervisor of HV2 who leads a line of HV1, too, stops no order of HV1."""
    await at(api, "LINE-1", role=Role.SUPERVISOR)
    await api.do("grantRole", "", by=Role.ADMIN, principal="ann", role="SUPERVISOR", site="HV2")
    ann = await at(api)
    order = {"operationsRequest": orders["COAT01"].code, "reason": {"code": "TEST"}}
    [error] = await api.refused("holdOperationsRequest", by=ann, **order)
    assert error["code"] == "NOT_FOUND"
    await api.do("reportEquipmentState", "", by=ann, equipment="HV2/PA01", state="EXECUTE")
    await api.do("reportEquipmentState", "", by=ann, equipment="HV1/COAT01", state="EXECUTE")
    await forbidden(api, "reportEquipmentState", by=ann, equipment="HV1/COAT02", state="EXECUTE")


async def test_another_site_is_not_there(api: Api, orders: dict[str, Order]) -> None:
    ann = await at(api, "LINE-1")
    for name in ("HV2/PA01", "HV2/NONE"):
        [error] = await api.refused("reportEquipmentState", by=ann, equipment=name, state="EXECUTE")
        assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "equipment"])
        assert error["message"] == f"no Equipment '{name}'"


async def test_a_job_of_no_work_unit_is_taken_by_naming_ones_own(api: Api, orders: dict[str, Order]) -> None:
    ann, job = await at(api, "LINE-1"), orders["nowhere"].jobs[20]
    message = await forbidden(api, "startJobOrder", by=ann, jobOrder=job)
    assert message.endswith("for a whole site")
    await forbidden(api, "startJobOrder", by=ann, jobOrder=job, equipment="HV1/COAT02")
    await api.do("startJobOrder", "", by=ann, jobOrder=job, equipment="HV1/COAT01")


async def test_a_job_is_not_given_to_another_line(api: Api, orders: dict[str, Order]) -> None:
    leader = await at(api, "LINE-1", role=Role.SUPERVISOR)
    mine, other = (orders[unit].jobs[20] for unit in ("COAT01", "COAT02"))
    await forbidden(api, "assignJobOrder", by=leader, jobOrder=mine, equipment="HV1/COAT02")
    await forbidden(api, "assignJobOrder", by=leader, jobOrder=other, equipment="HV1/COAT01")
    message = await forbidden(api, "rerouteJobOrder", by=leader, jobOrder=mine)
    assert message.endswith("for a whole site"), "the plant would choose where the rest goes"
    both = await at(api, "LINE-2", role=Role.SUPERVISOR)
    await api.do("assignJobOrder", "", by=both, jobOrder=mine, equipment="HV1/COAT02")


async def test_items_are_handled_where_they_lie(api: Api, orders: dict[str, Order]) -> None:
    await receive(api, "RM-PVDF", "P-1", "50", store="STORE-WIP")
    lot = {"material": "RM-PVDF", "lot": "P-1"}
    ann = await at(api, "LINE-1")
    out = {"items": [lot], "location": "HV1/STORE-RM"}
    message = await forbidden(api, "moveMaterial", by=ann, **out)
    assert message.endswith("at STORE-RM")
    await api.do("takeSample", "", by=ann, item=lot, quantity={"value": "1", "uom": "KGM"})
    both = await at(api, "STORE-RM")
    await api.do("moveMaterial", "", by=both, **out)
    await forbidden(api, "takeSample", by=ann, item=lot, quantity={"value": "1", "uom": "KGM"})


async def test_what_lies_elsewhere_is_put_on_hold_by_no_measured_value(api: Api, orders: dict[str, Order]) -> None:
    def stores(session: Session) -> None:
        _put(api, session, "STORE-2", EquipmentLevel.STORAGE_ZONE, "LINE-2")
        _put(api, session, "COAT01", EquipmentLevel.WORK_CELL, "LINE-1", "STORE-RM")

    await api.plant.database.write(stores)
    for number, store in (("P-1", "STORE-WIP"), ("P-2", "STORE-RM"), ("P-3", "STORE-2")):
        await receive(api, "RM-PVDF", number, "50", store=store)
    ann = await at(api, "LINE-1")
    await api.do("startJobOrder", "", by=ann, jobOrder=orders["COAT01"].jobs[20])
    measured = {"by": ann, "jobResponse": f"{orders['COAT01'].jobs[20]}-R1", "parameter": "NONE", "value": "1"}
    message = await forbidden(api, "recordParameter", item={"material": "RM-PVDF", "lot": "P-3"}, **measured)
    assert message.endswith("at STORE-2")
    for number in ("P-1", "P-2"):
        item = {"material": "RM-PVDF", "lot": number}
        [error] = await api.refused("recordParameter", item=item, **measured)
        assert error["path"] == ["input", "parameter"], "it may, were there such a parameter"


async def test_what_comes_in_needs_its_store_to_be_named(api: Api, orders: dict[str, Order]) -> None:
    ann = await at(api, "LINE-1")
    line = {"material": "RM-NMP", "lotNumber": "N-1", "quantity": {"value": "1", "uom": "KGM"}}
    assert (await forbidden(api, "receiveItems", by=ann, site="HV1", lines=[line])).endswith("for a whole site")
    here, there = ({**line, "location": f"HV1/{store}"} for store in ("STORE-WIP", "STORE-RM"))
    await forbidden(api, "receiveItems", by=ann, site="HV1", lines=[here, {**there, "lotNumber": "N-2"}])
    await api.do("receiveItems", "", by=ann, site="HV1", lines=[here])


async def test_equipment_that_is_moved_takes_its_roles_along_at_once(api: Api, orders: dict[str, Order]) -> None:
    ann = await at(api, "LINE-1")
    state = {"by": ann, "state": "EXECUTE"}
    done = await api.do("reportEquipmentState", "", equipment="HV1/COAT01", idempotencyKey="once", **state)
    assert not done["replayed"]

    def swap(session: Session) -> None:
        _put(api, session, "COAT01", EquipmentLevel.WORK_CELL, "LINE-2")
        _put(api, session, "COAT02", EquipmentLevel.WORK_CELL, "LINE-1")

    await api.plant.database.write(swap)
    await api.do("reportEquipmentState", "", equipment="HV1/COAT02", **state)
    await forbidden(api, "reportEquipmentState", equipment="HV1/COAT01", **state)
    again = await api.do("reportEquipmentState", "", equipment="HV1/COAT01", idempotencyKey="once", **state)
    assert again["replayed"], "what was done is told again"


async def by_key(api: Api, **where: str) -> Actor:
    """Ann, by a new key that counts there."""
    made = await api.do("issueApiKey", "text apiKey { equipment { code } }", by=Role.ADMIN, principal="ann", **where)
    assert made["apiKey"]["equipment"] == {"code": where["equipment"].split("/")[1]}
    now = api.clock.now()
    actor = await api.plant.database.read(lambda session: authenticate(session, made["text"], now))
    assert actor is not None
    return actor


async def test_a_key_counts_where_it_and_the_roles_do(api: Api, orders: dict[str, Order]) -> None:
    await api.actor(Role.OPERATOR, site="HV1", subject="ann")
    key = await by_key(api, equipment="HV1/LINE-1")
    await api.do("reportEquipmentState", "", by=key, equipment="HV1/COAT01", state="EXECUTE")
    await forbidden(api, "reportEquipmentState", by=key, equipment="HV1/COAT02", state="EXECUTE")
    assert (await forbidden(api, "createTransfer", by=key, toSite="HV2", items=[])).endswith("for a whole site")


async def test_a_key_widens_no_role(api: Api, orders: dict[str, Order]) -> None:
    await at(api, "LINE-1")
    for place in ("COAT01", "LINE-2"):
        key = await by_key(api, equipment=f"HV1/{place}")
        await forbidden(api, "reportEquipmentState", by=key, equipment="HV1/COAT02", state="EXECUTE")
    key = await by_key(api, equipment="HV1/COAT01")
    await api.do("reportEquipmentState", "", by=key, equipment="HV1/COAT01", state="EXECUTE")
    await forbidden(api, "reportEquipmentState", by=key, equipment="HV1/LINE-1", state="EXECUTE")


async def test_a_grant_is_given_shown_recorded_and_taken(api: Api, orders: dict[str, Order]) -> None:
    await api.actor(subject="ann")
    where = {"principal": "ann", "role": "DRIVER", "equipment": "HV1/LINE-1"}
    shown = "grant { id role site { code } equipment { code } withdrawnAt }"
    first, second = [await api.do("grantRole", shown, by=Role.ADMIN, **where) for _ in range(2)]
    assert first["grant"]["equipment"] == {"code": "LINE-1"}
    assert first["grant"]["site"] == {"code": "HV1"}
    assert second["grant"] == first["grant"], "granted twice, it is the same"
    [error] = await api.refused("withdrawRole", by=Role.ADMIN, principal="ann", role="DRIVER", site="HV1")
    assert error["code"] == "NOT_FOUND", "for the whole site it was never granted"
    recorded = "ledgerEvents { type payload }"
    gone = await api.do("withdrawRole", recorded, by=Role.ADMIN, **where)
    assert [(e["type"], e["payload"]["site"], e["payload"]["equipment"]) for e in gone["ledgerEvents"]] == [
        ("ROLE_WITHDRAWN", "HV1", "LINE-1")
    ]
    assert (await at(api)).grants == ()


async def test_a_grant_for_the_site_stands_beside_one_at_a_line(api: Api, orders: dict[str, Order]) -> None:
    await at(api, "LINE-1")
    await api.do("grantRole", "", by=Role.ADMIN, principal="ann", role="OPERATOR", site="HV1")
    await api.do("reportEquipmentState", "", by=await at(api), equipment="HV1/COAT02", state="EXECUTE")


async def test_equipment_of_another_site_is_granted_by_nobody_of_this_one(api: Api, orders: dict[str, Order]) -> None:
    admin = await api.actor(Role.ADMIN, site="HV1", subject="admin-1")
    await api.actor(subject="ann")
    for command, more in (("grantRole", {"role": "DRIVER"}), ("withdrawRole", {"role": "DRIVER"}), ("issueApiKey", {})):
        for name in ("HV2/PA01", "HV2/NONE"):
            [error] = await api.refused(command, by=admin, principal="ann", equipment=name, **more)
            assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "equipment"])
            assert error["message"] == f"no Equipment '{name}'"


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"equipment": "HV1/HV1"}, "HV1 is a whole site: name it as `site` alone"),
        ({"site": "HV2", "equipment": "HV1/LINE-1"}, "LINE-1 does not stand at HV2: name one of them"),
    ],
)
async def test_what_is_no_part_of_the_site_is_refused(
    api: Api, orders: dict[str, Order], where: dict[str, str], message: str
) -> None:
    await api.actor(subject="ann")
    for command, more in (("grantRole", {"role": "DRIVER"}), ("issueApiKey", {})):
        [error] = await api.refused(command, by=Role.ADMIN, principal="ann", **where, **more)
        assert (error["code"], error["message"]) == ("VALIDATION_FAILED", message)


async def reasons(api: Api, field: str, **where: str) -> dict[str, str]:
    data = await api.ask(WHY_DENIED, by=Role.AUDITOR, principal="ann", field=field, **where)
    return {reason["code"]: reason["text"] for reason in data["whyDenied"]["reasons"]}


async def test_it_is_explained(api: Api, orders: dict[str, Order]) -> None:
    await at(api, "LINE-1", role=Role.SUPERVISOR)
    start, hold = "Mutation.permitJobOrder", "Mutation.holdOperationsRequest"
    assert await reasons(api, start, equipment="HV1/COAT01") == {
        "PERMITTED": f"supervisor at HV1/LINE-1 permits {start}"
    }
    assert await reasons(api, start, equipment="HV1/COAT02") == {
        "OTHER_EQUIPMENT": f"{start} is wanted at HV1/COAT02; ann holds supervisor at HV1/LINE-1"
    }
    assert await reasons(api, hold, site="HV1") == {
        "NOT_WHOLE_SITE": f"{hold} needs its role for a whole site; ann holds supervisor at HV1/LINE-1"
    }
    assert set(await reasons(api, start, equipment="HV2/PA01")) == {"OTHER_SITES"}
    assert set(await reasons(api, "Query.jobOrders", equipment="HV1/COAT02")) == {"PERMITTED"}, "the site is read"
    made = await api.do("issueApiKey", "apiKey { keyId }", by=Role.ADMIN, principal="ann", equipment="HV1/LINE-2")
    key = made["apiKey"]["keyId"]
    assert await reasons(api, start, equipment="HV1/COAT01", apiKey=key) == {
        "KEY_OF_ONE_SITE": f"the key {key} counts at HV1/LINE-2 alone; without it the roles suffice"
    }

"""Release from quarantine."""

import pytest

from mesgraph.access.roles import Role
from mesgraph.materials.models import Lifecycle
from tests.api import Api
from tests.factories.materials import make_halvard, make_item

CB_1 = {"material": "RM-CB", "lot": "CB-1"}


async def test_a_lot_in_quarantine_becomes_available(api: Api) -> None:
    await make_halvard(api)
    await make_item(api, "RM-CB", "CB-1", lifecycle=Lifecycle.QUARANTINE)
    payload = await api.do(
        "releaseLot", "item { key status } ledgerEvents { type payload }", by=Role.QA, item=CB_1, expectedVersion=1
    )
    assert payload["item"] == {"key": "RM-CB/CB-1", "status": "AVAILABLE"}
    (event,) = payload["ledgerEvents"]
    assert event["type"] == "LOT_RELEASED"
    assert (event["payload"]["fromLifecycle"], event["payload"]["toLifecycle"]) == ("QUARANTINE", "AVAILABLE")


async def test_a_hold_stays_on_top(api: Api) -> None:
    await make_halvard(api)
    await make_item(api, "RM-CB", "CB-1", lifecycle=Lifecycle.QUARANTINE)
    reason = {"code": "SUPPLIER_NOTICE"}
    await api.do("placeHold", "", by=Role.QUALITY, items=[CB_1], severity="MINOR", reason=reason)
    payload = await api.do("releaseLot", "item { status lifecycle }", by=Role.QA, item=CB_1)
    assert payload["item"] == {"status": "ON_HOLD", "lifecycle": "AVAILABLE"}


@pytest.mark.parametrize("lifecycle", [Lifecycle.AVAILABLE, Lifecycle.IN_PROCESS, Lifecycle.PLANNED])
async def test_nothing_else_is_released(api: Api, lifecycle: Lifecycle) -> None:
    await make_halvard(api)
    await make_item(api, "RM-CB", "CB-1", lifecycle=lifecycle)
    (error,) = await api.refused("releaseLot", by=Role.QA, item=CB_1)
    assert (error["__typename"], error["path"]) == ("InvalidTransitionError", ["input", "item"])


async def test_a_decision_on_an_older_version_is_refused(api: Api) -> None:
    await make_halvard(api)
    await make_item(api, "RM-CB", "CB-1", lifecycle=Lifecycle.QUARANTINE)
    (error,) = await api.refused("releaseLot", by=Role.QA, item=CB_1, expectedVersion=2)
    assert (error["code"], error["path"]) == ("VERSION_CONFLICT", ["input", "expectedVersion"])


async def test_only_qa_releases(api: Api) -> None:
    document = "mutation($input: ReleaseLotInput!) { releaseLot(input: $input) { replayed } }"
    assert (await api.error(document, by=Role.QUALITY, input={"item": CB_1}))["code"] == "FORBIDDEN"


async def test_an_item_of_another_site_does_not_exist(api: Api) -> None:
    await make_halvard(api)
    await make_item(api, "RM-CB", "CB-1", lifecycle=Lifecycle.QUARANTINE)
    (error,) = await api.refused("releaseLot", by=await api.actor(Role.QA, site="HV2"), item=CB_1)
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "item"])

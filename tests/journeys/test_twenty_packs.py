"""Story S1 as the planning system sees it: an order of 20 packs comes as a file, is made, and is confirmed."""

from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mesgraph.access.roles import Role
from mesgraph.integration import poster
from tests.api import Api
from tests.factories.b2mml import EXAMPLES
from tests.factories.execution import Line, Step, make_plant, put_definition
from tests.factories.materials import make_item
from tests.factories.outbox import destination
from tests.integration.erp import Erp, key_of_the_erp
from tests.integration.fake_erp import FakeErp, Received, fake_erp
from tests.kit.served import served
from tests.patience import eventually

PACK = Step(20, "PACK-48-105", [Line("MOD-8S", per="2")])
PACKS = 20
NAMES = {"b": "http://www.mesa.org/xml/B2MML"}


async def make_packs(api: Api, jobs: str) -> None:
    """The shift: two modules into each pack, then the job ends and the order is closed."""
    for n in range(2 * PACKS):
        await make_item(api, "MOD-8S", f"HM{n:02d}", location="HV1/STORE-WIP")
    started = await api.do(
        "startJobOrder", "jobResponse { code }", by=Role.OPERATOR, jobOrder=f"{jobs}-20", equipment="HV1/COAT01"
    )
    for n in range(PACKS):
        modules = [
            {"item": {"material": "MOD-8S", "serial": f"HM{2 * n + place:02d}"}, "slot": f"M{place + 1}"}
            for place in range(2)
        ]
        await api.do(
            "assembleUnit",
            "",
            by=Role.OPERATOR,
            jobResponse=f"HV1/{started['jobResponse']['code']}",
            material="PACK-48-105",
            serialNumber=f"HP{n:02d}",
            components=modules,
        )
    await api.do("stopJobOrder", "", by=Role.OPERATOR, jobOrder=f"{jobs}-20")
    await api.do("closeOperationsRequest", "", by=Role.PLANNER, operationsRequest=jobs)


async def booked(planning: FakeErp) -> list[Received]:
    """What the planning system has by now."""
    return planning.booked


async def test_an_order_of_20_packs_comes_as_a_file_and_is_confirmed(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poster, "POLL_S", 0.05)
    async with served(database_url) as server, fake_erp() as planning:
        api = Api(server.app.state.plant)
        await make_plant(api)
        author = await api.actor(Role.ENGINEER, subject="eng-03")
        approver = await api.actor(Role.QA, subject="qa-01")
        await api.plant.database.write(
            lambda session: put_definition(api, session, "PACK-48-105", [PACK], author, approver)
        )
        await destination(api, kind="HTTP", url=planning.address, sourceSystem="ERP1")
        erp = Erp(server, await key_of_the_erp(server), tmp_path)

        done = await erp.submit(EXAMPLES / "process-20-packs.xml", "--ack", tmp_path / "ack.xml")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "  10061 ACCEPTED 10061 " in done.stdout
        assert 'actionCode="Accepted"' in (tmp_path / "ack.xml").read_text()

        await make_packs(api, "HV1/10061")
        await eventually(partial(booked, planning), lambda messages: len(messages) == 3)

    assert planning.orders == {"10061": ["SEGMENT_ENDED", "ORDER_COMPLETED", "ORDER_CLOSED"]}
    document = ElementTree.fromstring(planning.booked[-1].body)
    response = document.find(".//b:OperationsResponse", NAMES)
    assert response is not None
    assert response.findtext("b:OperationsRequestID", namespaces=NAMES) == "10061"
    assert response.findtext("b:ResponseState", namespaces=NAMES) == "Closed"
    lines = [
        (
            line.findtext("b:MaterialDefinitionID", namespaces=NAMES),
            line.findtext("b:MaterialUse", namespaces=NAMES),
            line.findtext("b:Quantity/b:QuantityString", namespaces=NAMES),
        )
        for line in response.findall("b:SegmentResponse/b:MaterialActual", NAMES)
    ]
    assert lines.count(("PACK-48-105", "Produced", "1")) == PACKS
    assert lines.count(("MOD-8S", "Consumed", "1")) == 2 * PACKS
    assert len(lines) == 3 * PACKS

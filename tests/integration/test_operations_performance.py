"""What was made of an order, for the planning system: figures in the API and the same ones in the document."""

from typing import Any
from xml.etree import ElementTree

from mesgraph.access.roles import Role
from tests.api import Api
from tests.factories.execution import COAT, MIX, amount, consume, lot, make_order, make_plant, produce, receive, start

PERFORMANCE = """
query($request: ID!) { operationsPerformance(request: $request) {
  operationsRequest { code state } actualStart actualEnd
  segmentResponses {
    segmentRequirement { seq } state actualStart actualEnd goodQuantity { value uom } scrapQuantity { value }
    equipmentActuals { equipment { code } jobResponse { code } }
    materialActuals { item { key } material { code } use quantity { value uom } }
  }
  document
} }
"""
NAMES = {"b": "http://www.mesa.org/xml/B2MML"}


async def performance(api: Api, request: str) -> dict[str, Any]:
    data = await api.ask(PERFORMANCE, by=Role.ERP, request=request)
    found: dict[str, Any] = data["operationsPerformance"]
    return found


def texts(element: Any, path: str) -> list[str]:
    """The texts at a path of B2MML names."""
    return [found.text or "" for found in element.findall("/".join(f"b:{name}" for name in path.split("/")), NAMES)]


async def test_it_says_what_was_taken_and_made_without_what_was_taken_back(api: Api) -> None:
    await make_plant(api)
    order = await make_order(api, MIX, COAT, code="10041", quantity="100")
    for material, number in (("RM-PVDF", "P-1"), ("RM-LFP", "L-1"), ("RM-NMP", "N-1")):
        await receive(api, material, number, "100")
    run = await start(api, order, 20)
    await consume(api, run, "RM-PVDF", "P-1", "0.5")
    wrong = await consume(api, run, "RM-PVDF", "P-1", "3")
    await api.do("reverseEvent", "", by=Role.SUPERVISOR, event=wrong["eventId"], reason={"code": "TYPO"})
    await consume(api, run, "RM-LFP", "L-1", "30")
    await consume(api, run, "RM-LFP", "L-1", "4")
    await consume(api, run, "RM-NMP", "N-1", "20")
    await produce(api, run, lot("SLURRY-C", "S-1", "50"))
    made = {"good": amount("50", "KGM"), "scrap": amount("1.5", "KGM"), "reason": {"code": "SPILT"}}
    await api.do("reportQuantity", "", by=Role.OPERATOR, jobResponse=run, **made)
    began = api.clock.now().isoformat().replace("+00:00", "Z")
    ended = api.clock.step(hours=2).isoformat().replace("+00:00", "Z")
    await api.do("stopJobOrder", "", by=Role.OPERATOR, jobOrder=order.jobs[20])

    found = await performance(api, order.code)
    mixing, coating = found["segmentResponses"]
    assert mixing == {
        "segmentRequirement": {"seq": 20},
        "state": "COMPLETED",
        "actualStart": began,
        "actualEnd": ended,
        "goodQuantity": {"value": "50", "uom": "KGM"},
        "scrapQuantity": {"value": "1.5"},
        "equipmentActuals": [{"equipment": {"code": "COAT01"}, "jobResponse": {"code": run.partition("/")[2]}}],
        "materialActuals": [
            line("RM-PVDF/P-1", "CONSUMED", "0.5"),
            line("RM-LFP/L-1", "CONSUMED", "34"),
            line("RM-NMP/N-1", "CONSUMED", "20"),
            line("SLURRY-C/S-1", "PRODUCED", "50"),
        ],
    }
    assert (coating["state"], coating["actualStart"], coating["materialActuals"]) == ("WAITING", None, [])
    assert (found["actualStart"], found["actualEnd"]) == (began, None)

    document = ElementTree.fromstring(found["document"])
    assert document.tag == "{http://www.mesa.org/xml/B2MML}OperationsPerformance"
    response = document.find("b:OperationsResponse", NAMES)
    assert texts(response, "OperationsRequestID") == ["10041"]
    assert texts(response, "SegmentResponse/SegmentState") == ["Completed", "Waiting"]
    assert texts(response, "SegmentResponse/ActualEndTime") == [ended]
    assert texts(response, "SegmentResponse/EquipmentActual/EquipmentID") == ["COAT01"]
    assert texts(response, "SegmentResponse/MaterialActual/MaterialLotID") == ["P-1", "L-1", "N-1", "S-1"]
    assert texts(response, "SegmentResponse/MaterialActual/MaterialUse") == ["Consumed"] * 3 + ["Produced"]
    assert texts(response, "SegmentResponse/MaterialActual/Quantity/QuantityString") == ["0.5", "34", "20", "50"]


def line(key: str, use: str, value: str) -> dict[str, Any]:
    return {
        "item": {"key": key},
        "material": {"code": key.partition("/")[0]},
        "use": use,
        "quantity": {"value": value, "uom": "KGM"},
    }


async def test_an_order_of_another_site_is_not_there(api: Api) -> None:
    await make_plant(api)
    order = await make_order(api, COAT)
    error = await api.error(PERFORMANCE, by=await api.actor(Role.ERP, site="HV2"), request=order.code)
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["request"])


async def test_an_order_cancelled_before_its_start_is_no_aborted_one(api: Api) -> None:
    await make_plant(api)
    order = await make_order(api, COAT)
    await api.do("cancelOperationsRequest", "", by=Role.PLANNER, operationsRequest=order.code)
    found = await performance(api, order.code)
    assert [step["state"] for step in found["segmentResponses"]] == ["CANCELLED"]
    document = ElementTree.fromstring(found["document"])
    states = [e for e in document.iter() if e.tag.endswith("State")]
    assert [(e.text, e.get("OtherValue")) for e in states] == [("Other", "Cancelled")] * 3

"""Orders as documents of B2MML: read, judged one by one, answered as a document (I37, I38, I49)."""

from typing import Any
from xml.etree import ElementTree

import pytest

from mesgraph.access.roles import Role
from mesgraph.orders.models import RequestState
from tests.api import Api
from tests.factories.b2mml import ANSWER, document, example, refusals, request, submit_document, tag
from tests.factories.orders import make_cathode, make_line, order, put_request, submit

ORDERS = "/ProcessOperationsSchedule/DataArea/OperationsSchedule"


async def only(api: Api, text: str, **input: Any) -> dict[str, Any]:
    """The result of the one request of a document."""
    payload = await submit_document(api, text, **input)
    [result] = payload["results"]
    return dict(result)


async def test_an_order_becomes_known_with_all_that_it_says(api: Api) -> None:
    await make_line(api)
    text = document(request(start="2026-02-17T06:00:00+01:00", end="2026-03-02T16:00:00+01:00"))
    payload = await submit_document(api, text)
    assert payload["results"] == [
        {
            "externalId": "10041",
            "outcome": "ACCEPTED",
            "derivedId": False,
            "warnings": [],
            "operationsRequest": {
                "code": "10041",
                "state": "FORECAST",
                "quantity": {"value": "2296", "uom": "MTR"},
                "priority": 50,
                "dueAt": "2026-03-02T15:00:00Z",
                "earliestStart": "2026-02-17T05:00:00Z",
                "externalRevision": 1,
                "site": {"code": "HV1"},
            },
            "userErrors": [],
        }
    ]
    assert payload["message"]["state"] == "APPLIED"
    assert payload["message"]["kind"] == "PROCESS_OPERATIONS_SCHEDULE"
    assert payload["ledgerEvents"] == [{"type": "OPERATIONS_REQUEST_SUBMITTED"}]


async def test_it_is_the_order_of_the_other_door(api: Api) -> None:
    """What a document submits, `submitOperationsSchedule` finds unchanged: one meaning behind both."""
    await make_line(api)
    await submit_document(api, document(request()))
    [result] = await submit(api, order(), message="BOD-1")
    assert result["outcome"] == "UNCHANGED"
    errors = await api.refused(
        "submitOperationsSchedule", by=Role.ERP, sourceSystem="ERP1", messageId="BOD-7781", requests=[order()]
    )
    assert refusals(errors) == [("IDEMPOTENCY_CONFLICT", "messageId")], "message ids count for both doors"


async def test_the_same_message_again_gives_the_first_answer(api: Api) -> None:
    await make_line(api)
    first = await submit_document(api, document(request(), request("10042", product="NOTHING")))
    indented = document(request(), request("10042", product="NOTHING")).replace("><", ">\n  <")
    async with api.nothing_written():
        again = await submit_document(api, indented)
    assert first["message"]["state"] == "PARTIAL"
    assert again == first | {"duplicateOf": {"messageId": "BOD-7781"}}


async def test_the_same_message_with_other_content_is_refused(api: Api) -> None:
    await make_line(api)
    await submit_document(api, document(request()))
    errors = await api.refused("submitB2mml", by=Role.ERP, document=document(request(quantity="22")))
    assert refusals(errors) == [("IDEMPOTENCY_CONFLICT", "document")]


async def test_a_bad_request_does_not_block_the_others(api: Api) -> None:
    await make_line(api)
    bad = request("10042", quantity="2x", priority="high", state="Wanted", end="tomorrow")
    payload = await submit_document(
        api, document(request(), bad, request("10043", product="NOTHING"), request("10044"))
    )
    assert [result["outcome"] for result in payload["results"]] == ["ACCEPTED", "REJECTED", "REJECTED", "ACCEPTED"]
    second = f"{ORDERS}/OperationsRequest[2]"
    assert refusals(payload["results"][1]["userErrors"]) == [
        ("MESSAGE_INVALID", f"{second}/RequestState"),
        ("MESSAGE_INVALID", f"{second}/Priority"),
        ("MESSAGE_INVALID", f"{second}/EndTime"),
        ("MESSAGE_INVALID", f"{second}/SegmentRequirement/MaterialRequirement/Quantity/QuantityString"),
    ]
    assert refusals(payload["results"][2]["userErrors"]) == [
        (
            "NOT_FOUND",
            f"{ORDERS}/OperationsRequest[3]/SegmentRequirement/MaterialRequirement/MaterialDefinitionID",
        )
    ]
    assert payload["results"][1]["userErrors"][0]["path"][:2] == ["input", "document"]
    data = await api.ask("{ operationsRequests { nodes { code } } }", by=Role.ERP)
    assert [node["code"] for node in data["operationsRequests"]["nodes"]] == ["10041", "10044"]


AMOUNT = "SegmentRequirement/MaterialRequirement/Quantity/QuantityString"
UNIT = "SegmentRequirement/MaterialRequirement/Quantity/UnitOfMeasure"
PRODUCT = "SegmentRequirement/MaterialRequirement/MaterialDefinitionID"


@pytest.mark.parametrize(
    ("written", "broken"),
    [
        (
            {"priority": "high", "product": "NOTHING", "quantity": "-3", "uom": "FOO"},
            [("MESSAGE_INVALID", "Priority"), ("NOT_FOUND", PRODUCT), ("VALIDATION_FAILED", AMOUNT)],
        ),
        (
            {"quantity": "-3", "uom": "FOO", "end": "yesterday"},
            [("MESSAGE_INVALID", "EndTime"), ("UOM_MISMATCH", UNIT), ("VALIDATION_FAILED", AMOUNT)],
        ),
        (
            {"end": "yesterday", "site": "NOWHERE", "product": "NOTHING", "quantity": "2x"},
            [
                ("MESSAGE_INVALID", "EndTime"),
                ("MESSAGE_INVALID", AMOUNT),
                ("NOT_FOUND", "HierarchyScope/EquipmentID"),
                ("NOT_FOUND", PRODUCT),
            ],
        ),
        ({"quantity": "2x"}, [("MESSAGE_INVALID", AMOUNT)]),
        ({"product": "", "end": "yesterday"}, [("MESSAGE_INVALID", ""), ("MESSAGE_INVALID", "EndTime")]),
    ],
)
async def test_all_that_can_be_judged_is_told_at_once(
    api: Api, written: dict[str, Any], broken: list[tuple[str, str]]
) -> None:
    await make_line(api)
    result = await only(api, document(request(**written)))
    assert sorted(refusals(result["userErrors"])) == sorted(
        (code, f"{ORDERS}/OperationsRequest/{place}".rstrip("/")) for code, place in broken
    )
    data = await api.ask("{ operationsRequests { nodes { code } } }", by=Role.ERP)
    assert data["operationsRequests"]["nodes"] == []


async def test_a_product_without_a_name_is_told_once(api: Api) -> None:
    await make_line(api)
    result = await only(
        api,
        document(
            request(
                product="", segment="<MaterialRequirement><MaterialUse>Produced</MaterialUse></MaterialRequirement>"
            )
        ),
    )
    assert refusals(result["userErrors"]) == [
        ("MESSAGE_INVALID", f"{ORDERS}/OperationsRequest/SegmentRequirement/MaterialRequirement")
    ]


async def test_a_rule_of_the_plant_points_to_the_element(api: Api) -> None:
    await make_line(api)
    late = request(start="2026-03-02T00:00:00Z", end="2026-03-01T00:00:00Z", uom="KGM")
    result = await only(api, document(late))
    assert refusals(result["userErrors"]) == [
        (
            "UOM_MISMATCH",
            f"{ORDERS}/OperationsRequest/SegmentRequirement/MaterialRequirement/Quantity/UnitOfMeasure",
        )
    ]
    result = await only(api, document(late.replace("KGM", "MTR"), message="BOD-2"))
    assert refusals(result["userErrors"]) == [("TIME_ORDER_INVALID", f"{ORDERS}/OperationsRequest/EndTime")]


async def test_a_step_ends_after_it_starts(api: Api) -> None:
    await make_line(api)
    window = tag("EarliestStartTime", "2026-03-02T00:00:00") + tag("LatestEndTime", "2026-03-01T22:59:59Z")
    result = await only(api, document(request(segment=window)))
    assert refusals(result["userErrors"]) == [
        ("TIME_ORDER_INVALID", f"{ORDERS}/OperationsRequest/SegmentRequirement/LatestEndTime")
    ]


async def test_a_time_without_offset_is_the_sites_and_said_so(api: Api) -> None:
    await make_line(api)
    result = await only(api, document(request(end="2026-07-01T16:00:00")))
    assert result["operationsRequest"]["dueAt"] == "2026-07-01T14:00:00Z"
    [warning] = result["warnings"]
    assert f"{ORDERS}/OperationsRequest/EndTime has no offset" in warning


async def test_a_creation_without_offset_is_said_so(api: Api) -> None:
    await make_line(api)
    result = await only(api, document(request(version=None), created="2026-02-16T05:30:00"))
    assert result["outcome"] == "ACCEPTED"
    place = "/ProcessOperationsSchedule/ApplicationArea/CreationDateTime"
    assert result["warnings"] == [f"{place} has no offset; read as a time of Europe/Stockholm"]


async def test_other_words_need_their_other_value(api: Api) -> None:
    await make_line(api)
    plain = document(request("1", tag("OperationsType", "Other")))
    said = document(request("2", '<OperationsType OtherValue="Rework">Other</OperationsType>'), message="BOD-2")
    assert refusals((await only(api, plain))["userErrors"]) == [
        ("MESSAGE_INVALID", f"{ORDERS}/OperationsRequest/OperationsType")
    ]
    assert (await only(api, said))["outcome"] == "ACCEPTED"


@pytest.mark.parametrize(
    ("kind", "value", "right"),
    [
        *(("boolean", "yes", False), ("boolean", "true", True), ("integer", "1.5", False), ("int", "-3", True)),
        *(("decimal", "1e3", False), ("double", "1e3", True), ("dateTime", "2026-13-01T00:00:00Z", True)),
        *(("dateTime", "2026-03-01", False), ("duration", "8h", False), ("duration", "PT8H", True)),
        *(("string", "<any>", True), ("unknown", "1", False)),
    ],
)
async def test_values_have_the_form_of_their_type(api: Api, kind: str, value: str, right: bool) -> None:
    await make_line(api)
    written = value.replace("<", "&lt;")
    parameter = tag(
        "SegmentParameter", tag("ID", "p"), tag("Value", tag("ValueString", written), tag("DataType", kind))
    )
    result = await only(api, document(request(segment=parameter)))
    assert (result["outcome"] == "ACCEPTED") is right, result
    if right:
        assert "SegmentParameter" in result["warnings"][0], "what is not applied is said"


async def test_what_the_sender_adds_is_kept(api: Api) -> None:
    await make_line(api)
    extra = '<x:Sales number="4711"><x:Item>10</x:Item></x:Sales>'
    payload = await submit_document(api, document(request("10041", extra)))
    assert payload["results"][0]["outcome"] == "ACCEPTED"
    place = f"{ORDERS}/OperationsRequest/Sales"
    assert payload["message"]["extensions"] == {
        "10041": [
            {
                "path": place,
                "namespace": "urn:extension",
                "name": "Sales",
                "attributes": {"number": "4711"},
                "children": [{"path": f"{place}/Item", "namespace": "urn:extension", "name": "Item", "text": "10"}],
            }
        ]
    }


async def test_a_request_without_id_gets_one(api: Api) -> None:
    await make_line(api)
    payload = await submit_document(api, document(request(), request(None)))
    second = payload["results"][1]
    assert (second["externalId"], second["derivedId"], second["outcome"]) == ("BOD-7781-2", True, "ACCEPTED")
    assert 'actionCode="Modified"' in payload["acknowledgement"]


async def test_of_several_quantities_the_one_without_key_counts(api: Api) -> None:
    await make_line(api)
    keyed = tag("Quantity", tag("QuantityString", "9"), tag("UnitOfMeasure", "MTR"), tag("Key", "Scrap"))
    text = document(request()).replace("<Quantity>", f"{keyed}<Quantity>", 1)
    assert (await only(api, text))["operationsRequest"]["quantity"]["value"] == "2296"
    two = document(request(), message="BOD-2").replace("</Quantity>", f"</Quantity>{keyed.replace('Scrap', '')}", 1)
    [error] = (await only(api, two))["userErrors"]
    assert error["code"] == "MESSAGE_INVALID"


async def test_several_products_need_the_definition_to_tell(api: Api) -> None:
    await make_cathode(api)
    slurry = tag(
        "MaterialRequirement",
        tag("MaterialDefinitionID", "SLURRY-C"),
        tag("MaterialUse", "Produced"),
        tag("Quantity", tag("QuantityString", "800"), tag("UnitOfMeasure", "KGM")),
    )
    unclear = await only(api, document(request(segment=slurry)))
    assert [error["code"] for error in unclear["userErrors"]] == ["MESSAGE_INVALID"]
    named = request("10042", tag("OperationsDefinitionID", "OD-CATH-105:5"), segment=slurry)
    told = await only(api, document(named, message="BOD-2"))
    assert told["operationsRequest"]["quantity"] == {"value": "2296", "uom": "MTR"}


async def test_a_released_order_has_its_jobs(api: Api) -> None:
    await make_cathode(api)
    result = await only(api, document(request(state="Released"), verb="Sync"))
    assert result["operationsRequest"]["state"] == "READY"


async def test_what_only_the_plant_may_say_is_refused(api: Api) -> None:
    await make_line(api)
    result = await only(api, document(request(state="Completed")))
    assert refusals(result["userErrors"]) == [("MESSAGE_INVALID", f"{ORDERS}/OperationsRequest/RequestState")]


# --- change and cancel


async def test_a_change_leaves_the_rest(api: Api) -> None:
    await make_line(api)
    await submit_document(api, document(request(end="2026-03-02T16:00:00Z")))
    changed = request(version=2, product="", priority="70", site=None)
    result = await only(api, document(changed, verb="Change", message="BOD-2"))
    now = result["operationsRequest"]
    assert (result["outcome"], now["priority"], now["dueAt"], now["quantity"]["value"]) == (
        "UPDATED",
        70,
        "2026-03-02T16:00:00Z",
        "2296",
    )


async def test_a_change_of_an_unknown_order_that_says_all_makes_it_known(api: Api) -> None:
    """The order itself was overtaken by its change: then it comes as an older revision."""
    await make_line(api)
    result = await only(api, document(request(version=2, quantity="99"), verb="Change", message="BOD-2"))
    assert result["outcome"] == "ACCEPTED"
    late = await only(api, document(request(version=1)))
    assert (late["outcome"], refusals(late["userErrors"])) == (
        "STALE",
        [("STALE_REVISION", f"{ORDERS}/OperationsRequest/Version")],
    )


async def test_an_order_is_taken_back(api: Api) -> None:
    await make_line(api)
    await submit_document(api, document(request()))
    cancelled = request(version=2, product="")
    result = await only(api, document(cancelled, verb="Cancel", message="BOD-2"))
    assert (result["outcome"], result["operationsRequest"]["state"]) == ("CANCELLED", "CANCELLED")
    again = await only(api, document(cancelled, verb="Cancel", message="BOD-3"))
    assert again["outcome"] == "UNCHANGED"


@pytest.mark.parametrize(
    "text",
    [
        document(request(version=2, product=""), verb="Sync", action="Delete", message="BOD-2"),
        document(request(version=2, state="Cancelled"), verb="Change", message="BOD-2"),
    ],
)
async def test_there_are_other_ways_to_take_back(api: Api, text: str) -> None:
    await make_line(api)
    await submit_document(api, document(request()))
    assert (await only(api, text))["outcome"] == "CANCELLED"


async def test_an_overtaken_cancellation_is_not_applied(api: Api) -> None:
    await make_line(api)
    await submit_document(api, document(request(version=3)))
    result = await only(api, document(request(version=2, product=""), verb="Cancel", message="BOD-2"))
    assert (result["outcome"], result["userErrors"][0]["code"]) == ("STALE", "STALE_REVISION")


async def test_a_cancellation_may_overtake_its_order(api: Api) -> None:
    await make_cathode(api)
    ahead = await only(api, document(request(version=3, product=""), verb="Cancel", message="BOD-3"))
    assert (ahead["outcome"], ahead["operationsRequest"]) == ("CANCELLED", None)
    order = await only(api, document(request(version=1, state="Released"), message="BOD-1"))
    assert (order["outcome"], order["operationsRequest"]["state"]) == ("CANCELLED", "CANCELLED")
    late = await only(api, document(request(version=2, quantity="9"), message="BOD-2"))
    assert late["outcome"] == "STALE"
    other = await only(
        api, document(request("10042", version=None, product=""), verb="Cancel", message="B", created="")
    )
    assert (other["outcome"], other["userErrors"][0]["code"]) == ("REJECTED", "NOT_FOUND"), "nothing tells when it was"


async def test_a_later_revision_than_its_cancellation_is_made(api: Api) -> None:
    await make_line(api)
    await submit_document(api, document(request(version=1, product=""), verb="Cancel", message="BOD-1"))
    assert (await only(api, document(request(version=2))))["outcome"] == "ACCEPTED"


async def test_what_runs_is_not_cancelled(api: Api) -> None:
    await make_cathode(api)
    await submit_document(api, document(request(state="Released")))
    await put_request(api, "HV1/10041", RequestState.RUNNING)
    result = await only(api, document(request(version=2, product=""), verb="Cancel", message="BOD-2"))
    assert (result["outcome"], result["userErrors"][0]["code"]) == ("REJECTED", "INVALID_TRANSITION")


async def test_without_version_the_time_of_the_message_orders_them(api: Api) -> None:
    await make_line(api)
    late = document(request(version=None, quantity="2"), message="B", created="2026-02-16T05:31:00Z")
    early = document(request(version=None, quantity="1"), message="A", created="2026-02-16T05:30:00Z")
    assert (await only(api, late))["outcome"] == "ACCEPTED"
    assert (await only(api, early))["outcome"] == "STALE"


# --- versions of B2MML


async def test_the_older_names_mean_the_same(api: Api) -> None:
    await make_line(api)
    payload = await submit_document(api, example("production-schedule-v0401.xml"), sourceSystem="ERP1")
    [result] = payload["results"]
    assert result["userErrors"] == [
        {
            "code": "NOT_FOUND",
            "message": "no OperationsDefinition 'OD-PACK-48-105'",
            "path": ["input", "document", "/ProductionSchedule/ProductionRequest/ProductProductionRuleID"],
        }
    ]
    known = example("production-schedule-v0401.xml").replace(
        "<ProductProductionRuleID>OD-PACK-48-105</ProductProductionRuleID>", ""
    )
    payload = await submit_document(api, known, sourceSystem="ERP1")
    [result] = payload["results"]
    assert (result["outcome"], result["operationsRequest"]["quantity"]) == ("ACCEPTED", {"value": "20", "uom": "C62"})
    assert result["operationsRequest"]["dueAt"] == "2026-03-02T15:00:00Z"
    assert payload["message"]["kind"] == "PRODUCTION_SCHEDULE"
    assert payload["message"]["messageId"].startswith("doc-")
    assert "MaterialConsumedRequirement Consumed" in result["warnings"][0]


@pytest.mark.parametrize(
    "namespace",
    ["http://www.mesa.org/xml/B2MML-V0600", "http://www.wbf.org/xml/B2MML-V0401", "http://www.mesa.org/xml/B2MML"],
)
async def test_each_namespace_is_taken(api: Api, namespace: str) -> None:
    await make_line(api)
    assert (await only(api, document(request(), namespace=namespace)))["outcome"] == "ACCEPTED"


async def test_a_bare_request_is_a_message_too(api: Api) -> None:
    await make_line(api)
    payload = await submit_document(api, request(version=None), sourceSystem="ERP1")
    assert payload["results"][0]["outcome"] == "ACCEPTED"
    changed = await submit_document(api, request(version=None, priority="51"), sourceSystem="ERP1")
    assert changed["results"][0]["outcome"] == "UPDATED", "nothing tells their order but their arrival"


async def test_who_sends_must_be_known(api: Api) -> None:
    errors = await api.refused("submitB2mml", by=Role.ERP, document=request())
    assert refusals(errors) == [("VALIDATION_FAILED", "sourceSystem")]


async def test_a_schedule_may_be_empty(api: Api) -> None:
    payload = await submit_document(api, document())
    assert (payload["results"], payload["message"]["state"]) == ([], "APPLIED")


# --- the answer as a document, and the inbox


async def test_the_acknowledgement_repeats_only_what_was_said(api: Api) -> None:
    await make_line(api)
    named = tag("ProcessSegmentID", "COATING")
    silent = request("10042", product="").replace("<SegmentRequirement><ID>1</ID></SegmentRequirement>", "")
    answer = await submit_document(api, document(request(segment=named), silent).replace("<ID>S1</ID>", ""))
    root = ElementTree.fromstring(answer["acknowledgement"].encode())
    assert [e.tag for e in root.iter() if not len(e) and not e.text and not e.attrib] == []
    [segment] = [e for e in root.iter() if e.tag.endswith("}SegmentRequirement")]
    assert [e.text for e in segment] == ["1", "COATING"]


async def test_the_acknowledgement_answers_each_request(api: Api) -> None:
    await make_line(api)
    text = document(request(), request("10042", product="NOTHING"))
    acknowledgement = (await submit_document(api, text))["acknowledgement"]
    for part in (
        "<AcknowledgeOperationsSchedule ",
        "<LogicalID>ERP1</LogicalID>",
        "<BODID>BOD-7781</BODID>",
        'actionCode="Accepted"',
        "<Code>ACCEPTED</Code>",
        'actionCode="Rejected"',
        "<ReasonCode>NOT_FOUND</ReasonCode>",
        "<RequestState>Forecast</RequestState>",
    ):
        assert part in acknowledgement, part
    change = await submit_document(api, document(request(version=2), verb="Change", message="B"))
    assert "<RespondOperationsSchedule " in change["acknowledgement"]
    sync = await submit_document(api, document(request(version=3), verb="Sync", message="C"))
    assert "<ConfirmBOD " in sync["acknowledgement"]


async def test_senders_see_their_own_messages(api: Api) -> None:
    await make_line(api)
    mine, other = await api.actor(Role.ERP, site="HV1"), await api.actor(Role.ERP, site="HV2")
    await submit_document(api, document(request(), request("10042", product="NOTHING")), by=mine)
    await submit_document(api, document(request("1", site="HV2"), message="B"), by=other)
    await submit_document(api, "<broken", by=other)
    asked = "{ inboundMessages { nodes { messageId state results { externalId outcome userErrors { code } } } } }"
    assert (await api.ask(asked, by=mine))["inboundMessages"]["nodes"] == [
        {
            "messageId": "BOD-7781",
            "state": "PARTIAL",
            "results": [
                {"externalId": "10041", "outcome": "ACCEPTED", "userErrors": []},
                {"externalId": "10042", "outcome": "REJECTED", "userErrors": [{"code": "NOT_FOUND"}]},
            ],
        }
    ]
    assert len((await api.ask(asked, by=Role.ADMIN))["inboundMessages"]["nodes"]) == 3
    dead = "{ inboundMessages(filter: {state: DEAD_LETTER}) { nodes { excerpt } } }"
    assert (await api.ask(dead, by=Role.PLANNER))["inboundMessages"]["nodes"] == [{"excerpt": "<broken"}]


async def test_the_inbox_has_the_messages_of_the_command(api: Api) -> None:
    await make_line(api)
    await submit(api, order(), order("10042", product="NOTHING"))
    data = await api.ask("{ inboundMessages { nodes { kind state results { outcome warnings } } } }", by=Role.PLANNER)
    assert data["inboundMessages"]["nodes"] == [
        {
            "kind": "SUBMIT_OPERATIONS_SCHEDULE",
            "state": "PARTIAL",
            "results": [{"outcome": "ACCEPTED", "warnings": []}, {"outcome": "REJECTED", "warnings": []}],
        }
    ]


async def test_only_the_erp_sends_documents(api: Api) -> None:
    error = await api.error(
        f"mutation ($d: String!) {{ submitB2mml(input: {{document: $d}}) {{ {ANSWER} }} }}",
        by=Role.PLANNER,
        d=document(request()),
    )
    assert error["code"] == "FORBIDDEN"

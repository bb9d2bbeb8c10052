"""Things are named by opaque id or human key; what is not there and what is not yours look the same."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesgraph.access.roles import Role
from mesgraph.api.nodes import NODES, opaque_id, parse_node_id
from mesgraph.schema import build_schema
from tests.api import Api

HV1 = {"code": "HV1", "name": "Halvard electrode and cell", "timeZone": "Europe/Stockholm"}
HV2 = {"code": "HV2", "name": "Halvard module and pack", "timeZone": "Europe/Lisbon"}
COATER = {"code": "COAT01", "name": "Coater", "level": "WORK_CELL"}
NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
STATE = "equipment { code site { code } packmlState }"


@pytest.fixture
async def plants(api: Api) -> Api:
    await api.do("submitSites", "", by=Role.ADMIN, sites=[HV1, HV2])
    for site in ("HV1", "HV2"):
        await api.do("submitEquipment", "", by=Role.ENGINEER, site=site, equipment=[COATER])
    return api


async def coater_id(api: Api, site: str) -> str:
    document = f'{{ equipment(site: "{site}", code: "COAT01") {{ id }} }}'
    return str((await api.ask(document, by=Role.OPERATOR))["equipment"]["id"])


async def test_a_thing_is_found_again_by_its_id(plants: Api) -> None:
    id = await coater_id(plants, "HV2")
    answer = await plants.ask(NODE, by=Role.OPERATOR, id=id)
    assert answer == {"node": {"__typename": "Equipment", "id": id}}


async def test_many_come_in_the_order_asked_with_gaps(plants: Api) -> None:
    ids = [await coater_id(plants, site) for site in ("HV2", "HV1")]
    asked = [ids[0], opaque_id("Equipment", 99), ids[1], "HV1/COAT01", ids[0]]
    answer = await plants.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", by=Role.OPERATOR, ids=asked)
    assert [node and node["id"] for node in answer["nodes"]] == [ids[0], None, ids[1], None, ids[0]]


async def test_more_than_500_are_refused(api: Api) -> None:
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    extensions = await api.error(document, by=Role.OPERATOR, ids=["x"] * 501)
    assert (extensions["code"], extensions["path"]) == ("VALIDATION_FAILED", ["ids"])
    await api.ask(document, by=Role.OPERATOR, ids=["x"] * 500)


async def test_every_type_with_an_identity_is_hidden_outside_its_site(plants: Api) -> None:
    outsider = await plants.actor(Role.OPERATOR, site="HV1")
    for id in (await coater_id(plants, "HV2"), opaque_id("Site", 2), opaque_id("EquipmentStateRecord", 2)):
        everywhere = await plants.ask(NODE, by=Role.OPERATOR, id=id)
        assert everywhere["node"] is not None
        assert await plants.ask(NODE, by=outsider, id=id) == {"node": None}
        history = await plants.error("query ($id: ID!) { history(id: $id) { nodes { type } } }", by=outsider, id=id)
        assert history["code"] == "NOT_FOUND"


@pytest.mark.parametrize("reference", ["HV1/COAT01", "id", "COAT01 alone"])
async def test_a_reference_is_an_id_or_a_key(plants: Api, reference: str) -> None:
    operator = await plants.actor(Role.OPERATOR, site="HV1")
    named = {"id": await coater_id(plants, "HV1"), "COAT01 alone": "COAT01"}.get(reference, reference)
    answer = await plants.do("reportEquipmentState", STATE, by=operator, equipment=named, state="IDLE")
    assert answer["equipment"] == {"code": "COAT01", "site": {"code": "HV1"}, "packmlState": "IDLE"}


async def test_who_works_at_several_sites_is_told_to_name_the_site(plants: Api) -> None:
    given = {"equipment": "COAT01", "state": "IDLE"}
    (error,) = await plants.refused("reportEquipmentState", by=Role.OPERATOR, **given)
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "equipment"])
    assert error["message"].endswith("name its site, too: SITE/COAT01")
    (error,) = await plants.refused("reportEquipmentState", by=Role.OPERATOR, **(given | {"equipment": "HV1/NONE"}))
    assert "SITE/" not in error["message"]


@pytest.mark.parametrize(
    "reference",
    [
        *(
            "",
            "~",
            "~~~",
            "NONE",
            "HV1/NONE",
            "NONE/COAT01",
            "HV2/COAT01",
            "HV1/",
            "/COAT01",
            "HV1/COAT01/",
            "hv1/coat01",
        ),
        *(opaque_id("Site", 1), opaque_id("Principal", 1), opaque_id("Equipment", 99), opaque_id("Equipment", 4)),
        *(
            "~" + base64.urlsafe_b64encode(raw).decode()
            for raw in (b"Equipment", b"Equipment:", b"Equipment:-1", b"X:1")
        ),
        *("~" + base64.urlsafe_b64encode(raw).decode() for raw in (b"Equipment:1e0", b"\xff\xfe", b":" * 99)),
        *("x" * 60_000, "~" + "A" * 60_000, "'; DROP TABLE site; --", "%", "é" * 70, "\U0001f512"),
    ],
)
async def test_any_other_reference_is_not_found(plants: Api, reference: str) -> None:
    operator = await plants.actor(Role.OPERATOR, site="HV1")
    errors = await plants.refused("reportEquipmentState", by=operator, equipment=reference, state="IDLE")
    assert [(e["code"], e["path"]) for e in errors] == [("NOT_FOUND", ["input", "equipment"])]
    assert len(errors[0]["message"]) < 300


async def test_a_key_without_its_site_needs_a_single_site(plants: Api) -> None:
    errors = await plants.refused("reportEquipmentState", by=Role.OPERATOR, equipment="COAT01", state="IDLE")
    assert [e["code"] for e in errors] == ["NOT_FOUND"]


@given(st.text())
def test_no_text_breaks_the_reading_of_ids(text: str) -> None:
    build_schema()
    for written in (text, "~" + text):
        parsed = parse_node_id(written)
        assert parsed is None or parsed[0] in NODES


@given(st.integers(0, 2**60 - 1), st.data())
def test_an_id_is_read_as_it_was_written(key: int, data: st.DataObject) -> None:
    build_schema()
    kind = data.draw(st.sampled_from(sorted(NODES)))
    assert parse_node_id(opaque_id(kind, key)) == (kind, key) if key < 10**18 else True


def test_every_type_with_an_identity_implements_node_and_says_what_it_is() -> None:
    schema = build_schema()._schema
    interface: Any = schema.type_map["Node"]
    assert {t.name for t in schema.get_possible_types(interface)} == set(NODES)
    assert all(schema.type_map[name].description for name in NODES)

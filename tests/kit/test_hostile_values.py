"""No value that a stranger can send makes a bug visible: every answer is a success or a coded refusal."""

import asyncio
import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesgraph.access.roles import Role
from mesgraph.work import Actor, Grant
from tests.api import Api

TEXTS = [
    *("", " ", "\0", "a\0b", "\ud800", "a\udfffb", "\u202e", "é" * 300, "x" * 70_000, "'; --", "%s{}", "\\u0000"),
    *("NaN", "1e5", "1,5", "1_000", "+1", "-0", "٣", "9" * 20, "0.0000001", "1000000000001", "Infinity", "0x10"),
    *("2026-13-01T00:00:00Z", "2026-02-30", "2026-02-16T05:00:00", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    *("2026-02-16T05:00:00+99:99", "2026-02-16T05:00:60Z", "P", "PT", "P1Y", "PT-1S", "~", "~AAAA", "c1-1", "null"),
]
NUMBERS = [0, -1, 1, 2**31 - 1, 2**31, -(2**31) - 1, 2**63, 2**64, 10**40, 0.1, -0.0, 1e308, float("inf"), float("nan")]
deep: Any = "x"
for _ in range(30):
    deep = [deep]
values = st.sampled_from([None, True, False, *TEXTS, *NUMBERS, [], {}, deep, {"a": {"b": []}}]) | st.text(max_size=30)

GOOD: dict[str, dict[str, Any]] = {
    "createPrincipal": {"subject": "ann", "kind": "PERSON", "displayName": "Ann"},
    "grantRole": {"principal": "admin0", "role": "PLANNER", "site": "HV1"},
    "issueApiKey": {"principal": "admin0", "expiresAt": "2026-06-01T00:00:00Z"},
    "revokeApiKey": {"apiKey": "0123456789abcdef"},
    "submitSites": {
        "sites": [{"code": "HV2", "name": "Site", "timeZone": "Europe/Lisbon", "gln": "7300000000004"}],
    },
    "submitEquipmentClasses": {"classes": [{"code": "C", "name": "Class"}]},
    "submitEquipment": {
        "site": "HV1",
        "equipment": [
            {"code": "M1", "name": "M", "level": "WORK_CELL", "parent": "HV1", "capacity": 1, "classes": ["C"]},
        ],
    },
    "reportEquipmentState": {"equipment": "HV1/M0", "state": "IDLE", "mode": "PRODUCTION", "setBy": "OPERATOR"},
}
COMMON = {"idempotencyKey": "k", "eventTime": "2026-02-16T05:00:00Z", "reason": {"code": "R", "comment": "c"}}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in an input where a value can be put."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = put(value[path[0]], path[1:], new)
    return changed


@pytest.fixture
async def administrator(api: Api) -> Actor:
    known = await api.actor(Role.ADMIN, subject="admin0")
    # more than one principal can be granted: what is hostile here is the value, not who sends it
    roles = (Role.ADMIN, Role.OPERATOR, Role.ENGINEER)
    administrator = replace(known, grants=tuple(Grant(role.value, None) for role in roles))
    site = {"code": "HV1", "name": "Halvard", "timeZone": "Europe/Stockholm"}
    await api.do("submitSites", "", by=administrator, sites=[site])
    machine = {"code": "M0", "name": "M", "level": "WORK_CELL"}
    await api.do("submitEquipment", "", by=administrator, site="HV1", equipment=[machine])
    return administrator


async def answer_is_coded(api: Api, by: Actor, command: str, input: Any) -> None:
    name = command[0].upper() + command[1:]
    document = f"mutation ($input: {name}Input!) {{ {command}(input: $input) {{ replayed userErrors {{ code }} }} }}"
    result = await api.answer(document, by=by, input=input)
    codes = [error.extensions["code"] for error in result.errors or []]
    assert "INTERNAL" not in codes, (command, input)
    assert "IN_PROGRESS" not in codes, (command, input)
    assert result.data is not None or codes
    if result.data:
        assert all(e["code"] != "INTERNAL" for e in result.data[command]["userErrors"])


async def test_the_commands_are_good_before_they_are_spoilt(api: Api, administrator: Actor) -> None:
    for command, input in GOOD.items():
        if command != "revokeApiKey":
            await api.do(command, "", by=administrator, **input, **COMMON | {"idempotencyKey": command})


async def test_no_value_in_any_place_of_a_command_is_a_bug(api: Api, administrator: Actor) -> None:
    loop = asyncio.get_running_loop()
    numbers = itertools.count()

    @settings(max_examples=400, deadline=None)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        command = data.draw(st.sampled_from(sorted(GOOD)))
        whole = {**GOOD[command], **COMMON, "idempotencyKey": f"k{next(numbers)}"}
        place = data.draw(st.sampled_from(places(whole)[1:]))
        input = put(whole, place, data.draw(values))
        asyncio.run_coroutine_threadsafe(answer_is_coded(api, administrator, command, input), loop).result(30)

    await asyncio.to_thread(check)


async def test_no_text_in_a_question_is_a_bug(api: Api, administrator: Actor) -> None:
    documents = (
        "query ($v: String!) { equipment(site: $v, code: $v) { code } }",
        "query ($v: ID!) { node(id: $v) { id } }",
        "query ($v: ID!) { nodes(ids: [$v, $v]) { id } }",
        "query ($v: ID!) { history(id: $v) { totalCount } }",
        "query ($v: ID!) { equipmentList(filter: {site: $v}) { totalCount } }",
        "query ($v: String!) { equipmentList(after: $v) { totalCount } }",
    )
    for document, value in itertools.product(documents, TEXTS):
        result = await api.answer(document, by=administrator, v=value)
        codes = [error.extensions["code"] for error in result.errors or []]
        assert "INTERNAL" not in codes, (document, value[:80])

"""Every top-level error has a code, says whether to retry, and names the argument where it is known."""

import logging
from typing import Any

import pytest

from mesgraph.access.roles import Role
from mesgraph.api.context import Context
from mesgraph.errors import MEANINGS, Code, Unavailable
from mesgraph.schema import build_schema
from tests.api import Api

SUBMIT = "mutation ($input: SubmitSitesInput!) { submitSites(input: $input) { userErrors { code } } }"
REPORT = "mutation ($input: ReportEquipmentStateInput!) { reportEquipmentState(input: $input) { userErrors { code } } }"
SITE = {"code": "HV1", "name": "Halvard", "timeZone": "Europe/Stockholm"}


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{", "DOCUMENT_INVALID"),
        ("{ sites { nothing } }", "DOCUMENT_INVALID"),
        ("{ sites { code } " + "a: sites { code } " * 2000 + "}", "LIMIT_EXCEEDED"),
        ("{ equipmentList(first: 0) { nodes { code } } }", "VALIDATION_FAILED"),
        ("{ equipmentList(first: " + "9" * 5000 + ") { nodes { code } } }", "LIMIT_EXCEEDED"),
        ('{ equipment(site: "\\u0000", code: "x") { code } }', "INVALID_VALUE"),
        ("{ principals { nodes { subject } } }", "FORBIDDEN"),
    ],
)
async def test_a_refused_document_has_a_code(api: Api, document: str, code: str) -> None:
    extensions = await api.error(document, by=Role.OPERATOR)
    assert extensions["code"] == code
    assert extensions["retryable"] is MEANINGS[Code(code)].retryable
    assert isinstance(extensions["path"], list)


@pytest.mark.parametrize(
    ("document", "input", "code", "path"),
    [
        (SUBMIT, {"sites": [SITE, SITE | {"code": 1}]}, "INVALID_VALUE", ["input", "sites", "1", "code"]),
        (SUBMIT, {"sites": [SITE | {"gln": "123"}]}, "INVALID_GS1_KEY", ["input", "sites", "0", "gln"]),
        (SUBMIT, {"sites": [{"code": "x"}]}, "INVALID_VALUE", ["input", "sites", "0", "name"]),
        (SUBMIT, {"sites": [], "more": 1}, "INVALID_VALUE", ["input", "more"]),
        (SUBMIT, {"sites": [SITE | {"name": "a\0b"}]}, "INVALID_VALUE", ["input", "sites", "0", "name"]),
        (SUBMIT, {"sites": [SITE | {"name": "\ud800"}]}, "INVALID_VALUE", ["input", "sites", "0", "name"]),
        (SUBMIT, {"sites": [], "eventTime": "2026-02-16T05:00:00"}, "INVALID_VALUE", ["input", "eventTime"]),
        (SUBMIT, {"sites": [], "eventTime": 1771218000}, "INVALID_VALUE", ["input", "eventTime"]),
        (SUBMIT, {"sites": [], "reason": {"code": None}}, "INVALID_VALUE", ["input", "reason", "code"]),
        (REPORT, {"equipment": "HV1/COAT01", "state": "FLYING"}, "INVALID_VALUE", ["input", "state"]),
    ],
)
async def test_a_refused_variable_names_its_field(
    api: Api, document: str, input: dict[str, Any], code: str, path: list[str]
) -> None:
    actor = await api.actor(Role.OPERATOR, Role.ENGINEER)
    async with api.nothing_written():
        result = await api.answer(document, by=actor, input=input)
    assert result.errors
    first = result.errors[0].extensions
    assert (first["code"], first["path"]) == (code, path), result.errors
    assert first["retryable"] is False


async def test_a_missing_variable_names_itself(api: Api) -> None:
    extensions = await api.error(SUBMIT, by=Role.ADMIN)
    assert (extensions["code"], extensions["path"]) == ("INVALID_VALUE", ["input"])


async def test_a_bug_shows_an_incident_and_nothing_else(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    actor = await api.actor(Role.OPERATOR)

    async def broken(*_: object) -> None:
        raise RuntimeError("secret of the inside")

    monkeypatch.setattr(Context, "read", broken)
    with caplog.at_level(logging.ERROR, "mesgraph.api"):
        result = await api.answer("{ sites { code } }", by=actor)
    error = result.errors[0]
    assert error.extensions["code"] == "INTERNAL"
    assert error.extensions["retryable"] is True
    assert "secret" not in str(error.formatted)
    assert len(caplog.records) == 1, "logged once"
    assert error.extensions["incident"] in caplog.text
    assert "secret of the inside" in caplog.text


async def test_what_can_be_tried_again_says_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    actor = await api.actor(Role.ADMIN)

    async def away(*_: object) -> None:
        raise Unavailable(Code.STORAGE_FULL, "the disk is full")

    monkeypatch.setattr(api.plant.database, "write", away)
    result = await api.answer(SUBMIT, by=actor, input={"sites": []})
    assert result.errors[0].extensions == {"code": "STORAGE_FULL", "retryable": True, "path": []}


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ('subscription { ledgerAppended(after: "c9-0") { cursor } }', "VALIDATION_FAILED"),
        ('subscription { ledgerAppended(after: "c1-999999") { cursor } }', "VALIDATION_FAILED"),
        ('subscription { ledgerAppended(after: "nonsense") { cursor } }', "INVALID_VALUE"),
        ('subscription { equipmentStateChanged(equipment: "HV1/NONE") { cursor } }', "NOT_FOUND"),
        ("subscription { nothing { cursor } }", "DOCUMENT_INVALID"),
        ("subscription {", "DOCUMENT_INVALID"),
    ],
)
async def test_a_subscription_that_cannot_start_says_why(api: Api, document: str, code: str) -> None:
    context = Context(api.plant, await api.actor(Role.OPERATOR))
    results = [result async for result in await build_schema().subscribe(document, context_value=context)]
    assert [e.extensions["code"] for result in results for e in result.errors or []] == [code]


async def test_a_viewer_may_not_follow_the_record(api: Api) -> None:
    context = Context(api.plant, await api.actor(Role.VIEWER))
    stream = await build_schema().subscribe("subscription { ledgerAppended { cursor } }", context_value=context)
    results = [result async for result in stream]
    assert [e.extensions["code"] for result in results for e in result.errors or []] == ["FORBIDDEN"]


def test_every_code_has_a_meaning_and_a_way_out() -> None:
    assert set(MEANINGS) == set(Code)
    assert all(m.what and m.way_out for m in MEANINGS.values())

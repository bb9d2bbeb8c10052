"""A command is done once under its key, and refuses impossible times, keys and reasons (I28, I37)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from mesgraph.access.roles import Role
from mesgraph.api.answers import plain_input
from mesgraph.api.command import ReasonInput
from mesgraph.ledger.models import LedgerEvent
from tests.api import Api

ANN = {"subject": "ann", "kind": "PERSON", "displayName": "Ann"}


async def events(api: Api) -> int:
    return await api.plant.database.read(lambda s: s.scalar(select(func.count()).select_from(LedgerEvent))) or 0


async def test_the_same_key_gives_the_first_answer_again_and_does_nothing(api: Api) -> None:
    admin = await api.actor(Role.ADMIN)
    fields = "principal { id subject } ledgerEvents { eventId type }"
    first = await api.do("createPrincipal", fields, by=admin, idempotencyKey="k1", **ANN)
    assert first["replayed"] is False
    api.clock.step(hours=5)
    async with api.nothing_written():
        again = await api.do("createPrincipal", fields, by=admin, idempotencyKey="k1", **ANN)
    assert again == first | {"replayed": True}


async def test_the_same_key_with_other_content_is_refused(api: Api) -> None:
    admin = await api.actor(Role.ADMIN)
    await api.do("createPrincipal", "", by=admin, idempotencyKey="k1", **ANN)
    for other in (
        ANN | {"displayName": "Anne"},
        ANN | {"eventTime": "2026-02-16T04:00:00Z"},
        ANN | {"reason": {"code": "NEW"}},
    ):
        errors = await api.refused("createPrincipal", by=admin, idempotencyKey="k1", **other)
        assert [(e["code"], e["path"]) for e in errors] == [("IDEMPOTENCY_CONFLICT", ["input", "idempotencyKey"])]
    errors = await api.refused("submitSites", by=admin, idempotencyKey="k1", sites=[])
    assert [e["code"] for e in errors] == ["IDEMPOTENCY_CONFLICT"], "another command is other content"


async def test_the_same_content_written_otherwise_is_the_same(api: Api) -> None:
    admin = await api.actor(Role.ADMIN)
    late = "2026-02-16T05:00:00.000000+01:00"
    await api.do("createPrincipal", "", by=admin, idempotencyKey="k1", eventTime="2026-02-16T04:00:00Z", **ANN)
    again = await api.do("createPrincipal", "", by=admin, idempotencyKey="k1", eventTime=late, reason=None, **ANN)
    assert again["replayed"] is True


async def test_a_key_counts_for_its_principal_alone(api: Api) -> None:
    first, second = await api.actor(Role.ADMIN), await api.actor(Role.ADMIN, subject="second")
    await api.do("createPrincipal", "", by=first, idempotencyKey="k1", **ANN)
    answer = await api.do("createPrincipal", "", by=second, idempotencyKey="k1", **ANN | {"subject": "bob"})
    assert answer["replayed"] is False


async def test_a_refused_command_leaves_its_key_free(api: Api) -> None:
    admin = await api.actor(Role.ADMIN)
    errors = await api.refused("createPrincipal", by=admin, idempotencyKey="k1", **ANN | {"subject": "no code!"})
    assert [e["code"] for e in errors] == ["VALIDATION_FAILED"]
    assert (await api.do("createPrincipal", "", by=admin, idempotencyKey="k1", **ANN))["replayed"] is False


async def test_twenty_at_once_have_one_effect(api: Api) -> None:
    admin = await api.actor(Role.ADMIN)
    before = await events(api)
    fields = "principal { id } ledgerEvents { eventId }"
    commands = [api.do("createPrincipal", fields, by=admin, idempotencyKey="k1", **ANN) for _ in range(20)]
    answers = await asyncio.gather(*commands)
    assert await events(api) == before + 1
    assert len({str(answer["principal"]) + str(answer["ledgerEvents"]) for answer in answers}) == 1
    assert sorted(answer["replayed"] for answer in answers) == [False] + [True] * 19


async def test_commands_without_a_key_are_commands_of_their_own(api: Api) -> None:
    site = {"code": "HV1", "name": "Halvard", "timeZone": "Europe/Stockholm"}
    for _ in range(2):
        assert (await api.do("submitSites", "", by=Role.ADMIN, sites=[site]))["replayed"] is False


async def test_a_secret_is_shown_once_and_never_stored(api: Api) -> None:
    admin = await api.actor(Role.ADMIN)
    await api.do("createPrincipal", "", by=admin, **ANN)
    fields = "text apiKey { keyId }"
    first = await api.do("issueApiKey", fields, by=admin, idempotencyKey="k1", principal="ann")
    secret = first["text"].split("_", 2)[2]
    again = await api.do("issueApiKey", fields, by=admin, idempotencyKey="k1", principal="ann")
    assert again == first | {"text": None, "replayed": True}
    tables = await api.plant.database.read(everything)
    assert first["apiKey"]["keyId"].encode() in tables
    assert secret.encode() not in tables


def everything(session: Any) -> bytes:
    from sqlalchemy import inspect

    content = b""
    for table in inspect(session.connection()).get_table_names():
        for row in session.execute(text(f'SELECT * FROM "{table}"')):
            content += b"|".join(bytes(c) if isinstance(c, bytes | memoryview) else str(c).encode() for c in row)
    return content


async def test_an_event_time_ahead_of_the_clock_is_refused(api: Api) -> None:
    late = api.clock.at + timedelta(seconds=5, microseconds=1)
    errors = await api.refused("createPrincipal", by=Role.ADMIN, eventTime=late.isoformat(), **ANN)
    assert [(e["code"], e["path"]) for e in errors] == [("TIMESTAMP_IN_FUTURE", ["input", "eventTime"])]
    just = api.clock.at + timedelta(seconds=5)
    await api.do("createPrincipal", "", by=Role.ADMIN, eventTime=just.isoformat(), **ANN)


@pytest.mark.parametrize("key", ["", "k" * 101, "a\nb", "tab\t", "\u200b"])
async def test_an_impossible_key_is_refused(api: Api, key: str) -> None:
    errors = await api.refused("createPrincipal", by=Role.ADMIN, idempotencyKey=key, **ANN)
    assert [(e["code"], e["path"]) for e in errors] == [("VALIDATION_FAILED", ["input", "idempotencyKey"])]


async def test_the_longest_key_is_kept(api: Api) -> None:
    key = "ключ 🔑" + "k" * 94
    await api.do("createPrincipal", "", by=Role.ADMIN, idempotencyKey=key, **ANN)


@pytest.mark.parametrize(
    ("reason", "path"),
    [
        ({"code": ""}, ["input", "reason", "code"]),
        ({"code": "C" * 65}, ["input", "reason", "code"]),
        ({"code": "a\nb"}, ["input", "reason", "code"]),
        ({"code": "A", "comment": "c" * 2001}, ["input", "reason", "comment"]),
    ],
)
async def test_an_impossible_reason_is_refused(api: Api, reason: dict[str, Any], path: list[str]) -> None:
    errors = await api.refused("createPrincipal", by=Role.ADMIN, reason=reason, **ANN)
    assert [(e["code"], e["path"]) for e in errors] == [("VALIDATION_FAILED", path)]


async def test_what_a_command_recorded_is_in_its_answer_with_its_place(api: Api) -> None:
    fields = "ledgerEvents { type actor recordedAt reasonCode payload subjects { kind counter } leafHash cursor }"
    admin = await api.actor(Role.ADMIN)
    answer = await api.do("createPrincipal", fields, by=admin, reason={"code": "NEW", "comment": "why"}, **ANN)
    [event] = answer["ledgerEvents"]
    assert event["type"] == "PRINCIPAL_CREATED"
    assert event["actor"] == admin.subject
    assert event["reasonCode"] == "NEW"
    assert event["payload"] == {"principal": {"kind": "Principal", "key": "ann"}, "comment": "why"}
    assert event["subjects"] == [{"kind": "Principal", "counter": 1}]
    assert len(event["leafHash"]) == 64
    assert event["cursor"].startswith("c1-")


@given(st.decimals(-(10**12), 10**12, places=6), st.integers(0, 6))
def test_equal_numbers_are_the_same_content(value: Any, zeros: int) -> None:
    from decimal import Decimal

    assert plain_input(value) == plain_input(Decimal(f"{value:f}" + "0" * zeros))


def test_what_is_left_out_is_the_same_as_null() -> None:
    assert plain_input(ReasonInput(code="A")) == plain_input(ReasonInput(code="A", comment=None)) == {"code": "A"}

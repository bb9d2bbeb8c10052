"""Who has a key of one site, and the source, gets nothing of other sites, of other roles, or of the time of others."""

import asyncio
import contextlib
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.access.models import Principal, SessionMethod
from mesgraph.access.policy import MASK, audience
from mesgraph.access.roles import EVERYONE, Role
from mesgraph.access.sessions import start_session
from mesgraph.api import budget
from mesgraph.api.budget import Bucket, metered, tasks_are_timed, timed
from mesgraph.api.context import Context
from mesgraph.api.nodes import NODES, opaque_id
from mesgraph.genealogy import core
from mesgraph.ledger.models import LedgerEvent
from mesgraph.materials.models import Item
from mesgraph.orders.models import JobOrder
from mesgraph.schema import build_schema
from mesgraph.signatures import actions as signatures
from mesgraph.signatures.models import SignatureMeaning
from mesgraph.sites.models import Transfer
from mesgraph.work import Actor
from tests import conftest
from tests.api import Api
from tests.factories.genealogy import receive
from tests.factories.materials import make_halvard
from tests.kit.served import served
from tests.patience import eventually
from tests.security.two_plants import ABSENT, Plants, two_plants

database_url = conftest.database_url
"""Both databases, where the other tests here have one."""
once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CHALLENGE = """mutation($record: ID!) { challengeSignature(input: {record: $record, meaning: REVIEW}) {
  challenge { statement } userErrors { code message } } }"""
GAPS = "query($item: ItemKey!) { asBuilt(item: $item) { completenessPct gaps { code message } } }"
TRACE = """query($item: ItemKey!, $model: AttributionModel!) {
  trace(item: $item, direction: BOTH, model: $model) { nodeCount } }"""
SIGNED = "subscription($c: Cursor) { jobOrderChanged(after: $c) { event { type payload } } }"
BUSY_S = 0.2


@pytest.fixture
async def plants(api: Api) -> Plants:
    return await two_plants(api)


async def logged_in(plants: Plants, *roles: Role, at: str) -> Actor:
    """Somebody with a session, as a token for a key opens one."""
    actor = plants.actor(*roles, at=at)

    def begin(session: Session) -> int:
        principal = session.get_one(Principal, actor.principal_id)
        return start_session(plants.api.work(session), principal, SessionMethod.CLIENT_CREDENTIALS).session.id

    return replace(actor, session_id=await plants.api.plant.database.write(begin))


async def test_people_keys_and_messages_are_no_records_to_be_signed(plants: Plants) -> None:
    api, by = plants.api, await logged_in(plants, Role.OPERATOR, at="HV1")
    closed = [kind for kind in NODES if audience(kind, "*") != EVERYONE]
    assert {"ApiKey", "Identity", "RoleGrant", "Principal", "OutboundMessage"} <= set(closed)
    for kind in closed:
        there, nowhere = opaque_id(kind, 1), opaque_id(kind, ABSENT)
        told = [str(await api.ask(CHALLENGE, by=by, record=record)).replace(record, "") for record in (there, nowhere)]
        assert "NOT_FOUND" in told[0], kind
        assert told[0] == told[1], kind
        found = await api.error("query($record: ID!) { signatures(record: $record) { meaning } }", by=by, record=there)
        assert found["code"] == "NOT_FOUND", kind


@once
async def test_a_signature_under_a_transfer_is_told_where_its_signer_is(plants: Plants) -> None:
    database = plants.api.plant.database
    for place in ("HV1", "HV3"):
        by, site_id = await logged_in(plants, Role.SUPERVISOR, at=place), plants.site_ids[place]

        def sign(session: Session, by: Actor = by) -> tuple[int, int]:
            work, to = plants.api.work(session, by), plants.site_ids["HV3"]
            transfer = session.scalars(select(Transfer).where(Transfer.to_site_id == to).order_by(Transfer.id)).first()
            assert transfer is not None
            _, text = signatures.challenge(work, transfer, SignatureMeaning.REVIEW)
            proof = signatures.prove(work, text, SessionMethod.PASSWORD)
            signatures.take(work, signatures.Given(text, proof), lambda _: "UTC")
            return transfer.from_site_id, transfer.to_site_id

        assert await database.write(sign, frozenset({site_id})) == (plants.site_ids["HV1"], plants.site_ids["HV3"])
        told = select(LedgerEvent.site_id).where(LedgerEvent.type == "RECORD_SIGNED").order_by(LedgerEvent.id.desc())
        assert await database.read(lambda session, told=told: session.scalars(told).first()) == site_id


@once
async def test_what_a_record_lacks_at_another_site_counts_and_is_not_named(plants: Plants) -> None:
    api = plants.api
    kind, key = plants.at["HV2"].rows["made"]

    def send(session: Session) -> None:
        session.get_one(Item, key).site_id = plants.site_ids["HV1"]

    await api.plant.database.write(send)
    item = {"id": opaque_id(kind, key)}
    whole = (await api.ask(GAPS, by=plants.actor(Role.OPERATOR), item=item))["asBuilt"]
    assert "HV2" in str(whole["gaps"])
    assert "DEVIATION_OPEN" in str(whole["gaps"])
    seen = (await api.ask(GAPS, by=plants.actor(Role.OPERATOR, at="HV1"), item=item))["asBuilt"]
    assert seen["completenessPct"] == whole["completenessPct"]
    assert [gap["code"] for gap in seen["gaps"]] == [gap["code"] for gap in whole["gaps"]]
    assert "HV2" not in str(seen)
    hidden = {gap["message"] for gap in seen["gaps"] if gap["code"] in ("DEVIATION_OPEN", "RUN_NOT_ENDED")}
    assert hidden == {"at a site that you may not see"}


@once
async def test_who_signed_is_told_to_no_viewer_by_what_a_topic_shows_of_the_event(plants: Plants) -> None:
    by, (_, key) = await logged_in(plants, Role.SUPERVISOR, at="HV1"), plants.at["HV1"].rows["job"]

    def sign(session: Session) -> str:
        work, job = plants.api.work(session, by), session.get_one(JobOrder, key)
        _, text = signatures.challenge(work, job, SignatureMeaning.REVIEW)
        given = signatures.Given(text, signatures.prove(work, text, SessionMethod.PASSWORD))
        return signatures.take(work, given, lambda _: "UTC").printed_name

    start = (await plants.api.ask("{ systemStatus { cursor } }", by=Role.ADMIN))["systemStatus"]["cursor"]
    name = await plants.api.plant.database.write(sign)
    for role, shown in ((Role.VIEWER, MASK), (Role.OPERATOR, name)):
        context = Context(plants.api.plant, plants.actor(role, at="HV1"))
        stream: Any = await build_schema().subscribe(SIGNED, variable_values={"c": start}, context_value=context)
        event = (await anext(stream)).data["jobOrderChanged"]["event"]
        assert (event["type"], event["payload"]["printedName"]) == ("RECORD_SIGNED", shown)
        await stream.aclose()


@once
async def test_who_has_used_up_the_time_runs_nothing_that_is_not_stored_when_there_is_some_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = Context(api.plant, await api.actor(Role.DRIVER))
    context.stored_only = True
    waits = iter([0.001])
    monkeypatch.setattr(context, "overdrawn_s", lambda: next(waits, 0.0))
    result: Any = await build_schema().execute("{ sites { code } }", context_value=context)
    assert [error.extensions["code"] for error in result.errors] == ["RATE_LIMITED"]


def busy(*_: Any, **__: Any) -> None:
    """Work that takes a thread :data:`BUSY_S` of its processor."""
    until = budget.time.thread_time() + BUSY_S
    while budget.time.thread_time() < until:
        pass


@once
async def test_who_asks_for_a_trace_pays_for_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await make_halvard(api)
    key = await receive(api, "RM-PVDF", "Q1", "10")
    compute = core.half_of

    def dear(*args: Any, **options: Any) -> Any:
        busy()
        return compute(*args, **options)

    monkeypatch.setattr(core, "half_of", dear)

    async def ask() -> float:
        await api.ask(TRACE, by=Role.OPERATOR, item={"id": key}, model="FIFO")
        counting = budget.meter()
        assert counting is not None
        return counting.used_s

    with tasks_are_timed():
        assert await metered(ask()) >= 2 * BUSY_S, "one direction and the other"


async def test_who_does_not_wait_for_an_answer_pays_for_it_all_the_same() -> None:
    bucket = Bucket(BUSY_S / 4)

    async def ask() -> None:
        counting = budget.meter()
        assert counting is not None
        counting.charge_to(bucket)
        await asyncio.wait_for(asyncio.to_thread(timed(busy)), BUSY_S / 10)

    with contextlib.suppress(TimeoutError):
        await metered(ask())

    async def left() -> float:
        return bucket.wait_s()

    assert await eventually(left, lambda seconds: seconds > 0) > 0


@once
async def test_whatever_a_header_says_wrong_tries_count_for_who_sends_them(database_url: str) -> None:
    async with served(database_url) as server:
        statuses = []
        for n in range(31):
            spoofed = {"X-Forwarded-For": f"10.0.0.{n}", "Forwarded": f"for=10.0.0.{n}", "X-Real-IP": f"10.0.0.{n}"}
            body = {"refreshToken": f"mgr_{n:016x}_{'a' * 43}"}
            statuses.append((await server.http.post("/auth/refresh", json=body, headers=spoofed)).status_code)
        assert statuses == [401] * 30 + [429]


@pytest.mark.parametrize(
    "form",
    [
        {"client_id": "\0", "client_secret": "a"},
        {"client_id": "' OR 1=1 --", "client_secret": "a"},
        {"client_id": "a" * 6_000, "client_secret": "é\udce9"},
        {"client_id": "{key_id}", "client_secret": "{secret}\0"},
        {"client_id": "{key_id}", "client_secret": ""},
        {"client_id": "mg_{key_id}", "client_secret": "{secret}"},
        {"client_id": ["0" * 16, "{key_id}"], "client_secret": "{secret}"},
    ],
)
async def test_no_other_text_than_a_key_gets_a_token(database_url: str, form: dict[str, Any]) -> None:
    async with served(database_url) as server:
        _, key_id, secret = server.key.split("_", 2)

        def filled(value: Any) -> Any:
            if isinstance(value, list):
                return [filled(part) for part in value]
            return value.format(key_id=key_id, secret=secret).encode("utf-8", "surrogateescape")

        sent = {"grant_type": "client_credentials", **{name: filled(value) for name, value in form.items()}}
        answer = await server.http.post("/auth/token", data=sent)
        assert answer.status_code in (400, 401)
        assert answer.json() in ({"error": "invalid_client"}, {"error": "invalid_request"})


@once
async def test_of_two_keys_in_one_request_none_is_better_than_the_first(database_url: str) -> None:
    async with served(database_url) as server:
        good, none = f"Bearer {server.key}", f"Bearer mg_{'0' * 16}_{'a' * 43}"
        for keys, status in (([good, none], 200), ([none, good], 401)):
            headers = [("Authorization", key) for key in keys]
            answer = await server.http.post("/graphql", json={"query": "{ sites { code } }"}, headers=headers)
            assert answer.status_code == status
            long = {"query": "{ sites { code } }", "variables": {"x": ["a" * 60_000] * 5}}
            assert (await server.http.post("/graphql", json=long, headers=headers)).status_code == 413

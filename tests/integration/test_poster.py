"""Messages are posted until they are received: signed, in order for each order, whatever the other side does (R14)."""

import hashlib
import hmac
from collections.abc import AsyncIterator

import pytest

from mesgraph.config import Settings
from mesgraph.integration import poster as module
from mesgraph.integration.poster import Poster, delay_s, posting
from mesgraph.ledger import reader
from mesgraph.plant import running_plant
from mesgraph.readers import READERS
from tests.api import Api, SteppedClock
from tests.factories.execution import make_plant
from tests.factories.outbox import TRIGGERS, destination, messages, play, written
from tests.integration.fake_erp import FakeErp, fake_erp
from tests.patience import eventually


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "PAUSE_S", 0.01)
    for name, value in (("POLL_S", 0.01), ("DELAY_S_MIN", 0.01), ("DELAY_S_MAX", 0.05), ("TIMEOUT_S", 0.5)):
        monkeypatch.setattr(module, name, value)


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    """The API of a plant that posts."""
    settings = Settings(database=database_url)
    async with (
        running_plant(settings, clock=SteppedClock(), readers=READERS) as plant,
        posting(plant.database, plant.clock),
    ):
        yield Api(plant)


@pytest.fixture
async def erp() -> AsyncIterator[FakeErp]:
    async with fake_erp() as running:
        yield running


async def told(api: Api, erp: FakeErp) -> str:
    """Register the fake; returns the secret."""
    await make_plant(api)
    payload = await destination(api, kind="HTTP", url=erp.address)
    return str(payload["secret"])


async def all_taken_over(api: Api, count: int) -> None:
    await eventually(lambda: messages(api, state="ACKNOWLEDGED"), lambda found: len(found) == count)


async def test_a_message_is_signed(api: Api, erp: FakeErp) -> None:
    secret = await told(api, erp)
    await play(api)
    await all_taken_over(api, 4)
    assert [message.trigger for message in erp.booked] == TRIGGERS
    for message in erp.booked:
        signed = f"{message.timestamp}.{message.message_id}.".encode() + message.body
        assert message.signature == "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        assert message.body.startswith(b"<?xml")
    assert [m["messageId"] for m in await messages(api)] == [message.message_id for message in erp.booked]


async def test_whatever_goes_wrong_each_order_arrives_whole_and_in_order(api: Api, erp: FakeErp) -> None:
    erp.script = [500, "cut", "applied-hang", "slow", 503, "wrong-ack", 429, "hang", 200, "applied-hang", 404, 500]
    await told(api, erp)
    for code in ("1", "2", "3"):
        await play(api, code)
    await all_taken_over(api, 12)
    assert erp.orders == {"1": TRIGGERS, "2": TRIGGERS, "3": TRIGGERS}
    assert len(erp.arrived) > 12, "nothing went wrong: the test proves nothing"
    assert sum(message["attempts"] for message in await messages(api)) == len(erp.arrived)


async def test_a_breaker_opens_and_closes(api: Api, erp: FakeErp) -> None:
    erp.script = [500] * (module.BREAKER_AFTER + 1) + ["hang"]
    await told(api, erp)
    await play(api)
    found = await eventually(
        lambda: messages(api, state="PENDING"),
        lambda found: bool(found) and found[0]["destination"]["breaker"] == "OPEN",
    )
    assert (found[0]["destination"]["breaker"], found[0]["destination"]["lastError"]) == ("OPEN", "status 500")
    assert [message["attempts"] for message in found[1:]] == [0, 0, 0][: len(found) - 1], "one is tried at a time"
    await all_taken_over(api, 4)
    [message, *_] = await messages(api)
    assert (message["destination"]["breaker"], message["destination"]["failures"]) == ("CLOSED", 0)


async def test_what_is_refused_stands_in_nobody_s_way(api: Api, erp: FakeErp) -> None:
    erp.script = [422] * module.REFUSALS_MAX
    await told(api, erp)
    await play(api)
    await all_taken_over(api, 3)
    [failed] = await messages(api, state="FAILED")
    assert (failed["trigger"], failed["attempts"], failed["lastError"]) == (
        "SEGMENT_ENDED",
        module.REFUSALS_MAX,
        "status 422",
    )
    assert failed["destination"]["breaker"] == "CLOSED", "the destination answers"


async def test_what_is_received_waits_to_be_taken_over(api: Api, erp: FakeErp) -> None:
    erp.script = [202]
    await told(api, erp)
    await play(api)
    await all_taken_over(api, 3)
    [sent] = await messages(api, state="SENT")
    assert (sent["attempts"], sent["sentAt"] is not None, sent["acknowledgedAt"]) == (1, True, None)


async def test_a_destination_that_is_down_loses_nothing(database_url: str, erp: FakeErp) -> None:
    """The server stops while messages wait; the next one posts them."""
    settings = Settings(database=database_url)
    async with running_plant(settings, clock=SteppedClock(), readers=READERS) as plant:
        api = Api(plant)
        await told(api, erp)
        await play(api)
        await written(api, 4)
        assert erp.arrived == []
        async with posting(plant.database, plant.clock):
            await all_taken_over(api, 4)
    assert erp.orders == {"10045": TRIGGERS}


async def test_one_process_posts_for_a_database(api: Api, erp: FakeErp) -> None:
    """A second poster on PostgreSQL waits for the lock; SQLite has one process anyway."""
    second = Poster(api.plant.database, api.plant.clock)
    if api.plant.database.dialect == "postgresql":
        second.start()
    try:
        await told(api, erp)
        await play(api)
        await all_taken_over(api, 4)
    finally:
        await second.stop()
    assert len(erp.arrived) == 4


def test_the_delay_grows_to_five_minutes_and_is_never_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for failures, ceiling in ((1, 1), (2, 2), (5, 16), (9, 256), (10, 300), (1000, 300)):
        delays = [delay_s(failures) for _ in range(200)]
        assert 0 <= min(delays) < ceiling / 4
        assert ceiling * 3 / 4 < max(delays) <= ceiling

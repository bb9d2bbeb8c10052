"""The edge and the server together: from a driver to what the API tells of its tags."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from mesgraph.edge.plant import DOCUMENTS
from tests.edge.running import edge
from tests.kit.served import Served, served

COUNTER = {"path": "COAT01/Count", "driverInstance": "SIM", "address": "counter", "kind": "COUNTER"}
TAG = COUNTER | {"dataType": "INTEGER", "expectedPeriod": "PT0.05S"}
MAKE = """mutation($sites: [SiteInput!]!, $instances: [DriverInstanceInput!]!, $tags: [TagInput!]!) {
  submitSites(input: {sites: $sites}) { userErrors { message } }
  submitDriverInstances(input: {site: "HV1", driverInstances: $instances}) { userErrors { message } }
  submitTags(input: {site: "HV1", tags: $tags}) { userErrors { message } }
  createPrincipal(input: {subject: "edge", kind: SERVICE, displayName: "Edge"}) { userErrors { message } }
  grantRole(input: {principal: "edge", role: DRIVER, site: "HV1"}) { userErrors { message } }
  admin: grantRole(input: {principal: "admin", role: ENGINEER}) { userErrors { message } }
  issueApiKey(input: {principal: "edge", site: "HV1"}) { text userErrors { message } }
}"""
SHOWN = """{
  latest(filter: {site: "HV1"}) { value }
  driverInstances { nodes { health { state buffered tier } } }
}"""
HISTORY = (
    """query($window: DateTimeRange!) { tagHistory(tag: "HV1/COAT01/Count", window: $window) { samples { value } } }"""
)


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[Served]:
    async with served(database_url) as running:
        yield running


async def furnished(server: Served) -> str:
    """A simulated counter; returns the key of its edge."""
    await server.ask(
        """mutation { grantRole(input: {principal: "admin", role: ENGINEER}) { userErrors { message } } }"""
    )
    made = await server.ask(
        MAKE,
        sites=[{"code": "HV1", "name": "HALVARD", "timeZone": "Europe/Oslo"}],
        instances=[{"code": "SIM", "driver": "simulator", "config": {}}],
        tags=[TAG],
    )
    assert [done["userErrors"] for done in made.values()] == [[]] * len(made)
    await server.store(*DOCUMENTS)
    return str(made["issueApiKey"]["text"])


async def until(server: Served, so: Callable[[Any], bool]) -> Any:
    """What is shown once it is so."""
    async with asyncio.timeout(40):
        while not so(shown := await server.ask(SHOWN)):  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.1)
    return shown


def last(shown: Any) -> int:
    [value] = shown["latest"]["value"] or [None]
    return value or 0


async def test_every_sample_of_a_counter_is_in_its_history_once(server: Served, tmp_path: Path) -> None:
    key = await furnished(server)
    with edge(tmp_path, f"http://{server.address}", key=key, site="HV1") as running:
        await until(server, lambda shown: last(shown) > 30)
        await asyncio.to_thread(running.kill)
        await asyncio.to_thread(running.start)
        shown = await until(server, lambda shown: 0 < last(shown) < 30)
        assert shown["driverInstances"]["nodes"][0]["health"]["state"] == "RUNNING"
        assert await asyncio.to_thread(running.stop) == 0
    [instance] = (await server.ask(SHOWN))["driverInstances"]["nodes"]
    assert (instance["health"]["state"], instance["health"]["tier"]) == ("STOPPED", "GOLD")
    window = {"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    values = (await server.ask(HISTORY, window=window))["tagHistory"]["samples"]["value"]
    counts = [value for value in values if value is not None]
    again = counts.index(1, 1)
    for run in (counts[:again], counts[again:]):
        assert run == list(range(1, len(run) + 1)), "in order, none missing, none twice"
    assert values[0] is None, "nothing is known before the first value"

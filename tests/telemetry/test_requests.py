"""Long batches over HTTP: for drivers alone."""

from typing import Any

import pytest

from mesgraph.access.actions import create_principal, grant_role, issue_api_key
from mesgraph.access.models import PrincipalKind
from mesgraph.access.roles import Role
from mesgraph.clock import to_micros
from tests.factories.telemetry import TEMP
from tests.kit.served import Served, served

INGEST = """mutation($s: SampleColumns!) {
  ingestSamples(input: {driverInstance: "HV1/DRV-1", sequence: 0, samples: $s}) {
    accepted nextSequence userErrors { code } } }"""
MASTERS = """mutation($sites: [SiteInput!]!, $drivers: [DriverInstanceInput!]!, $tags: [TagInput!]!) {
    submitSites(input: {sites: $sites}) { userErrors { message } }
    submitDriverInstances(input: {site: "HV1", driverInstances: $drivers}) { userErrors { message } }
    submitTags(input: {site: "HV1", tags: $tags}) { userErrors { message } } }"""
HISTORY = """query($from: DateTime!, $to: DateTime!) {
    tagHistory(tag: "HV1/T", window: {from: $from, to: $to}) { samples { count time value } } }"""


def full_batch(now: int, **more: Any) -> dict[str, Any]:
    """5,000 samples in all nine columns."""
    times = [now + i * 1000 for i in range(5_000)]
    zeros = [0] * 5_000
    columns = {"paths": ["T"], "tag": zeros, "time": times, "received": times, "value": [i / 3 for i in range(5_000)]}
    return columns | {"quality": zeros, "status": zeros, "flags": zeros} | more


async def key_of(server: Served, role: Role) -> str:
    """A key of a service with this role at every site."""

    def make(session: Any) -> str:
        from tests.api import Api

        work = Api(server.app.state.plant).work(session)
        work.now = work.occurred_at = server.app.state.plant.clock.now()
        who = create_principal(work, subject=f"svc-{role}", kind=PrincipalKind.SERVICE, display_name=role)
        grant_role(work, who, role, None, None)
        return issue_api_key(work, who)[1]

    made: str = await server.app.state.plant.database.write(make)
    return made


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_full_batch_is_for_drivers_and_comes_back_as_columns(database_url: str) -> None:
    async with served(database_url) as server:
        sites = [{"code": "HV1", "name": "HV1", "timeZone": "Europe/Stockholm"}]
        tag = {name: value for name, value in TEMP.items() if name != "equipment"} | {"path": "T", "validRange": None}
        made = await server.ask(MASTERS, sites=sites, drivers=[{"code": "DRV-1", "driver": "simulator"}], tags=[tag])
        assert all(payload["userErrors"] == [] for payload in made.values()), made
        driver, viewer = await key_of(server, Role.DRIVER), await key_of(server, Role.VIEWER)
        now = to_micros(server.app.state.plant.clock.now())
        await server.store(INGEST)
        samples = full_batch(now)
        assert (await server.post(INGEST, viewer, s=samples)).status_code == 413
        answer = (await server.post(INGEST, driver, s=samples)).json()
        assert "errors" not in answer, answer
        assert answer["data"]["ingestSamples"] == {"accepted": 5000, "nextSequence": 5000, "userErrors": []}
        too_many = full_batch(now, tag=[0] * 20_000)
        assert (await server.post(INGEST, driver, s=too_many)).status_code == 400
        window = {"from": "2020-01-01T00:00:00Z", "to": "2190-01-01T00:00:00Z"}
        found = (await server.post(HISTORY, viewer, **window)).json()["data"]["tagHistory"]["samples"]
        assert (found["count"], found["time"], found["value"]) == (5000, samples["time"], samples["value"])

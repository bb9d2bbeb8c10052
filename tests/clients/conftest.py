"""A shop that clients look at."""

from collections.abc import AsyncIterator

import pytest

from tests.api import Api
from tests.factories.execution import MIX, make_order, make_plant
from tests.kit.served import Served, served

ISSUE = """mutation { grantRole(input: {principal: "op-017", role: SUPERVISOR, site: "HV1"}) { userErrors { message } }
  issueApiKey(input: {principal: "op-017"}) { text userErrors { message } } }"""


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[tuple[Served, str]]:
    """A server with an order whose job is permitted, and an operator's key."""
    async with served(database_url) as server:
        api = Api(server.app.state.plant)
        await make_plant(api)
        await make_order(api, MIX)
        yield server, (await server.ask(ISSUE))["issueApiKey"]["text"]

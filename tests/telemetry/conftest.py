"""A plant whose coater has a driver with tags."""

import pytest

from tests.api import Api
from tests.factories.materials import make_halvard
from tests.factories.telemetry import make_tags


@pytest.fixture
async def coater(api: Api) -> Api:
    await make_halvard(api)
    await make_tags(api)
    return api

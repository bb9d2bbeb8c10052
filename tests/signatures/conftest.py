"""A plant that demands no signature, and one that demands all."""

from collections.abc import AsyncIterator

import pytest

from tests.api import SteppedClock
from tests.kit.served import served
from tests.signatures.signer import SignedPlant


@pytest.fixture
def demanded() -> frozenset[str]:
    """The commands that must be signed."""
    return frozenset()


@pytest.fixture
async def plant_of_signers(
    database_url: str, demanded: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SignedPlant]:
    clock = SteppedClock()
    monkeypatch.setattr("mesgraph.plant.SystemClock", lambda: clock)
    monkeypatch.setattr("mesgraph.migration.SystemClock", lambda: clock)
    async with served(database_url, signatures=demanded) as server:
        plant = SignedPlant(server, clock)
        await plant.begin()
        yield plant

"""What a plan answers is, byte for byte, what graphql-core answers."""

import json
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest

from mesgraph.access.roles import Role
from mesgraph.api import guard, limits
from mesgraph.api.answer_size import written
from mesgraph.api.context import Context
from mesgraph.api.plan.plans import Plans
from mesgraph.schema import build_schema
from mesgraph.work import Actor
from tests.api import Api
from tests.api.documents import Draw, Drawn
from tests.security.two_plants import Plants, two_plants
from tests.stages import scaled

DOCUMENTS = scaled(1_000, 25_000)
"""On each database."""
ROLES = (Role.PLANNER, Role.VIEWER, Role.QUALITY, Role.ADMIN)


class Both:
    """Asks twice: by plans alone, and by graphql-core alone."""

    def __init__(self, api: Api) -> None:
        self.api, self.schema = api, build_schema()
        self.plans = Plans(self.schema, api.plant.database)

    async def planned(self, drawn: Drawn, actor: Actor) -> bytes | None:
        context = Context(self.api.plant, actor)
        passed = self.schema.guard.passed(drawn.text, drawn.variables, None, context)
        return passed and await self.plans.answer(*passed, None, context)

    async def referred(self, drawn: Drawn, actor: Actor) -> Any:
        context = Context(self.api.plant, actor)
        return await self.schema.execute(drawn.text, variable_values=drawn.variables, context_value=context)


@pytest.mark.timeout(scaled(900, 10_000))
# when a list is refused, graphql-core drops the resolvers of the lists beside it
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited", "ignore::pytest.PytestUnraisableExceptionWarning")
async def test_generated_documents_are_answered_alike(
    api: Api, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (guard, limits):  # however slow the machine, both sides have to come to an answer
        monkeypatch.setattr(module, "DEADLINE_S", 600)
    plants = await two_plants(api)
    both, draw = Both(api), Draw(build_schema()._schema, random.Random(1), list(_keys(plants)))
    actors = [await api.actor(role, site=site) for role in ROLES for site in (None, "HV1")]
    answered = 0
    for _ in range(DOCUMENTS):
        drawn, actor = draw.document(), draw.random.choice(actors)
        plan = await both.planned(drawn, actor)
        reference = await both.referred(drawn, actor)
        if plan is not None:
            answered += 1
            assert reference.errors is None, (drawn, reference.errors)
            assert plan.decode() == written({"data": reference.data}), drawn
        found = re.findall(r'ursor": "(\S+?)"', json.dumps(reference.data))
        draw.cursors = [*draw.cursors, *found][-100:]
    assert not [record for record in caplog.records if record.name.startswith("mesgraph.api.plan")]
    assert answered > DOCUMENTS / 2, "most of what is generated is there to be planned"


def _keys(plants: Plants) -> Iterator[dict[str, str]]:
    for things in plants.at.values():
        for name in ("lot", "lot2", "unit", "pallet", "sublot"):
            key = things.keys.get(name)
            if isinstance(key, dict):
                yield key
    yield {"material": "RM-PVDF", "lot": "NOT-THERE"}

"""A subscriber that is cut off again and again sees exactly the record: every event, in order, none twice."""

import asyncio
import random

import pytest

from mesgraph.demo.perform import crew_of, perform
from mesgraph.demo.script import script
from mesgraph.demo.stage import Stage, stage
from mesgraph.demo.step import Step
from mesgraph.demo.verdict import Shown, checks
from tests.adversity.proxy import Proxy, proxy_to
from tests.stages import PLAN, SHIFT_TIMEOUT_S, empty_database, scaled

__all__ = ["empty_database"]

CUTS = 50
SEED = 20260217
SOON_S = 0.1


class Cutter:
    """Cuts the subscriber's connection soon after chosen commands; restarts the server after the one in the middle."""

    def __init__(self, stage: Stage, proxy: Proxy, *, restart: bool) -> None:
        self.stage = stage
        self.proxy = proxy
        self.chance = random.Random(SEED)
        keys = [step.key for step in script(PLAN)]
        self.moments = set(self.chance.sample(keys, CUTS))
        self.restart_at = keys[len(keys) // 2] if restart else None
        self._cuts: list[asyncio.Task[None]] = []

    async def before(self, step: Step) -> None:
        if step.key in self.moments:
            await self.finish()
            self._cuts = [asyncio.create_task(self._cut(self.chance.uniform(0, SOON_S)))]
        if step.key == self.restart_at:
            await asyncio.to_thread(self.stage.server.stop)
            await asyncio.to_thread(self.stage.server.start)

    async def finish(self) -> None:
        await asyncio.gather(*self._cuts)

    async def _cut(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await self.proxy.cut()


async def play(stage: Stage, *, restart: bool) -> tuple[Shown, int]:
    async with crew_of(stage, PLAN) as crew, proxy_to(stage.server.port) as proxy:
        cutter = Cutter(stage, proxy, restart=restart)
        shown = await perform(stage, crew, PLAN, before=cutter.before, live_url=proxy.url)
        await cutter.finish()
        return shown, proxy.cuts


@pytest.mark.slow
@pytest.mark.timeout(SHIFT_TIMEOUT_S)
@pytest.mark.parametrize("restart", [True, False][: scaled(1, 2)], ids=["with-a-restart", "alone"][: scaled(1, 2)])
def test_fifty_cuts_lose_and_repeat_nothing(empty_database: str, restart: bool) -> None:
    with stage(empty_database) as set_up:
        shown, cuts = asyncio.run(play(set_up, restart=restart))
    assert cuts >= CUTS
    assert [check for check in checks(shown) if not check.ok] == []

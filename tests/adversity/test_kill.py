"""kill -9 at random moments: what was acknowledged is there, once, and the shift goes on by sending its keys again."""

import asyncio
import random

import pytest

from mesgraph.demo.crew import Crew
from mesgraph.demo.perform import crew_of, perform
from mesgraph.demo.script import script
from mesgraph.demo.stage import Stage, stage
from mesgraph.demo.step import Step
from mesgraph.demo.verdict import Shown, checks
from tests.stages import PLAN, SHIFT_TIMEOUT_S, empty_database, scaled

__all__ = ["empty_database"]

KILLS = scaled(3, 20)
SEED = 20260216
SOON_S = 0.04
"""A kill falls at most so long after a command was sent: before, within or after its transaction."""


class Killer:
    """Kills the server while chosen commands are under way, and starts it again on the same database and port."""

    def __init__(self, stage: Stage, kills: int, seed: int) -> None:
        self.stage = stage
        self.chance = random.Random(seed)
        self.victims = set(self.chance.sample([step.key for step in script(PLAN)], kills))
        self.kills = 0
        self._strikes: list[asyncio.Task[None]] = []

    async def before(self, step: Step) -> None:
        if step.key in self.victims:
            await self.finish()
            self._strikes.append(asyncio.create_task(self._strike(self.chance.uniform(0, SOON_S))))

    async def finish(self) -> None:
        """Wait until the server is back."""
        await asyncio.gather(*self._strikes)

    async def _strike(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        self.stage.server.kill()
        self.kills += 1
        await asyncio.to_thread(self.stage.server.start)


async def play(stage: Stage, kills: int, seed: int) -> tuple[Shown, Crew, Killer]:
    killer = Killer(stage, kills, seed)
    async with crew_of(stage, PLAN) as crew:
        shown = await perform(stage, crew, PLAN, before=killer.before)
        await killer.finish()
    return shown, crew, killer


@pytest.mark.slow
@pytest.mark.timeout(SHIFT_TIMEOUT_S)
def test_a_killed_server_loses_and_doubles_nothing_that_it_acknowledged(empty_database: str) -> None:
    with stage(empty_database) as set_up:
        shown, crew, killer = asyncio.run(play(set_up, KILLS, SEED))
    assert killer.kills == KILLS
    assert crew.journal.tries > len(crew.journal.entries), "no command met the kill: the test proves nothing"
    assert [check for check in checks(shown) if not check.ok] == []

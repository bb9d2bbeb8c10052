"""One whole performance on a stage: seed, play, look."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from mesgraph.demo.client import Seen, Subscriber, position_of, replay
from mesgraph.demo.crew import Crew, connections, hire
from mesgraph.demo.observe import observe
from mesgraph.demo.plan import Plan
from mesgraph.demo.script import script
from mesgraph.demo.seed import seed
from mesgraph.demo.shift import Before, Shift
from mesgraph.demo.stage import Stage
from mesgraph.demo.verdict import Shown

CATCH_UP_S = 30
RECORD_READER = "audit-01"


async def perform(
    stage: Stage,
    crew: Crew,
    plan: Plan,
    *,
    speed: float | None = None,
    before: Before | None = None,
    on_event: Callable[[Seen], None] | None = None,
    live_url: str | None = None,
) -> Shown:
    """Play the shift of ``plan`` and return what was seen of it.

    A subscriber follows the record through the whole shift, at ``live_url`` if its way there is another one, and tells
    ``on_event``; afterwards the record is read anew from its beginning.
    """
    key, steps = crew[RECORD_READER].key, script(plan)
    async with following(Subscriber(live_url or crew.url, key, listener=on_event)) as subscriber:
        await seed(crew, plan.sites)
        shift = Shift(crew, stage.clock, speed, before)
        await shift.play(steps)
        # The last command once more: its answer is the first one, and says where the record ends.
        last = await shift.send(steps[-1], "ledgerEvents { cursor }")
        end = last["ledgerEvents"][-1]["cursor"]
        with contextlib.suppress(TimeoutError):  # what is missing then fails the check
            await subscriber.reached(end, CATCH_UP_S)
        record = await replay(crew.url, key, end)
    return Shown(
        plan=plan,
        steps=steps,
        observed=await observe(crew[RECORD_READER], plan, record),
        acknowledged=crew.journal.entries,
        # the plant goes on by itself: what follows happened behind the end
        live=[seen for seen in subscriber.seen if seen.position <= position_of(end)],
        record=record,
    )


@asynccontextmanager
async def crew_of(stage: Stage, plan: Plan) -> AsyncIterator[Crew]:
    """The principals of one performance, each with its key."""
    async with connections() as http:
        crew = Crew(stage.server.url, http)
        await hire(crew, stage.admin_key, plan.sites)
        yield crew


@asynccontextmanager
async def following(subscriber: Subscriber) -> AsyncIterator[Subscriber]:
    """Let ``subscriber`` follow the record while the block runs."""
    task = asyncio.create_task(subscriber.run(), name="subscriber")
    try:
        yield subscriber
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

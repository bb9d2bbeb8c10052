"""Playing the script: the clock steps on, each command is sent by whom the script names, references are filled in."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from mesgraph.clock import VirtualClock
from mesgraph.demo.crew import Crew
from mesgraph.demo.script import Ref, Step

FIELDS = {
    "submitOperationsSchedule": "results { externalId operationsRequest { id } userErrors { code message path } }",
    "releaseOperationsRequest": "operationsRequest { externalId jobOrders { id segmentRequirement { seq } } }",
    "startJobOrder": "jobResponse { id }",
    "placeHold": "hold { id }",
}
"""What is asked of answers: the ids that later commands name."""

Before = Callable[[Step], Awaitable[None]]


@dataclass
class Shift:
    """One performance. ``before`` is called before each command, ``pace_s`` passes between two of them."""

    crew: Crew
    clock: VirtualClock
    pace_s: float = 0
    before: Before | None = None
    known: dict[Ref, str] = field(default_factory=dict)

    async def play(self, steps: Iterable[Step]) -> None:
        """Play all steps. Raises what the client raises when the plant refuses one or answers no more."""
        for step in steps:
            if self.before is not None:
                await self.before(step)
            if self.pace_s:
                await asyncio.sleep(self.pace_s)
            await self.send(step)

    async def send(self, step: Step, more_fields: str = "") -> dict[str, Any]:
        """Send one command at its time and learn the ids of its answer."""
        self.clock.set(step.at)
        fields = f"{FIELDS.get(step.command, '')} {more_fields}"
        payload = await self.crew[step.who].do(step.command, step.key, fields, **self.filled(step.input))
        self._learn(step, payload)
        return payload

    def filled(self, value: Any) -> Any:
        """``value`` with every reference replaced by the id that the plant gave."""
        match value:
            case Ref():
                return self.known[value]
            case dict():
                return {key: self.filled(item) for key, item in value.items()}
            case list() | tuple():
                return [self.filled(item) for item in value]
        return value

    def _learn(self, step: Step, payload: dict[str, Any]) -> None:
        match step.command:
            case "submitOperationsSchedule":
                for result in payload["results"]:
                    self.known[Ref("order", result["externalId"])] = result["operationsRequest"]["id"]
            case "releaseOperationsRequest":
                order = payload["operationsRequest"]["externalId"]
                for job in payload["operationsRequest"]["jobOrders"]:
                    self.known[Ref("job", order, job["segmentRequirement"]["seq"])] = job["id"]
            case "startJobOrder":
                job = step.input["jobOrder"]
                self.known[Ref("run", job.order, job.seq)] = payload["jobResponse"]["id"]
            case "placeHold":
                self.known[Ref("hold", "")] = payload["hold"]["id"]

"""Playing the script: the clock steps on, each command is sent by whom the script names, references are filled in."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mesgraph.clock import VirtualClock
from mesgraph.demo.client import CommandRefused
from mesgraph.demo.crew import Crew
from mesgraph.demo.step import Ref, Step

FIELDS = {
    "submitOperationsSchedule": "results { externalId operationsRequest { id } userErrors { code message path } }",
    "releaseOperationsRequest": "operationsRequest { externalId jobOrders { id segmentRequirement { seq } } }",
    "startJobOrder": "jobResponse { id }",
    "placeHold": "hold { id }",
    "createTransfer": "transfer { number }",
    "recordParameter": "deviation { id }",
}
"""What is asked of answers: the ids that later commands name."""

Before = Callable[[Step], Awaitable[None]]


WAIT_S_MAX = 1.0
"""At most so long passes between two commands, however long the plant waits: nobody watches cells ageing."""


class NotRefused(Exception):
    """The plant did what it must refuse, or refused it for other reasons."""


@dataclass
class Shift:
    """One performance. ``before`` is called before each command; with a ``speed`` so many seconds of the plant pass in
    a second, without one it is played as fast as it goes.
    """

    crew: Crew
    clock: VirtualClock
    speed: float | None = None
    before: Before | None = None
    known: dict[Ref, str] = field(default_factory=dict)

    async def play(self, steps: Iterable[Step]) -> None:
        """Play all steps. Raises what the client raises when the plant refuses one or answers no more."""
        last: datetime | None = None
        for step in steps:
            if self.before is not None:
                await self.before(step)
            if self.speed is not None and last is not None:
                await asyncio.sleep(min((step.at - last).total_seconds() / self.speed, WAIT_S_MAX))
            last = step.at
            if step.refused:
                await self.refused(step)
            else:
                await self.send(step)

    async def send(self, step: Step, more_fields: str = "") -> dict[str, Any]:
        """Send one command at its time and learn the ids of its answer."""
        self.clock.set(step.at)
        fields = " ".join(filter(None, (FIELDS.get(step.command), more_fields)))
        payload = await self.crew[step.who].do(step.command, step.key, fields, **self.filled(step.input))
        self._learn(step, payload)
        return payload

    async def refused(self, step: Step) -> None:
        """Send a command that must be refused, and look for the reasons. Raises :class:`NotRefused`."""
        try:
            await self.send(step)
        except CommandRefused as refusal:
            codes = {error["code"] for error in refusal.errors}
            if codes == step.refused:
                return
            raise NotRefused(f"{step.key}: {sorted(codes)} instead of {sorted(step.refused)}") from refusal
        raise NotRefused(f"{step.key} was done")

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
            case "consumeMaterial":
                self.known[Ref("posted", step.key)] = payload["ledgerEvents"][0]["eventId"]
            case "recordParameter" if payload["deviation"] is not None:
                self.known[Ref("deviation", step.key)] = payload["deviation"]["id"]
            case "createTransfer":
                self.known[Ref("transfer", "")] = payload["transfer"]["number"]
            case "placeHold":
                self.known[Ref("hold", "")] = payload["hold"]["id"]

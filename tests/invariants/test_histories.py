"""Whatever several workers do at once, in whatever order, the books stay right.

Hypothesis makes up histories: rounds of commands that are sent together. Every command may be refused; none may break
an invariant. MESGRAPH_TEST_SCALE=full plays more of them, a number that many.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from mesgraph.access.roles import Role
from mesgraph.api.nodes import node_id
from mesgraph.work import Actor
from tests.api import Api
from tests.factories.execution import Line, Order, Step, amount, lot, make_order, make_plant, receive, start, units
from tests.invariants.checks import broken_invariants
from tests.stages import scaled

EXAMPLES = scaled(6, 150)
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # shrinking against a database takes minutes
ROUTE = [
    Step(20, "SLURRY-C", [Line("RM-PVDF"), Line("RM-NMP")]),
    Step(30, "COIL-C", [Line("SLURRY-C")]),
    Step(40, "CELL-105", [Line("COIL-C"), Line("SLURRY-C")]),
    Step(50, "MOD-8S", [Line("CELL-105"), Line("RM-PVDF")]),
]
PALLETS = ("095212340000000013", "095212340000000020")
numbers = count(1)
"""Lot and serial numbers, never used twice."""


@dataclass(frozen=True)
class Command:
    """What one worker wants; ``which`` picks among what there is then, ``size`` says how much."""

    verb: str
    which: int
    size: int
    step: int


commands = st.builds(
    Command,
    verb=st.sampled_from(
        [*["consume", "produce"] * 3, "assemble", "split", "merge", "scrap", "sample", "adjust", "hold", "release"]
        + ["reverse"] * 2
        + ["reject", "dispose", "disassemble", "pack", "unpack", "ship", "return_"]
        + ["stand", "go_on", "go_on", "give_up"]
    ),
    which=st.integers(0, 30),
    size=st.integers(1, 12),
    step=st.sampled_from([20, 30, 40, 50]),
)
histories = st.lists(st.lists(commands, min_size=1, max_size=5), min_size=4, max_size=10)


@dataclass
class Floor:
    """The shop floor as the workers know it: what they have made and done so far."""

    api: Api
    actors: dict[str, Actor]
    order: Order
    runs: dict[int, str]
    lots: list[dict[str, str]]
    units: list[dict[str, str]] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    holds: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    async def play(self, command: Command) -> None:
        verb = command.verb
        document, fields, role, wanted = getattr(self, verb)(command)
        if wanted is None:
            return
        name = document[0].upper() + document[1:]
        answer = await self.api.answer(
            f"mutation($input: {name}Input!) {{ {document}(input: $input) {{ {fields} userErrors {{ code }} }} }}",
            by=self.actors[role],
            input=wanted,
        )
        # a lock that another worker holds for long is a fair answer, a bug is not
        assert all(e.extensions and e.extensions.get("retryable") for e in answer.errors or []), answer.errors
        if answer.errors or answer.data[document]["userErrors"]:
            return
        self.done[verb] += 1
        self.learn(answer.data[document])

    def learn(self, payload: dict[str, Any]) -> None:
        made = [*(payload.get("items") or []), *(payload.get("children") or [])]
        made += [payload[name] for name in ("item", "unit", "reworked") if payload.get(name)]
        for item in made:
            known = self.units if item["__typename"] == "SerialUnit" else self.lots
            if {"id": item["id"]} not in known:
                known.append({"id": item["id"]})
        for name in ("genealogyEvent", "materialActual"):
            if payload.get(name):
                self.facts.append(payload[name]["id"])
        if payload.get("hold"):
            self.holds.append(payload["hold"]["id"])

    def pick(self, which: int, things: list[Any]) -> Any:
        return things[-1 - which % len(things)] if things else None

    def consume(self, command: Command) -> tuple[str, str, str, Any]:
        item = self.pick(command.which, self.units if command.step == 50 and command.size % 2 else self.lots)
        value = "1" if item in self.units else str(command.size)
        wanted = item and {
            "jobResponse": self.runs[command.step],
            "item": item,
            "quantity": amount(value, self.uom(item)),
        }
        return "consumeMaterial", "materialActual { id }", "operator", wanted

    def produce(self, command: Command) -> tuple[str, str, str, Any]:
        number = f"N{next(numbers)}"
        outputs = {
            20: lot("SLURRY-C", number, str(command.size)),
            30: lot("COIL-C", number, str(command.size), "MTR"),
            40: units("CELL-105", *(f"{number}-{n}" for n in range(command.size % 4 + 1))),
            50: units("MOD-8S", number),
        }
        wanted: dict[str, Any] = {"jobResponse": self.runs[command.step], "outputs": [outputs[command.step]]}
        item = self.pick(command.which, self.lots)
        match command.which % 3:
            case 1:
                wanted["consumed"] = [{"item": item, "quantity": amount(str(command.size), self.uom(item))}]
            case 2:
                wanted["from"] = [{"item": item, "quantity": amount("1", self.uom(item))}]
        return "produceMaterial", "items { __typename id } genealogyEvent { id }", "operator", wanted

    def assemble(self, command: Command) -> tuple[str, str, str, Any]:
        parts = [self.pick(command.which + n, self.units) for n in range(min(command.size % 3 + 1, len(self.units)))]
        wanted = parts and {
            "jobResponse": self.runs[50],
            "material": "MOD-8S",
            "serialNumber": f"N{next(numbers)}",
            "components": [{"item": part, "slot": f"C{n}"} for n, part in enumerate(parts)],
        }
        return "assembleUnit", "unit { __typename id } genealogyEvent { id }", "operator", wanted or None

    def split(self, command: Command) -> tuple[str, str, str, Any]:
        item = self.pick(command.which, self.lots)
        child = {"quantity": amount(str(command.size), self.uom(item)), "number": f"N{next(numbers)}"}
        return (
            "splitLot",
            "children { __typename id } genealogyEvent { id }",
            "operator",
            {"item": item, "children": [child]},
        )

    def merge(self, command: Command) -> tuple[str, str, str, Any]:
        items = [self.pick(command.which, self.lots), self.pick(command.which + command.size, self.lots)]
        wanted = {"items": items, "lotNumber": f"N{next(numbers)}"}
        return "mergeLots", "item { __typename id } genealogyEvent { id }", "operator", wanted

    def scrap(self, command: Command) -> tuple[str, str, str, Any]:
        item = self.pick(command.which, self.lots + self.units)
        wanted: dict[str, Any] = {"item": item, "reason": {"code": "BROKEN"}}
        if item in self.lots and command.size % 2:
            wanted["quantity"] = amount(str(command.size), self.uom(item))
        return "scrapItem", "genealogyEvent { id }", "supervisor", wanted

    def sample(self, command: Command) -> tuple[str, str, str, Any]:
        item = self.pick(command.which, self.lots)
        wanted = {"item": item, "quantity": amount(f"0.{command.size:02}", self.uom(item))}
        return "takeSample", "genealogyEvent { id }", "quality", wanted

    def adjust(self, command: Command) -> tuple[str, str, str, Any]:
        item = self.pick(command.which, self.lots)
        wanted = {"item": item, "counted": amount(str(command.size), self.uom(item)), "reason": {"code": "COUNT"}}
        return "adjustLot", "genealogyEvent { id }", "supervisor", wanted

    def hold(self, command: Command) -> tuple[str, str, str, Any]:
        item = self.pick(command.which, self.lots + self.units)
        wanted: dict[str, Any] = {"items": [item], "severity": "MINOR", "reason": {"code": "DOUBT"}}
        return "placeHold", "hold { id }", "quality", wanted

    def release(self, command: Command) -> tuple[str, str, str, Any]:
        hold = self.pick(command.which, self.holds)
        return "releaseHold", "hold { id }", "quality", hold and {"hold": hold}

    def reject(self, command: Command) -> tuple[str, str, str, Any]:
        item = self.pick(command.which, self.lots + self.units)
        return "rejectLot", "replayed", "qa", {"item": item, "reason": {"code": "FAILED"}}

    def dispose(self, command: Command) -> tuple[str, str, str, Any]:
        item = self.pick(command.which, self.lots + self.units)
        decision = ("USE_AS_IS", "REWORK", "SCRAP", "REWORK")[command.size % 4]
        wanted = {"item": item, "decision": decision, "reason": {"code": "MRB"}}
        return "dispositionItem", "reworked { __typename id } genealogyEvent { id }", "qa", wanted

    def pack(self, command: Command) -> tuple[str, str, str, Any]:
        item = self.pick(command.which, self.lots + self.units)
        wanted = {"items": [item], "sscc": PALLETS[command.size % len(PALLETS)]}
        return "pack", "genealogyEvent { id }", "operator", wanted

    def unpack(self, command: Command) -> tuple[str, str, str, Any]:
        wanted = {"sscc": PALLETS[command.size % len(PALLETS)]}
        return "unpack", "genealogyEvent { id }", "operator", wanted

    def ship(self, command: Command) -> tuple[str, str, str, Any]:
        item = self.pick(command.which, self.lots + self.units)
        pallet = {"sscc": PALLETS[command.size % len(PALLETS)]}
        return "shipItems", "genealogyEvent { id }", "operator", {"items": [pallet if command.step == 20 else item]}

    def return_(self, command: Command) -> tuple[str, str, str, Any]:
        item = self.pick(command.which, self.lots + self.units)
        pallet = {"sscc": PALLETS[command.size % len(PALLETS)]}
        wanted = {"items": [pallet if command.step == 20 else item], "location": "HV1/STORE-WIP"}
        return "returnItems", "replayed", "operator", wanted

    def disassemble(self, command: Command) -> tuple[str, str, str, Any]:
        unit = self.pick(command.which, self.units)
        return "disassembleUnit", "genealogyEvent { id }", "operator", unit and {"unit": unit}

    def reverse(self, command: Command) -> tuple[str, str, str, Any]:
        fact = self.pick(command.which % 4, self.facts)
        return "reverseEvent", "replayed", "operator", fact and {"event": fact, "reason": {"code": "WRONG"}}

    def stand(self, _: Command) -> tuple[str, str, str, Any]:
        wanted = {"operationsRequest": self.order.code, "reason": {"code": "DOUBT"}}
        return "holdOperationsRequest", "replayed", "supervisor", wanted

    def go_on(self, _: Command) -> tuple[str, str, str, Any]:
        return "resumeOperationsRequest", "replayed", "supervisor", {"operationsRequest": self.order.code}

    def give_up(self, command: Command) -> tuple[str, str, str, Any]:
        wanted = {"jobOrder": self.order.jobs[command.step], "reason": {"code": "BROKEN"}}
        return "abortJobOrder", "replayed", "supervisor", wanted

    def uom(self, item: dict[str, str]) -> str:
        """Kilograms, as most lots have; a coil refuses them, which is an answer, too."""
        return "C62" if item in self.units else "KGM"


async def open_floor(api: Api) -> Floor:
    """A new order with a running job for each step, and two lots of each raw material."""
    actors = {
        "operator": await make_plant(api),
        "supervisor": await api.actor(Role.SUPERVISOR, subject="sup-02"),
        "quality": await api.actor(Role.QUALITY, subject="q-05"),
        "qa": await api.actor(Role.QA, subject="qa-07"),
    }
    order = await make_order(api, *ROUTE, code=f"4{next(numbers):05}")
    runs = {step.seq: await start(api, order, step.seq, actors["operator"]) for step in ROUTE}
    lots = []
    for material in ("RM-PVDF", "RM-NMP", "RM-PVDF", "RM-NMP"):
        item = await receive(api, material, f"R{next(numbers)}", "20")
        lots.append({"id": str(node_id(item))})
    return Floor(api, actors, order, runs, lots)


async def check(api: Api) -> None:
    """The books are right."""
    assert await api.plant.database.read(broken_invariants) == []


async def test_every_command_of_a_history_can_succeed(api: Api) -> None:
    """So that a history is not just a list of refusals."""
    floor = await open_floor(api)
    script = [
        Command("merge", 0, 2, 20),
        *[Command("consume", which, 5, 20) for which in (0, 2)],
        Command("produce", 0, 10, 20),
        Command("consume", 0, 6, 30),
        Command("produce", 0, 8, 30),
        Command("consume", 1, 2, 40),
        Command("produce", 0, 3, 40),
        Command("assemble", 0, 3, 50),
        Command("sample", 2, 3, 20),
        Command("adjust", 2, 1, 20),
        Command("split", 4, 2, 20),
        Command("scrap", 4, 3, 20),
        Command("hold", 0, 1, 20),
        Command("release", 0, 1, 20),
        Command("consume", 5, 1, 20),
        Command("reverse", 0, 1, 20),
        Command("disassemble", 0, 1, 20),
        Command("reject", 0, 1, 20),
        Command("dispose", 0, 1, 20),
        Command("stand", 0, 1, 20),
        Command("go_on", 0, 1, 20),
        Command("give_up", 0, 1, 20),
    ]
    for command in script:
        await floor.play(command)
        await check(api)
    assert set(floor.done) == {command.verb for command in script}, floor.done


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=PHASES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories)
async def test_no_history_breaks_an_invariant(api: Api, history: list[list[Command]]) -> None:
    floor = await open_floor(api)
    for together in history:
        await asyncio.gather(*(floor.play(command) for command in together))
        await check(api)
    note(f"done: {dict(floor.done)}")

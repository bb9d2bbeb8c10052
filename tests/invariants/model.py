"""Lots, units, holds and jobs of one order in plain Python: the smallest thing that knows the rules.

It is asked before the plant is and must give the same answer: the codes of all that a command breaks, or none and the
same books afterwards. It shares nothing with what it checks but the words.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

TERMINAL = {"CONSUMED", "SCRAPPED"}
SCRAPPABLE = {"QUARANTINE", "IN_PROCESS", "AVAILABLE", "REJECTED"}
RUNS_IN = {"RUNNING"}
OPEN = {"RUNNING", "HELD", "SUSPENDED"}

Codes = set[str]


class Key(NamedTuple):
    """What an item is called: a lot, a sublot of it, or a unit."""

    material: str
    number: str
    sublot: str | None = None
    is_unit: bool = False

    @property
    def shown(self) -> str:
        return "/".join(part for part in (self.material, self.number, self.sublot) if part)


@dataclass
class Thing:
    """An item."""

    quantity: Decimal
    initial: Decimal
    state: str
    own: bool = False
    holds: set[str] = field(default_factory=set)
    judged: int = 0
    """How often it was counted or scrapped as it stood."""


@dataclass
class Taken:
    """A consumption: pending until it becomes part of an output or is given back."""

    step: int
    item: Key
    quantity: Decimal
    state_before: str
    judged_before: int
    fate: str = "pending"


@dataclass(frozen=True)
class Recipe:
    """What a step makes, and of what."""

    makes: str
    of: frozenset[str]


@dataclass
class Model:
    """The books. Every verb gives the codes of its refusal; with none it is done."""

    recipes: dict[int, Recipe]
    items: dict[Key, Thing] = field(default_factory=dict)
    jobs: dict[int, str] = field(default_factory=dict)
    taken: dict[str, Taken] = field(default_factory=dict)
    holds: set[str] = field(default_factory=set)
    order: str = "RUNNING"

    # --- material in runs ---

    def consume(self, name: str, step: int, item: Key, quantity: Decimal) -> Codes:
        broken = self._not_running(step) | self._cannot_take(step, item, quantity)
        return broken or self._do(lambda: self._take(name, step, item, quantity))

    def produce(self, step: int, outputs: dict[Key, Decimal]) -> Codes:
        """Of all that is pending in the run."""
        broken = self._not_running(step)
        pending = [taken for taken in self.taken.values() if taken.step == step and taken.fate == "pending"]
        if not broken and not pending:
            broken = {"QUANTITY_NOT_CONSERVED"}
        return broken or self._do(lambda: self._make(outputs, pending))

    def produce_of(self, name: str, step: int, outputs: dict[Key, Decimal], item: Key, quantity: Decimal) -> Codes:
        """Of what is taken in the same breath."""
        broken = self._not_running(step) | self._cannot_take(step, item, quantity)

        def done() -> None:
            self._take(name, step, item, quantity)
            self._make(outputs, [self.taken[name]])

        return broken or self._do(done)

    def give_back(self, name: str) -> Codes:
        """The reversal of a consumption."""
        taken = self.taken[name]
        thing = self.items[taken.item]
        broken: Codes = set()
        if taken.fate == "returned":
            broken.add("RECORD_IMMUTABLE")
        elif taken.fate == "used":
            broken.add("DOWNSTREAM_DEPENDENCY")
        if thing.state == "SCRAPPED" or thing.judged > taken.judged_before:
            broken.add("DOWNSTREAM_DEPENDENCY")

        def done() -> None:
            if thing.state == "CONSUMED":
                thing.state = taken.state_before
            thing.quantity += taken.quantity
            taken.fate = "returned"

        return broken or self._do(done)

    def _not_running(self, step: int) -> Codes:
        return set() if self.jobs[step] in RUNS_IN else {"INVALID_TRANSITION"}

    def _cannot_take(self, step: int, item: Key, quantity: Decimal) -> Codes:
        thing = self.items[item]
        broken: Codes = set()
        if thing.state != "CONSUMED" and not (
            thing.state == "AVAILABLE" or (thing.state == "IN_PROCESS" and thing.own)
        ):
            broken.add("LOT_NOT_RELEASED")
        if thing.holds:
            broken.add("LOT_ON_HOLD")
        if item.material not in self.recipes[step].of:
            broken.add("WRONG_MATERIAL")
        if quantity > thing.quantity:
            broken.add("INSUFFICIENT_QUANTITY")
        return broken

    def _take(self, name: str, step: int, item: Key, quantity: Decimal) -> None:
        thing = self.items[item]
        self.taken[name] = Taken(step, item, quantity, thing.state, thing.judged)
        self._withdraw(thing, quantity)

    def _make(self, outputs: dict[Key, Decimal], of: list[Taken]) -> None:
        holds = set[str]().union(*(self.items[taken.item].holds for taken in of))
        for key, quantity in outputs.items():
            self.items[key] = Thing(quantity, quantity, "IN_PROCESS", own=True, holds=set(holds))
        for taken in of:
            taken.fate = "used"

    def _withdraw(self, thing: Thing, quantity: Decimal) -> None:
        thing.quantity -= quantity
        if not thing.quantity and thing.state not in TERMINAL:
            thing.state = "CONSUMED"

    @staticmethod
    def _do(effect: Callable[[], None]) -> Codes:
        effect()
        return set()

    # --- lots beside the runs ---

    def split(self, item: Key, child: Key, quantity: Decimal) -> Codes:
        thing = self.items[item]
        broken = self._cannot_divide(item)
        if not broken and quantity > thing.quantity:
            broken = {"INSUFFICIENT_QUANTITY"}

        def done() -> None:
            self.items[child] = Thing(quantity, quantity, thing.state, thing.own, set(thing.holds))
            self._withdraw(thing, quantity)

        return broken or self._do(done)

    def merge(self, items: list[Key], into: Key) -> Codes:
        broken: Codes = {"VALIDATION_FAILED"} if len(set(items)) < len(items) else set()
        for item in items:
            thing = self.items[item]
            if item.is_unit:
                broken.add("MERGE_INCOMPATIBLE")
                continue
            if item.material != items[0].material:
                broken.add("MERGE_INCOMPATIBLE")
            if reasons := self._unusable(thing):
                broken |= reasons | {"MERGE_INCOMPATIBLE"}

        def done() -> None:
            things = [self.items[item] for item in items]
            total = sum((thing.quantity for thing in things), Decimal(0))
            self.items[into] = Thing(total, total, "AVAILABLE", all(thing.own for thing in things))
            for thing in things:
                self._withdraw(thing, thing.quantity)

        return broken or self._do(done)

    def scrap(self, item: Key, quantity: Decimal | None) -> Codes:
        thing = self.items[item]
        if quantity is None:
            broken: Codes = set() if thing.state in SCRAPPABLE else {"INVALID_TRANSITION"}
        else:
            broken = self._too_little(thing, quantity)
        amount = thing.quantity if quantity is None else quantity

        def done() -> None:
            thing.judged += 1
            if amount == thing.quantity:
                thing.state = "SCRAPPED"
            self._withdraw(thing, amount)

        return broken or self._do(done)

    def sample(self, item: Key, quantity: Decimal) -> Codes:
        thing = self.items[item]
        broken = self._too_little(thing, quantity)
        return broken or self._do(lambda: self._withdraw(thing, quantity))

    def adjust(self, item: Key, counted: Decimal) -> Codes:
        thing = self.items[item]
        broken: Codes = {"INVALID_TRANSITION"} if thing.state in TERMINAL else set()
        if counted == thing.quantity:
            broken.add("VALIDATION_FAILED")

        def done() -> None:
            thing.judged += 1
            if counted < thing.quantity:
                self._withdraw(thing, thing.quantity - counted)
            else:
                thing.initial += counted - thing.quantity
                thing.quantity = counted

        return broken or self._do(done)

    def _cannot_divide(self, item: Key) -> Codes:
        ended = self.items[item].state in TERMINAL
        if item.is_unit:
            return {"VALIDATION_FAILED", *({"INVALID_TRANSITION"} if ended else ())}
        return {"INSUFFICIENT_QUANTITY"} if ended else set()

    def _too_little(self, thing: Thing, quantity: Decimal) -> Codes:
        return {"INSUFFICIENT_QUANTITY"} if quantity > thing.quantity else set()

    def _unusable(self, thing: Thing) -> Codes:
        broken: Codes = set()
        if thing.state == "CONSUMED":
            broken.add("ALREADY_CONTAINED")
        elif thing.state != "AVAILABLE":
            broken.add("LOT_NOT_RELEASED")
        return broken | ({"LOT_ON_HOLD"} if thing.holds else set())

    # --- holds ---

    def hold(self, name: str, item: Key) -> Codes:
        thing = self.items[item]
        if thing.state in TERMINAL:
            return {"INVALID_TRANSITION"}
        self.holds.add(name)
        thing.holds.add(name)
        return set()

    def release(self, name: str) -> Codes:
        if name not in self.holds:
            return {"INVALID_TRANSITION"}
        self.holds.discard(name)
        for thing in self.items.values():
            thing.holds.discard(name)
        return set()

    # --- jobs ---

    def pause(self, step: int, to: str) -> Codes:
        if self.jobs[step] not in OPEN - {to}:
            return {"INVALID_TRANSITION"}
        self.jobs[step] = to
        return set()

    def resume(self, step: int) -> Codes:
        if self.jobs[step] not in OPEN - RUNS_IN:
            return {"INVALID_TRANSITION"}
        self.jobs[step] = "RUNNING"
        return set()

    def stop(self, step: int) -> Codes:
        broken: Codes = set() if self.jobs[step] in OPEN else {"INVALID_TRANSITION"}
        if any(taken.step == step and taken.fate == "pending" for taken in self.taken.values()):
            broken.add("QUANTITY_NOT_CONSERVED")

        def done() -> None:
            self.jobs[step] = "COMPLETED"
            if set(self.jobs.values()) == {"COMPLETED"}:
                self.order = "COMPLETED"
                for thing in self.items.values():
                    if thing.own and thing.state == "IN_PROCESS":
                        thing.state = "AVAILABLE"

        return broken or self._do(done)

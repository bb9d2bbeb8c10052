"""The trace by SQL and the one out of memory against a graph in plain Python, on random histories."""

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from mesgraph.genealogy.activity import Line, record_activity
from mesgraph.genealogy.answer import Answer, edges_of, items_of
from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind
from mesgraph.genealogy.trace import Question, half_of
from mesgraph.genealogy.traced import Trace, TraceDirection
from mesgraph.genealogy.walked import trace
from mesgraph.materials.creation import create_item
from mesgraph.materials.models import Item, ItemKind, Lifecycle
from mesgraph.words import gs1_check_digit
from mesgraph.work import Work
from tests.api import START, Api
from tests.factories.genealogy import new_item
from tests.factories.materials import make_halvard, site
from tests.genealogy.reference_graph import MICRO, Fact, Reference
from tests.stages import scaled

EXAMPLES = scaled(10, 300)
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # shrinking against a database takes minutes
numbers = itertools.count(1)


T = TypeVar("T")


class Tape:
    """Choices drawn before: the writer's thread cannot ask hypothesis."""

    def __init__(self, choices: list[int]) -> None:
        self.choices = iter(choices)

    def below(self, n: int) -> int:
        return next(self.choices, 0) % n

    def amount(self, most: int) -> int:
        """All of it as often as a part."""
        return most if self.below(2) else 1 + self.below(most)

    def one(self, of: Sequence[T]) -> T:
        return of[self.below(len(of))]

    def some(self, of: Sequence[T], most: int) -> list[T]:
        count = 1 + self.below(min(most, len(of)))
        return [of[(i + start) % len(of)] for start in [self.below(len(of))] for i in range(count)]


class History:
    """Makes a history of the choices of a tape, and writes it to the database and to the reference."""

    def __init__(self, work: Work, tape: Tape) -> None:
        self.work, self.tape = work, tape
        self.reference = Reference()
        self.items: list[Item] = []
        self.left: dict[int, int] = {}
        self.inside: dict[int, int] = {}
        self.events: list[GenealogyEvent] = []

    def lot(self) -> Item:
        item = new_item(self.work, "RM-PVDF", f"L{next(numbers)}", "0")
        self.items.append(item)
        self.left[item.id] = 0
        return item

    def usable(self) -> list[Item]:
        return [x for x in self.items if self.left.get(x.id, 0) > 0 and x.id not in self.inside]

    def record(self, kind: str, inputs: list[tuple[Item, int]], outputs: list[tuple[Item, int]]) -> None:
        lines = [[Line(item, Decimal(n) / MICRO) for item, n in side] for side in (inputs, outputs)]
        self.work.occurred_at = START + timedelta(seconds=len(self.events))
        event = record_activity(
            self.work,
            kind=GenealogyKind(kind),
            site_id=site(self.work.session).id,
            inputs=lines[0],
            outputs=lines[1],
        )
        self.events.append(event)
        self.reference.facts.append(Fact(kind, [(x.id, n) for x, n in inputs], [(x.id, n) for x, n in outputs]))

    def step(self) -> None:
        moves = [self.receive]
        if self.usable():
            moves += [self.make, self.make, self.make, self.sample, self.pack]
        if self.inside:
            moves.append(self.unpack)
        self.tape.one(moves)()

    def receive(self) -> None:
        item, n = self.lot(), 1 + self.tape.below(10**9)
        self.left[item.id] = n
        self.record("RECEIVE", [], [(item, n)])

    def some(self, most: int = 3) -> list[tuple[Item, int]]:
        taken = []
        for item in self.tape.some(self.usable(), most):
            n = self.tape.amount(self.left[item.id])
            self.left[item.id] -= n
            taken.append((item, n))
        return taken

    def make(self) -> None:
        taken = self.some()
        made = [(self.lot(), 1 + self.tape.below(10**7)) for _ in range(1 + self.tape.below(3))]
        for item, n in made:
            self.left[item.id] = n
        self.record("TRANSFORM", taken, made)

    def sample(self) -> None:
        self.record(self.tape.one(["SAMPLE", "SCRAP"]), self.some(1), [])

    def pack(self) -> None:
        items = self.tape.some(self.usable(), 3)
        digits = f"{next(numbers):017}"
        unit = create_item(
            self.work,
            site_id=site(self.work.session).id,
            item_kind=ItemKind.LOGISTIC_UNIT,
            material=None,
            number=f"{digits}{gs1_check_digit(digits)}",
            quantity=Decimal(1),
            lifecycle=Lifecycle.AVAILABLE,
        )
        self.items.append(unit)
        self.reference.units.add(unit.id)
        self.record("PACK", [(item, self.left[item.id]) for item in items], [(unit, MICRO)])
        self.inside |= {item.id: unit.id for item in items}

    def unpack(self) -> None:
        child = self.tape.one(sorted(self.inside))
        unit = self.inside.pop(child)
        by_id = {item.id: item for item in self.items}
        self.record("UNPACK", [(by_id[child], self.left[child])], [(by_id[unit], MICRO)])

    def reverse_last(self) -> None:
        """Undo the newest activity: nothing was built on it."""
        last = len(self.events) - 1
        self.work.occurred_at = START + timedelta(seconds=last + 1)
        fact = self.reference.facts[last]
        by_id = {item.id: item for item in self.items}
        lines = [[Line(by_id[i], Decimal(n) / MICRO) for i, n in side] for side in (fact.inputs, fact.outputs)]
        self.events.append(
            record_activity(
                self.work,
                kind=GenealogyKind(fact.kind),
                site_id=site(self.work.session).id,
                inputs=lines[0],
                outputs=lines[1],
                reverses=self.events[last],
            )
        )
        self.reference.facts.append(Fact(fact.kind, fact.inputs, fact.outputs, reverses=last))


async def from_memory(
    api: Api, root: Item, direction: TraceDirection, position: int | None, at: datetime | None
) -> Trace:
    """The answer of the core in the form of the SQL trace."""
    core = api.plant.core
    end = await core.fresh()
    question = Question(root.id, root.initial_quantity, end if position is None else position, at)
    half = half_of(core.graph, question, forward=direction is TraceDirection.FORWARD)

    def read(session: Session) -> Trace:
        answer = Answer(session.get_one(Item, root.id), direction, question, {direction: half}, {direction: half})
        rows = items_of(session, [entry.item_id for entry in answer.entries])
        return Trace(
            root=answer.root,
            direction=direction,
            nodes=[answer.node(entry, rows[entry.item_id]) for entry in answer.entries],
            edges=edges_of(session, core.graph, answer),
            depth=answer.depth,
            completeness=answer.completeness,
        )

    return await api.plant.database.read(read)


def check(found: Trace, history: History, root: Item, *, forward: bool, as_of: int | None, at: int | None) -> None:
    depths, edges, amounts = history.reference.trace(root.id, forward=forward, as_of=as_of, at=at)
    index = {event.id: i for i, event in enumerate(history.events)}
    assert {node.item.id: node.depth for node in found.nodes} == depths
    assert {(index[e.event.id], e.from_item.id, e.to_item.id, int(e.share * MICRO)) for e in found.edges} == edges
    for node in found.nodes:
        exact = amounts[node.item.id]
        # half a step for the rounding, and what doubles lose: 10^-12 of the amount
        assert abs(Fraction(node.contained) * MICRO - exact) <= Fraction(1, 2) + exact / 10**12
    assert found.completeness.complete
    if forward:
        total = history.reference.total(root.id, history.reference.believed(as_of, at))
        parts = sum((node.remains or 0) + (node.removed or 0) for node in found.nodes)
        assert parts * MICRO == total


@pytest.mark.timeout(scaled(120, 1200))
@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
@given(choices=st.lists(st.integers(0, 10**9), min_size=60, max_size=160), length=st.integers(1, 14))
async def test_any_history_is_traced_like_in_the_reference(api: Api, choices: list[int], length: int) -> None:
    await make_halvard_once(api)
    tape = Tape(choices)

    def write(session: Session) -> History:
        history = History(api.work(session), tape)
        for _ in range(length):
            history.step()
        if tape.below(2):
            history.reverse_last()
        return history

    history = await api.plant.database.write(write)
    step = tape.below(len(history.events))
    roots = [history.items[0], history.items[-1], tape.one(history.items)]
    for root, forward, (as_of, at) in itertools.product(
        roots, (True, False), [(None, None), (step, None), (None, step)]
    ):
        if history.reference.total(root.id, history.reference.believed(as_of, at)) == 0:
            continue  # it did not exist then
        place = await _position(api, history, as_of)
        direction = TraceDirection.FORWARD if forward else TraceDirection.BACKWARD
        moment = None if at is None else START + timedelta(seconds=at)
        walked = await api.plant.database.read(
            lambda s, r=root, d=direction, p=place, m=moment: trace(s, s.get_one(Item, r.id), d, as_of=p, at=m)
        )
        remembered = await from_memory(api, root, direction, place, moment)
        for found in (walked, remembered):
            check(found, history, root, forward=forward, as_of=as_of, at=at)
        assert [node.shipped for node in remembered.nodes] == [node.shipped for node in walked.nodes]


async def _position(api: Api, history: History, step: int | None) -> int | None:
    if step is None:
        return None
    cursor = await api.plant.tail.position_of(history.events[step].ledger_event_id, timeout_s=5)
    assert cursor is not None
    return cursor.position


async def make_halvard_once(api: Api) -> None:
    from mesgraph.equipment.queries import sites

    if not await api.plant.database.read(sites):
        await make_halvard(api)

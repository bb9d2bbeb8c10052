"""A plain-Python model of lots and an order predicts every answer of the plant.

Hypothesis makes up histories, rounds of commands. A command that is alone in its round must be answered as the model
says, refusal codes included. Of commands that are sent at once the model plays those that were done, in the order of
the record: it must do each of them, too. After every history both have the same books. MESGRAPH_TEST_SCALE=full plays
10,000 histories, a number that many.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.definitions.models import OperationsDefinition
from mesgraph.genealogy.actions import ReceiptLine, receive_items
from mesgraph.materials.models import Item, Lifecycle
from mesgraph.orders.models import JobOrder, JobResponse, JobState, OperationsRequest, RequestState
from mesgraph.orders.queries import jobs_of
from mesgraph.quantity import plain
from mesgraph.work import Actor, Work
from tests.api import Api
from tests.factories.execution import Line, Order, Step, amount, make_plant, put_definition, put_order
from tests.factories.materials import equipment, material, site
from tests.factories.orders import job_of, request_of
from tests.invariants.model import Codes, Key, Model, Recipe, Thing
from tests.stages import scaled

EXAMPLES = scaled(10, 5_000)
"""Of each database."""
ROUTE = [
    Step(20, "SLURRY-C", [Line("RM-PVDF"), Line("RM-NMP")]),
    Step(30, "COIL-C", [Line("SLURRY-C")]),
    Step(40, "CELL-105", [Line("COIL-C"), Line("SLURRY-C")]),
    Step(50, "MOD-8S", [Line("CELL-105"), Line("RM-PVDF")]),
]
UNITS = {"RM-PVDF": "KGM", "RM-NMP": "KGM", "SLURRY-C": "KGM", "COIL-C": "MTR", "CELL-105": "C62", "MOD-8S": "C62"}
SERIAL = {"CELL-105", "MOD-8S"}
WRONG = {"code": "WRONG"}
numbers = count(1)


@dataclass(frozen=True)
class Wish:
    """What a worker wants; ``which`` and ``other`` pick among what there is then, ``size`` says how much."""

    verb: str
    which: int
    other: int
    size: int
    step: int


VERBS = [*["consume", "produce"] * 4, "produce_of", "split", "merge", "scrap", "sample", "adjust", "hold", "release"]
VERBS += ["give_back", "pause", "resume", "resume", "stop"]
wishes = st.builds(
    Wish,
    verb=st.sampled_from(VERBS),
    which=st.integers(0, 40),
    other=st.integers(0, 40),
    size=st.integers(1, 12),
    step=st.sampled_from([step.seq for step in ROUTE]),
)
histories = st.lists(st.lists(wishes, min_size=1, max_size=3), min_size=4, max_size=12)


@dataclass(frozen=True)
class Command:
    """A command as the API takes it, and what the model does of it."""

    field: str
    shown: str
    role: str
    input: dict[str, Any]
    modelled: Callable[[], Codes]
    learn: Callable[[dict[str, Any]], None] = lambda _: None


@dataclass
class Game:
    """The plant and its model, and the names under which each knows the other's things."""

    api: Api
    order: Order
    actors: dict[str, Actor]
    runs: dict[int, str]
    model: Model
    older: int
    """The last item of earlier histories."""
    actuals: dict[str, str] = field(default_factory=dict)
    holds: dict[str, str] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)

    # --- from wishes to commands ---

    def command(self, wish: Wish) -> Command | None:
        made: Command | None = getattr(self, wish.verb)(wish)
        return made

    def pick(self, which: int) -> Key:
        keys = list(self.model.items)
        return keys[-1 - which % len(keys)]

    def amount_of(self, key: Key, wish: Wish) -> Decimal:
        return Decimal(1) if key.is_unit else Decimal(wish.size)

    def outputs(self, wish: Wish) -> tuple[dict[Key, Decimal], dict[str, Any]]:
        material, number = self.model.recipes[wish.step].makes, f"N{next(numbers)}"
        if material in SERIAL:
            serials = [f"{number}-{n}" for n in range(wish.size % 3 + 1)]
            made = {Key(material, serial, is_unit=True): Decimal(1) for serial in serials}
            return made, {"material": material, "serialNumbers": serials}
        quantity = Decimal(wish.size)
        shown = {"material": material, "lot": number, "quantity": self.amount(material, quantity)}
        return {Key(material, number): quantity}, shown

    def amount(self, material: str, value: Decimal) -> dict[str, str]:
        return amount(plain(value), UNITS[material])

    def consume(self, wish: Wish) -> Command:
        key, name = self.pick(wish.which), f"T{next(numbers)}"
        quantity = self.amount_of(key, wish)
        return Command(
            "consumeMaterial",
            "materialActual { id }",
            "operator",
            {"jobResponse": self.runs[wish.step], **self.taking(key, quantity)},
            lambda: self.model.consume(name, wish.step, key, quantity),
            lambda payload: self.actuals.__setitem__(name, payload["materialActual"]["id"]),
        )

    def taking(self, key: Key, quantity: Decimal) -> dict[str, Any]:
        return {"item": item_key(key), "quantity": self.amount(key.material, quantity)}

    def produce(self, wish: Wish) -> Command:
        outputs, shown = self.outputs(wish)
        wanted = {"jobResponse": self.runs[wish.step], "outputs": [shown]}
        return Command("produceMaterial", "", "operator", wanted, lambda: self.model.produce(wish.step, outputs))

    def produce_of(self, wish: Wish) -> Command:
        outputs, shown = self.outputs(wish)
        key, name = self.pick(wish.which), f"T{next(numbers)}"
        quantity = self.amount_of(key, wish)
        consumed = [self.taking(key, quantity)]
        return Command(
            "produceMaterial",
            "",
            "operator",
            {"jobResponse": self.runs[wish.step], "outputs": [shown], "consumed": consumed},
            lambda: self.model.produce_of(name, wish.step, outputs, key, quantity),
        )

    def split(self, wish: Wish) -> Command:
        key, quantity = self.pick(wish.which), Decimal(wish.size)
        child = Key(key.material, key.number, f"S{next(numbers)}")
        part = {"quantity": self.amount(key.material, quantity), "number": child.sublot}
        return Command(
            "splitLot",
            "",
            "operator",
            {"item": item_key(key), "children": [part]},
            lambda: self.model.split(key, child, quantity),
        )

    def merge(self, wish: Wish) -> Command:
        keys = [self.pick(wish.which), self.pick(wish.other)]
        into = Key(keys[0].material, f"N{next(numbers)}")
        wanted = {"items": [item_key(key) for key in keys], "lotNumber": into.number}
        return Command("mergeLots", "", "operator", wanted, lambda: self.model.merge(keys, into))

    def scrap(self, wish: Wish) -> Command:
        key = self.pick(wish.which)
        quantity = None if key.is_unit or wish.size % 2 else Decimal(wish.size)
        wanted: dict[str, Any] = {"item": item_key(key), "reason": WRONG}
        if quantity is not None:
            wanted["quantity"] = self.amount(key.material, quantity)
        return Command("scrapItem", "", "supervisor", wanted, lambda: self.model.scrap(key, quantity))

    def sample(self, wish: Wish) -> Command | None:
        key, quantity = self.pick(wish.which), Decimal(wish.size)
        wanted = self.taking(key, quantity)
        return (
            None
            if key.is_unit
            else Command("takeSample", "", "quality", wanted, lambda: self.model.sample(key, quantity))
        )

    def adjust(self, wish: Wish) -> Command | None:
        key, counted = self.pick(wish.which), Decimal(wish.size)
        wanted = {"item": item_key(key), "counted": self.amount(key.material, counted), "reason": WRONG}
        return (
            None
            if key.is_unit
            else Command("adjustLot", "", "supervisor", wanted, lambda: self.model.adjust(key, counted))
        )

    def hold(self, wish: Wish) -> Command:
        key, name = self.pick(wish.which), f"H{next(numbers)}"
        return Command(
            "placeHold",
            "hold { id }",
            "quality",
            {"items": [item_key(key)], "severity": "MINOR", "reason": WRONG},
            lambda: self.model.hold(name, key),
            lambda payload: self.holds.__setitem__(name, payload["hold"]["id"]),
        )

    def release(self, wish: Wish) -> Command | None:
        if not self.holds:
            return None
        name = list(self.holds)[-1 - wish.which % len(self.holds)]
        return Command("releaseHold", "", "quality", {"hold": self.holds[name]}, lambda: self.model.release(name))

    def give_back(self, wish: Wish) -> Command | None:
        if not self.actuals:
            return None
        name = list(self.actuals)[-1 - wish.which % len(self.actuals)]
        wanted = {"event": self.actuals[name], "reason": WRONG}
        return Command("reverseEvent", "", "operator", wanted, lambda: self.model.give_back(name))

    def pause(self, wish: Wish) -> Command:
        held = wish.size % 2 == 0
        wanted = {"jobOrder": self.order.jobs[wish.step], "held": held, "reason": WRONG}
        to = "HELD" if held else "SUSPENDED"
        return Command("pauseJobOrder", "", "operator", wanted, lambda: self.model.pause(wish.step, to))

    def resume(self, wish: Wish) -> Command:
        wanted = {"jobOrder": self.order.jobs[wish.step]}
        return Command("resumeJobOrder", "", "operator", wanted, lambda: self.model.resume(wish.step))

    def stop(self, wish: Wish) -> Command:
        wanted = {"jobOrder": self.order.jobs[wish.step]}
        return Command("stopJobOrder", "", "operator", wanted, lambda: self.model.stop(wish.step))

    # --- play ---

    async def play(self, together: list[Wish]) -> None:
        commands = [command for wish in together if (command := self.command(wish)) is not None]
        payloads = await asyncio.gather(*(self.send(command) for command in commands))
        answered = [(c, payload) for c, payload in zip(commands, payloads, strict=True) if payload is not None]
        done = [(c, payload) for c, payload in answered if not payload["userErrors"]]
        if len(commands) == 1:
            for command, payload in answered:
                said = {error["code"] for error in payload["userErrors"]}
                assert command.modelled() == said, (command.field, command.input, payload["userErrors"])
        else:
            for command, _ in sorted(done, key=lambda pair: position(pair[1])):
                assert command.modelled() == set(), (command.field, command.input)
        for command, payload in done:
            command.learn(payload)
        self.sent |= {command.field for command in commands}
        self.done |= {command.field for command, _ in done}

    async def send(self, command: Command) -> dict[str, Any] | None:
        """The payload; ``None`` when the plant asks to try again, as it may when commands wait for each other."""
        name = command.field[0].upper() + command.field[1:]
        answer = await self.api.answer(
            f"mutation($input: {name}Input!) {{ {command.field}(input: $input) {{ {command.shown} "
            "ledgerEvents { cursor } userErrors { code message path } } }",
            by=self.actors[command.role],
            input=command.input,
        )
        assert all(e.extensions and e.extensions.get("retryable") for e in answer.errors or []), answer.errors
        payload: dict[str, Any] | None = None if answer.errors else answer.data[command.field]
        return payload

    async def compare(self) -> None:
        """Both have the same books."""
        items, jobs, order = await self.api.plant.database.read(lambda session: books(session, self.order, self.older))
        model = self.model
        things = {key.shown: thing for key, thing in model.items.items()}
        assert items == {
            key: (thing.quantity, thing.initial, thing.state, len(thing.holds)) for key, thing in things.items()
        }
        assert {seq: jobs[key.removeprefix("HV1/")] for seq, key in self.order.jobs.items()} == model.jobs
        assert order == model.order


def position(payload: dict[str, Any]) -> int:
    return int(payload["ledgerEvents"][0]["cursor"].partition("-")[2])


def item_key(key: Key) -> dict[str, str]:
    if key.is_unit:
        return {"material": key.material, "serial": key.number}
    return {"material": key.material, "lot": key.number, **({"sublot": key.sublot} if key.sublot else {})}


def books(session: Session, order: Order, older: int) -> tuple[dict[str, Any], dict[str, str], str]:
    """The items behind ``older``, the jobs of the order, and its state."""
    request = session.scalars(select(OperationsRequest).where(OperationsRequest.code == order.code[4:])).one()
    mine = session.scalars(select(Item).where(Item.id > older))
    items = {item.key: (item.quantity, item.initial_quantity, str(item.lifecycle), item.open_holds) for item in mine}
    jobs = session.scalars(select(JobOrder).where(JobOrder.request_id == request.id))
    return items, {job.code: str(job.sub_state or job.state) for job in jobs}, str(request.state)


@dataclass(frozen=True)
class Shop:
    """What all histories of a test share: the people, and the approved route."""

    api: Api
    actors: dict[str, Actor]
    definition_id: int


@pytest.fixture
async def shop(api: Api) -> Shop:
    actors = {
        "operator": await make_plant(api),
        "supervisor": await api.actor(Role.SUPERVISOR, subject="sup-02"),
        "quality": await api.actor(Role.QUALITY, subject="q-05"),
    }
    author, approver = await api.actor(Role.ENGINEER, subject="eng-03"), await api.actor(Role.QA, subject="qa-01")
    definition_id = await api.plant.database.write(
        lambda session: put_definition(api, session, "ROUTE", ROUTE, author, approver).id
    )
    return Shop(api, actors, definition_id)


async def new_game(shop: Shop) -> Game:
    """A new order with a running job for each step, and two lots of each raw material."""
    api = shop.api
    code, received = f"5{next(numbers):05}", [f"R{next(numbers)}" for _ in range(4)]
    materials = ["RM-PVDF", "RM-NMP"] * 2

    def prepare(session: Session) -> tuple[Order, dict[int, str], int]:
        definition = session.get_one(OperationsDefinition, shop.definition_id)
        order = put_order(api, session, definition, ROUTE, code, Decimal(20), "COAT01")
        last = session.scalar(select(func.max(Item.id))) or 0
        lines = [
            ReceiptLine(
                material=material(session, of),
                lot_number=number,
                quantity=Decimal(20),
                location=equipment(session, "HV1/STORE-RM"),
            )
            for of, number in zip(materials, received, strict=True)
        ]
        for posted in receive_items(api.work(session), site(session), lines):
            for item in posted.items:
                item.lifecycle = Lifecycle.AVAILABLE
        return order, put_runs(api.work(session, shop.actors["operator"]), order), last

    order, runs, last = await api.plant.database.write(prepare)
    model = Model(
        recipes={s.seq: Recipe(s.makes, frozenset(line.material for line in s.lines)) for s in ROUTE},
        jobs=dict.fromkeys(runs, "RUNNING"),
    )
    for of, number in zip(materials, received, strict=True):
        model.items[Key(of, number)] = Thing(Decimal(20), Decimal(20), "AVAILABLE")
    return Game(api, order, shop.actors, runs, model, last)


def put_runs(work: Work, order: Order) -> dict[int, str]:
    """The order runs, and so does the job of each step; the key of each run by step."""
    request_of(work.session, order.code).state = RequestState.RUNNING
    runs = {}
    for seq, key in order.jobs.items():
        job = job_of(work.session, key)
        assert job.equipment_id is not None
        job.state, job.sub_state = JobState.RUNNING, None
        run = JobResponse(
            site_id=job.site_id,
            code=f"{job.code}-R1",
            job_order_id=job.id,
            request_id=job.request_id,
            run=1,
            equipment_id=job.equipment_id,
            begun_by_id=work.actor.principal_id,
            started_at=work.now,
        )
        runs[seq] = f"HV1/{work.add(run).code}"
    return runs


async def clear_away(game: Game) -> None:
    """The order is over, so that thousands of histories do not fill the work unit with running jobs."""

    def end(session: Session) -> None:
        request = request_of(session, game.order.code)
        request.state = RequestState.ABORTED
        for job in jobs_of(session, request.id):
            job.state, job.sub_state = JobState.ABORTED, None

    await game.api.plant.database.write(end)


async def test_every_verb_can_succeed(shop: Shop) -> None:
    """So that a history is not just a list of refusals; and what is in process at the end of the order is available."""
    game = await new_game(shop)
    script = [
        *[Wish("consume", which, 0, 5, 20) for which in (0, 1)],
        Wish("produce", 0, 0, 12, 20),
        Wish("produce_of", 0, 0, 4, 30),
        Wish("sample", 0, 0, 1, 20),
        Wish("consume", 0, 0, 1, 40),
        Wish("give_back", 0, 0, 1, 40),
        *[Wish(verb, 0, 0, 1, 20) for verb in ("hold", "release", "pause", "resume")],
        *[Wish("stop", 0, 0, 1, step.seq) for step in ROUTE],
        Wish("split", 0, 0, 1, 20),
        Wish("merge", 0, 1, 1, 20),
        Wish("adjust", 0, 0, 5, 20),
        Wish("scrap", 0, 0, 1, 20),
    ]
    for wish in script:
        await game.play([wish])
        await game.compare()
    assert game.done == game.sent
    assert game.model.order == "COMPLETED"


@pytest.mark.slow
@pytest.mark.timeout(36_000)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking against a database takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories)
async def test_the_model_predicts_every_answer(shop: Shop, history: list[list[Wish]]) -> None:
    game = await new_game(shop)
    for together in history:
        await game.play(together)
    await game.compare()
    await clear_away(game)

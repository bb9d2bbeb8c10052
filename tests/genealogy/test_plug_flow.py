"""The FIFO model: what came first goes first."""

from decimal import Decimal
from typing import Any

import pytest

from mesgraph.access.roles import Role
from mesgraph.genealogy.activity import Line, record_activity
from mesgraph.genealogy.models import GenealogyKind
from mesgraph.genealogy.plug_flow import Arrival, Flows, Taking, gather, spread
from mesgraph.work import Work
from tests.api import Api
from tests.factories.genealogy import act, item, make, receive, transform
from tests.factories.materials import make_halvard, site

A, B, TANK, X, Y = range(5)
D = Decimal
TRACE = """query($i: ItemKey!, $d: TraceDirection!, $m: AttributionModel!) { trace(item: $i, direction: $d, model: $m) {
    model nodes { item { key } contained { value uom } remains { value } } } }"""


def tank(first: str, second: str) -> Flows:
    """A tank got 60 of A, and when X had taken 50 of it, 40 of B; then Y took 50."""
    return Flows(
        {A: D(60), B: D(40), TANK: D(100), X: D(50), Y: D(50)},
        {A: [Arrival(1, 1, D(60))], B: [Arrival(2, 2, D(40))], TANK: [Arrival(3, 3, D(60)), Arrival(5, 5, D(40))]}
        | {X: [Arrival(4, 4, D(50))], Y: [Arrival(6, 6, D(50))]},
        [
            Taking(A, TANK, 3, 3, D(first)),
            Taking(TANK, X, 4, 4, D(50)),
            Taking(B, TANK, 5, 5, D(second)),
            Taking(TANK, Y, 6, 6, D(50)),
        ],
    )


def test_the_second_filling_does_not_go_to_the_first_customer() -> None:
    flows = tank("60", "40")
    assert {node: spread(A, flows)[node] for node in (TANK, X, Y)} == {TANK: 60, X: 50, Y: 10}
    assert spread(B, flows)[X] == 0
    assert spread(B, flows)[Y] == 40


def test_backward_is_the_mirror_of_forward() -> None:
    flows = tank("60", "40")
    for customer in (X, Y):
        back = gather(customer, flows)
        for source in (A, B):
            assert back.get(source, D(0)) == spread(source, flows)[customer]


@pytest.mark.parametrize("share", ["60", "30"])
def test_what_came_at_once_is_mixed(share: str) -> None:
    """Of a lot of 100 that was made of A and B at once, each taking has the same proportion."""
    flows = Flows(
        {A: D(60), B: D(70), TANK: D(100), X: D(25), Y: D(75)},
        {TANK: [Arrival(3, 3, D(100))], X: [Arrival(4, 4, D(25))], Y: [Arrival(5, 5, D(75))]},
        [
            Taking(A, TANK, 3, 3, D(share)),
            Taking(B, TANK, 3, 3, D(70)),
            Taking(TANK, X, 4, 4, D(25)),
            Taking(TANK, Y, 5, 5, D(75)),
        ],
    )
    found = spread(A, flows)
    assert (found[X], found[Y]) == (D(share) / 4, D(share) * 3 / 4)


async def test_a_lot_that_is_topped_up(api: Api) -> None:
    await make_halvard(api)
    first, second = await receive(api, "RM-PVDF", "P-1", "60"), await receive(api, "RM-CB", "C-1", "40")

    def verb(work: Work) -> None:
        make(work, [(first, "60")], [("SLURRY-C", "TANK", "60")])
        make(work, [("SLURRY-C/TANK", "50")], [("SLURRY-C", "X", "50")])
        lot = item(work, "SLURRY-C/TANK")
        lot.quantity, lot.initial_quantity = lot.quantity + 40, lot.initial_quantity + 40
        record_activity(
            work,
            kind=GenealogyKind.TRANSFORM,
            site_id=site(work.session).id,
            inputs=[Line(item(work, second), D(40))],
            outputs=[Line(lot, D(40))],
        )
        make(work, [("SLURRY-C/TANK", "50")], [("SLURRY-C", "Y", "50")])

    await act(api, verb)
    assert await contained(api, first, "FORWARD", "FIFO") == {"X": "50", "Y": "10"}
    assert await contained(api, second, "FORWARD", "FIFO") == {"X": "0", "Y": "40"}
    assert await contained(api, first, "FORWARD", "PROPORTIONAL") == {"X": "30", "Y": "30"}
    assert await contained(api, first, "FORWARD", "WORST_CASE") == {"X": "50", "Y": "50"}
    back = await ask(api, "SLURRY-C/Y", "BACKWARD", "FIFO")
    assert {n["item"]["key"]: n["contained"]["value"] for n in back["nodes"]} == {
        "SLURRY-C/Y": "50",
        "SLURRY-C/TANK": "50",
        first: "10",
        second: "40",
    }


async def test_a_late_posting_counts_when_it_happened(api: Api) -> None:
    """Y was filled before the tank was topped up, and told only afterwards, when X had been filled, too."""
    await make_halvard(api)
    first, second = await receive(api, "RM-PVDF", "P-1", "10"), await receive(api, "RM-CB", "C-1", "10")
    await transform(api, [(first, "10")], [("SLURRY-C", "TANK", "10")])
    filled_y = api.clock.step(minutes=1)
    api.clock.step(minutes=1)

    def top_up(work: Work) -> None:
        lot = item(work, "SLURRY-C/TANK")
        lot.quantity, lot.initial_quantity = lot.quantity + 10, lot.initial_quantity + 10
        record_activity(
            work,
            kind=GenealogyKind.TRANSFORM,
            site_id=site(work.session).id,
            inputs=[Line(item(work, second), D(10))],
            outputs=[Line(lot, D(10))],
        )

    await act(api, top_up)
    api.clock.step(minutes=1)
    await transform(api, [("SLURRY-C/TANK", "10")], [("SLURRY-C", "X", "10")])

    def late(work: Work) -> None:
        work.occurred_at = filled_y
        make(work, [("SLURRY-C/TANK", "5")], [("SLURRY-C", "Y", "5")])

    await act(api, late)
    assert await contained(api, first, "FORWARD", "FIFO") == {"X": "5", "Y": "5"}
    back = await ask(api, "SLURRY-C/Y", "BACKWARD", "FIFO")
    amounts = {n["item"]["key"]: n["contained"]["value"] for n in back["nodes"]}
    assert (amounts[first], amounts.get(second, "0")) == ("5", "0")


async def ask(api: Api, key: str, direction: str, model: str) -> Any:
    found = (await api.ask(TRACE, by=Role.VIEWER, i={"id": key}, d=direction, m=model))["trace"]
    assert found["model"] == model
    return found


async def contained(api: Api, key: str, direction: str, model: str) -> dict[str, str]:
    nodes = (await ask(api, key, direction, model))["nodes"]
    return {
        number: node["contained"]["value"]
        for node in nodes
        if (number := node["item"]["key"].rpartition("/")[2]) in ("X", "Y")
    }

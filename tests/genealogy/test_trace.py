"""Traces through the API: depth, scope, time, cycles in the data, and the number of statements."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

from mesgraph.access.roles import Role
from mesgraph.genealogy.activity import Line, record_activity
from mesgraph.genealogy.core import Core
from mesgraph.genealogy.models import GenealogyKind
from mesgraph.work import Work
from tests.api import Api
from tests.factories.genealogy import act, item, make, new_item, receive, transform
from tests.factories.materials import make_halvard, site

TRACE = """query($i: ItemKey!, $d: TraceDirection!, $max: Int, $since: DateTime, $at: DateTime, $asOf: Cursor,
      $model: AttributionModel! = PROPORTIONAL, $stopAt: ItemFilter, $filter: ItemFilter) {
    trace(item: $i, direction: $d, maxDepth: $max, since: $since, at: $at, asOf: $asOf, model: $model, stopAt: $stopAt,
          filter: $filter) {
        nodeCount depth completeness { complete reason missing }
        nodes { item { key } depth direction contained { value } }
        edges { event { kind site { code } } from { key } to { key } inputRange { from to uom } }
        totals { shippedCount byMaterial { material { code } count } } } }"""


async def ask(api: Api, key: str, direction: str, *, by: Any = Role.VIEWER, **more: Any) -> Any:
    return (await api.ask(TRACE, by=by, i={"id": key}, d=direction, **more))["trace"]


def keys(found: Any) -> list[str]:
    return [node["item"]["key"] for node in found["nodes"]]


async def chain(api: Api, length: int, prefix: str = "C") -> list[str]:
    """Lots, each made from the one before."""
    first = await receive(api, "RM-PVDF", f"{prefix}-0", "1")

    def verb(work: Work) -> list[str]:
        made = [first]
        for n in range(1, length + 1):
            make(work, [(made[-1], "1")], [("RM-PVDF", f"{prefix}-{n}", "1")])
            made.append(f"RM-PVDF/{prefix}-{n}")
        return made

    return await act(api, verb)


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL statements of the block."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize("direction", ["FORWARD", "BACKWARD"])
async def test_a_deep_trace_takes_as_many_statements_as_a_flat_one(api: Api, direction: str) -> None:
    await make_halvard(api)
    flat, deep = await chain(api, 2, "F"), await chain(api, 50, "D")
    by = await api.actor(Role.VIEWER)
    counted = []
    for made in (flat, deep):
        await api.plant.core.fresh()  # what it reads to come up with the record is not the question's
        with statements() as seen:
            found = await ask(api, made[0 if direction == "FORWARD" else -1], direction, by=by)
        counted.append(sum("genealogy" in statement or "item" in statement for statement in seen))
        assert found["depth"] == len(made) - 1
        assert len(found["edges"]) == len(made) - 1
    assert counted[0] == counted[1] > 0


async def test_a_cut_trace_says_how_much_is_missing(api: Api) -> None:
    await make_halvard(api)
    made = await chain(api, 6)
    found = await ask(api, made[0], "FORWARD", max=2)
    assert keys(found) == made[:3]
    assert found["completeness"] == {"complete": False, "reason": "MAX_DEPTH", "missing": 4}
    assert keys(await ask(api, made[0], "FORWARD", max=0)) == made[:1]
    error = await api.error(TRACE, by=Role.VIEWER, i={"id": made[0]}, d="FORWARD", max=-1)
    assert error["code"] == "VALIDATION_FAILED"


async def test_both_ways_from_the_middle(api: Api) -> None:
    await make_halvard(api)
    made = await chain(api, 4)
    found = await ask(api, made[2], "BOTH")
    assert {(n["item"]["key"], n["depth"], n["direction"]) for n in found["nodes"]} == {
        (made[0], 2, "BACKWARD"),
        (made[1], 1, "BACKWARD"),
        (made[2], 0, None),
        (made[3], 1, "FORWARD"),
        (made[4], 2, "FORWARD"),
    }
    assert len(found["edges"]) == 4


async def test_items_of_other_sites_are_counted_but_not_shown(api: Api) -> None:
    await make_halvard(api)
    made = await chain(api, 1)

    def elsewhere(work: Work) -> None:
        source = Line(item(work, made[1]), item(work, made[1]).quantity)
        other = new_item(work, "RM-PVDF", "HV2-1", "1", site_id=site(work.session, "HV2").id)
        record_activity(
            work,
            kind=GenealogyKind.TRANSFORM,
            site_id=other.site_id,
            inputs=[source],
            outputs=[Line(other, other.quantity)],
        )
        make(work, [("RM-PVDF/HV2-1", "1")], [("RM-PVDF", "BACK", "1")])

    await act(api, elsewhere)
    local = await api.actor(Role.OPERATOR, site="HV1")
    found = await ask(api, made[0], "FORWARD", by=local)
    assert keys(found) == [*made, "RM-PVDF/BACK"]
    assert found["completeness"] == {"complete": False, "reason": "OUT_OF_SCOPE", "missing": 1}
    assert [(e["from"]["key"], e["to"]["key"]) for e in found["edges"]] == [(made[0], made[1])]
    whole = await ask(api, made[0], "FORWARD", by=await api.actor(Role.AUDITOR))
    assert whole["completeness"]["complete"]
    assert len(whole["edges"]) == 3


async def test_a_local_actor_splits_and_ships_at_home(api: Api) -> None:
    await make_halvard(api)
    await receive(api, "RM-PVDF", "P-1", "2")
    local = await api.actor(Role.OPERATOR, site="HV1")
    await api.do("splitLot", "", by=local, item={"id": "RM-PVDF/P-1"}, parts=2)
    await api.do("shipItems", "", by=local, items=[{"id": "RM-PVDF/P-1/001"}])
    found = await ask(api, "RM-PVDF/P-1", "FORWARD", by=local)
    assert found["totals"]["shippedCount"] == 1
    elsewhere = await api.actor(Role.OPERATOR, site="HV2")
    errors = await api.refused("shipItems", by=elsewhere, items=[{"id": "RM-PVDF/P-1/002"}])
    assert [e["code"] for e in errors] == ["NOT_FOUND"]


async def test_what_had_happened_and_what_was_believed(api: Api) -> None:
    await make_halvard(api)
    lot = await receive(api, "RM-PVDF", "P-1", "10")
    api.clock.step(hours=1)
    await transform(api, [(lot, "5")], [("SLURRY-C", "S-1", "5")])
    document = "query($i: ID!) { history(id: $i) { nodes { cursor } } }"
    node = (await api.ask("query($k: ItemKey!) { item(key: $k) { id } }", by=Role.ADMIN, k={"id": lot}))["item"]["id"]
    history = await api.ask(document, by=Role.ADMIN, i=node)
    cursors = sorted(n["cursor"] for n in history["history"]["nodes"])
    earlier = (api.clock.now() - timedelta(minutes=1)).isoformat()
    assert keys(await ask(api, lot, "FORWARD", at=earlier)) == [lot]
    assert keys(await ask(api, lot, "FORWARD", at=api.clock.now().isoformat())) == [lot, "SLURRY-C/S-1"]
    assert keys(await ask(api, lot, "FORWARD", asOf=cursors[0])) == [lot]
    assert keys(await ask(api, lot, "FORWARD", asOf=cursors[1])) == [lot, "SLURRY-C/S-1"]
    for cursor in ("c9-1", "c1-99999"):
        error = await api.error(TRACE, by=Role.VIEWER, i={"id": lot}, d="FORWARD", asOf=cursor)
        assert error["code"] == "VALIDATION_FAILED"


@pytest.mark.parametrize("direction", ["FORWARD", "BACKWARD", "BOTH"])
async def test_a_cycle_in_the_data_ends(api: Api, direction: str) -> None:
    """Nothing lets one in; should a damaged database hold one, a trace still answers."""
    await make_halvard(api)
    made = await chain(api, 4)

    def damage(work: Work) -> None:
        ids = [item(work, key).id for key in made]
        last = work.session.execute(text("SELECT max(event_id) FROM genealogy_line")).scalar_one()
        work.session.execute(
            text(
                "INSERT INTO genealogy_line (event_id, role, line, item_id, quantity, weight, lifecycle_before) "
                "VALUES (:e, 'OUTPUT', 1, :i, 1000000, 1000000, 'PLANNED')"
            ),
            {"e": last, "i": ids[1]},
        )

    await act(api, damage)
    core = Core(api.plant.database, api.plant.tail)  # that of a process which starts now
    await core.start()
    try:
        found = await ask(Api(replace(api.plant, core=core)), made[2], direction, by=await api.actor(Role.VIEWER))
    finally:
        await core.stop()
    unreached = {"FORWARD": {made[0]}, "BACKWARD": {made[4]}, "BOTH": set()}
    assert set(keys(found)) == set(made) - unreached[direction]


async def test_ranges_are_on_the_links(api: Api) -> None:
    await make_halvard(api)
    coil = await receive(api, "COIL-C", "CC-1", "100")
    await transform(api, [(coil, "10")], [("CELL-105", "1", "1")], ranges={coil: ("10", "20")})
    found = await ask(api, coil, "FORWARD")
    assert found["edges"][0]["inputRange"] == {"from": "10", "to": "20", "uom": "MTR"}
    assert found["edges"][0]["event"] == {"kind": "TRANSFORM", "site": {"code": "HV1"}}


MODELS = ["PROPORTIONAL", "FIFO", "WORST_CASE", "POSITIONAL"]


async def diamond(api: Api) -> None:
    """P goes into S and T, both go into C; an hour later what is left of P goes straight into C2, as C does."""
    await make_halvard(api)
    lot = await receive(api, "RM-PVDF", "P", "10")
    slurry = "SLURRY-C/S"
    await transform(api, [(lot, "4")], [("SLURRY-C", "S", "4")])
    await transform(api, [(lot, "4")], [("RM-PVDF", "T", "4")])
    await transform(api, [(slurry, "4"), ("RM-PVDF/T", "4")], [("COIL-C", "C", "8")])
    api.clock.step(hours=1)
    await transform(api, [("COIL-C/C", "8"), (lot, "2")], [("COIL-C", "C2", "10")])


@pytest.mark.parametrize("model", MODELS)
async def test_a_trace_stops_where_it_is_told_to_and_says_so(api: Api, model: str) -> None:
    await diamond(api)
    whole = await ask(api, "RM-PVDF/P", "FORWARD", model=model)
    stopped = await ask(api, "RM-PVDF/P", "FORWARD", model=model, stopAt={"material": "SLURRY-C"})
    assert keys(stopped) == keys(whole)  # what is behind the slurry is reached through the other lot
    assert stopped["completeness"]["complete"]
    both = await ask(api, "RM-PVDF/P", "FORWARD", model=model, stopAt={"kind": ["LOT"], "keyPrefix": "COIL-C/C"})
    assert keys(both) == keys(whole)
    assert both["completeness"]["complete"]
    at = {"status": ["CONSUMED"]}  # of those that are behind the root S, T and C are
    stopped = await ask(api, "RM-PVDF/T", "FORWARD", model=model, stopAt=at)
    assert keys(stopped) == ["RM-PVDF/T", "COIL-C/C"]
    assert stopped["completeness"] == {"complete": False, "reason": "NARROWED", "missing": 1}
    backward = await ask(api, "COIL-C/C2", "BACKWARD", model=model, stopAt={"material": "COIL-C"})
    assert keys(backward) == ["COIL-C/C2", "RM-PVDF/P", "COIL-C/C"]
    assert backward["completeness"] == {"complete": False, "reason": "NARROWED", "missing": 2}
    assert {edge["to"]["key"] for edge in backward["edges"]} == {"COIL-C/C2"}


@pytest.mark.parametrize("model", MODELS)
async def test_a_window_of_time_narrows_the_way_and_no_amount(api: Api, model: str) -> None:
    await diamond(api)
    since = (api.clock.now() - timedelta(minutes=1)).isoformat()
    whole = await ask(api, "RM-PVDF/P", "FORWARD", model=model)
    late = await ask(api, "RM-PVDF/P", "FORWARD", model=model, since=since)
    assert keys(late) == ["RM-PVDF/P", "COIL-C/C2"]
    assert late["completeness"] == {"complete": False, "reason": "NARROWED", "missing": 3}
    assert [edge["from"]["key"] for edge in late["edges"]] == ["RM-PVDF/P"]
    amounts = {node["item"]["key"]: node["contained"] for node in whole["nodes"]}
    assert {node["item"]["key"]: node["contained"] for node in late["nodes"]}.items() <= amounts.items()
    backward = await ask(api, "COIL-C/C2", "BACKWARD", model=model, since=since)
    assert keys(backward) == ["COIL-C/C2", "RM-PVDF/P", "COIL-C/C"]
    assert len(backward["edges"]) == 2
    both = await ask(api, "RM-PVDF/P", "FORWARD", model=model, since=since, at=since)
    assert keys(both) == ["RM-PVDF/P"]
    error = await api.error(
        TRACE, by=Role.VIEWER, i={"id": "RM-PVDF/P"}, d="FORWARD", since=api.clock.now().isoformat(), at=since
    )
    assert (error["code"], error["path"]) == ("VALIDATION_FAILED", ["since"])


async def test_a_filter_lists_some_and_goes_through_the_others(api: Api) -> None:
    await diamond(api)
    whole = await ask(api, "RM-PVDF/P", "FORWARD")
    coils = await ask(api, "RM-PVDF/P", "FORWARD", filter={"material": "COIL-C"})
    assert keys(coils) == ["RM-PVDF/P", "COIL-C/C2", "COIL-C/C"]
    assert coils["nodeCount"] == 3
    assert coils["completeness"]["complete"]
    assert coils["nodes"] == [node for node in whole["nodes"] if node["item"]["key"] in keys(coils)]
    ends = [(edge["from"]["key"], edge["to"]["key"]) for edge in coils["edges"]]
    assert ends == [("COIL-C/C", "COIL-C/C2"), ("RM-PVDF/P", "COIL-C/C2")]
    assert [line["material"]["code"] for line in coils["totals"]["byMaterial"]] == ["COIL-C"]
    none = await ask(api, "RM-PVDF/P", "FORWARD", filter={"kind": ["SERIAL_UNIT"]})
    assert keys(none) == ["RM-PVDF/P"]
    here = await ask(api, "RM-PVDF/P", "FORWARD", filter={"site": "HV1"})
    assert keys(here) == keys(whole)


@pytest.mark.parametrize("argument", ["stopAt", "filter"])
async def test_a_condition_that_names_nothing_is_told_where_it_stands(api: Api, argument: str) -> None:
    await diamond(api)
    asked = {"i": {"id": "RM-PVDF/P"}, "d": "FORWARD", argument: {"material": "NO-SUCH"}}
    error = await api.error(TRACE, by=Role.VIEWER, **asked)
    assert (error["code"], error["path"]) == ("NOT_FOUND", [argument, "material"])


async def test_an_item_has_nothing_before_it_was_there(api: Api) -> None:
    await make_halvard(api)
    await receive(api, "RM-PVDF", "P-0", "1")
    before, earlier = str(await api.plant.tail.end()), (api.clock.now() - timedelta(days=1)).isoformat()
    lot = await receive(api, "RM-PVDF", "P-1", "7")
    assert (await ask(api, lot, "FORWARD"))["nodes"][0]["contained"] == {"value": "7"}
    for then in ({"asOf": before}, {"at": earlier}):
        [root] = (await ask(api, lot, "FORWARD", **then))["nodes"]
        assert root["contained"] == {"value": "0"}


async def test_what_left_the_plant_is_shown_in_either_direction(api: Api) -> None:
    await make_halvard(api)
    lot = await receive(api, "RM-PVDF", "P-1", "10")
    await transform(api, [(lot, "10")], [("RM-PVDF", "P-2", "10")])

    def ship(work: Work) -> None:
        row = item(work, "RM-PVDF/P-2")
        record_activity(
            work, kind=GenealogyKind.SHIP, site_id=row.site_id, inputs=[Line(row, row.quantity)], outputs=[]
        )

    await act(api, ship)
    shown = """query($i: ItemKey!, $d: TraceDirection!) { trace(item: $i, direction: $d) {
        nodes { item { key } shipped } columns { shipped } totals { shippedCount } } }"""
    for direction, root, count in (
        ("FORWARD", "P-2", 1),
        ("BACKWARD", "P-2", 0),
        ("BOTH", "P-2", 1),
        ("FORWARD", "P-1", 1),
    ):
        found = (await api.ask(shown, by=Role.VIEWER, i={"id": f"RM-PVDF/{root}"}, d=direction))["trace"]
        gone = {node["item"]["key"]: node["shipped"] for node in found["nodes"]}
        assert gone.pop("RM-PVDF/P-2") is True, direction
        assert set(gone.values()) <= {False}
        assert sum(found["columns"]["shipped"]) == 1
        assert found["totals"]["shippedCount"] == count, (direction, root)


async def test_ranges_that_lie_apart_are_not_one(api: Api) -> None:
    await make_halvard(api)
    coil = await receive(api, "COIL-C", "CC-1", "100")

    def slit(work: Work) -> None:
        row = item(work, coil)
        taken = [Line(row, Decimal(10), range_from=Decimal(start), range_to=Decimal(start + 10)) for start in (0, 50)]
        made = new_item(work, "COIL-C", "CC-2", "20")
        row.quantity -= 20
        record_activity(
            work, kind=GenealogyKind.TRANSFORM, site_id=row.site_id, inputs=taken, outputs=[Line(made, Decimal(20))]
        )

    await act(api, slit)
    query = """query($r: ItemRangeInput!) { trace(item: {id: "COIL-C/CC-1"}, direction: FORWARD, model: POSITIONAL,
        range: $r) { nodes { item { key } } } }"""
    for start, end, exposed in (("20", "30", False), ("5", "6", True), ("10", "50", False), ("59", "60", True)):
        found = (await api.ask(query, by=Role.VIEWER, r={"from": start, "to": end}))["trace"]
        assert (len(found["nodes"]) == 2) is exposed, (start, end)


async def test_the_end_of_the_record_has_what_was_answered(api: Api) -> None:
    await make_halvard(api)
    for number in range(20):
        lot = await receive(api, "RM-PVDF", f"P-{number}", "1")
        end = (await api.ask("{ systemStatus { cursor } }", by=Role.VIEWER))["systemStatus"]["cursor"]
        assert (await ask(api, lot, "FORWARD", asOf=end))["nodes"][0]["contained"] == {"value": "1"}

"""Traces through the API: depth, scope, time, cycles in the data, and the number of statements."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

from mesgraph.access.roles import Role
from mesgraph.genealogy.activity import Line, record_activity
from mesgraph.genealogy.models import GenealogyKind
from mesgraph.work import Work
from tests.api import Api
from tests.factories.genealogy import act, item, make, new_item, receive, transform
from tests.factories.materials import make_halvard, site

TRACE = """query($i: ItemKey!, $d: TraceDirection!, $max: Int, $at: DateTime, $asOf: Cursor) {
    trace(item: $i, direction: $d, maxDepth: $max, at: $at, asOf: $asOf) {
        depth completeness { complete reason missing } nodes { item { key } depth direction }
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
    for _ in range(40):
        history = await api.ask(document, by=Role.ADMIN, i=node)
        if len(history["history"]["nodes"]) == 2:
            break
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
    found = await ask(api, made[2], direction)
    unreached = {"FORWARD": {made[0]}, "BACKWARD": {made[4]}, "BOTH": set()}
    assert set(keys(found)) == set(made) - unreached[direction]


async def test_ranges_are_on_the_links(api: Api) -> None:
    await make_halvard(api)
    coil = await receive(api, "COIL-C", "CC-1", "100")
    await transform(api, [(coil, "10")], [("CELL-105", "1", "1")], ranges={coil: ("10", "20")})
    found = await ask(api, coil, "FORWARD")
    assert found["edges"][0]["inputRange"] == {"from": "10", "to": "20", "uom": "MTR"}
    assert found["edges"][0]["event"] == {"kind": "TRANSFORM", "site": {"code": "HV1"}}

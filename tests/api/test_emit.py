"""Each kind of slot writes what Python writes of the value that its scalar shows."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesgraph.api.nodes import opaque_id
from mesgraph.api.plan import _emit
from mesgraph.api.plan._emit import Objects, Slot, Template, Unusual
from mesgraph.api.scalars import show_instant
from mesgraph.clock import from_micros, to_micros
from mesgraph.quantity import from_micro, plain

MICROS = st.integers(to_micros(datetime(1, 1, 1, tzinfo=UTC)), to_micros(datetime(9999, 12, 31, 23, tzinfo=UTC)))
BIG = 2**63 - 1


def written(kind: int, value: Any, of: Any = None, *, nullable: bool = False) -> Any:
    """What an object with one field has in it."""
    template = Template([b'{"x":', b"}"], [Slot(kind, 0, nullable, of)], 1)
    [(text, objects)] = Objects({"": template}).each([(value,)], [], 2**20)
    assert objects == 1
    return json.loads(text)["x"]


@given(st.text())
def test_text_is_escaped_as_json_dumps_does(text: str) -> None:
    template = Template([b"", b""], [Slot(_emit.TEXT, 0, False)], 1)
    [(piece, _)] = Objects({"": template}).each([(text,)], [], 2**20)
    assert piece.decode() == json.dumps(text, ensure_ascii=False)


@given(st.integers(-BIG, BIG))
def test_an_amount_is_the_shortest_decimal(micro: int) -> None:
    assert written(_emit.EXACT, micro) == plain(from_micro(micro))


@given(MICROS)
def test_an_instant_is_rfc_3339_in_utc(micros: int) -> None:
    assert written(_emit.INSTANT, micros) == show_instant(from_micros(micros))


@given(st.integers(0, BIG), st.sampled_from(["Site", "MaterialLot", "OperationsRequest"]))
def test_an_id_is_the_opaque_id(key: int, kind: str) -> None:
    assert written(_emit.IDENTITY, key, f"{kind}:".encode()) == opaque_id(kind, key)


@given(st.integers(-(2**31), 2**31 - 1))
def test_an_int_is_written_as_it_is(number: int) -> None:
    assert written(_emit.INTEGER, number) == number


@pytest.mark.parametrize("stored", [1, True])
def test_true_is_whatever_a_database_stores_for_it(stored: Any) -> None:
    assert written(_emit.BOOLEAN, stored) is True
    assert written(_emit.BOOLEAN, 0) is False


@pytest.mark.parametrize(
    ("kind", "value", "of"),
    [
        (_emit.INTEGER, 2**31, None),
        (_emit.INTEGER, -(2**31) - 1, None),
        (_emit.WORD, "NEVER-HEARD", {"KNOWN": b'"KNOWN"'}),
        (_emit.INSTANT, BIG, None),
        (_emit.TEXT, None, None),
        (_emit.IDENTITY, -1, b"Site:"),
    ],
)
def test_what_graphql_could_not_show_is_left_to_the_reference(kind: int, value: Any, of: Any) -> None:
    with pytest.raises(Unusual):
        written(kind, value, of)


def test_a_null_is_written_where_one_may_be() -> None:
    assert written(_emit.TEXT, None, nullable=True) is None
    assert written(_emit.MASK, None, b'"..."', nullable=True) is None
    assert written(_emit.MASK, "somebody", b'"..."', nullable=True) == "..."


def test_rows_are_written_by_the_template_of_their_kind() -> None:
    templates = {word: Template([b'{"is":"' + word.encode() + b'"}'], [], 1) for word in ("LOT", "SUBLOT")}
    objects = Objects(templates, 0)
    assert objects.array([("LOT",), ("SUBLOT",)], [], 1000) == (b'[{"is":"LOT"},{"is":"SUBLOT"}]', 2)
    with pytest.raises(Unusual, match="SERIAL"):
        objects.array([("SERIAL",)], [], 1000)


def test_relations_are_copied_and_their_objects_counted() -> None:
    one, many = Slot(_emit.ONE, 0, True, 0), Slot(_emit.MANY, 1, False, 1)
    objects = Objects({"": Template([b'{"one":', b',"many":', b"}"], [one, many], 1)})
    behind = [{7: (b'{"seven":1}', 1)}, {1: (b"[{},{}]", 2)}]
    assert objects.array([(7, 1), (8, 2)], behind, 1000) == (
        b'[{"one":{"seven":1},"many":[{},{}]},{"one":null,"many":[]}]',
        5,
    )


def test_an_answer_does_not_grow_beyond_its_limit() -> None:
    template = Template([b"x" * 5000], [], 1)
    with pytest.raises(Unusual, match="too long"):
        Objects({"": template}).array([()] * 3, [], 10_000)

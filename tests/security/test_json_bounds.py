"""JSON is measured by its bytes, in time that grows with their number."""

import contextlib
import time

import pytest

from mesgraph.api import answer_size, limits
from mesgraph.api.answer_size import expect_columns, written
from mesgraph.api.json_bounds import check_json
from mesgraph.api.limits import Excess
from tests.kit.served import served


def around(value: str) -> bytes:
    return f'{{"query": "{{ sites {{ code }} }}", "variables": {{"x": {value}}}}}'.encode()


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (lambda n: b"[" * n + b"]" * n, limits.JSON_DEPTH_MAX),
        (lambda n: b'{"a":' * n + b"1" + b"}" * n, limits.JSON_DEPTH_MAX),
        (lambda n: b"[" + b",".join([b"1"] * (n - 1)) + b"]", limits.JSON_NODES_MAX),
        (lambda n: b"[" + b"9" * n + b"]" + b'"' + b"x" * 100 + b'"', limits.DIGITS_MAX),
    ],
    ids=["lists in lists", "objects in objects", "values", "digits"],
)
def test_json_at_the_limit_is_read_and_one_beyond_is_not(make, most: int) -> None:  # type: ignore[no-untyped-def]  # makers differ
    check_json(make(most))
    with pytest.raises(Excess, match=r"\d"):
        check_json(make(most + 1))


@pytest.mark.parametrize(
    "text",
    [
        b'["' + b"[" * 1_000 + b'"]',
        b'["' + b'\\"[' * 1_000 + b'"]',
        b'["\\\\", "' + b"{" * 1_000 + b'"]',
        b'["' + b"9" * 1_000 + b'"]',
        b'["' + b"," * 60_000 + b'"]',
    ],
)
def test_what_stands_in_a_text_does_not_count(text: bytes) -> None:
    check_json(text)


@pytest.mark.parametrize("unit", [b'"', b'\\"', b'"\\"', b'"\\', b"\\", b"[", b'"[', b"9", b'"9', b'{"a":"\\'])
def test_the_time_grows_with_the_bytes_and_not_faster(unit: bytes) -> None:
    def took(length: int) -> float:
        text = b'["' + (unit * length)[:length]
        times = []
        for _ in range(3):
            began = time.perf_counter()
            with contextlib.suppress(Excess):
                check_json(text)
            times.append(time.perf_counter() - began)
        return min(times)

    assert took(limits.BODY_MAX) < 0.5, "a quadratic search takes minutes"


async def test_json_that_is_too_deep_has_a_code_and_a_way_out(database_url: str) -> None:
    async with served(database_url) as server:
        headers = {**server.authorization, "Content-Type": "application/json"}
        for body in (around("[" * 33 + "]" * 33), around("9" * 41), around("[" + "1," * 20_000 + "1]")):
            answer = await server.http.post("/graphql", content=body, headers=headers)
            assert answer.status_code == 400
            [error] = answer.json()["errors"]
            assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
            assert ": " in error["message"], "the way out"


def test_an_answer_at_the_limit_is_sent_and_one_beyond_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_size.limits, "RESPONSE_MAX", 197)
    monkeypatch.setattr(answer_size.limits, "COLUMNS_RESPONSE_MAX", 300)
    whole = {"data": {"x": "é" * 90}}  # two bytes each, and 17 around them
    assert len(written(whole).encode()) == 197
    beyond = {"data": {"x": "é" * 91}}
    assert '"LIMIT_EXCEEDED"' in written(beyond)
    assert '"data":null' in written(beyond)
    message = {"type": "next", "id": "7", "payload": beyond}
    assert '"id":"7"' in written(message), "a subscription is told which one"
    assert '"LIMIT_EXCEEDED"' in written(message)
    expect_columns(True)
    try:
        assert written(beyond) != written(whole)
        assert "LIMIT_EXCEEDED" not in written(beyond)
    finally:
        expect_columns(False)


def test_columns_are_known_by_their_type() -> None:
    from mesgraph.api.prepared import Documents, Prepared
    from mesgraph.schema import build_schema

    documents = Documents(build_schema()._schema)
    item = 'trace(item: {material: "A", lot: "B"}, direction: BACKWARD)'
    for asked, columns in (("columns { ids }", True), ("nodeCount", False)):
        prepared = documents.prepared(f"{{ {item} {{ {asked} }} }}")
        assert isinstance(prepared, Prepared), prepared
        assert prepared.columns is columns

"""`mesgraph trace`: a trace of a running server as a tree, a page, a graph or data."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from rich.console import Console

from mesgraph.genealogy.picture.answer import Answer, read
from mesgraph.genealogy.picture.dot import dot
from mesgraph.genealogy.picture.page import page
from mesgraph.genealogy.picture.tree import foot, head, tree
from mesgraph.remote import ask

UNFOLDED = 100_000
"""Columns of text that goes to a file, where nothing is to be wrapped."""

PAGE = 500
"""Items, and links, that are fetched at a time."""

FIND = "query Find($code: String!) { itemByScan(code: $code) { id } }"
TRACE = """
query Trace($item: ItemKey!, $direction: TraceDirection!, $maxDepth: Int, $at: DateTime, $asOf: Cursor,
    $model: AttributionModel!, $first: Int!, $skip: Int! = 0) {
  trace(item: $item, direction: $direction, maxDepth: $maxDepth, at: $at, asOf: $asOf, model: $model) {
    root { key }
    direction depth at asOf position
    nodes(first: $first, skip: $skip) {
      item { id key material { code name } status quantity { value uom } }
      depth shipped
      contained { value uom } remains { value uom } removed { value uom }
    }
    edges(first: $first, skip: $skip) {
      event { kind eventTime } from { id key } to { id key } inputShare { value uom } slot
    }
    completeness { complete reason missing }
    totals {
      byMaterial { material { code name } count exposed { value uom } }
      shippedCount onHand { value uom } shipped { value uom } removed { value uom }
    }
  }
}
"""


def fetch(
    server: str,
    key: str,
    item: str,
    *,
    forward: bool,
    depth: int | None = None,
    at: str | None = None,
    as_of: str | None = None,
    model: str,
) -> dict[str, Any]:
    """What `trace` answers about the item that people call ``item``; raises :class:`~mesgraph.remote.NotAnswered`.

    The server reads the name, as it reads a scanned code: a key, an SSCC, a number that only one material has.
    """
    if not item.startswith("~"):
        item = ask(server, key, FIND, {"code": item}, "itemByScan")["id"]
    given = {"maxDepth": depth, "at": at, "asOf": as_of}
    variables: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    variables |= {"item": {"id": item}, "direction": "FORWARD" if forward else "BACKWARD", "model": model}
    variables["first"] = PAGE
    payload: dict[str, Any] = ask(server, key, TRACE, variables, "trace")
    page = payload
    while any(len(page[part]) == PAGE for part in ("nodes", "edges")):
        # the same answer, whatever is recorded meanwhile
        variables |= {"asOf": payload["position"], "skip": variables.get("skip", 0) + PAGE}
        page = ask(server, key, TRACE, variables, "trace")
        for part in ("nodes", "edges"):
            payload[part] += page[part]
    return payload


def render(payload: Mapping[str, Any], form: str, *, model: str, to: TextIO) -> bool:
    """Write the answer in a ``form``: tree, json, dot or html. Whether the trace is complete."""
    answer = read(payload, model=model, made_at=datetime.now(UTC))
    if form == "tree":
        _print(answer, to)
    else:
        made = {"json": lambda: as_json(payload, answer), "dot": lambda: dot(answer), "html": lambda: page(answer)}
        to.write(made[form]())
    return answer.complete


def _print(answer: Answer, to: TextIO) -> None:
    console = Console(file=to, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(file=to, highlight=False, markup=False, emoji=False, width=UNFOLDED, color_system=None)
    console.print(head(answer), soft_wrap=True)
    console.print(tree(answer))
    for line in foot(answer):
        console.print(line, soft_wrap=True)


def as_json(payload: Mapping[str, Any], answer: Answer) -> str:
    """The answer as one object. Its keys are promised by docs/traces.md; amounts are exact, as strings."""
    totals = payload["totals"]
    nodes = [_item(node["item"]) | {name: node[name] for name in NODE} for node in payload["nodes"]]
    made = {
        "root": payload["root"]["key"],
        "direction": payload["direction"],
        "model": answer.model,
        "at": payload["at"],
        "asOf": payload["asOf"],
        "madeAt": answer.made_at.isoformat(timespec="seconds"),
        "depth": payload["depth"],
        "completeness": payload["completeness"],
        "nodes": nodes,
        "edges": [_edge(edge) for edge in payload["edges"]],
        "totals": totals | {"byMaterial": [_exposure(line) for line in totals["byMaterial"]]},
    }
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


NODE = ("depth", "shipped", "contained", "remains", "removed")


def _code(material: Mapping[str, str] | None) -> str | None:
    return None if material is None else material["code"]


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": item["id"],
        "key": item["key"],
        "material": _code(item["material"]),
        "status": item["status"],
        "quantity": item["quantity"],
    }


def _edge(edge: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "from": edge["from"]["key"],
        "to": edge["to"]["key"],
        "kind": edge["event"]["kind"],
        "eventTime": edge["event"]["eventTime"],
        "inputShare": edge["inputShare"],
        "slot": edge["slot"],
    }


def _exposure(line: Mapping[str, Any]) -> dict[str, Any]:
    return {"material": _code(line["material"]), "count": line["count"], "exposed": line["exposed"]}

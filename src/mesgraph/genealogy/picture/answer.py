"""The answer of the API to `trace`, read into what the pictures show."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from mesgraph.quantity import Quantity

CONTAINING = frozenset({"ASSEMBLE", "PACK"})
"""Activities after which the input is still there, inside the output."""


@dataclass(frozen=True)
class Node:
    """An item. ``contained``: forward, how much of the root is in it; backward, how much of it is in the root."""

    id: str
    key: str
    material: str | None
    name: str
    status: str
    quantity: Quantity
    contained: Quantity
    depth: int
    remains: Quantity | None = None
    removed: Quantity | None = None
    shipped: bool = False

    @property
    def number(self) -> str:
        """The key without the material."""
        return self.key.removeprefix(f"{self.material}/")


@dataclass(frozen=True)
class Link:
    """``share`` of ``source`` went into ``target`` (ids) by an activity of this kind."""

    source: str
    target: str
    share: Quantity
    kind: str
    time: str
    slot: str | None = None


@dataclass(frozen=True)
class Exposure:
    """All items of a material in the trace."""

    material: str | None
    name: str
    count: int
    amount: Quantity


@dataclass(frozen=True)
class Answer:
    """A trace, with what was asked and when. ``nodes`` nearest first; the root is the first.

    ``at`` and ``as_of`` are null where all that is known counts. ``reason`` and ``missing`` say what is not in it.
    """

    forward: bool
    model: str
    made_at: datetime
    nodes: Sequence[Node]
    links: Sequence[Link] = ()
    exposures: Sequence[Exposure] = ()
    complete: bool = True
    reason: str | None = None
    missing: int = 0
    at: str | None = None
    as_of: str | None = None
    on_hand: Quantity | None = None
    shipped: Quantity | None = None
    removed: Quantity | None = None
    shipped_count: int = 0

    @property
    def root(self) -> Node:
        """The item asked about."""
        return self.nodes[0]

    @cached_property
    def by_id(self) -> dict[str, Node]:
        """The items, by id."""
        return {node.id: node for node in self.nodes}

    @cached_property
    def away(self) -> dict[str, list[str]]:
        """From each item one step away from the root: what was made from it, or what it was made from."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for link in self.links:
            near, far = (link.source, link.target) if self.forward else (link.target, link.source)
            found[near][far] = None
        return {near: sorted(far, key=lambda key: natural(self.by_id[key].key)) for near, far in found.items()}


def natural(text: str) -> list[tuple[int, int, str]]:
    """To sort keys as people do: C-9 before C-10."""
    parts = re.split(r"([0-9]+)", text)
    return [(1, int(part), part) if part.isascii() and part.isdecimal() else (0, 0, part) for part in parts]


def read(payload: Mapping[str, Any], *, model: str, made_at: datetime) -> Answer:
    """The answer in ``payload``, what the field `trace` holds."""
    completeness, totals = payload["completeness"], payload["totals"]
    return Answer(
        forward=payload["direction"] == "FORWARD",
        model=model,
        made_at=made_at,
        nodes=[_node(node) for node in payload["nodes"]],
        links=[_link(edge) for edge in payload["edges"]],
        exposures=[_exposure(line) for line in totals["byMaterial"]],
        complete=completeness["complete"],
        reason=completeness["reason"],
        missing=completeness["missing"],
        at=payload["at"],
        as_of=payload["asOf"],
        on_hand=_amount(totals["onHand"]),
        shipped=_amount(totals["shipped"]),
        removed=_amount(totals["removed"]),
        shipped_count=totals["shippedCount"],
    )


def _amount(given: Mapping[str, str] | None) -> Quantity | None:
    return None if given is None else Quantity(Decimal(given["value"]), given["uom"])


def _stated(given: Mapping[str, str]) -> Quantity:
    return Quantity(Decimal(given["value"]), given["uom"])


def _names(material: Mapping[str, str] | None) -> tuple[str | None, str]:
    return (None, "Logistic unit") if material is None else (material["code"], material["name"])


def _node(given: Mapping[str, Any]) -> Node:
    item = given["item"]
    material, name = _names(item["material"])
    return Node(
        id=item["id"],
        key=item["key"],
        material=material,
        name=name,
        status=item["status"],
        quantity=_stated(item["quantity"]),
        contained=_stated(given["contained"]),
        depth=given["depth"],
        remains=_amount(given["remains"]),
        removed=_amount(given["removed"]),
        shipped=given["shipped"],
    )


def _link(given: Mapping[str, Any]) -> Link:
    event = given["event"]
    return Link(
        source=given["from"]["id"],
        target=given["to"]["id"],
        share=_stated(given["inputShare"]),
        kind=event["kind"],
        time=event["eventTime"],
        slot=given["slot"],
    )


def _exposure(given: Mapping[str, Any]) -> Exposure:
    material, name = _names(given["material"])
    return Exposure(material, name, given["count"], _stated(given["exposed"]))

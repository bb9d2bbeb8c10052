"""The same questions in the words of PostGraphile, which names things after tables, and whether it answers the same.

Its numbers are those of the tables: amounts in millionths, times in microseconds. What mesgraph computes of them (the
shown status) it cannot say, and a trace would want a function in the database: it is not asked for one.
"""

import json
from collections.abc import Callable
from typing import Any

from benchmarks.common import Client, body

BY_KEY = """query ($key: String!) { itemByKeyAndItemKind(key: $key, itemKind: "LOT") {
  id key lifecycle openHolds quantity uom equipmentByLocationId { code } expiresAt } }"""
ORDERS = """{ allOperationsRequests(first: 100, orderBy: ROW_ID_ASC) { nodes { id code state priority dueAt quantity
  materialDefinitionByProductId { code baseUom } jobOrdersByRequestId(orderBy: ROW_ID_ASC) { nodes {
  code state priority plannedStart plannedEnd equipmentByEquipmentId { code } } } } } }"""
LOTS = """query ($after: Cursor) {
  a: allItems(first: 500, condition: {itemKind: "LOT"}, orderBy: ROW_ID_DESC) { nodes { ...Lot } }
  b: allItems(first: 500, after: $after, condition: {itemKind: "LOT"}, orderBy: ROW_ID_DESC) { nodes { ...Lot } } }
fragment Lot on Item { id key number lifecycle itemRevision openHolds quantity uom initialQuantity
  producedAt expiresAt }"""
LAST_OF_PAGE = """{ allItems(first: 500, condition: {itemKind: "LOT"}, orderBy: ROW_ID_DESC) {
  pageInfo { endCursor } } }"""
MICRO = 1_000_000


async def in_own_words(port: int) -> dict[str, Callable[[bytes], bytes]]:
    """By case: what PostGraphile is asked in place of a request to mesgraph."""
    async with Client(port, "none") as client:
        after = (await client.ask(LAST_OF_PAGE))["allItems"]["pageInfo"]["endCursor"]
    orders, lots = body(ORDERS), body(LOTS, after=after)

    def by_key(request: bytes) -> bytes:
        return body(BY_KEY, key=f"RM-PVDF/{json.loads(request)['variables']['lot']}")

    return {"by_key": by_key, "orders": lambda _: orders, "lots": lambda _: lots}


def same_lot(ours: Any, theirs: Any) -> bool:
    """Both say the same of one lot."""
    place = theirs["itemByKeyAndItemKind"]["equipmentByLocationId"]
    located = ours["item"]["location"] == place
    return located and _of_lot(ours["item"]) == _of_their_lot(theirs["itemByKeyAndItemKind"])


def same_orders(ours: Any, theirs: Any) -> bool:
    """Both say the same of the orders and their jobs, in the same order."""
    mine = [
        (
            *(order[name] for name in ("code", "state", "priority")),
            order["quantity"] | {"of": order["product"]["code"]},
            [(*(job[name] for name in ("code", "state", "priority")), job["equipment"]) for job in order["jobOrders"]],
        )
        for order in ours["operationsRequests"]["nodes"]
    ]
    other = [
        (
            *(order[name] for name in ("code", "state", "priority")),
            {
                "value": _amount(order["quantity"]),
                "uom": order["materialDefinitionByProductId"]["baseUom"],
                "of": order["materialDefinitionByProductId"]["code"],
            },
            [
                (*(job[name] for name in ("code", "state", "priority")), job["equipmentByEquipmentId"])
                for job in order["jobOrdersByRequestId"]["nodes"]
            ],
        )
        for order in theirs["allOperationsRequests"]["nodes"]
    ]
    return mine == other


def same_lots(ours: Any, theirs: Any) -> bool:
    """Both say the same of two pages of lots, in the same order."""
    return all(
        [_of_lot(lot) for lot in ours[page]["nodes"]] == [_of_their_lot(lot) for lot in theirs[page]["nodes"]]
        for page in ("a", "b")
    )


SAME = {"by_key": same_lot, "orders": same_orders, "lots": same_lots}


def _of_lot(lot: Any) -> tuple[str, ...]:
    return lot["key"], lot["lifecycle"], lot["quantity"]["value"], lot["quantity"]["uom"]


def _of_their_lot(lot: Any) -> tuple[str, ...]:
    return lot["key"], lot["lifecycle"], _amount(lot["quantity"]), lot["uom"]


def _amount(millionths: str) -> str:
    whole, rest = divmod(int(millionths), MICRO)
    return f"{whole}.{rest:06}".rstrip("0") if rest else str(whole)

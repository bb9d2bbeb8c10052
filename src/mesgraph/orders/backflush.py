"""What a production takes by itself: the lines of the bill that say BACKFLUSH.

Only the material of the line itself is taken so: an alternate is somebody's decision, and counts if it was taken by
hand. The lots come from the stores of the work unit, first those that are kept for the order, then what expires first,
then what came first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select

from mesgraph.equipment.queries import below, stores_of
from mesgraph.errors import Code, Findings, QuantityViolation
from mesgraph.materials.models import Item, Lifecycle
from mesgraph.orders.bill import BillLine
from mesgraph.orders.material import Take
from mesgraph.orders.proposals import Offer, Strategy, choose
from mesgraph.orders.run import Run
from mesgraph.orders.stock import Stock, stock_of, usable
from mesgraph.quantity import plain
from mesgraph.work import Work


@dataclass(frozen=True)
class Flush:
    """For one line: what is taken of which lots, and what no lot at the work unit covers."""

    line: BillLine
    takes: list[Take]
    missing: Decimal
    reserved: Decimal
    """What lies there and is kept for other orders."""


def planned(work: Work, run: Run, bill: Sequence[BillLine], output: Decimal) -> list[Item]:
    """The lots that a production of ``output`` takes by itself if nothing else goes in, to be locked with the rest.

    What goes in otherwise makes it need fewer of them, never others.
    """
    return [take.item for flush in _flushes(work, run, bill, output, {}) for take in flush.takes]


def flushed(
    work: Work,
    run: Run,
    bill: Sequence[BillLine],
    output: Decimal,
    taken: Mapping[str, Decimal],
    found: Findings,
    *path: str,
) -> list[Take]:
    """What a production of ``output`` still has to take by itself, beside what is ``taken`` by material code.

    Notes INSUFFICIENT_QUANTITY for each line that the stores of the work unit do not cover, LOT_RESERVED when they
    would with what is kept for other orders.
    """
    flushes = _flushes(work, run, bill, output, taken)
    for flush in flushes:
        if flush.missing > 0:
            needed = flush.missing + sum((take.quantity for take in flush.takes), Decimal(0))
            uom = flush.line.material.base_uom
            kept = f"; {plain(flush.reserved)} {uom} there are reserved for other orders" if flush.reserved else ""
            found.add(
                QuantityViolation(
                    code=Code.LOT_RESERVED if flush.reserved >= flush.missing else Code.INSUFFICIENT_QUANTITY,
                    message=f"{plain(flush.missing)} {uom} of {flush.line.material.code} are missing in the stores of "
                    f"{run.equipment.code}: {plain(needed)} {uom} belong to this output{kept}",
                    path=path,
                    available=needed - flush.missing,
                    requested=needed,
                    uom=uom,
                )
            )
    return [take for flush in flushes for take in flush.takes]


def _flushes(
    work: Work, run: Run, bill: Sequence[BillLine], output: Decimal, taken: Mapping[str, Decimal]
) -> list[Flush]:
    needs = {line: line.needed(output) - line.taken(taken) for line in bill if line.is_backflushed}
    needs = {line: needed for line, needed in needs.items() if needed > 0}
    if not needs:
        return []
    stock = stock_of(work.session, run.response.site_id, {line.material.code for line in needs}, work.occurred_at)
    items = _at_hand(work, run, stock)
    return [_flush(run, stock, items, line, needed) for line, needed in needs.items()]


def _flush(run: Run, stock: Stock, items: Sequence[Item], line: BillLine, needed: Decimal) -> Flush:
    fitting = {key for key, material in stock.definitions.items() if line.accepts_own(material)}
    kept = {of_item.item_id: of_item for of_item in stock.kept_of(fitting, run.request.id)}
    offers = []
    reserved = Decimal(0)
    for item in items:
        if item.material_id in fitting:
            of_item = kept.get(item.id)
            others = of_item.for_others(run.request.id) if of_item else Decimal(0)
            own = of_item.for_order(run.request.id) if of_item else Decimal(0)
            reserved += min(others, item.quantity)
            offers.append(Offer(item=item, at_hand=True, free=item.quantity - others, kept=own))
    picks = choose(offers, needed, Strategy.FEFO)
    takes = [Take(item=pick.item, quantity=pick.quantity) for pick in picks]
    return Flush(line, takes, needed - sum((pick.quantity for pick in picks), Decimal(0)), reserved)


def _at_hand(work: Work, run: Run, stock: Stock) -> list[Item]:
    """The usable lots at the work unit and in its stores, those in process in another order left out."""
    stores = [store.id for _, store in stores_of(work.session, [run.equipment.id])]
    places = set().union(*below(work.session, stores).values(), {run.equipment.id})
    rows = work.session.scalars(
        select(Item)
        .where(usable(run.response.site_id, stock.definitions, work.occurred_at), Item.location_id.in_(sorted(places)))
        .order_by(Item.id)
    )
    return [x for x in rows if x.lifecycle is not Lifecycle.IN_PROCESS or x.request_id == run.request.id]

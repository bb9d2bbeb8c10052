"""Items with a history, made through the verbs of genealogy and the primitives that runs use."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from mesgraph.genealogy.actions import ReceiptLine, receive_items
from mesgraph.genealogy.activity import Line, record_activity
from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind
from mesgraph.materials.actions import withdraw
from mesgraph.materials.creation import create_item
from mesgraph.materials.models import Item, ItemKind, Lifecycle, Tracking
from mesgraph.materials.queries import item_by_key
from mesgraph.work import Reason, Work
from tests.api import Api
from tests.factories.materials import equipment, material, site

T = TypeVar("T")


async def act(api: Api, verb: Callable[[Work], T]) -> T:
    """Run a verb in a unit of work of its own, with a reason."""

    def unit(session: Session) -> T:
        work = api.work(session)
        work.reason = Reason("TEST")
        return verb(work)

    return await api.plant.database.write(unit)


def item(work: Work, key: str) -> Item:
    """An item that there is."""
    row = item_by_key(work.session, key)
    assert row is not None, key
    return row


async def receive(api: Api, code: str, number: str, quantity: str, *, location: str = "HV1/STORE-RM") -> str:
    """A lot from a supplier; returns its key."""

    def verb(work: Work) -> str:
        line = ReceiptLine(
            material=material(work.session, code),
            lot_number=number,
            quantity=Decimal(quantity),
            location=equipment(work.session, location),
        )
        return receive_items(work, site(work.session, location.partition("/")[0]), [line])[0].items[0].key

    return await act(api, verb)


async def transform(
    api: Api,
    inputs: Sequence[tuple[str, str]],
    outputs: Sequence[tuple[str, str, str]],
    *,
    ranges: dict[str, tuple[str, str]] | None = None,
    kind: GenealogyKind = GenealogyKind.TRANSFORM,
) -> int:
    """What a run does: take (key, quantity), make (material, number, quantity). Returns the id of the activity."""
    return await act(api, lambda work: make(work, inputs, outputs, ranges=ranges, kind=kind).id)


def make(
    work: Work,
    inputs: Sequence[tuple[str, str]],
    outputs: Sequence[tuple[str, str, str]],
    *,
    ranges: dict[str, tuple[str, str]] | None = None,
    kind: GenealogyKind = GenealogyKind.TRANSFORM,
) -> GenealogyEvent:
    """:func:`transform` within a unit of work."""
    taken = []
    for key, quantity in inputs:
        row = item(work, key)
        start, end = (Decimal(x) for x in ranges[key]) if ranges and key in ranges else (None, None)
        taken.append(Line(row, Decimal(quantity), range_from=start, range_to=end))
        withdraw(work, row, Decimal(quantity))
    made = [Line(new_item(work, code, number, quantity), Decimal(quantity)) for code, number, quantity in outputs]
    return record_activity(work, kind=kind, site_id=taken[0].item.site_id, inputs=taken, outputs=made)


def new_item(work: Work, code: str, number: str, quantity: str, **more: Any) -> Item:
    """An available lot or serial unit."""
    definition = material(work.session, code)
    serial = definition.tracking is Tracking.SERIAL
    return create_item(
        work,
        site_id=more.pop("site_id", None) or site(work.session).id,
        item_kind=ItemKind.SERIAL_UNIT if serial else ItemKind.LOT,
        material=definition,
        number=number,
        quantity=Decimal(quantity),
        lifecycle=Lifecycle.AVAILABLE,
        location_id=equipment(work.session, "HV1/STORE-WIP").id,
        **more,
    )

"""What the runs of an order took in all, by material."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mesgraph.db import EVERY_SITE
from mesgraph.materials.models import Item, MaterialDefinition
from mesgraph.orders.models import ActualUse, JobResponse, MaterialActual


@dataclass(frozen=True)
class Consumed:
    """How much of a material the runs of an order took and did not give back, in its base unit."""

    material: MaterialDefinition
    quantity: Decimal


def consumed_by(session: Session, request_ids: Collection[int]) -> dict[int, list[Consumed]]:
    """What each order consumed, by revision of the material; what is pending in its runs counts, too."""
    rows = session.execute(
        select(
            JobResponse.request_id,
            Item.material_id,
            func.sum(MaterialActual.quantity),
            func.sum(MaterialActual.returned),
        )
        .join(MaterialActual, MaterialActual.job_response_id == JobResponse.id)
        .join(Item, Item.id == MaterialActual.item_id)
        .where(
            JobResponse.request_id.in_(request_ids),
            MaterialActual.use == ActualUse.CONSUMED,
            MaterialActual.reverses_id.is_(None),
        )
        .group_by(JobResponse.request_id, Item.material_id)
        .execution_options(**EVERY_SITE)
    ).all()
    wanted = {material_id for _, material_id, _, _ in rows}
    materials = session.scalars(
        select(MaterialDefinition).where(MaterialDefinition.id.in_(wanted)).order_by(MaterialDefinition.code)
    )
    known = {material.id: material for material in materials}
    sums = {(request_id, material_id): taken - returned for request_id, material_id, taken, returned in rows}
    found: dict[int, list[Consumed]] = defaultdict(list)
    for request_id in request_ids:
        for key, material in known.items():
            if sums.get((request_id, key)):
                found[request_id].append(Consumed(material, sums[request_id, key]))
    return found

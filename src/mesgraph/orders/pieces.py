"""What is counted in whole pieces: materials of which every unit has a serial number."""

from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.definitions.models import OperationsDefinition, OperationsSegment
from mesgraph.definitions.queries import routes_of
from mesgraph.errors import Violation, invalid
from mesgraph.materials.models import MaterialDefinition, Tracking
from mesgraph.quantity import plain


def pieces_violation(material: MaterialDefinition | None, quantity: Decimal, *path: str | int) -> Violation | None:
    """VALIDATION_FAILED when ``quantity`` is no whole number of units that have a serial number each."""
    if material is None or material.tracking is not Tracking.SERIAL or quantity == quantity.to_integral_value():
        return None
    return invalid(
        f"every unit of {material.code} has a serial number, and {plain(quantity)} is no whole number of units", *path
    )


def output_of(session: Session, segment_id: int) -> MaterialDefinition | None:
    """The material that counts the output of a segment, in one of its revisions."""
    definition = session.scalars(
        select(OperationsDefinition)
        .join(OperationsSegment, OperationsSegment.definition_id == OperationsDefinition.id)
        .where(OperationsSegment.id == segment_id)
    ).one()
    [route] = routes_of(session, [definition]).values()
    of_code = select(MaterialDefinition).where(MaterialDefinition.code == route.output_of(segment_id))
    return session.scalars(of_code.order_by(MaterialDefinition.id.desc()).limit(1)).first()

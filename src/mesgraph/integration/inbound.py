"""Orders of a document, as demands of the plant: what is written is looked up, then the verbs of ``orders`` decide.

Process and Sync state an order as a whole. Change states what is to change; the rest stays. Cancel takes it back.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from mesgraph.definitions.models import OperationsDefinition
from mesgraph.definitions.queries import definition_by_key
from mesgraph.equipment.models import Site
from mesgraph.equipment.queries import equipment_by_key, site_by_key, sites
from mesgraph.errors import Code, Findings, Refused, Violation, all_violations, invalid, not_found, replace_path
from mesgraph.integration.b2mml.lexical import WrittenTime
from mesgraph.integration.b2mml.schedule import Order, Product, ScheduleMessage, Verb, check_times
from mesgraph.materials.models import MaterialDefinition
from mesgraph.materials.queries import material_by_gtin, material_by_key
from mesgraph.orders import queries, schedule
from mesgraph.orders.models import OperationsRequest, RequestState
from mesgraph.orders.schedule import Demand, Result, WantedState, Withdrawal
from mesgraph.quantity import Quantity, in_base, plain
from mesgraph.work import Work

REVISION_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
"""Where the seconds begin that number the revisions of a sender who numbers none."""


def submit_message(work: Work, message: ScheduleMessage, source_system: str, site: str | None) -> list[Result]:
    """Do what the orders of ``message`` ask, each for itself; violations point into the document.

    ``site`` is where an order is made that names no site. Warnings are added to the orders of the message.
    """
    demands = [
        (order.external_id, _reader(work.session, message, order, source_system, site)) for order in message.orders
    ]
    results = schedule.submit_operations_schedule(work, source_system, demands, atomic=False)
    return [_placed(order, result) for order, result in zip(message.orders, results, strict=True)]


def _placed(order: Order, result: Result) -> Result:
    """The result with the XPath of each value instead of the name of its field."""

    def placed(violation: Violation) -> Violation:
        name = str(violation.path[0]) if violation.path else ""
        if violation.path[-1:] == ("uom",):
            name = name.replace("/QuantityString", "/UnitOfMeasure")
        return replace_path(violation, (name if name.startswith("/") else order.place(name),))

    return replace(result, violations=tuple(map(placed, result.violations)))


def _reader(
    session: Session, message: ScheduleMessage, order: Order, source_system: str, site: str | None
) -> Callable[[], Demand | Withdrawal]:
    def read() -> Demand | Withdrawal:
        stored = queries.request_of_source(session, source_system, order.external_id)
        if order.verb is Verb.CANCEL:
            if order.violations:
                raise Refused(*order.violations)
            revision = _written_revision(message, order, site_zone(session, stored))
            return Withdrawal(source_system=source_system, external_id=order.external_id, revision=revision)
        return _demand(session, message, order, source_system, site, stored)

    return read


def site_zone(session: Session, stored: OperationsRequest | None) -> str:
    """The zone of a stored order's site; UTC where there is none to ask."""
    site = session.get(Site, stored.site_id) if stored is not None else None
    return site.time_zone if site is not None else "UTC"


def _demand(
    session: Session,
    message: ScheduleMessage,
    order: Order,
    source_system: str,
    site: str | None,
    stored: OperationsRequest | None,
) -> Demand:
    """What the order says. Refuses what its text breaks together with what is named and not there."""
    if order.unread:
        raise Refused(*order.violations)
    kept = stored if order.verb is Verb.CHANGE else None
    with all_violations() as found:
        found.extend(order.violations)
        with found.under():
            place = _site(session, order, site, stored)
            found.extend(check_times(order, place.time_zone))
        with found.under():
            definition = _definition(session, order, kept)
        product, quantity = _product(session, order, kept, found)
    demand = Demand(
        source_system=source_system,
        external_id=order.external_id,
        revision=0,
        code=stored.code if stored is not None else None,
        site=place,
        product=product,
        quantity=quantity,
        priority=order.priority if order.priority is not None else kept.priority if kept else 0,
        earliest_start=_time(order, order.starts, place) or (kept.earliest_start if kept else None),
        due_at=_time(order, order.ends, place) or (kept.due_at if kept else None),
        definition=definition,
        state=WantedState(order.state) if order.state else WantedState.FORECAST,
    )
    return replace(demand, revision=_revision(message, order, place, stored, demand))


def _revision(
    message: ScheduleMessage, order: Order, site: Site, stored: OperationsRequest | None, demand: Demand
) -> int:
    """The request's Version; else the message's creation in seconds; else the order of arrival."""
    written = _written_revision(message, order, site.time_zone)
    if written is not None:
        return written
    if stored is None:
        return 0
    return stored.external_revision + (demand.digest != stored.content_digest)


def _written_revision(message: ScheduleMessage, order: Order, zone: str) -> int | None:
    if order.revision is not None:
        return order.revision
    if message.created is None:
        return None
    if message.created.value.tzinfo is None:
        order.warn(f"{message.created.element.path} has no offset; read as a time of {zone}")
    return max(0, int((message.created.at(zone) - REVISION_EPOCH).total_seconds()))


def _time(order: Order, written: WrittenTime | None, site: Site) -> datetime | None:
    if written is None:
        return None
    at = written.at(site.time_zone)
    if written.value.tzinfo is None:
        order.warn(f"{written.element.path} has no offset; read on the clock of {site.code} it is {at.isoformat()}")
    return at


def _site(session: Session, order: Order, given: str | None, stored: OperationsRequest | None) -> Site:
    """The site that the hierarchy scope names, or the one of the work centre that it names, or the given one."""
    for element in order.scope:
        if (site := site_by_key(session, element.text)) is not None:
            return site
    fallback = _fallback_site(session, given, stored)
    if not order.scope:
        if fallback is not None:
            return fallback
        raise Refused(invalid(f"name the site: you see {len(sites(session))} of them", order.element.path))
    for element in order.scope:
        key = element.text if fallback is None else f"{fallback.code}/{element.text}"
        equipment = equipment_by_key(session, key)
        if equipment is not None:
            found = session.get(Site, equipment.site_id)
            assert found is not None, "equipment stands at a site"
            return found
    raise Refused(not_found("site or equipment", order.scope[0].text[:100], order.scope[0].path))


def _fallback_site(session: Session, given: str | None, stored: OperationsRequest | None) -> Site | None:
    if stored is not None:
        return session.get(Site, stored.site_id)
    if given is not None:
        return site_by_key(session, given)
    seen = sites(session)
    return seen[0] if len(seen) == 1 else None


def _definition(session: Session, order: Order, kept: OperationsRequest | None) -> OperationsDefinition | None:
    """The version that is named, or the approved one of a code that is named alone."""
    if order.definition is None:
        stays = kept is not None and kept.state is RequestState.FORECAST and kept.definition_id is not None
        return session.get(OperationsDefinition, kept.definition_id) if kept is not None and stays else None
    definition = definition_by_key(session, order.definition)
    if definition is None:
        raise Refused(not_found("OperationsDefinition", order.definition[:100], order.place("definition")))
    return definition


def _product(
    session: Session, order: Order, kept: OperationsRequest | None, found: Findings
) -> tuple[MaterialDefinition, Decimal]:
    """What is to be made and how much, in its base unit.

    A request may name a product for each step: then the one of the named definition counts.
    """
    product = session.get(MaterialDefinition, kept.product_id) if kept is not None else None
    quantity = kept.quantity if kept is not None else Decimal(0)
    line = None
    if not order.products_unread and (order.products or product is None):
        with found.under():
            line = _line(session, order)
    if line is not None:
        product = None
        with found.under():
            product = material_of(session, line)
        order.places["product"] = line.element.path
        if line.quantity is not None:
            quantity = _quantity(order, line, line.quantity, product, found)
        elif kept is None and not line.unread:
            found.add(invalid("the product needs a Quantity", line.element.path, code=Code.MESSAGE_INVALID))
    found.refuse()
    assert product is not None, "an order without product was refused"
    return product, quantity


def _line(session: Session, order: Order) -> Product:
    if not order.products:
        message = "no MaterialRequirement with MaterialUse Produced says what is to be made"
        raise Refused(invalid(message, order.element.path, code=Code.MESSAGE_INVALID))
    said = {(line.material, line.quantity, line.uom) for line in order.products}
    if len(said) == 1 or any(line.unread for line in order.products):
        return order.products[0]
    definition = definition_by_key(session, order.definition) if order.definition else None
    fits = [line for line in order.products if definition and material_of(session, line).id == definition.product_id]
    if len({(line.quantity, line.uom) for line in fits}) == 1:
        return fits[0]
    message = f"{len(said)} products are named and OperationsDefinitionID does not tell which one is ordered"
    raise Refused(invalid(message, order.products[0].element.path, code=Code.MESSAGE_INVALID))


def material_of(session: Session, line: Product) -> MaterialDefinition:
    """The material by ``CODE``, ``CODE:REVISION`` or GTIN; refuses NOT_FOUND."""
    material = material_by_key(session, line.material)
    if material is None and len(line.material) == 14 and line.material.isascii() and line.material.isdecimal():
        material = material_by_gtin(session, line.material)
    if material is None:
        raise Refused(not_found("MaterialDefinition", line.material[:100], line.element.path))
    return material


def _quantity(
    order: Order, line: Product, value: Decimal, product: MaterialDefinition | None, found: Findings
) -> Decimal:
    """In the base unit of the product. Without a product only the number itself is judged."""
    assert line.quantity_element is not None, "a quantity stands somewhere"
    path = order.places["quantity"] = line.quantity_element.path
    if value <= 0:
        found.add(invalid(f"quantity {plain(value)} must be greater than zero", path))
    if product is None:
        return value
    if line.uom is None:
        order.warn(f"{path} has no unit; read as {product.base_uom}")
    with found.under():
        counted = Quantity(value if value > 0 else Decimal(1), line.uom or product.base_uom)
        value = in_base(counted, product.base_uom, product.uom_factors, path)
    return value  # noqa: RET504 - a refusal is noted, and the block left

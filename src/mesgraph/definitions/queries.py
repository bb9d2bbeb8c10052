"""Named reads of operations definitions."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, exists, or_, select
from sqlalchemy.orm import Session

from mesgraph.definitions.models import (
    DefinitionSite,
    DefinitionState,
    IssueMethod,
    MaterialAlternate,
    MaterialSpecification,
    MaterialUse,
    OperationsDefinition,
    OperationsSegment,
    SegmentAlternate,
    SegmentDependency,
    WorkInstruction,
)
from mesgraph.definitions.route import After, Route, Step
from mesgraph.definitions.specifications import (
    grouped,
    instruction_contents,
    instructions_of,
    parameter_contents,
    scanned_materials,
)
from mesgraph.equipment.models import EquipmentClass, Site
from mesgraph.ledger.entry import canonical, encode
from mesgraph.materials.models import MaterialDefinition
from mesgraph.quantity import plain

INPUTS = (MaterialUse.CONSUMED, MaterialUse.CONSUMABLE)


def definition_by_key(session: Session, key: str) -> OperationsDefinition | None:
    """The definition ``CODE:VERSION``; for ``CODE`` alone the version approved last, else the one drafted last."""
    code, colon, version = key.partition(":")
    statement = select(OperationsDefinition).where(OperationsDefinition.code == code)
    if colon:
        return session.scalar(statement.where(OperationsDefinition.definition_version == version))
    approved = OperationsDefinition.state == DefinitionState.APPROVED
    return session.scalar(
        statement.order_by(
            approved.desc(),
            case((approved, OperationsDefinition.effective_from)).desc(),
            OperationsDefinition.id.desc(),
        ).limit(1)
    )


def effective_definition(session: Session, product_id: int, site_id: int, at: datetime) -> OperationsDefinition | None:
    """The approved version for this product and site at that moment; of several the one that became effective last."""
    return session.scalar(
        select(OperationsDefinition)
        .where(
            OperationsDefinition.product_id == product_id,
            OperationsDefinition.state == DefinitionState.APPROVED,
            OperationsDefinition.effective_from <= at,
            or_(OperationsDefinition.effective_to.is_(None), OperationsDefinition.effective_to > at),
            or_(
                ~exists().where(DefinitionSite.definition_id == OperationsDefinition.id),
                exists().where(
                    DefinitionSite.definition_id == OperationsDefinition.id, DefinitionSite.site_id == site_id
                ),
            ),
        )
        .order_by(OperationsDefinition.effective_from.desc(), OperationsDefinition.id.desc())
        .limit(1)
    )


def is_effective(definition: OperationsDefinition, at: datetime) -> bool:
    """Whether this version is approved and ``at`` lies in [effectiveFrom, effectiveTo)."""
    return (
        definition.state is DefinitionState.APPROVED
        and definition.effective_from is not None
        and definition.effective_from <= at
        and (definition.effective_to is None or at < definition.effective_to)
    )


def allowed_at(session: Session, definition_id: int, site_id: int) -> bool:
    """Whether the definition may be used at the site; without any line it may be used at all."""
    sites = session.scalars(select(DefinitionSite.site_id).where(DefinitionSite.definition_id == definition_id)).all()
    return not sites or site_id in sites


def segments_of(session: Session, definition_id: int) -> list[OperationsSegment]:
    """The segments of a definition, by step number."""
    return list(
        session.scalars(
            select(OperationsSegment)
            .where(OperationsSegment.definition_id == definition_id)
            .order_by(OperationsSegment.seq)
        )
    )


def bill_of(session: Session, segment_id: int) -> list[MaterialSpecification]:
    """The bill of a segment, by line number."""
    return bills_of(session, [segment_id])[segment_id]


def bills_of(session: Session, segment_ids: Collection[int]) -> dict[int, list[MaterialSpecification]]:
    """The bill of each segment, by line number."""
    bills: dict[int, list[MaterialSpecification]] = {segment_id: [] for segment_id in segment_ids}
    rows = session.scalars(
        select(MaterialSpecification)
        .where(MaterialSpecification.segment_id.in_(bills))
        .order_by(MaterialSpecification.segment_id, MaterialSpecification.line)
    )
    for row in rows:
        bills[row.segment_id].append(row)
    return bills


def dependencies_of(session: Session, definition_id: int) -> list[SegmentDependency]:
    """What the segments of a definition wait for."""
    return _dependencies(session, OperationsSegment.definition_id == definition_id)


def _dependencies(session: Session, of_segments: ColumnElement[bool]) -> list[SegmentDependency]:
    return list(
        session.scalars(
            select(SegmentDependency)
            .join(OperationsSegment, OperationsSegment.id == SegmentDependency.segment_id)
            .where(of_segments)
            .order_by(OperationsSegment.seq, SegmentDependency.after_id)
        )
    )


def dependencies_from(session: Session, segment_ids: Collection[int]) -> list[SegmentDependency]:
    """What these segments wait for."""
    return list(
        session.scalars(
            select(SegmentDependency)
            .where(SegmentDependency.segment_id.in_(segment_ids))
            .order_by(SegmentDependency.segment_id, SegmentDependency.after_id)
        )
    )


def substitutes_of(session: Session, specification_ids: Collection[int]) -> dict[int, list[MaterialAlternate]]:
    """The materials that may go in instead of the one of each of these bill lines."""
    cls = MaterialAlternate
    return grouped(session, cls.specification_id, cls, specification_ids, cls.material_id)


def alternates_of(session: Session, segment_ids: Collection[int]) -> dict[int, list[SegmentAlternate]]:
    """To what equipment jobs of these segments may be rerouted, the first choice first."""
    found: dict[int, list[SegmentAlternate]] = {segment_id: [] for segment_id in segment_ids}
    rows = session.scalars(
        select(SegmentAlternate)
        .where(SegmentAlternate.segment_id.in_(found))
        .order_by(SegmentAlternate.priority.desc(), SegmentAlternate.equipment_class_id)
    )
    for row in rows:
        found[row.segment_id].append(row)
    return found


def sites_of(session: Session, definition_ids: Collection[int]) -> list[tuple[int, Site]]:
    """(definition id, site) for each site that a definition is restricted to and that is in scope."""
    rows = session.execute(
        select(DefinitionSite.definition_id, Site)
        .join(Site, Site.id == DefinitionSite.site_id)
        .where(DefinitionSite.definition_id.in_(definition_ids))
        .order_by(Site.code)
    )
    return [(row[0], row[1]) for row in rows]


def route_of(session: Session, definition: OperationsDefinition) -> Route[int]:
    """The route with segments named by row id and materials by code."""
    return routes_of(session, [definition])[definition.id]


def routes_of(session: Session, definitions: Collection[OperationsDefinition]) -> dict[int, Route[int]]:
    """The route of each definition, in as many statements as for one."""
    products = {definition.id: definition.product_id for definition in definitions}
    of_them = OperationsSegment.definition_id.in_(products)
    segments = session.scalars(select(OperationsSegment).where(of_them).order_by(OperationsSegment.seq)).all()
    bills = bills_of(session, [segment.id for segment in segments])
    named = set(products.values()) | {line.material_id for bill in bills.values() for line in bill}
    materials = _codes(session, MaterialDefinition, named)
    after: dict[int, list[After[int]]] = defaultdict(list)
    for row in _dependencies(session, of_them):
        after[row.segment_id].append(After(row.after_id, row.dependency, timedelta(seconds=row.delay_s)))
    steps: dict[int, dict[int, Step[int]]] = {key: {} for key in products}
    for segment in segments:
        bill = bills[segment.id]
        steps[segment.definition_id][segment.id] = Step(
            key=segment.id,
            after=tuple(after[segment.id]),
            makes=next((materials[x.material_id] for x in bill if x.use is MaterialUse.PRODUCED), None),
            takes=tuple((materials[x.material_id], x.quantity_per) for x in bill if x.use in INPUTS),
            setup=timedelta(seconds=segment.setup_time_s),
            run_s_per_unit=segment.run_time_per_unit_s,
        )
    return {key: Route(product=materials[product], steps=steps[key]) for key, product in products.items()}


def output_uoms(session: Session, segment_ids: Collection[int]) -> dict[int, str]:
    """The unit that counts the output of each segment, such as MTR for a coater."""
    definitions = session.scalars(
        select(OperationsDefinition)
        .join(OperationsSegment, OperationsSegment.definition_id == OperationsDefinition.id)
        .where(OperationsSegment.id.in_(set(segment_ids)))
        .distinct()
    ).all()
    outputs: dict[int, str] = {}
    for route in routes_of(session, definitions).values():
        outputs.update({key: route.output_of(key) for key in route.steps})
    rows = session.execute(
        select(MaterialDefinition.code, MaterialDefinition.base_uom).where(
            MaterialDefinition.code.in_(set(outputs.values()))
        )
    )
    uoms = dict(rows.all())
    return {segment_id: uoms[outputs[segment_id]] for segment_id in segment_ids}


def content_of(session: Session, definition: OperationsDefinition) -> dict[str, Any]:
    """What the approval freezes: everything but state and effectivity, named by human keys, in a fixed order."""
    segments = segments_of(session, definition.id)
    ids = [segment.id for segment in segments]
    bills = bills_of(session, ids)
    seqs = {segment.id: segment.seq for segment in segments}
    parameters = parameter_contents(session, ids)
    instructions = instructions_of(session, ids)
    named = {definition.product_id} | {x.material_id for bill in bills.values() for x in bill}
    substitutes = substitutes_of(session, [line.id for bill in bills.values() for line in bill])
    named |= {x.material_id for rows in substitutes.values() for x in rows}
    if instructions:
        named |= scanned_materials(session, [row.id for row in instructions.values()])
    materials = _keys(session, named)
    steps = instruction_contents(session, instructions.values(), materials) if instructions else {}
    after: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in dependencies_of(session, definition.id):
        after[row.segment_id].append({"after": seqs[row.after_id], "kind": str(row.dependency), "delay_s": row.delay_s})
    alternates = alternates_of(session, {segment.id for segment in segments})
    named = {segment.equipment_class_id for segment in segments}
    named |= {alternate.equipment_class_id for rows in alternates.values() for alternate in rows}
    classes = _codes(session, EquipmentClass, named)
    return {
        "code": definition.code,
        "version": definition.definition_version,
        "name": definition.name,
        "product": materials[definition.product_id],
        "sites": _site_codes(session, definition.id),
        "segments": [
            {
                "seq": segment.seq,
                "name": segment.name,
                "equipment_class": classes[segment.equipment_class_id],
                "setup_time_s": segment.setup_time_s,
                "run_time_per_unit_s": plain(segment.run_time_per_unit_s),
                "dependencies": sorted(after[segment.id], key=lambda x: x["after"]),
                "materials": [_line(line, materials, substitutes[line.id]) for line in bills[segment.id]],
                # what a segment does not have is not named: versions approved before it existed keep their hash
                **({"parameters": parameters[segment.id]} if parameters[segment.id] else {}),
                **({"instruction": steps[instructions[segment.id].id]} if segment.id in instructions else {}),
                **_alternates(alternates[segment.id], classes),
                **({"equipment_properties": segment.equipment_properties} if segment.equipment_properties else {}),
            }
            for segment in segments
        ],
    }


def instruction_contents_of(session: Session, instructions: Collection[WorkInstruction]) -> dict[int, dict[str, Any]]:
    """The content of each of these instructions, by its id."""
    materials = _keys(session, scanned_materials(session, [row.id for row in instructions]))
    return instruction_contents(session, instructions, materials)


def content_hash(session: Session, definition: OperationsDefinition) -> bytes:
    """SHA-256 of the canonical content (I16)."""
    return hashlib.sha256(encode(canonical(content_of(session, definition)))).digest()


def _alternates(alternates: Collection[SegmentAlternate], classes: Mapping[int, str]) -> dict[str, Any]:
    """Named only where there are any, so that what was approved without them keeps its hash."""
    if not alternates:
        return {}
    told = [{"equipment_class": classes[x.equipment_class_id], "priority": x.priority} for x in alternates]
    return {"alternates": sorted(told, key=lambda x: str(x["equipment_class"]))}


def _line(
    line: MaterialSpecification, materials: Mapping[int, str], substitutes: Collection[MaterialAlternate]
) -> dict[str, Any]:
    instead = sorted(({"material": materials[x.material_id], "factor": plain(x.factor)} for x in substitutes), key=str)
    return {
        "line": line.line,
        "material": materials[line.material_id],
        "revision_rule": str(line.revision_rule),
        "use": str(line.use),
        "quantity_per": plain(line.quantity_per),
        "tolerance_pct": None if line.tolerance_pct is None else plain(line.tolerance_pct),
        "tolerance_action": str(line.tolerance_action),
        **({} if line.issue is IssueMethod.PICK else _backflush(line)),  # not named: see content_of
        **({"alternates": instead} if instead else {}),
    }


def _backflush(line: MaterialSpecification) -> dict[str, Any]:
    return {"issue": str(line.issue), "scrap_factor": plain(line.scrap_factor)}


def _codes(
    session: Session, cls: type[MaterialDefinition] | type[EquipmentClass], ids: Collection[int]
) -> dict[int, str]:
    return dict(session.execute(select(cls.id, cls.code).where(cls.id.in_(ids))).all())


def _keys(session: Session, ids: Collection[int]) -> dict[int, str]:
    rows = session.scalars(select(MaterialDefinition).where(MaterialDefinition.id.in_(ids)))
    return {row.id: row.human_key for row in rows}


def _site_codes(session: Session, definition_id: int) -> list[str]:
    # by columns of the table, past the site scope: the content is the same whoever reads it
    table, links = Site.__table__, DefinitionSite.__table__
    statement = (
        select(table.c.code)
        .join(links, links.c.site_id == table.c.id)
        .where(links.c.definition_id == definition_id)
        .order_by(table.c.code)
    )
    return list(session.scalars(statement))

"""The document of a performance, in the form of V0701.

Its schema spells the end of a performance `Endtime`.
"""

from datetime import datetime
from typing import Any

from mesgraph.integration.b2mml import writing
from mesgraph.integration.b2mml.acknowledgement import OURSELVES
from mesgraph.integration.b2mml.writing import add, moment
from mesgraph.integration.performance import Performance, SegmentPerformance
from mesgraph.materials.models import ItemKind
from mesgraph.orders.models import ActualUse, RequestState
from mesgraph.quantity import plain

USES = {
    ActualUse.CONSUMED: "Consumed",
    ActualUse.PRODUCED: "Produced",
    ActualUse.BY_PRODUCT: "By-product Produced",
}
STATES = {
    RequestState.FORECAST: "Waiting",
    RequestState.RELEASED: "Waiting",
}
"""States of an order that a response has no word for, and the word that is nearest."""
CANCELLED = "Cancelled"
"""No word of a response is near to this, so it is said as Other."""


def document_of(performance: Performance, at: datetime) -> str:
    """The noun alone: OperationsPerformance."""
    root = writing.root("OperationsPerformance")
    _fill(root, performance, at)
    return writing.text_of(root)


def message_of(performance: Performance, *, message_id: str, receiver: str, at: datetime) -> str:
    """A message with an envelope: SyncOperationsPerformance."""
    root = writing.root("SyncOperationsPerformance")
    root.set("releaseID", writing.RELEASE)
    writing.add_application_area(root, sender=OURSELVES, receiver=receiver, message_id=message_id, at=at)
    area = add(root, "DataArea")
    add(area, "Sync")
    _fill(add(area, "OperationsPerformance"), performance, at)
    return writing.text_of(root)


def _fill(noun: Any, performance: Performance, at: datetime) -> None:
    request = performance.request
    add(noun, "ID", request.code)
    add(noun, "PublishedDate", moment(at))
    _time(noun, "StartTime", performance.started_at)
    _time(noun, "Endtime", performance.ended_at)
    scope = add(noun, "HierarchyScope")
    add(scope, "EquipmentID", performance.site.code)
    add(scope, "EquipmentLevel", "Site")
    add(noun, "OperationsType", "Production")
    state = STATES.get(request.state, request.state.capitalize())
    _state(noun, "PerformanceState", state)
    response = add(noun, "OperationsResponse")
    add(response, "ID", request.code)
    add(response, "Version", request.external_revision)
    _time(response, "StartTime", performance.started_at)
    _time(response, "EndTime", performance.ended_at)
    add(response, "OperationsRequestID", request.external_id)
    if performance.definition is not None:
        add(response, "OperationsDefinitionID", performance.definition.human_key)
    _state(response, "ResponseState", state)
    for segment in performance.segments:
        _segment(response, segment, request.external_id)


def _segment(parent: Any, segment: SegmentPerformance, external_id: str) -> None:
    shown = add(parent, "SegmentResponse")
    add(shown, "ID", segment.requirement.human_key)
    add(shown, "Description", segment.segment.name)
    _time(shown, "ActualStartTime", segment.started_at)
    _time(shown, "ActualEndTime", segment.ended_at)
    add(shown, "OperationsRequestID", external_id)
    add(shown, "SegmentRequirementID", segment.requirement.human_key)
    for run in segment.equipment:
        add(shown, "JobResponseID", run.job_response.code)
    _state(shown, "SegmentState", segment.state.capitalize())
    for name, value in (("GOOD", segment.good), ("SCRAP", segment.scrap)):
        data = add(shown, "SegmentData")
        add(data, "ID", name)
        quantity = add(data, "Value")
        add(quantity, "ValueString", plain(value))
        add(quantity, "DataType", "decimal")
        add(quantity, "UnitOfMeasure", segment.uom)
    for run in segment.equipment:
        actual = add(shown, "EquipmentActual")
        add(actual, "ID", run.job_response.code)
        add(actual, "EquipmentID", run.equipment.code)
    for number, line in enumerate(segment.materials, start=1):
        actual = add(shown, "MaterialActual")
        add(actual, "ID", number)
        if line.material is not None:
            add(actual, "MaterialDefinitionID", line.material.code)
        add(actual, "MaterialSubLotID" if line.item.item_kind is ItemKind.SUBLOT else "MaterialLotID", line.item.number)
        add(actual, "MaterialUse", USES[line.use])
        quantity = add(actual, "Quantity")
        add(quantity, "QuantityString", plain(line.quantity))
        add(quantity, "DataType", "decimal")
        add(quantity, "UnitOfMeasure", line.item.uom)


def _state(parent: Any, name: str, state: str) -> None:
    if state == CANCELLED:
        add(parent, name, "Other", OtherValue=CANCELLED)
    else:
        add(parent, name, state)


def _time(parent: Any, name: str, at: datetime | None) -> None:
    if at is not None:
        add(parent, name, moment(at))

"""The verb by which a run records values of its process parameters."""

from dataclasses import dataclass, replace

from mesgraph import ledger
from mesgraph.definitions.models import ParameterSpecification
from mesgraph.definitions.values import Verdict, shown_value
from mesgraph.errors import Code, all_violations, invalid
from mesgraph.holds.actions import place_hold
from mesgraph.holds.models import Hold, HoldSeverity
from mesgraph.materials.models import TERMINAL, Item
from mesgraph.orders import record_events as events
from mesgraph.orders.deviations import record_deviation
from mesgraph.orders.lifecycle import UNDER_WAY
from mesgraph.orders.models import (
    Deviation,
    DeviationKind,
    JobResponse,
    ParameterActual,
    RequestState,
    ValueSource,
)
from mesgraph.orders.run import OPEN, run_of
from mesgraph.work import Reason, Work

TAKES_VALUES = UNDER_WAY | {RequestState.COMPLETED}
"""States of an order whose runs that have ended take values of parameters."""
OUT_OF_LIMITS = "PARAMETER_OUT_OF_LIMITS"
"""Reason code of the holds that a critical parameter places."""


@dataclass(frozen=True, kw_only=True)
class RecordedParameter:
    """A recorded value, and what follows from a bad one."""

    actual: ParameterActual
    deviation: Deviation | None = None
    hold: Hold | None = None


def record_parameter(
    work: Work,
    response: JobResponse,
    parameter: ParameterSpecification,
    value: str,
    *,
    uom: str | None = None,
    item: Item | None = None,
    source: ValueSource = ValueSource.OPERATOR,
) -> RecordedParameter:
    """Record a value of a parameter of the run's segment, for ``item`` where it was measured on one.

    It is measured, so it is recorded whatever it is. A value that fails opens a deviation; of a critical parameter it
    also holds the item (severity MAJOR), unless that has ended: then the deviation alone tells (I20). The same
    parameter may be recorded any number of times.

    A run that has ended takes values, such as those of a laboratory, until its order is closed or given up.

    Refuses INVALID_TRANSITION after that, TIME_ORDER_INVALID before it began; VALIDATION_FAILED for a
    parameter of another segment, a value that has not its type, or an item of another site; UOM_MISMATCH (I45).
    """
    run = run_of(work.session, response)
    late = response.ended_at is not None
    run.lock(work, item, run.request if late else None)
    with all_violations() as found:
        in_time = not late or run.request.state in TAKES_VALUES
        found.extend(v for v in run.violations(work, OPEN) if not (in_time and v.code is Code.INVALID_TRANSITION))
        if parameter.segment_id != run.requirement.segment_id:
            found.add(invalid(f"{parameter.code} is no parameter of the segment of {response.code}", "parameter"))
        if item is not None and item.site_id != response.site_id:
            found.add(invalid(f"{item.key} is at another site than {response.code}", "item"))
        with found.under():
            measured = parameter.rule.read(value, uom)
    verdict = parameter.rule.judge(measured)
    actual = work.add(
        ParameterActual(
            site_id=response.site_id,
            job_response_id=response.id,
            specification_id=parameter.id,
            item_id=item.id if item else None,
            value=shown_value(measured),
            source=source,
            verdict=verdict,
            posted_by_id=work.actor.principal_id,
            posted_at=work.occurred_at,
        )
    )
    ledger.record(
        work,
        events.ParameterRecorded(
            parameter_actual=actual,
            job_response=response,
            parameter=parameter,
            item=item,
            value=actual.value,
            uom=parameter.rule.uom,
            source=source,
            verdict=verdict,
        ),
        site_id=response.site_id,
    )
    if verdict is not Verdict.FAIL:
        return RecordedParameter(actual=actual)
    unit = f" {parameter.rule.uom}" if parameter.rule.uom else ""
    told = f"{parameter.code} is {actual.value}{unit}, allowed is {parameter.rule.span}"
    hold = _hold(work, item, told) if parameter.critical and item is not None else None
    deviation = record_deviation(work, run, DeviationKind.PARAMETER, told, parameter_actual=actual, hold=hold)
    return RecordedParameter(actual=actual, deviation=deviation, hold=hold)


def _hold(work: Work, item: Item, told: str) -> Hold | None:
    """Stop the item; what has ended (used up, shipped) cannot be stopped any more."""
    if item.lifecycle in TERMINAL:
        return None
    because = replace(work, reason=Reason(OUT_OF_LIMITS, told))  # shares session and events
    return place_hold(because, items=[item], equipment=None, range=None, severity=HoldSeverity.MAJOR)

"""What happens when values are recorded in runs and leave their limits."""

from dataclasses import dataclass

from mesgraph.definitions.models import InstructionStep, ParameterSpecification
from mesgraph.definitions.values import Verdict
from mesgraph.holds.models import Hold
from mesgraph.ledger import Event
from mesgraph.materials.models import Item
from mesgraph.orders.models import (
    Deviation,
    DeviationKind,
    DeviationState,
    JobResponse,
    ParameterActual,
    StepExecution,
    ValueSource,
)


@dataclass(frozen=True, kw_only=True)
class ParameterRecorded(Event):
    """A value of a process parameter was recorded in a run, for an item where one is named."""

    subjects = ("parameter_actual", "job_response", "item")
    parameter_actual: ParameterActual
    job_response: JobResponse
    parameter: ParameterSpecification
    item: Item | None
    value: str
    uom: str | None
    source: ValueSource
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class StepRecorded(Event):
    """An attempt of an instruction step was recorded in a run, with everything entered in it."""

    subjects = ("step_execution", "job_response")
    step_execution: StepExecution
    job_response: JobResponse
    step: InstructionStep
    attempt: int
    entries: list[dict[str, object]]
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class DeviationOpened(Event):
    """Something in a run left its approved limits. ``hold`` stops the item meanwhile, where one was placed."""

    subjects = ("deviation", "job_response")
    deviation: Deviation
    job_response: JobResponse
    kind: DeviationKind
    description: str
    hold: Hold | None


@dataclass(frozen=True, kw_only=True)
class DeviationDecided(Event):
    """A deviation was accepted or rejected, by another person than the one who opened it."""

    subjects = ("deviation",)
    deviation: Deviation
    state: DeviationState

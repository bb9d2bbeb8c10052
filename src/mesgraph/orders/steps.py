"""The verb by which a run records the steps of its work instruction (I21)."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from mesgraph import ledger
from mesgraph.definitions.models import EntrySpecification, InstructionStep, StepKind
from mesgraph.definitions.specifications import entries_of
from mesgraph.definitions.values import DataType, Verdict, shown_value, worst
from mesgraph.errors import Code, Findings, Refused, Violation, all_violations, invalid
from mesgraph.materials.models import TERMINAL, Item, Lifecycle, MaterialDefinition
from mesgraph.orders import record_events as events
from mesgraph.orders.bill import bill_lines
from mesgraph.orders.deviations import record_deviation
from mesgraph.orders.models import (
    ActualUse,
    Deviation,
    DeviationKind,
    JobResponse,
    MaterialActual,
    StepEntry,
    StepExecution,
)
from mesgraph.orders.progress import StepProgress, StepState, progress_of
from mesgraph.orders.run import OPEN, Run, row, run_of
from mesgraph.work import Work


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What was entered in a field: a value as text, or a scanned item."""

    field: str
    value: str | None = None
    uom: str | None = None
    item: Item | None = None


@dataclass(frozen=True, kw_only=True)
class RecordedStep:
    """A recorded step, and the deviation that a failed one opened."""

    execution: StepExecution
    deviation: Deviation | None = None


@dataclass(frozen=True, kw_only=True)
class _Read:
    """An entry that was checked: the one text of its value, and its verdict."""

    specification: EntrySpecification
    value: str
    verdict: Verdict
    item: Item | None

    @property
    def told(self) -> str:
        """For a deviation: what it is, and what is allowed."""
        unit = f" {self.specification.rule.uom}" if self.specification.rule.uom else ""
        return f"{self.specification.field} is {self.value}{unit}, allowed is {self.specification.rule.span}"


def record_step(
    work: Work, response: JobResponse, step: InstructionStep, entries: Sequence[Entry] = ()
) -> RecordedStep:
    """Record one attempt of a step with everything entered in it. Nothing is written unless every entry is right.

    What is measured is recorded, whatever it is: an entry outside its limits makes the verdict FAIL and opens a
    deviation. A failed step is not done until another attempt passes or the deviation is accepted. An attempt never
    overwrites another. What is signed stays signed, until something else is recorded after it.

    Refuses INVALID_TRANSITION for a run that has ended, TIME_ORDER_INVALID before it began; VALIDATION_FAILED for a
    step of another instruction; STEP_OUT_OF_SEQUENCE while a mandatory step before it is not done; RECORD_IMMUTABLE
    for what is signed already; SAME_PERSON_FORBIDDEN where another person has to sign; and of the entries
    VALIDATION_FAILED (unknown, missing, named twice, not of its type, no choice), UOM_MISMATCH, WRONG_MATERIAL for a
    scanned item of another material, LOT_NOT_RELEASED, ALREADY_CONTAINED, LOT_NOT_AT_LOCATION for one that is not here.
    """
    run = run_of(work.session, response)
    run.lock(work, *(entry.item for entry in entries))
    progress = progress_of(work.session, [response.id])[response.id]
    at = next((x for x in progress if x.step.id == step.id), None)
    with all_violations() as found:
        found.extend(run.violations(work, OPEN))
        if at is None:
            found.add(invalid(f"step {step.no} is none of the instruction of {response.code}", "step"))
        else:
            found.add(_signed_violation(progress, at))
        found.add(_sequence_violation(progress, step), _signer_violation(work, run, step, progress))
        read = _read_entries(work, run, step, entries, found)
    assert at is not None, "a step of another instruction was refused"
    execution = _post(work, run, step, read, attempt=len(at.attempts) + 1)
    if execution.verdict is not Verdict.FAIL:
        return RecordedStep(execution=execution)
    told = "; ".join(x.told for x in read if x.verdict is Verdict.FAIL)
    deviation = record_deviation(
        work, run, DeviationKind.STEP, f"step {step.no}: {told}"[:2000], step_execution=execution
    )
    return RecordedStep(execution=execution, deviation=deviation)


def _sequence_violation(progress: Sequence[StepProgress], step: InstructionStep) -> Violation | None:
    before = next(
        (x for x in progress if x.step.no < step.no and x.step.mandatory and x.state is not StepState.DONE), None
    )
    if before is None:
        return None
    state = "failed" if before.state is StepState.FAILED else "is not done yet"
    return invalid(
        f"step {before.step.no} comes before step {step.no} and {state}", "step", code=Code.STEP_OUT_OF_SEQUENCE
    )


def _signed_violation(progress: Sequence[StepProgress], at: StepProgress) -> Violation | None:
    """A signature stands for what was recorded before it: only what was recorded since then is signed anew."""
    if at.step.step_kind is not StepKind.SIGN or at.state is not StepState.DONE:
        return None
    signed = at.attempts[-1]
    if any(attempt.id > signed.id for x in progress for attempt in x.attempts):
        return None
    return invalid(
        f"step {at.step.no} was signed at {signed.posted_at.isoformat()} and nothing was recorded since; "
        "record the step that has to be put right again, then this one is signed again",
        "step",
        code=Code.RECORD_IMMUTABLE,
    )


def _signer_violation(
    work: Work, run: Run, step: InstructionStep, progress: Sequence[StepProgress]
) -> Violation | None:
    """Who confirms is not who did: neither the one who began the run nor anybody who did a step in it (I35)."""
    if not step.another_person:
        return None
    doers = {x.posted_by_id for p in progress if p.step.step_kind is not StepKind.SIGN for x in p.attempts}
    if work.actor.principal_id not in doers | {run.response.begun_by_id}:
        return None
    return invalid(
        f"{work.actor.subject} took part in {run.response.code}; step {step.no} is signed by another person",
        "step",
        code=Code.SAME_PERSON_FORBIDDEN,
    )


def _read_entries(
    work: Work, run: Run, step: InstructionStep, entries: Sequence[Entry], found: Findings
) -> list[_Read]:
    """Every entry against its field; notes what is wrong with each, and what is missing."""
    asked = {specification.field: specification for specification in entries_of(work.session, [step.id])[step.id]}
    named: dict[str, _Read | None] = {}
    for i, entry in enumerate(entries):
        specification = asked.get(entry.field)
        if specification is None:
            fields = ", ".join(asked) or "nothing"
            found.add(invalid(f"step {step.no} asks for {fields}, not for {entry.field[:64]!r}", "entries", i, "field"))
        elif entry.field in named:
            found.add(invalid(f"{entry.field} is entered twice", "entries", i, "field"))
        else:
            named[entry.field] = None
            with found.under("entries", i):
                named[entry.field] = _read(work, run, specification, entry)
    for field, specification in asked.items():
        if specification.mandatory and field not in named:
            found.add(invalid(f"{field} is missing: {specification.prompt}", "entries"))
    return [read for field in asked if (read := named.get(field)) is not None]


def _read(work: Work, run: Run, specification: EntrySpecification, entry: Entry) -> _Read:
    if specification.rule.data_type is DataType.ITEM:
        return _scan(work, run, specification, entry)
    if entry.value is None or entry.item is not None:
        raise Refused(invalid(f"{entry.field} asks for a value", "value"))
    value = specification.rule.read(entry.value, entry.uom)
    return _Read(
        specification=specification, value=shown_value(value), verdict=specification.rule.judge(value), item=None
    )


def _scan(work: Work, run: Run, specification: EntrySpecification, entry: Entry) -> _Read:
    """The scanned item is of the field's material, in whatever revision, or of what the bill lets go in instead; and it
    is here, for this order.
    """
    if entry.item is None or entry.value is not None or entry.uom is not None:
        raise Refused(invalid(f"{entry.field} asks for an item to be scanned", "item"))
    assert specification.material_id is not None, "a scan names its material"
    wanted = row(work.session, MaterialDefinition, specification.material_id)
    item = entry.item
    scanned = row(work.session, MaterialDefinition, item.material_id) if item.material_id is not None else None
    bill = bill_lines(work.session, run.requirement.segment_id)
    fitting = {wanted.code}.union(*(line.codes for line in bill if line.material.code == wanted.code))
    with all_violations() as found:
        if scanned is None or scanned.code not in fitting:
            found.add(invalid(f"{item.key} is no {wanted.code}", "item", code=Code.WRONG_MATERIAL))
        found.add(_presence_violation(work, run, item))
    return _Read(specification=specification, value=item.key, verdict=Verdict.PASS, item=item)


def _presence_violation(work: Work, run: Run, item: Item) -> Violation | None:
    """What is only a number yet, ended, in process in another order or at another site is not what was scanned."""
    if item.site_id != run.response.site_id:
        message = f"{item.key} is at another site than {run.response.code}"
        return invalid(message, "item", code=Code.LOT_NOT_AT_LOCATION)
    if item.lifecycle in (Lifecycle.CONSUMED, Lifecycle.INSTALLED):
        if _took(work, run, item):
            return None  # the step may be recorded after the taking
        return invalid(f"{item.key} is {item.lifecycle}", "item", code=Code.ALREADY_CONTAINED)
    if item.lifecycle is Lifecycle.PLANNED or item.lifecycle in TERMINAL:
        return invalid(f"{item.key} is {item.lifecycle}", "item", code=Code.LOT_NOT_RELEASED)
    if item.lifecycle is Lifecycle.IN_PROCESS and item.request_id != run.request.id:
        return invalid(f"{item.key} is in process in another order", "item", code=Code.LOT_NOT_RELEASED)
    return None


def _took(work: Work, run: Run, item: Item) -> bool:
    """Whether the item went into this run and was not taken back."""
    taken = select(MaterialActual.id).where(
        MaterialActual.job_response_id == run.response.id,
        MaterialActual.item_id == item.id,
        MaterialActual.use == ActualUse.CONSUMED,
        MaterialActual.reverses_id.is_(None),
        MaterialActual.quantity > MaterialActual.returned,
    )
    return work.session.scalar(taken.limit(1)) is not None


def _post(work: Work, run: Run, step: InstructionStep, read: Sequence[_Read], *, attempt: int) -> StepExecution:
    site_id = run.response.site_id
    execution = work.add(
        StepExecution(
            site_id=site_id,
            job_response_id=run.response.id,
            step_id=step.id,
            attempt=attempt,
            verdict=worst(x.verdict for x in read),
            posted_by_id=work.actor.principal_id,
            posted_at=work.occurred_at,
        )
    )
    work.session.add_all(
        StepEntry(
            execution_id=execution.id,
            specification_id=x.specification.id,
            value=x.value,
            item_id=x.item.id if x.item else None,
            verdict=x.verdict,
        )
        for x in read
    )
    ledger.record(
        work,
        events.StepRecorded(
            step_execution=execution,
            job_response=run.response,
            step=step,
            attempt=attempt,
            entries=[_payload(x) for x in read],
            verdict=execution.verdict,
        ),
        site_id=site_id,
    )
    return execution


def _payload(read: _Read) -> dict[str, object]:
    told: dict[str, object] = {
        "field": read.specification.field,
        "value": read.value,
        "uom": read.specification.rule.uom,
        "item": read.item,
        "verdict": str(read.verdict),
    }
    return {name: value for name, value in told.items() if value is not None}

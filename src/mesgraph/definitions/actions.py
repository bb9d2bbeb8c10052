"""Verbs of operations definitions."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import delete, select

from mesgraph import ledger
from mesgraph.clock import MICROSECOND
from mesgraph.definitions import events, lifecycle, queries, specifications
from mesgraph.definitions.draft import DefinitionDraft, SegmentDraft, check_draft, check_interval, dependencies_in
from mesgraph.definitions.instruction import InstructionDraft, StepDraft
from mesgraph.definitions.models import (
    DefinitionSite,
    DefinitionState,
    EntrySpecification,
    InstructionStep,
    MaterialAlternate,
    MaterialSpecification,
    OperationsDefinition,
    OperationsSegment,
    ParameterSpecification,
    SegmentAlternate,
    SegmentDependency,
    WorkInstruction,
)
from mesgraph.errors import Code, Violation, all_violations, invalid
from mesgraph.materials.models import MaterialDefinition
from mesgraph.quantity import from_micro
from mesgraph.work import Work


def draft_operations_definition(
    work: Work, draft: DefinitionDraft, missing: Sequence[Violation] = ()
) -> OperationsDefinition:
    """Write down a version, or replace its draft; whoever drafts is its author.

    ``missing`` is what the caller found while it looked up the references of the draft; it is refused together with
    everything that is wrong with the content. Refuses NOT_FOUND, UOM_MISMATCH, VALIDATION_FAILED, TIME_ORDER_INVALID,
    DUPLICATE_KEY for a code that stands twice and for an instruction whose code and version say something else
    elsewhere, and RECORD_IMMUTABLE for a version that is no draft any more (I29).
    """
    stored = queries.definition_by_key(work.session, f"{draft.code}:{draft.version}")
    work.lock(stored)
    with all_violations() as found:
        found.extend(missing)
        found.extend(check_draft(draft))
        if stored is not None and stored.state is not DefinitionState.DRAFT:
            found.add(
                invalid(
                    f"{stored.human_key} is {stored.state}; draft another version",
                    "version",
                    code=Code.RECORD_IMMUTABLE,
                )
            )
    definition = stored or OperationsDefinition(
        code=draft.code, definition_version=draft.version, state=DefinitionState.DRAFT
    )
    definition.name, definition.product_id = draft.name, _known(draft.product).id
    definition.author_id = work.actor.principal_id
    definition.effective_from, definition.effective_to = draft.effective_from, draft.effective_to
    if stored is None:
        work.add(definition)
    else:
        _delete_content(work, stored)
    _add_content(work, definition, draft)
    _refuse_other_instructions(work, draft, definition)
    ledger.record(
        work,
        events.OperationsDefinitionDrafted(
            definition=definition,
            content=queries.content_of(work.session, definition),
            effective_from=draft.effective_from,
            effective_to=draft.effective_to,
        ),
    )
    return definition


def submit_operations_definition(
    work: Work, definition: OperationsDefinition, *, expected_version: int | None = None
) -> OperationsDefinition:
    """Hand a draft over for review. Refuses VERSION_CONFLICT, INVALID_TRANSITION."""
    _step(work, definition, DefinitionState.FOR_REVIEW, expected_version)
    ledger.record(work, events.OperationsDefinitionSubmitted(definition=definition))
    return definition


def return_operations_definition(
    work: Work, definition: OperationsDefinition, *, expected_version: int | None = None
) -> OperationsDefinition:
    """Give a version under review back to its author. Refuses VERSION_CONFLICT, INVALID_TRANSITION."""
    _step(work, definition, DefinitionState.DRAFT, expected_version)
    ledger.record(work, events.OperationsDefinitionReturned(definition=definition))
    return definition


def approve_operations_definition(
    work: Work,
    definition: OperationsDefinition,
    *,
    effective_from: datetime | None = None,
    effective_to: datetime | None = None,
    expected_version: int | None = None,
) -> OperationsDefinition:
    """Approve a reviewed version and freeze its content under its hash.

    The times replace those of the draft; without any the version is effective from now on, for good. Of several
    effective versions orders take the one that became effective last. Refuses VERSION_CONFLICT, SIGNATURE_REQUIRED,
    INVALID_TRANSITION, SAME_PERSON_FORBIDDEN for the author (I35), TIME_ORDER_INVALID.
    """
    work.lock(definition)
    starts = effective_from or definition.effective_from or work.now
    ends = effective_to or definition.effective_to
    with all_violations() as found:
        with found.under():
            work.expect(definition, expected_version)
        with found.under():
            work.needs_signature(definition)
        with found.under():
            lifecycle.check_step(definition, DefinitionState.APPROVED)
        if definition.author_id == work.actor.principal_id:
            found.add(
                invalid(
                    f"{work.actor.subject} wrote {definition.human_key} and cannot approve it",
                    "operations_definition",
                    code=Code.SAME_PERSON_FORBIDDEN,
                )
            )
        found.add(check_interval(starts, ends))
    definition.state = DefinitionState.APPROVED
    definition.approver_id = work.actor.principal_id
    definition.effective_from, definition.effective_to = starts, ends
    definition.content_hash = queries.content_hash(work.session, definition)
    ledger.record(
        work,
        events.OperationsDefinitionApproved(
            definition=definition, effective_from=starts, effective_to=ends, content_hash=definition.content_hash
        ),
    )
    return definition


def retire_operations_definition(
    work: Work, definition: OperationsDefinition, *, expected_version: int | None = None
) -> OperationsDefinition:
    """Take an approved version out of use; orders that have it frozen keep it.

    Refuses VERSION_CONFLICT, INVALID_TRANSITION.
    """
    _step(work, definition, DefinitionState.OBSOLETE, expected_version)
    ledger.record(work, events.OperationsDefinitionRetired(definition=definition))
    return definition


def _step(work: Work, definition: OperationsDefinition, to: DefinitionState, expected_version: int | None) -> None:
    work.lock(definition)
    with all_violations() as found:
        with found.under():
            work.expect(definition, expected_version)
        with found.under():
            lifecycle.check_step(definition, to)
    definition.state = to


def _known(material: MaterialDefinition | None) -> MaterialDefinition:
    assert material is not None, "a draft with a missing reference was refused"
    return material


def _delete_content(work: Work, definition: OperationsDefinition) -> None:
    segments = select(OperationsSegment.id).where(OperationsSegment.definition_id == definition.id)
    instructions = select(WorkInstruction.id).where(WorkInstruction.segment_id.in_(segments))
    steps = select(InstructionStep.id).where(InstructionStep.instruction_id.in_(instructions))
    lines = select(MaterialSpecification.id).where(MaterialSpecification.segment_id.in_(segments))
    for statement in (
        delete(MaterialAlternate).where(MaterialAlternate.specification_id.in_(lines)),
        delete(EntrySpecification).where(EntrySpecification.step_id.in_(steps)),
        delete(InstructionStep).where(InstructionStep.instruction_id.in_(instructions)),
        delete(WorkInstruction).where(WorkInstruction.segment_id.in_(segments)),
        delete(ParameterSpecification).where(ParameterSpecification.segment_id.in_(segments)),
        delete(MaterialSpecification).where(MaterialSpecification.segment_id.in_(segments)),
        delete(SegmentAlternate).where(SegmentAlternate.segment_id.in_(segments)),
        delete(SegmentDependency).where(SegmentDependency.segment_id.in_(segments)),
        delete(OperationsSegment).where(OperationsSegment.definition_id == definition.id),
        delete(DefinitionSite).where(DefinitionSite.definition_id == definition.id),
    ):
        work.session.execute(statement, execution_options={"synchronize_session": "fetch"})


def _add_content(work: Work, definition: OperationsDefinition, draft: DefinitionDraft) -> None:
    sites = {site.id for site in draft.sites}
    work.session.add_all(DefinitionSite(definition_id=definition.id, site_id=key) for key in sorted(sites))
    rows = {segment.seq: _segment(definition, segment) for segment in draft.segments}
    work.add_all(list(rows.values()))
    for seq, dependencies in dependencies_in(draft.segments).items():
        work.session.add_all(
            SegmentDependency(
                segment_id=rows[seq].id,
                after_id=rows[dependency.after].id,
                dependency=dependency.kind,
                delay_s=int(dependency.delay.total_seconds()),
            )
            for dependency in dependencies
        )
    work.session.add_all(
        SegmentAlternate(
            segment_id=rows[segment.seq].id,
            equipment_class_id=alternate.equipment_class.id,
            priority=alternate.priority,
        )
        for segment in draft.segments
        for alternate in segment.alternates
        if alternate.equipment_class is not None  # a draft with a missing reference was refused
    )
    for segment in draft.segments:
        _add_bill(work, rows[segment.seq], segment)
    work.add_all([row for segment in draft.segments for row in _parameters(rows[segment.seq], segment)])
    for segment in draft.segments:
        if segment.instruction is not None:
            _add_instruction(work, rows[segment.seq], segment.instruction)


def _segment(definition: OperationsDefinition, draft: SegmentDraft) -> OperationsSegment:
    assert draft.equipment_class is not None, "a draft with a missing reference was refused"
    return OperationsSegment(
        definition_id=definition.id,
        seq=draft.seq,
        name=draft.name,
        equipment_class_id=draft.equipment_class.id,
        equipment_properties=[need.kept() for need in draft.equipment_properties],
        setup_time_s=int(draft.setup_time.total_seconds()),
        run_time_per_unit_s=from_micro(draft.run_time_per_unit // MICROSECOND),
    )


def _add_bill(work: Work, segment: OperationsSegment, draft: SegmentDraft) -> None:
    lines = work.add_all(_bill(segment, draft))
    work.session.add_all(
        MaterialAlternate(specification_id=line.id, material_id=_known(alternate.material).id, factor=alternate.factor)
        for line, written in zip(lines, draft.materials, strict=True)
        for alternate in written.alternates
    )


def _bill(segment: OperationsSegment, draft: SegmentDraft) -> list[MaterialSpecification]:
    return [
        MaterialSpecification(
            segment_id=segment.id,
            line=line.line,
            material_id=_known(line.material).id,
            revision_rule=line.revision_rule,
            use=line.use,
            quantity_per=line.quantity_per or Decimal(0),
            tolerance_pct=line.tolerance_pct,
            tolerance_action=line.tolerance_action,
            issue=line.issue,
            scrap_factor=line.scrap_factor,
        )
        for line in draft.materials
    ]


def _parameters(segment: OperationsSegment, draft: SegmentDraft) -> list[ParameterSpecification]:
    return [
        ParameterSpecification(
            segment_id=segment.id,
            code=parameter.code,
            name=parameter.name,
            critical=parameter.critical,
            rule=parameter.rule,
        )
        for parameter in draft.parameters
    ]


def _add_instruction(work: Work, segment: OperationsSegment, draft: InstructionDraft) -> None:
    instruction = work.add(
        WorkInstruction(segment_id=segment.id, code=draft.code, instruction_version=draft.version, name=draft.name)
    )
    steps = work.add_all(
        [
            InstructionStep(
                instruction_id=instruction.id,
                no=step.no,
                step_kind=step.kind,
                prompt=step.prompt,
                mandatory=step.mandatory,
                another_person=step.another_person,
            )
            for step in draft.steps
        ]
    )
    work.add_all([row for step, written in zip(steps, draft.steps, strict=True) for row in _entries(step, written)])


def _entries(step: InstructionStep, draft: StepDraft) -> list[EntrySpecification]:
    return [
        EntrySpecification(
            step_id=step.id,
            place=place,
            field=entry.field,
            prompt=entry.prompt,
            mandatory=entry.mandatory,
            material_id=entry.material.id if entry.material else None,
            rule=entry.rule,
        )
        for place, entry in enumerate(draft.entries)
    ]


def _refuse_other_instructions(work: Work, draft: DefinitionDraft, definition: OperationsDefinition) -> None:
    """Code and version of an instruction name one content: operators learn it by that name."""
    places = {segment.seq: i for i, segment in enumerate(draft.segments)}
    segments = {segment.id: segment.seq for segment in queries.segments_of(work.session, definition.id)}
    written = specifications.instructions_of(work.session, segments)
    with all_violations() as found:
        for segment_id, instruction in written.items():
            others = specifications.alike(work.session, instruction)
            contents = queries.instruction_contents_of(work.session, [instruction, *others])
            if any(contents[other.id] != contents[instruction.id] for other in others):
                found.add(
                    invalid(
                        f"instruction {instruction.human_key} says something else in another segment; name another "
                        "version of it",
                        *("segments", places[segments[segment_id]], "instruction", "version"),
                        code=Code.DUPLICATE_KEY,
                    )
                )

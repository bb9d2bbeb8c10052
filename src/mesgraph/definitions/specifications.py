"""Named reads of what is recorded while a segment runs: its parameters, its instruction, the steps and their fields."""

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from mesgraph.db import Row
from mesgraph.definitions.models import (
    EntrySpecification,
    InstructionStep,
    ParameterSpecification,
    WorkInstruction,
)
from mesgraph.definitions.values import ValueRule
from mesgraph.quantity import plain

R = TypeVar("R", bound=Row)


def grouped(
    session: Session, column: InstrumentedAttribute[int], cls: type[R], keys: Collection[int], *order: Any
) -> dict[int, list[R]]:
    """The rows of ``cls`` whose ``column`` is one of ``keys``, by that, in ``order``."""
    found: dict[int, list[R]] = {key: [] for key in keys}
    for row in session.scalars(select(cls).where(column.in_(found)).order_by(column, *order)):
        found[getattr(row, column.key)].append(row)
    return found


def parameters_of(session: Session, segment_ids: Collection[int]) -> dict[int, list[ParameterSpecification]]:
    """The parameters of each segment, by code."""
    cls = ParameterSpecification
    return grouped(session, cls.segment_id, cls, segment_ids, cls.code)


def instructions_of(session: Session, segment_ids: Collection[int]) -> dict[int, WorkInstruction]:
    """The instruction of each segment that has one."""
    rows = session.scalars(select(WorkInstruction).where(WorkInstruction.segment_id.in_(segment_ids)))
    return {row.segment_id: row for row in rows}


def steps_of(session: Session, instruction_ids: Collection[int]) -> dict[int, list[InstructionStep]]:
    """The steps of each instruction, by number."""
    cls = InstructionStep
    return grouped(session, cls.instruction_id, cls, instruction_ids, cls.no)


def entries_of(session: Session, step_ids: Collection[int]) -> dict[int, list[EntrySpecification]]:
    """The fields of each step, in the order in which they were written down."""
    cls = EntrySpecification
    return grouped(session, cls.step_id, cls, step_ids, cls.place)


def parameter_contents(session: Session, segment_ids: Collection[int]) -> dict[int, list[dict[str, Any]]]:
    """What an approval freezes of the parameters of each segment."""
    return {
        segment_id: [
            {"code": row.code, "name": row.name, "critical": row.critical} | rule_content(row.rule) for row in rows
        ]
        for segment_id, rows in parameters_of(session, segment_ids).items()
    }


def instruction_contents(
    session: Session, instructions: Collection[WorkInstruction], materials: Mapping[int, str]
) -> dict[int, dict[str, Any]]:
    """What an approval freezes of each of these instructions, by its id; ``materials`` has keys by row id."""
    steps = steps_of(session, [row.id for row in instructions])
    entries = entries_of(session, [step.id for rows in steps.values() for step in rows])
    return {
        row.id: {
            "code": row.code,
            "version": row.instruction_version,
            "name": row.name,
            "steps": [
                {
                    "no": step.no,
                    "kind": str(step.step_kind),
                    "prompt": step.prompt,
                    "mandatory": step.mandatory,
                    "another_person": step.another_person,
                    "entries": [_entry(entry, materials) for entry in entries[step.id]],
                }
                for step in steps[row.id]
            ],
        }
        for row in instructions
    }


def scanned_materials(session: Session, instruction_ids: Collection[int]) -> set[int]:
    """Ids of the materials that steps of these instructions ask to scan."""
    rows = session.scalars(
        select(EntrySpecification.material_id)
        .join(InstructionStep, InstructionStep.id == EntrySpecification.step_id)
        .where(InstructionStep.instruction_id.in_(instruction_ids), EntrySpecification.material_id.is_not(None))
    )
    return {key for key in rows if key is not None}


def alike(session: Session, instruction: WorkInstruction) -> list[WorkInstruction]:
    """Instructions with the same code and version in other segments."""
    return list(
        session.scalars(
            select(WorkInstruction).where(
                WorkInstruction.code == instruction.code,
                WorkInstruction.instruction_version == instruction.instruction_version,
                WorkInstruction.id != instruction.id,
            )
        )
    )


def rule_content(rule: ValueRule) -> dict[str, Any]:
    """Type, unit, limits and choices; what is not stated is left out."""
    limits = {name: getattr(rule, name) for name in ("target", "low", "high", "warn_low", "warn_high")}
    stated: dict[str, Any] = {"data_type": str(rule.data_type), "uom": rule.uom, "choices": rule.choices}
    stated |= {name: None if limit is None else plain(limit) for name, limit in limits.items()}
    return {name: value for name, value in stated.items() if value is not None}


def _entry(entry: EntrySpecification, materials: Mapping[int, str]) -> dict[str, Any]:
    named = {} if entry.material_id is None else {"material": materials[entry.material_id]}
    told = {"field": entry.field, "prompt": entry.prompt, "mandatory": entry.mandatory}
    return told | named | rule_content(entry.rule)

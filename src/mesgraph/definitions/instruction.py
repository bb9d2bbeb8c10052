"""What an engineer writes down as a work instruction, and every rule that it has to keep. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mesgraph.definitions.models import StepKind
from mesgraph.definitions.values import DataType, ValueRule
from mesgraph.errors import Findings, Violation, invalid, replace_path
from mesgraph.materials.models import MaterialDefinition
from mesgraph.words import check_code, check_distinct, check_name

STEPS_MAX, ENTRIES_MAX, NO_MAX, PROMPT_MAX = 500, 100, 99_999, 2000


@dataclass(frozen=True, kw_only=True)
class EntryDraft:
    """A field of a step. ``material`` is what a scanned item has to be; ``None`` where the caller did not find it."""

    field: str
    prompt: str
    rule: ValueRule
    mandatory: bool = True
    material: MaterialDefinition | None = None


@dataclass(frozen=True, kw_only=True)
class StepDraft:
    """A step: what to do, and the fields that it asks for."""

    no: int
    kind: StepKind
    prompt: str
    mandatory: bool = True
    another_person: bool = False
    entries: Sequence[EntryDraft] = ()


@dataclass(frozen=True, kw_only=True)
class InstructionDraft:
    """The steps of a segment in the order of their numbers."""

    code: str
    version: str
    name: str
    steps: Sequence[StepDraft]


ASKS: dict[StepKind, frozenset[DataType]] = {
    StepKind.INFO: frozenset(),
    StepKind.SIGN: frozenset(),
    StepKind.DATA: frozenset({DataType.DECIMAL, DataType.INTEGER, DataType.BOOLEAN, DataType.TEXT}),
    StepKind.CHECK: frozenset({DataType.BOOLEAN}),
    StepKind.SCAN: frozenset({DataType.ITEM}),
}
"""The types of the fields that each kind of step asks for; none where it is enough that somebody says: done."""


def instruction_violations(draft: InstructionDraft) -> Iterator[Violation]:
    """Everything that is wrong with an instruction."""
    found = Findings()
    found.add(check_code(draft.code, "code"), check_code(draft.version, "version"), check_name(draft.name, "name"))
    if not 1 <= len(draft.steps) <= STEPS_MAX:
        found.add(invalid(f"an instruction has 1 to {STEPS_MAX} steps, this one {len(draft.steps)}", "steps"))
    found.extend(check_distinct([step.no for step in draft.steps], "steps"))
    for i, step in enumerate(draft.steps):
        found.extend(replace_path(x, ("steps", i, *x.path)) for x in _step_violations(step))
    yield from found.violations


def _step_violations(step: StepDraft) -> Iterator[Violation]:
    if not 1 <= step.no <= NO_MAX:
        yield invalid(f"{step.no} must lie between 1 and {NO_MAX}", "no")
    if not (len(step.prompt.strip()) > 0 and len(step.prompt) <= PROMPT_MAX and _readable(step.prompt)):
        yield invalid(f"a prompt has 1 to {PROMPT_MAX} printable characters", "prompt")
    if step.another_person and step.kind is not StepKind.SIGN:
        yield invalid(f"a {step.kind} step is done by anybody; another person belongs to SIGN", "another_person")
    asked = ASKS[step.kind]
    if bool(step.entries) != bool(asked) or len(step.entries) > ENTRIES_MAX:
        wanted = f"1 to {ENTRIES_MAX} entries" if asked else "no entries"
        yield invalid(f"a {step.kind} step has {wanted}, not {len(step.entries)}", "entries")
    yield from check_distinct([entry.field for entry in step.entries], "entries")
    for i, entry in enumerate(step.entries):
        for violation in _entry_violations(entry, asked):
            yield replace_path(violation, ("entries", i, *violation.path))


def _entry_violations(entry: EntryDraft, asked: frozenset[DataType]) -> Iterator[Violation]:
    for violation in (check_code(entry.field, "field"), check_name(entry.prompt, "prompt")):
        if violation is not None:
            yield violation
    if asked and entry.rule.data_type not in asked:
        yield invalid(f"{entry.rule.data_type} does not fit: this kind asks for {'/'.join(sorted(asked))}", "data_type")
    if entry.material is not None and entry.rule.data_type is not DataType.ITEM:
        yield invalid(f"a {entry.rule.data_type} is no item of a material", "material")
    yield from entry.rule.violations()


def _readable(text: str) -> bool:
    return text.replace("\n", " ").isprintable()

"""What an engineer writes down as a definition, and every rule that it has to keep. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from mesgraph.definitions.instruction import InstructionDraft, instruction_violations
from mesgraph.definitions.models import DependencyKind, IssueMethod, MaterialUse, RevisionRule, ToleranceAction
from mesgraph.definitions.route import cycle_in
from mesgraph.definitions.values import DataType, ValueRule
from mesgraph.equipment.capability import Need, Property, need_violations
from mesgraph.equipment.models import EquipmentClass, Site
from mesgraph.errors import Code, Findings, Violation, invalid, replace_path
from mesgraph.materials.models import MaterialDefinition, Tracking
from mesgraph.quantity import plain
from mesgraph.words import check_code, check_distinct, check_name

SEGMENTS_MAX, LINES_MAX, PARAMETERS_MAX, NUMBER_MAX = 500, 500, 500, 99_999
DURATION_MAX = timedelta(days=366)
SCRAP_FACTOR_MAX = 10
OUTPUTS = frozenset({MaterialUse.PRODUCED, MaterialUse.CO_PRODUCT, MaterialUse.BY_PRODUCT})


@dataclass(frozen=True, kw_only=True)
class DependencyDraft:
    """The segment may start ``delay`` after the start or end of step ``after``."""

    after: int
    kind: DependencyKind = DependencyKind.AFTER_END
    delay: timedelta = timedelta()


@dataclass(frozen=True, kw_only=True)
class MaterialAlternateDraft:
    """A material that may go in instead of a line's: ``factor`` base units of it for each one of the line's."""

    material: MaterialDefinition | None
    factor: Decimal = Decimal(1)


@dataclass(frozen=True, kw_only=True)
class MaterialDraft:
    """A bill line. Material and amount are ``None`` where the caller found that they do not exist or do not convert."""

    line: int
    material: MaterialDefinition | None
    use: MaterialUse
    quantity_per: Decimal | None
    revision_rule: RevisionRule = RevisionRule.ANY_APPROVED
    tolerance_pct: Decimal | None = None
    tolerance_action: ToleranceAction = ToleranceAction.WARN
    issue: IssueMethod = IssueMethod.PICK
    scrap_factor: Decimal = Decimal(0)
    alternates: Sequence[MaterialAlternateDraft] = ()


@dataclass(frozen=True, kw_only=True)
class ParameterDraft:
    """A process parameter that is recorded while the segment runs."""

    code: str
    name: str
    rule: ValueRule
    critical: bool = False


@dataclass(frozen=True, kw_only=True)
class AlternateDraft:
    """A class of equipment to which a job of the step may be rerouted; the higher the priority, the sooner."""

    equipment_class: EquipmentClass | None
    priority: int = 0


@dataclass(frozen=True, kw_only=True)
class SegmentDraft:
    """A step. Without ``dependencies`` (``None``) it follows the end of the step before it."""

    seq: int
    name: str
    equipment_class: EquipmentClass | None
    setup_time: timedelta = timedelta()
    run_time_per_unit: timedelta = timedelta()
    dependencies: Sequence[DependencyDraft] | None = None
    materials: Sequence[MaterialDraft] = ()
    parameters: Sequence[ParameterDraft] = ()
    instruction: InstructionDraft | None = None
    alternates: Sequence[AlternateDraft] = ()
    equipment_properties: Sequence[Need] = ()


@dataclass(frozen=True, kw_only=True)
class DefinitionDraft:
    """A version of how ``product`` is made. Without ``sites`` it may be used at all of them."""

    code: str
    version: str
    name: str
    product: MaterialDefinition | None
    segments: Sequence[SegmentDraft]
    sites: Sequence[Site] = field(default=())
    effective_from: datetime | None = None
    effective_to: datetime | None = None


def dependencies_in(segments: Sequence[SegmentDraft]) -> dict[int, Sequence[DependencyDraft]]:
    """What each step waits for, with the default filled in: the end of the step with the next lower number."""
    filled: dict[int, Sequence[DependencyDraft]] = {}
    before: int | None = None
    for segment in sorted(segments, key=lambda s: s.seq):
        default = () if before is None else (DependencyDraft(after=before),)
        filled[segment.seq] = default if segment.dependencies is None else segment.dependencies
        before = segment.seq
    return filled


def check_draft(draft: DefinitionDraft) -> list[Violation]:
    """Everything that is wrong with the content."""
    found = Findings()
    found.add(check_code(draft.code, "code"), check_code(draft.version, "version"), check_name(draft.name, "name"))
    found.add(check_interval(draft.effective_from, draft.effective_to))
    if not 1 <= len(draft.segments) <= SEGMENTS_MAX:
        found.add(invalid(f"a definition has 1 to {SEGMENTS_MAX} segments, this one {len(draft.segments)}", "segments"))
    seqs = [segment.seq for segment in draft.segments]
    for i, segment in enumerate(draft.segments):
        with found.under("segments", i):
            _check_segment(segment, seqs[:i], set(seqs))
    found.extend(_check_cycle(draft))
    found.extend(_check_product(draft))
    return found.violations


def check_interval(effective_from: datetime | None, effective_to: datetime | None) -> Violation | None:
    """The end lies after the start (I32)."""
    if effective_from is None or effective_to is None or effective_from < effective_to:
        return None
    return invalid(
        f"effectiveTo {effective_to.isoformat()} must lie after effectiveFrom {effective_from.isoformat()}",
        "effective_to",
        code=Code.TIME_ORDER_INVALID,
    )


def _check_segment(segment: SegmentDraft, earlier: Sequence[int], seqs: set[int]) -> None:
    found = Findings()
    found.add(_check_number(segment.seq, earlier, "seq"), check_name(segment.name, "name"))
    found.add(_check_duration(segment.setup_time, "setup_time"))
    if segment.run_time_per_unit > DURATION_MAX:
        found.add(invalid(f"{segment.run_time_per_unit} is longer than {DURATION_MAX}", "run_time_per_unit"))
    named: list[int] = []
    for i, dependency in enumerate(segment.dependencies or ()):
        if dependency.after not in seqs or dependency.after == segment.seq:
            found.add(invalid(f"{dependency.after} is no other step", "dependencies", i, "after"))
        elif dependency.after in named:
            found.add(invalid(f"step {dependency.after} is named twice", "dependencies", i, "after"))
        named.append(dependency.after)
        found.add(_check_duration(dependency.delay, "dependencies", i, "delay"))
    found.add(*_check_alternates(segment.alternates))
    if segment.equipment_class is not None:
        known = {one.code: one for one in map(Property.of, segment.equipment_class.properties)}
        found.extend(need_violations(known, segment.equipment_properties))
    found.add(*_check_bill(segment.materials))
    found.extend(_check_parameters(segment.parameters))
    if segment.instruction is not None:
        found.extend(replace_path(x, ("instruction", *x.path)) for x in instruction_violations(segment.instruction))
    found.refuse()


def _check_substitutes(bill: Sequence[MaterialDraft]) -> Iterator[Violation]:
    """What may go in instead goes in for one line: it stands neither on a line of its own nor beside another one."""
    inputs = [line for line in bill if line.use not in OUTPUTS]
    known = [line.material.code for line in inputs if line.material is not None]
    for i, line in enumerate(bill):
        if line.alternates and line.use in OUTPUTS:
            yield invalid(f"a {line.use} line is not taken, so nothing goes in instead", "materials", i, "alternates")
        for j, alternate in enumerate(line.alternates):
            path = ("materials", i, "alternates", j)
            if alternate.factor <= 0:
                yield invalid(f"factor {plain(alternate.factor)} must be greater than zero", *path, "factor")
            if alternate.material is None:
                continue
            if alternate.material.code in known:
                message = f"{alternate.material.code} stands on another line or beside one"
                yield invalid(message, *path, "material", code=Code.DUPLICATE_KEY)
            known.append(alternate.material.code)


def _check_issue(bill: Sequence[MaterialDraft], i: int) -> Iterator[Violation]:
    """What is taken automatically: an input of one line whose lots need not be told apart by the operator."""
    line = bill[i]
    if not 0 <= line.scrap_factor <= SCRAP_FACTOR_MAX:
        yield invalid(
            f"scrap factor {plain(line.scrap_factor)} must lie between 0 and {SCRAP_FACTOR_MAX}",
            *("materials", i, "scrap_factor"),
        )
    if line.issue is IssueMethod.PICK:
        if line.scrap_factor:
            yield invalid("a scrap factor belongs to BACKFLUSH", "materials", i, "scrap_factor")
        return
    if line.use in OUTPUTS:
        yield invalid(f"a {line.use} line is not taken, so it has no BACKFLUSH", "materials", i, "issue")
    if line.material is None:
        return
    if line.material.tracking is Tracking.SERIAL:
        message = f"{line.material.code} is tracked by unit: which one goes in has to be said, so PICK"
        yield invalid(message, "materials", i, "issue")
    alike = [x for x in bill if x.use not in OUTPUTS and x.material and x.material.code == line.material.code]
    if len(alike) > 1:
        yield invalid(f"{line.material.code} stands on several lines: which takes how much?", "materials", i, "issue")


def _check_parameters(parameters: Sequence[ParameterDraft]) -> Iterator[Violation]:
    if len(parameters) > PARAMETERS_MAX:
        yield invalid(f"a segment has at most {PARAMETERS_MAX} parameters, this one {len(parameters)}", "parameters")
    yield from check_distinct([parameter.code for parameter in parameters], "parameters")
    for i, parameter in enumerate(parameters):
        found = Findings()
        found.add(check_code(parameter.code, "code"), check_name(parameter.name, "name"))
        found.extend(parameter.rule.violations())
        if parameter.rule.data_type is DataType.ITEM:
            found.add(invalid("an item is scanned in a step of the instruction", "data_type"))
        yield from (replace_path(x, ("parameters", i, *x.path)) for x in found.violations)


def _check_alternates(alternates: Sequence[AlternateDraft]) -> Iterator[Violation]:
    yield from check_distinct([x.equipment_class.code for x in alternates if x.equipment_class], "alternates")
    for i, alternate in enumerate(alternates):
        if not 0 <= alternate.priority <= NUMBER_MAX:
            message = f"priority {alternate.priority} must lie between 0 and {NUMBER_MAX}"
            yield invalid(message, "alternates", i, "priority")


def _check_bill(bill: Sequence[MaterialDraft]) -> Iterator[Violation | None]:
    if len(bill) > LINES_MAX:
        yield invalid(f"a bill has at most {LINES_MAX} lines, this one {len(bill)}", "materials")
    for i, line in enumerate(bill):
        yield _check_number(line.line, [x.line for x in bill[:i]], "materials", i, "line")
        if line.tolerance_pct is not None and not 0 <= line.tolerance_pct <= 100:
            yield invalid(
                f"tolerance {plain(line.tolerance_pct)} % must lie between 0 and 100", "materials", i, "tolerance_pct"
            )
        yield from _check_issue(bill, i)
    yield from _check_substitutes(bill)
    produced = [i for i, line in enumerate(bill) if line.use is MaterialUse.PRODUCED]
    for i in produced:
        amount = bill[i].quantity_per
        if amount is not None and amount != 1:
            yield invalid(
                f"the PRODUCED line counts the output itself, so its quantityPer is 1 base unit, not {plain(amount)}; "
                "state the other lines per unit of it",
                *("materials", i, "quantity_per"),
            )
    for i in produced[1:]:
        yield invalid("a segment has one PRODUCED line; name further outputs CO_PRODUCT", "materials", i, "use")
    if not produced:
        for i, line in enumerate(bill):
            if line.use in OUTPUTS:
                yield invalid(f"{line.use} needs a PRODUCED line that it stands beside", "materials", i, "use")


def _check_cycle(draft: DefinitionDraft) -> Iterator[Violation]:
    after = {seq: [d.after for d in waits] for seq, waits in dependencies_in(draft.segments).items()}
    # what waits for itself or for nothing that exists is named at its own place
    cycle = cycle_in({seq: [s for s in steps if s != seq and s in after] for seq, steps in after.items()})
    if cycle:
        yield invalid(f"the steps {' -> '.join(map(str, cycle))} wait for each other", "segments")


def _check_product(draft: DefinitionDraft) -> Iterator[Violation]:
    if draft.product is None or any(line.material is None for s in draft.segments for line in s.materials):
        return
    made = [line.material for s in draft.segments for line in s.materials if line.use is MaterialUse.PRODUCED]
    if draft.product.code not in [material.code for material in made if material is not None]:
        yield invalid(f"no segment has a PRODUCED line of {draft.product.code}", "segments")


def _check_number(number: int, earlier: Sequence[int], *path: str | int) -> Violation | None:
    if not 1 <= number <= NUMBER_MAX:
        return invalid(f"{number} must lie between 1 and {NUMBER_MAX}", *path)
    return invalid(f"{number} stands there twice", *path) if number in earlier else None


def _check_duration(value: timedelta, *path: str | int) -> Violation | None:
    if value > DURATION_MAX:
        return invalid(f"{value} is longer than {DURATION_MAX}", *path)
    return invalid(f"{value} must be whole seconds", *path) if value.microseconds else None

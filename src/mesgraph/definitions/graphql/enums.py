"""The words of definitions in the API. The modules beside take them from here, so that they are described first."""

from mesgraph.api.enums import described_enum
from mesgraph.definitions.models import (
    DefinitionState,
    DependencyKind,
    IssueMethod,
    MaterialUse,
    RevisionRule,
    StepKind,
    ToleranceAction,
)
from mesgraph.definitions.values import DataType, Verdict

__all__ = [
    "DataType",
    "DefinitionState",
    "DependencyKind",
    "IssueMethod",
    "MaterialUse",
    "RevisionRule",
    "StepKind",
    "ToleranceAction",
    "Verdict",
]

described_enum(
    DefinitionState,
    "Life of a version of a definition.",
    {
        DefinitionState.DRAFT: "Being written; may be replaced.",
        DefinitionState.FOR_REVIEW: "Handed over for review.",
        DefinitionState.APPROVED: "Approved and frozen; usable while effective.",
        DefinitionState.OBSOLETE: "Withdrawn; orders that have it frozen keep it.",
    },
)
described_enum(
    MaterialUse,
    "What the material of a bill line is to its segment.",
    {
        MaterialUse.CONSUMED: "Goes into the output.",
        MaterialUse.CONSUMABLE: "Is used up, but does not go into the output.",
        MaterialUse.PRODUCED: "The output; its unit counts the segment's output.",
        MaterialUse.CO_PRODUCT: "A further wanted output.",
        MaterialUse.BY_PRODUCT: "An output that is not wanted for itself.",
    },
)
described_enum(
    RevisionRule,
    "Which revisions of the material a bill line accepts.",
    {
        RevisionRule.EXACT: "The named revision only.",
        RevisionRule.MINIMUM: "The named revision and later ones, by number and letter: 2 before 10, A before B.",
        RevisionRule.ANY_APPROVED: "Every revision of the material's code.",
    },
)
described_enum(
    IssueMethod,
    "How the material of a bill line is taken.",
    {
        IssueMethod.PICK: "By whoever does the step, with `consumeMaterial` or `consumed`.",
        IssueMethod.BACKFLUSH: "With the output, as much as the bill says, from the stores of the work unit: what "
        "expires first, then what came first.",
    },
)
described_enum(
    ToleranceAction,
    "What happens to a consumption outside the tolerance.",
    {
        ToleranceAction.WARN: "It is recorded, with a warning.",
        ToleranceAction.BLOCK: "It is refused (CONSUMPTION_OUT_OF_TOLERANCE).",
    },
)
described_enum(
    DependencyKind,
    "What a segment waits for.",
    {
        DependencyKind.AFTER_END: "The end of the other segment, and the delay after it.",
        DependencyKind.AFTER_START: "The start of the other segment, and the delay after it.",
    },
)
described_enum(
    DataType,
    "Type of a value. Values travel as text.",
    {
        DataType.DECIMAL: "An exact decimal number, such as 5480.5.",
        DataType.INTEGER: "A whole number.",
        DataType.BOOLEAN: "true or false; it states that something is so, and false fails.",
        DataType.TEXT: "A text, or one of the `choices`.",
        DataType.ITEM: "A scanned item.",
    },
)
described_enum(
    Verdict,
    "What a value is, measured against its limits.",
    {
        Verdict.PASS: "Inside all limits.",
        Verdict.WARNING: "Inside [low, high], but outside [warnLow, warnHigh].",
        Verdict.FAIL: "Outside [low, high], or false.",
    },
)
described_enum(
    StepKind,
    "What the operator does in a step of an instruction.",
    {
        StepKind.INFO: "Reads it and says: done.",
        StepKind.DATA: "Enters values.",
        StepKind.SCAN: "Scans items of the materials named.",
        StepKind.CHECK: "Says of each entry whether it is so.",
        StepKind.SIGN: "Confirms the steps before; another person does where the step says so.",
    },
)

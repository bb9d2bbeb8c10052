"""The words of definitions in the API. The modules beside take them from here, so that they are described first."""

from mesgraph.api.enums import described_enum
from mesgraph.definitions.models import (
    DefinitionState,
    DependencyKind,
    MaterialUse,
    RevisionRule,
    ToleranceAction,
)

__all__ = [
    "DefinitionState",
    "DependencyKind",
    "MaterialUse",
    "RevisionRule",
    "ToleranceAction",
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
        RevisionRule.ANY_APPROVED: "Every revision of the material's code.",
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

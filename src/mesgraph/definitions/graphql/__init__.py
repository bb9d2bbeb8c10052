"""Operations definitions in the API."""

from mesgraph.definitions.graphql.commands import DefinitionCommands, DefinitionQueries
from mesgraph.definitions.graphql.nodes import (
    MaterialSpecificationNode,
    OperationsDefinitionNode,
    OperationsSegmentNode,
    output_uom,
)
from mesgraph.definitions.graphql.specifications import (
    EntrySpecificationNode,
    InstructionStepNode,
    ParameterSpecificationNode,
    WorkInstructionNode,
)

__all__ = [
    "DefinitionCommands",
    "DefinitionQueries",
    "EntrySpecificationNode",
    "InstructionStepNode",
    "MaterialSpecificationNode",
    "OperationsDefinitionNode",
    "OperationsSegmentNode",
    "ParameterSpecificationNode",
    "WorkInstructionNode",
    "output_uom",
]

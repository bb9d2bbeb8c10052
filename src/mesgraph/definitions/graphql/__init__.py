"""Operations definitions in the API."""

from mesgraph.definitions.graphql.commands import DefinitionCommands, DefinitionQueries
from mesgraph.definitions.graphql.nodes import (
    MaterialSpecificationNode,
    OperationsDefinitionNode,
    OperationsSegmentNode,
    output_uom,
)

__all__ = [
    "DefinitionCommands",
    "DefinitionQueries",
    "MaterialSpecificationNode",
    "OperationsDefinitionNode",
    "OperationsSegmentNode",
    "output_uom",
]

"""Genealogy in the API."""

from mesgraph.genealogy.graphql.commands import GenealogyCommands
from mesgraph.genealogy.graphql.disposition import DispositionCommands
from mesgraph.genealogy.graphql.live import GenealogySubscriptions
from mesgraph.genealogy.graphql.nodes import GenealogyEventNode
from mesgraph.genealogy.graphql.recall import RecallQueries
from mesgraph.genealogy.graphql.receipt import ReceiptCommands
from mesgraph.genealogy.graphql.relations import RelationQueries
from mesgraph.genealogy.graphql.trace import GenealogyQueries

__all__ = [
    "DispositionCommands",
    "GenealogyCommands",
    "GenealogyEventNode",
    "GenealogyQueries",
    "GenealogySubscriptions",
    "RecallQueries",
    "ReceiptCommands",
    "RelationQueries",
]

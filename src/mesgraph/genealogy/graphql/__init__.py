"""Genealogy in the API."""

from mesgraph.genealogy.graphql.commands import GenealogyCommands
from mesgraph.genealogy.graphql.live import GenealogySubscriptions
from mesgraph.genealogy.graphql.nodes import GenealogyEventNode
from mesgraph.genealogy.graphql.trace import GenealogyQueries

__all__ = ["GenealogyCommands", "GenealogyEventNode", "GenealogyQueries", "GenealogySubscriptions"]

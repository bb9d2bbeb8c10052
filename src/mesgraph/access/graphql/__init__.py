"""Access control in the API."""

from mesgraph.access.graphql.accounts import AccountCommands
from mesgraph.access.graphql.nodes import PrincipalNode
from mesgraph.access.graphql.principals import AccessCommands, AccessQueries
from mesgraph.access.graphql.why_denied import DecisionQueries

__all__ = ["AccessCommands", "AccessQueries", "AccountCommands", "DecisionQueries", "PrincipalNode"]

"""mesgraph: a manufacturing execution system with a GraphQL API.

One record of what happened, many readers: every change of the plant is a verb that runs in one transaction and
appends to the ledger; everything that must know reads the ledger in order.
"""

__version__ = "0.1.0.dev0"

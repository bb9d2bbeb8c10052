"""What happens to operations definitions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mesgraph.definitions.models import OperationsDefinition
from mesgraph.ledger import Event


@dataclass(frozen=True, kw_only=True)
class OperationsDefinitionDrafted(Event):
    """A version was drafted, or its draft was replaced. ``content`` is all that its approval would freeze."""

    subjects = ("definition",)
    definition: OperationsDefinition
    content: dict[str, Any]
    effective_from: datetime | None
    effective_to: datetime | None


@dataclass(frozen=True, kw_only=True)
class OperationsDefinitionSubmitted(Event):
    """A draft was handed over for review."""

    subjects = ("definition",)
    definition: OperationsDefinition


@dataclass(frozen=True, kw_only=True)
class OperationsDefinitionReturned(Event):
    """The review gave the version back to its author; it is a draft again."""

    subjects = ("definition",)
    definition: OperationsDefinition


@dataclass(frozen=True, kw_only=True)
class OperationsDefinitionApproved(Event):
    """A version was approved and its content frozen under ``content_hash`` (SHA-256)."""

    subjects = ("definition",)
    definition: OperationsDefinition
    effective_from: datetime
    effective_to: datetime | None
    content_hash: bytes


@dataclass(frozen=True, kw_only=True)
class OperationsDefinitionRetired(Event):
    """A version may not be used for new orders any more; orders that have it frozen keep it."""

    subjects = ("definition",)
    definition: OperationsDefinition

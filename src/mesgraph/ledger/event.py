"""What a verb says happened."""

import re
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from mesgraph.db import Entity

EVENT_TYPES: dict[str, type["Event"]] = {}
"""Every type of event by its word; the docstring of the class says what happened."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base of all events: a frozen record whose fields are rows, exact values, texts, times or lists of them.

    ``subjects`` names the fields whose rows this event is about: it enters their histories and moves their counters,
    which orders writers, so name the things that the verb locks and changes. Other rows are only mentioned.
    A subclass's docstring is its public description.
    """

    subjects: ClassVar[tuple[str, ...]]
    word: ClassVar[str]

    def __init_subclass__(cls) -> None:
        cls.word = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).upper()
        EVENT_TYPES[cls.word] = cls

    def subject_rows(self) -> list[Entity]:
        """The rows of the subject fields, each once, the primary one first."""
        rows: dict[tuple[str, int], Entity] = {}
        for name in self.subjects:
            value = getattr(self, name)
            for row in value if isinstance(value, list | tuple) else [value]:
                if row is not None:
                    rows.setdefault((row.subject_kind, row.id), row)
        return list(rows.values())

    def values(self) -> dict[str, Any]:
        """The payload: every field by name, unset ones left out."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}

"""Enums of the API: the words of the domains, each with its meaning."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

import strawberry

E = TypeVar("E", bound=StrEnum)


def described_enum(words: type[E], description: str, meanings: Mapping[E, str], name: str | None = None) -> Any:
    """``words`` as a GraphQL enum; every word needs a meaning, or this raises ``ValueError``."""
    missing = [word for word in words if word not in meanings]
    if missing:
        raise ValueError(f"{words.__name__} has words without a meaning: {missing}")
    made: Any = strawberry.enum(words, name=name or words.__name__, description=description)
    for value in made.__strawberry_definition__.values:
        value.description = meanings[words(value.value)]
    return made

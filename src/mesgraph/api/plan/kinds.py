"""In which form a column of the database is written as a leaf of an answer."""

import json
from typing import Any

from graphql import GraphQLEnumType, GraphQLNamedType, GraphQLNullableType
from sqlalchemy import BigInteger, Boolean, Integer, String
from sqlalchemy.types import TypeEngine

from mesgraph.api.plan import _emit
from mesgraph.db import Exact, Instant, Word

TEXTS = frozenset({"String", "ID", "UnitCode", "GTIN", "GLN", "SSCC"})
"""Scalars that are shown as the text that is stored."""


class NotPlanned(Exception):
    """What a plan cannot express; the message names the field."""


def as_json(value: Any) -> bytes:
    """As graphql-core's answers are written."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def words_of(shown: GraphQLEnumType) -> dict[str, bytes]:
    """The JSON of each word of an enum, by its value as it is stored."""
    return {str(getattr(word.value, "value", word.value)): as_json(name) for name, word in shown.values.items()}


def kind_of(stored: TypeEngine[Any], shown: GraphQLNullableType) -> tuple[int, Any]:
    """The kind of slot, and what it needs (:class:`mesgraph.api.plan._emit.Slot`). Raises :class:`NotPlanned`."""
    name = shown.name if isinstance(shown, GraphQLNamedType) else f"{shown}"
    match stored, shown:
        case Word(), GraphQLEnumType():
            return _emit.WORD, words_of(shown)
        case Instant(), _ if name == "DateTime":
            return _emit.INSTANT, None
        case Exact(), _ if name == "Decimal":
            return _emit.EXACT, None
        case Boolean(), _ if name == "Boolean":
            return _emit.BOOLEAN, None
        case ((Integer() | BigInteger()), _) if name == "Int":
            return _emit.INTEGER, None
        case String(), _ if name in TEXTS:
            return _emit.TEXT, None
    raise NotPlanned(f"{stored!r} as {name}")

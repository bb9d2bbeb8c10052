"""The answer of a command, kept in its receipt and given again.

Rows are kept as references and shown as they are when the answer is repeated; everything else is kept as it was, but
for the fields that a payload names in ``SECRETS``: those are shown once and never stored.
"""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from importlib import import_module
from typing import Any, cast

import cbor2
from sqlalchemy.orm import Session

from mesgraph.clock import from_micros, to_micros
from mesgraph.db import Row

TABLES: dict[str, type[Row]] = {}


def freeze(answer: Any) -> bytes:
    """Encode a payload: a dataclass of rows, values, lists and further dataclasses."""
    return cbor2.dumps(_plain(answer), canonical=True)


def thaw(session: Session, answer: bytes) -> Any:
    """The payload again, with its rows loaded in ``session``."""
    return _alive(session, cbor2.loads(answer))


def plain_input(value: Any) -> Any:
    """An input as plain values, for the digest of what was asked."""
    match value:
        case Decimal():
            return str(value.normalize())
        case datetime():
            return to_micros(value)
        case Enum():
            return value.value
        case list():
            return [plain_input(item) for item in value]
        case Mapping():
            return {str(key): plain_input(item) for key, item in value.items()}
        case None | bool() | int() | str() | float():
            return value
    if dataclasses.is_dataclass(value):
        fields = {f.name: plain_input(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {name: item for name, item in fields.items() if item is not None}
    return str(value)


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | bytes():
            return value
        case Enum():
            return {"enum": _name(type(value)), "value": value.value}
        case str():
            return str(value)
        case Decimal():
            return {"decimal": str(value)}
        case datetime():
            return {"instant": to_micros(value)}
        case Row():
            return {"row": type(value).__tablename__, "id": cast(Any, value).id}
        case list() | tuple():
            return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kept = [f.name for f in dataclasses.fields(value) if f.name not in getattr(value, "SECRETS", ())]
        return {"type": _name(type(value)), "fields": {name: _plain(getattr(value, name)) for name in kept}}
    raise TypeError(f"{type(value).__name__} cannot stand in an answer")


def _alive(session: Session, value: Any) -> Any:
    match value:
        case {"enum": name, "value": word}:
            return _type(name)(word)
        case {"decimal": digits}:
            return Decimal(digits)
        case {"instant": micros}:
            return from_micros(micros)
        case {"row": table, "id": key}:
            return session.get(_row_class(table), key)
        case {"type": name, "fields": fields}:
            return _type(name)(**{field: _alive(session, item) for field, item in fields.items()})
        case list():
            return [_alive(session, item) for item in value]
    return value


def _row_class(table: str) -> type[Row]:
    if table not in TABLES:
        TABLES.update({m.class_.__tablename__: m.class_ for m in Row.registry.mappers})
    return TABLES[table]


def _name(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def _type(name: str) -> Any:
    module, _, qualname = name.partition(":")
    if not module.startswith("mesgraph."):
        raise ValueError(f"an answer cannot hold {name}")
    return getattr(import_module(module), qualname)

"""SQL of plans: made once by SQLAlchemy Core, with everything that changes as a parameter, the scope before all."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Dialect,
    Integer,
    Select,
    Table,
    any_,
    bindparam,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import visitors
from sqlalchemy.types import TypeDecorator, TypeEngine

from mesgraph.api.plan.shapes import NOW, Expression
from mesgraph.db import BetweenSites, Entity, Row, Sited

SITES, KEYS, LIMIT = "sites", "keys", "limit"


class Unscoped(Exception):
    """A statement over rows of sites without the scope; a mistake of ours, which must not be executed."""


@dataclass(frozen=True, eq=False)
class Statement:
    """SQL for one database. ``fixed`` are the parameters that are the same for every call."""

    text: str
    names: tuple[str, ...]
    fixed: Mapping[str, Any]

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """The parameters in the order of the text."""
        return [given[name] if name in given else self.fixed[name] for name in self.names]


def scoped(statement: Select[Any], entity: type[Entity], dialect: str) -> Select[Any]:
    """The rows of the sites that the parameter ``sites`` names."""
    match entity:
        case _ if issubclass(entity, Sited):
            # + 0: as in mesgraph.db.scope, so that SQLite does not take the site for the way to the rows
            site = entity.site_id + 0 if dialect == "sqlite" else entity.site_id
            return statement.where(among(site, SITES, dialect))
        case _ if issubclass(entity, BetweenSites):
            ends = entity.from_site_id, entity.to_site_id
            return statement.where(or_(*(among(end, SITES, dialect) for end in ends)))
    return statement


def among(column: Expression, name: str, dialect: str) -> ColumnElement[bool]:
    """That a column has one of the values of the list ``name``, which is one parameter however long it is."""
    if dialect == "postgresql":
        stored = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
        return column == any_(bindparam(name, None, type_=ARRAY(stored)))
    return column.in_(select(func.json_each(bindparam(name, None)).table_valued("value").c.value))


def listed(values: Iterable[Any], dialect: str) -> Any:
    """A list as the parameter of :func:`among`."""
    return list(values) if dialect == "postgresql" else json.dumps(list(values))


def limited(statement: Select[Any]) -> Select[Any]:
    """At most ``limit`` rows."""
    return statement.limit(bindparam(LIMIT, None, type_=Integer))


def made(statement: Select[Any], dialect: Dialect, *, everywhere: bool) -> Statement:
    """The SQL of a statement. Raises :class:`Unscoped` when it reads rows of sites past the scope.

    ``everywhere``: for callers who see every site.
    """
    compiled: Any = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    _check_scope(statement, compiled.params, everywhere=everywhere)
    fixed = {
        name: _stored(bind.value, bind.type, dialect)
        for name, bind in compiled.binds.items()
        if name not in (SITES, KEYS, LIMIT, NOW.key)
    }
    return Statement(str(compiled), tuple(compiled.positiontup or ()), fixed)


def _stored(value: Any, type_: TypeEngine[Any], dialect: Dialect) -> Any:
    """A value as the driver takes it."""
    process = type_.dialect_impl(dialect).bind_processor(dialect)
    return value if process is None else process(value)


def _check_scope(statement: Select[Any], params: Mapping[str, Any], *, everywhere: bool) -> None:
    tables = {element for element in visitors.iterate(statement) if isinstance(element, Table)}
    of_sites = [table.name for table in tables if table in _of_sites()]
    if of_sites and not everywhere and (len(of_sites) > 1 or SITES not in params):
        raise Unscoped(f"a plan reads {', '.join(sorted(of_sites))} without the scope")


@cache
def _of_sites() -> set[Any]:
    return {mapper.local_table for mapper in Row.registry.mappers if issubclass(mapper.class_, Sited | BetweenSites)}

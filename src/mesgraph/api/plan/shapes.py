"""What a field reads, said where the field is declared, so that a plan reads it without calling anything.

A field that says nothing and has no resolver reads the column of its own name. A field whose resolver says no shape is
beyond plans: whatever asks for it is executed by graphql-core.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from graphql import GraphQLField
from sqlalchemy import ColumnElement, Select, bindparam
from sqlalchemy.orm import InstrumentedAttribute
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from mesgraph.db import Entity, Instant

F = TypeVar("F", bound=Callable[..., Any])
Expression: TypeAlias = InstrumentedAttribute[Any] | ColumnElement[Any]

NOW = bindparam("now", None, type_=Instant())
"""The plant's time in an expression."""


@dataclass(frozen=True)
class Identity:
    """The opaque id of the row."""


@dataclass(frozen=True)
class Reads:
    """A column under another name, or what the database makes of columns."""

    expression: Expression


@dataclass(frozen=True)
class Computed:
    """What Python code makes of keys, for all rows of an answer at once.

    The key is found from ``column`` of this row ``through`` columns of one table after the other, each in the row that
    the column before names. ``load`` answers in a session.
    """

    column: InstrumentedAttribute[Any]
    through: tuple[InstrumentedAttribute[Any], ...]
    load: Callable[[Any, Any], Mapping[Any, Any]]


@dataclass(frozen=True)
class Part:
    """An object that is made of this row: what each of its fields reads."""

    fields: Mapping[str, Expression | Computed]


@dataclass(frozen=True)
class ToOne:
    """The row of ``target`` that ``column`` names."""

    column: InstrumentedAttribute[Any]
    target: type[Entity]


@dataclass(frozen=True)
class ToMany:
    """The rows of ``target`` whose ``column`` names this row, in ``order``."""

    column: InstrumentedAttribute[Any]
    target: type[Entity]
    order: Sequence[Any]


@dataclass(frozen=True)
class Listed:
    """A list at the root (:func:`mesgraph.api.paging.listing`).

    ``whole`` is the statement of rows of ``entity`` without a filter, or what makes it of a context where it is not the
    same for every caller; ``conditions`` are those of a filter, which may have to be looked up in a session; ``orders``
    are the orders of the list by their words.
    """

    entity: type[Entity]
    whole: Select[Any] | Callable[[Any], Select[Any]]
    conditions: Callable[[Any, Any, Any], Iterable[ColumnElement[bool]]]
    orders: Mapping[Any, Any]

    def selected(self, context: Any, session: Any, wanted: Any) -> Select[Any]:
        """The statement of what is wanted: everything when that is none."""
        whole = self.whole if isinstance(self.whole, Select) else self.whole(context)
        return whole if wanted is None else whole.where(*self.conditions(context, session, wanted))


@dataclass(frozen=True)
class Found:
    """One row at the root, by a key that is one column of a table.

    ``key`` makes of the arguments the value of ``column``, with further conditions that are the same for every call of
    the same form; ``None`` where the arguments name it in some other way.
    """

    target: type[Entity]
    key: Callable[..., "Key | None"]


@dataclass(frozen=True)
class Key:
    """The value of a column that names one row among those that meet ``also``."""

    column: InstrumentedAttribute[Any]
    value: Any
    also: tuple[ColumnElement[bool], ...] = ()


@dataclass(frozen=True)
class Called:
    """An object at the root that ``call`` finds for a context and the arguments; its fields are its attributes."""

    call: Callable[..., Awaitable[Any]]


@dataclass(frozen=True)
class Entries:
    """A list in such an object. ``rows`` makes tuples of it and the arguments of the field; ``places`` says where in a
    tuple the value of a field stands, or the id of a row of ``target``.
    """

    rows: Callable[..., Sequence[tuple[Any, ...]]]
    places: Mapping[str, int]
    target: type[Entity]


Shape: TypeAlias = Identity | Reads | Computed | Part | ToOne | ToMany | Listed | Found | Called | Entries
SHAPE: Final = "shape"


def amount(value: Expression, uom: Expression | Computed) -> Part:
    """A quantity: its value and its unit."""
    return Part({"value": value, "uom": uom})


def shaped(shape: Shape) -> Callable[[F], F]:
    """Decorator of a resolver: what it reads."""

    def mark(resolver: F) -> F:
        setattr(resolver, SHAPE, shape)
        return resolver

    return mark


def definition_of(field: GraphQLField) -> StrawberryField:
    """The declaration behind a field of the schema."""
    definition: StrawberryField = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    return definition


def shape_of(field: GraphQLField) -> Shape | str | None:
    """The shape of a field; the name of its attribute when it has no resolver; none when it is beyond plans."""
    definition = definition_of(field)
    if definition.base_resolver is None:
        return definition.python_name
    shape: Shape | None = getattr(definition.base_resolver.wrapped_func, SHAPE, None)
    return shape

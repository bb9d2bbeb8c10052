"""Arguments of a field as its resolver takes them: what strawberry does for each call, found out once.

graphql-core has coerced the values before; what is left is to make the classes of inputs and the members of enums.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import Any, TypeAlias

from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import StrawberryList, StrawberryOptional, get_object_definition, has_object_definition
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType

Conversion: TypeAlias = Callable[[Any], Any] | None
"""Makes of a coerced value what Python code takes; none where that is the value itself."""


def arguments_of(field: StrawberryField, config: StrawberryConfig) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """What makes the keyword arguments of a resolver."""
    name_of = config.name_converter.from_argument
    members = [(name_of(argument), argument.python_name, _of(argument.type, config)) for argument in field.arguments]
    return _members(members)


def _members(
    members: list[tuple[str, str, Conversion]],
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    def convert(sent: Mapping[str, Any]) -> dict[str, Any]:
        made = {}
        for name, python_name, conversion in members:
            if name in sent:
                value = sent[name]
                made[python_name] = value if conversion is None or value is None else conversion(value)
        return made

    return convert


def _of(type_: Any, config: StrawberryConfig) -> Conversion:
    match type_:
        case StrawberryOptional():
            return _of(type_.of_type, config)
        case StrawberryList():
            return _list(_of(type_.of_type, config))
        case LazyType():
            return _of(type_.resolve_type(), config)
        case StrawberryEnumDefinition():
            return _enum(type_.wrapped_cls)
    if has_enum_definition(type_):
        return _enum(type_.__strawberry_definition__.wrapped_cls)
    return _input(type_, config) if has_object_definition(type_) else None


def _list(of_item: Conversion) -> Conversion:
    def convert(values: Any) -> list[Any]:
        return [value if of_item is None or value is None else of_item(value) for value in values]

    return convert


def _enum(words: Any) -> Conversion:
    return lambda value: value if isinstance(value, words) else words(value)


def _input(type_: Any, config: StrawberryConfig) -> Conversion:
    fields = get_object_definition(type_, strict=True).fields
    absent = {
        field.python_name: None
        for field in fields
        if field.default_value is MISSING and field.default_factory is MISSING
    }
    name_of = config.name_converter.from_field
    convert = _members([(name_of(field), field.python_name, _of(field.resolve_type(), config)) for field in fields])
    return lambda sent: type_(**{**absent, **convert(sent)})

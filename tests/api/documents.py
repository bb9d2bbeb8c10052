"""Documents over the real schema, drawn by a seed: fragments, aliases, variables, directives, and some refusals."""

import base64
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from mesgraph.access.policy import audience
from mesgraph.access.roles import EVERYONE
from mesgraph.api.plan.shapes import Called, Found, Listed, shape_of
from mesgraph.materials.models import Item

DEPTH = 3
FIELDS = 5


@dataclass
class Drawn:
    """One document with the values of its variables."""

    text: str
    variables: dict[str, Any]


@dataclass
class Draw:
    """Draws documents. ``keys`` are keys of items; ``cursors`` are places in lists that answers have named before."""

    schema: GraphQLSchema
    random: random.Random
    keys: list[dict[str, str]]
    cursors: list[str] = field(default_factory=list)

    def document(self) -> Drawn:
        """A document of one operation."""
        self._fragments: list[str] = []
        self._declared: dict[str, str] = {}
        self._variables: dict[str, Any] = {}
        roots = [self._root() for _ in range(self.random.choice((1, 1, 1, 2, 3)))]
        declared = ", ".join(f"${name}: {of}" for name, of in self._declared.items())
        head = f"query Drawn({declared})" if declared else self.random.choice(("query", "query Drawn", ""))
        return Drawn(f"{head} {{ {' '.join(roots)} }} {' '.join(self._fragments)}", self._variables)

    def _root(self) -> str:
        query = self.schema.query_type
        assert query is not None
        planned = [name for name, of in query.fields.items() if isinstance(shape_of(of), Listed | Found | Called)]
        for_all = [name for name in planned if audience("Query", name) == EVERYONE]
        name = self.random.choice(planned if self.random.random() < 0.1 else for_all)
        return f"r{self.random.randrange(10**6)}: {self._field(query, name, DEPTH)}"

    def _field(self, parent: Any, name: str, depth: int) -> str:
        definition = parent.fields[name]
        kind: Any = get_named_type(definition.type)
        below = "" if is_leaf_type(kind) else self._selections(kind, depth - 1)
        return f"{name}{self._arguments(definition)}{self._directive()} {below}"

    def _selections(self, kind: Any, depth: int) -> str:
        names = [name for name, of in kind.fields.items() if self._is_wanted(of, depth)]
        chosen = self.random.sample(names, min(len(names), self.random.randrange(1, FIELDS))) if names else []
        parts = [self._named(self._field(kind, name, depth)) for name in chosen]
        if not parts or self.random.random() < 0.15:
            parts.append("__typename")
        if isinstance(kind, GraphQLInterfaceType) and depth > 0 and self.random.random() < 0.5:
            narrower = self.random.choice(self.schema.get_possible_types(kind))
            parts.append(f"... on {narrower.name} {self._selections(narrower, depth - 1)}")
        text = f"{{ {' '.join(parts)} }}"
        return self._spread(kind, text) if self.random.random() < 0.1 else text

    def _is_wanted(self, definition: GraphQLField, depth: int) -> bool:
        """Mostly what plans can express; connections and what hangs on rows, while there is depth left."""
        if any(is_required_argument(argument) for argument in definition.args.values()):
            return False
        if depth <= 0 and not is_leaf_type(get_named_type(definition.type)):
            return False
        return shape_of(definition) is not None or self.random.random() < 0.02

    def _named(self, text: str) -> str:
        return f"a{self.random.randrange(10**6)}: {text}" if self.random.random() < 0.2 else text

    def _spread(self, kind: Any, selections: str) -> str:
        name = f"F{len(self._fragments)}"
        self._fragments.append(f"fragment {name} on {kind.name} {selections}")
        return f"{{ ...{name} }}"

    def _directive(self) -> str:
        if self.random.random() < 0.93:
            return ""
        which = self.random.choice(("skip", "include"))
        value = self.random.choice(("true", "false", ""))
        return f" @{which}(if: {value or self._variable('Boolean!', self.random.random() < 0.5)})"

    def _variable(self, kind: str, value: Any) -> str:
        name = f"v{len(self._declared)}"
        self._declared[name] = kind
        self._variables[name] = value
        return f"${name}"

    def _arguments(self, definition: GraphQLField) -> str:
        match shape_of(definition):
            case Listed():
                given = self._of_list(definition)
            case Found(target=target) if target is Item:
                given = {"key": self._variable("ItemKey!", self.random.choice(self.keys))}
            case Called():
                key, way = self.random.choice(self.keys), self.random.choice(("BACKWARD", "FORWARD", "BOTH"))
                given = {"item": self._variable("ItemKey!", key), "direction": way}
            case _:
                return ""
        return f"({', '.join(f'{name}: {value}' for name, value in given.items())})" if given else ""

    def _of_list(self, definition: GraphQLField) -> Mapping[str, str]:
        given = {}
        draw = self.random
        if draw.random() < 0.9:
            first = draw.choice((1, 2, 3, 4)) if draw.random() < 0.95 else draw.choice((0, 50, 501))
            given["first"] = self._variable("Int!", first) if draw.random() < 0.5 else str(first)
        if draw.random() < 0.6:
            words: Any = get_named_type(definition.args["orderBy"].type)
            assert isinstance(words, GraphQLEnumType)
            word = draw.choice(list(words.values))
            given["orderBy"] = word
        fitting = [cursor for cursor in self.cursors if _order_of(cursor) == given.get("orderBy")]
        if fitting and draw.random() < 0.3:
            given["after"] = self._variable("String", draw.choice(fitting))
        if draw.random() < 0.2:
            wanted: Any = get_named_type(definition.args["filter"].type)
            if "keyPrefix" in wanted.fields:
                given["filter"] = self._variable(wanted.name, draw.choice(({"keyPrefix": "R"}, {}, None)))
        return given


def _order_of(cursor: str) -> Any:
    """The order of a list in which a cursor is a place."""
    return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))[0]
